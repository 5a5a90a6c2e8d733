"""The account behind a key: what it has, holds and did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.api.openalgo.wire import Body, Call, Wire


class Nothing(Body):
    """A body of which only the key matters."""


def add(wire: Wire) -> None:
    """The endpoints of this module."""

    async def ping(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Whether key and account are good."""
        return wire.marked(call, {"data": {"message": "pong", "broker": wire.account(call).broker}})

    wire.post("ping", Nothing, ping)
