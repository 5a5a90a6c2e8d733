"""Orders that wait for a yes: what is asked, how far the price has gone since, how long is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bridge.admin import figures
from bridge.admin.names import Names
from bridge.admin.visit import Visit
from bridge.domain.intent import OrderType
from bridge.orders.approvals import Waiting
from bridge.orders.asking import describe_wish
from bridge.orders.records import IntentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCard:
    """One intent that waits, with all figures ready to print; `moved` has the sign of the change, or is empty."""

    id: str
    alert_id: str
    label: str
    side: str
    quantity: str
    symbol: str
    account: str
    paper: bool
    strategy: str
    terms: str
    why: str
    since: str
    left: str
    then: str
    now: str
    moved: str
    value: str


async def ask_cards(visit: Visit) -> list[AskCard]:
    """Everything that waits for this person, the soonest end first."""
    return [_card(found, visit.names, visit.now) for found in await visit.ports.waiting(visit.user)]


def _card(found: Waiting, names: Names, now: int) -> AskCard:
    intent, asked = found.intent, found.intent.approval
    account = names.account(intent.account_id)

    def price(value: Decimal | None) -> str:
        return names.price(intent.exchange, intent.symbol, value) if value is not None else "not known"

    return AskCard(
        id=intent.id,
        alert_id=intent.alert_id,
        label=describe_wish(intent),
        side=asked.side.upper() if asked.side else "",
        quantity=names.quantity(intent.exchange, intent.symbol, asked.quantity) if asked.quantity is not None else "",
        symbol=intent.symbol,
        account=account.name,
        paper=account.is_paper,
        strategy=names.strategy(intent.strategy_id),
        terms=_terms(intent, price),
        why=intent.message or "",
        since=figures.short_time(intent.created_at, now),
        left=figures.span(intent.deadline - now),
        then=price(asked.price),
        now=price(found.price_now),
        moved=f"{found.moved_percent:+.2f} %".replace("-", figures.MINUS) if found.moved_percent is not None else "",
        value=_value(found, names),
    )


def _terms(intent: IntentRecord, price: Callable[[Decimal | None], str]) -> str:
    """`Limit 26,485.00`, `Stop 3,212.00`, `Market`."""
    wish, kind = intent.wish, intent.wish.order_type
    kind = intent.settings.order_type if kind is OrderType.DEFAULT else kind
    given = [("Stop", wish.trigger_price), ("Limit", wish.price)]
    said = ", ".join(f"{word} {price(value)}" for word, value in given if value is not None)
    return said or kind.value.replace("_", " ").capitalize()


def _value(found: Waiting, names: Names) -> str:
    quantity = found.intent.approval.quantity
    if quantity is None or found.price_now is None:
        return "not known"
    known = names.instrument(found.intent.exchange, found.intent.symbol)
    return figures.in_prose(quantity * found.price_now, known.currency if known else "INR")
