"""Whether the orders are what the journal says: their newest events played again, compared with their rows."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter

from bridge.kit.database import Reader, Row
from bridge.kit.schema import Finding

ORDERS = 200

# One statement, so that rows and events are of one moment.
_NEWEST = (
    "SELECT o.*, e.payload AS event_payload FROM orders o JOIN events e ON e.order_id = o.id"
    " WHERE o.id IN (SELECT id FROM orders ORDER BY id DESC LIMIT :number) ORDER BY o.id, e.seq"
)


def check(reader: Reader, number: int = ORDERS) -> Finding:
    """Replay the newest orders. A difference means that somebody changed a row behind the journal's back."""
    rows = reader.read(_NEWEST, {"number": number})
    wrong = [
        f"{order_id} ({', '.join(columns)})"
        for order_id, lines in groupby(rows, key=itemgetter("id"))
        if (columns := _differences(list(lines)))
    ]
    if not wrong:
        return Finding("journal")
    return Finding(
        "journal", f"orders differ from their events: {', '.join(wrong[:5])}; compare them with the broker's book"
    )


def _differences(lines: list[Row]) -> list[str]:
    """The columns in which the order's row is not what its events made of it."""
    replayed: Row = {}
    for line in lines:
        replayed |= json.loads(line["event_payload"]).get("set") or {}
    return [name for name, value in replayed.items() if lines[0][name] != value]
