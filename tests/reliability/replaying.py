"""An order's events, played again from the first, must give its row exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.reliability.ledgers import Row, payload

FINAL_AT_BROKER = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED_AT_BROKER")
_BROKER_SAYS = ("broker_reply", "book", "stream")


def replay(row: Row, events: Sequence[Row]) -> Iterator[str]:
    """What does not fit; nothing when the events explain the row."""
    if not events or events[0]["type"] != "order.queued":
        yield f"{row['ref']}: no event begins it"
        return
    played: Row = dict(payload(events[0])["set"])
    for event in events[1:]:
        said = payload(event)
        if "set" not in said:  # a person's question changes nothing
            continue
        yield from _step(row, played, event, said)
        played |= said["set"]
    differing = {name for name in row if _text(played.get(name)) != _text(row[name])}
    for name in sorted(differing):
        yield f"{row['ref']}: events say {name} = {played.get(name)}, the row {row[name]}"


def _step(row: Row, played: Row, event: Row, said: Row) -> Iterator[str]:
    before, after = played["state"], said["set"]["state"]
    if said["from"] != before:
        yield f"{row['ref']}: {event['type']} starts from {said['from']}, the order was {before}"
    if before in FINAL_AT_BROKER and after != before and event["provenance"] not in _BROKER_SAYS:
        yield f"{row['ref']}: {event['provenance']} changed {before}, which the broker had said, to {after}"
    filled = said["set"].get("filled")
    if filled is not None and float(filled) < float(played.get("filled") or 0):
        yield f"{row['ref']}: filled fell from {played['filled']} to {filled}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
