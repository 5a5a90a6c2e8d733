"""Orders that a person must decide: what was asked of the broker, and which of its orders could be ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.admin import figures
from bridge.admin.names import Names
from bridge.admin.order_lines import OrderLine, order_line
from bridge.admin.stories import uncertain_sentence
from bridge.admin.timeline import as_object
from bridge.admin.visit import Visit
from bridge.kit.clock import micros
from bridge.kit.database import Row
from bridge.orders.parked import candidates

NONE_OF_THEM = "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """One order of the broker's book that could be ours."""

    broker_order_id: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCard:
    """A parked order: why it is parked, what is at stake, and the choices. None of them is preselected."""

    line: OrderLine
    asked_at: str
    why: str
    stake: str
    choices: tuple[Choice, ...]


async def decision_cards(visit: Visit, rows: Sequence[Row]) -> list[DecisionCard]:
    """A card for each of those parked orders."""
    events = await visit.queries.candidates_of(visit.user.id, [row["id"] for row in rows])
    return [
        decision_card(row, [e for e in events if e["order_id"] == row["id"]], visit.names, visit.now) for row in rows
    ]


def decision_card(row: Row, events: Sequence[Row], names: Names, now: int) -> DecisionCard:
    """The card of one parked order; the newest event that names candidates counts."""
    line = order_line(row, names, now)
    instrument = names.instrument(row["exchange"], row["symbol"])
    quote = names.market.quote(instrument) if instrument else None
    return DecisionCard(
        line=line,
        asked_at=figures.full_time(row["sent_at"]) if row["sent_at"] else "",
        why=why(row, events) or "The answer was not clear, and the broker’s book does not prove which order is ours.",
        stake=uncertain_sentence(
            line, row, quote.last if quote else None, instrument.currency if instrument else "INR"
        ),
        choices=tuple(_choice(found, row, line.broker, names) for found in candidates(events)),
    )


def why(row: Row, events: Iterable[Row]) -> str:
    """What the journal says made the order uncertain, then why it was parked."""
    parked = [as_object(event["payload"]).get("why") for event in events if event["type"] == "order.parked"]
    said = [str(text).strip().rstrip(".") for text in (row["message"], *parked[-1:]) if text]
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in said)


def _choice(found: Mapping[str, Any], row: Row, broker: str, names: Names) -> Choice:
    number = str(found["broker_order_id"])
    title = [f"{str(found.get('side') or row['side']).upper()} {found.get('quantity') or row['quantity']}"]
    for label, member in (("limit", "price"), ("stop", "trigger_price")):
        if value := figures.decimal(found.get(member)):
            title.append(f"{label} {names.price(row['exchange'], row['symbol'], value)}")
    state = str(found.get("state") or "").replace("_", " ")
    average = figures.decimal(found.get("average_price"))
    if state:
        title.append(f"{state} at {names.price(row['exchange'], row['symbol'], average)}" if average else state)
    placed = _stamp(found.get("placed_at"))
    detail = [f"{figures.clock_time(placed)} IST" if placed else "", f"{broker} order {number}"]
    if placed and row["sent_at"]:
        detail.append(_distance(placed - row["sent_at"]))
    return Choice(number, ", ".join(title), ", ".join(filter(None, detail)))


def _distance(spent: int) -> str:
    return f"placed {figures.span(abs(spent))} {'after' if spent >= 0 else 'before'} our request"


def _stamp(moment: object) -> int | None:
    if isinstance(moment, int):
        return moment
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    return micros(found if found.tzinfo else found.replace(tzinfo=UTC))
