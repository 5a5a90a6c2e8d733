"""Orders that wait for a person: which of the broker's orders they could be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.kit.database import Row


def candidates(events: Iterable[Row]) -> list[Mapping[str, Any]]:
    """The broker's orders that the newest entry of an order's journal names; each has a `broker_order_id`."""
    named: list[Any] = []
    for event in events:
        payload = json.loads(event["payload"])
        named = payload.get("candidates", named) if isinstance(payload, dict) else named
    found = [c if isinstance(c, dict) else {"broker_order_id": c} for c in named]
    return [c for c in found if c.get("broker_order_id")]
