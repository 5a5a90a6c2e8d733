"""From an order's row to what a line of a table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.admin import figures
from bridge.admin.names import Names
from bridge.admin.words import ORDER_BADGES, PENDING_WORDS, Badge
from bridge.domain.lifecycle import AT_BROKER, TERMINAL, UNCERTAIN, OrderState

GROUPS = {"needs": "Needs you", "open": "Open", "done": "Done"}
_REASON_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One order as the page shows it; all figures are ready to print."""

    id: str
    alert_id: str
    ref: str
    at: str
    side: str
    symbol: str
    exchange: str
    filled: str
    quantity: str
    certain: bool
    asked: str
    average: str
    badge: Badge
    reason: str
    account: str
    broker: str
    paper: bool
    strategy: str
    group: str
    can_cancel: bool

    @property
    def label(self) -> str:
        """`SELL 500 ITC`: how buttons and sentences name it."""
        return f"{self.side} {self.quantity} {self.symbol}"


def order_line(row: Mapping[str, Any], names: Names, now: int) -> OrderLine:
    """The line of one row of `orders`. `now` in microseconds, for ages."""
    state = OrderState(row["state"])
    account = names.account(row["account_id"])
    average = row["average_price"]
    return OrderLine(
        id=row["id"],
        alert_id=row["alert_id"],
        ref=row["ref"],
        at=figures.short_time(row["queued_at"], now),
        side=str(row["side"]).upper(),
        symbol=row["symbol"],
        exchange=row["exchange"],
        filled=filled_words(row, names),
        quantity=names.quantity(row["exchange"], row["symbol"], Decimal(row["quantity"])),
        certain=state not in UNCERTAIN,
        asked=asked_words(row, names),
        average=names.price(row["exchange"], row["symbol"], Decimal(average)) if average else "",
        badge=order_badge(row, names, now),
        reason=row["message"] or "",
        account=account.name,
        broker=account.broker.capitalize(),
        paper=account.is_paper,
        strategy=names.strategy(row["strategy_id"]),
        group=group_of(state),
        can_cancel=(state in AT_BROKER or state is OrderState.QUEUED) and not row["pending_op"],
    )


def group_of(state: OrderState) -> str:
    """`needs`, `open` or `done`."""
    if state is OrderState.PARKED:
        return "needs"
    return "done" if state in TERMINAL else "open"


def filled_words(row: Mapping[str, Any], names: Names) -> str:
    """The filled quantity; what is not proved reads `0 or 65`."""
    filled, wanted = (names.quantity(row["exchange"], row["symbol"], Decimal(row[n])) for n in ("filled", "quantity"))
    return f"{filled} or {wanted}" if OrderState(row["state"]) in UNCERTAIN else filled


def order_badge(row: Mapping[str, Any], names: Names, now: int) -> Badge:
    """The state's badge with age or reason in its word."""
    state = OrderState(row["state"])
    badge = ORDER_BADGES[state]
    if row["pending_op"] and state not in TERMINAL:
        return Badge(PENDING_WORDS.get(row["pending_op"], "Change asked"), "circle-dot", "move")
    if state is OrderState.PARKED:
        return badge.saying(f"Parked {figures.age(row['updated_at'], now)}")
    if state is OrderState.PARTIALLY_FILLED:
        wanted = names.quantity(row["exchange"], row["symbol"], Decimal(row["quantity"]))
        return badge.saying(f"Part filled {filled_words(row, names)}/{wanted}")
    if state in (OrderState.REJECTED, OrderState.NOT_SENT) and row["code"]:
        return badge.saying(f"{badge.word}: {short_reason(row['code'])}")
    return badge


def short_reason(code: str) -> str:
    """A refusal's code as words: `margin_shortfall` becomes `margin shortfall`."""
    words = code.replace("_", " ").strip()
    return words if len(words) <= _REASON_LENGTH else f"{words[:_REASON_LENGTH]}…"


def asked_words(row: Mapping[str, Any], names: Names) -> str:
    """`Limit 26,485.00`, `Stop 3,212.00`, `Market, protected`."""

    def figure(name: str) -> str:
        value = row[name]
        return names.price(row["exchange"], row["symbol"], Decimal(value)) if value else ""

    limit, trigger = figure("price"), figure("trigger_price")
    kind = row["order_type"]
    if kind == "market":
        return "Market, protected" if row["protection"] else "Market"
    if kind == "stop_limit":
        return f"Stop {trigger}, limit {limit}"
    return f"Limit {limit}" if kind == "limit" else f"{kind.replace('_', ' ').capitalize()} {trigger or limit}".strip()
