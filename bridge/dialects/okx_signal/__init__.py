"""OKX's signal bot; BloFin takes the same. https://www.okx.com/help/signal-bot-alert-message-specifications"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.positions import SIDE_OF, claim, intent_between, side_of
from bridge.dialects.families.values import (
    absent,
    number,
    object_of,
    optional_positive,
    optional_text,
    optional_word,
    symbol,
    word,
)
from bridge.domain.intent import Intent, Kind, Level, OrderIntent, OrderType, QuantityType, Reading

ACTIONS = {
    "buy": Intent.BUY,
    "sell": Intent.SELL,
    "enter_long": Intent.ENTER_LONG,
    "enter_short": Intent.ENTER_SHORT,
    "exit_long": Intent.EXIT_LONG,
    "exit_short": Intent.EXIT_SHORT,
}
INVESTMENT_TYPES = {
    "base": QuantityType.BASE,
    "contract": QuantityType.CONTRACTS,
    "margin": QuantityType.CASH,
    "percentage_balance": QuantityType.PERCENT_AVAILABLE,
    "percentage_investment": QuantityType.PERCENT_EQUITY,
    "percentage_position": QuantityType.PERCENT_POSITION,
}
ORDER_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT}

_PLAIN = frozenset({Intent.BUY, Intent.SELL})
_EXITS = frozenset({Intent.EXIT_LONG, Intent.EXIT_SHORT})


def _recognise(message: Message) -> str | None:
    body = message.json
    return "it has a signalToken" if isinstance(body, dict) and {"signalToken", "action"} <= body.keys() else None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    signal_id = optional_text(body.get("id"), "id")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        timestamp=optional_text(body.get("timestamp"), "timestamp"),
        max_age_s=optional_positive(body.get("maxLag"), "maxLag"),
        secret=optional_text(body.get("signalToken"), "signalToken"),
        extras={"signal_id": signal_id} if signal_id else {},
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    action = word(body.get("action"), "action", ACTIONS, code="unknown_action")
    side = SIDE_OF[action]
    after = claim(body.get("marketPosition"), body.get("marketPositionSize"), "marketPosition")
    before = claim(body.get("prevMarketPosition"), body.get("prevMarketPositionSize"), "prevMarketPosition")
    if action in _PLAIN:
        action = intent_between(side_of(before), side_of(after), side)
    amount = optional_positive(body.get("amount"), "amount")  # a size that comes to 0 is not "unsaid"
    kind = None if amount is None else word(body.get("investmentType"), "investmentType", INVESTMENT_TYPES)
    return OrderIntent(
        intent=action,
        symbol=symbol(body.get("instrument"), "instrument"),
        side=side,
        quantity=amount,
        quantity_type=kind or (QuantityType.FULL_POSITION if action in _EXITS else QuantityType.DEFAULT),
        position_before=before,
        position_after=after,
        **_entry(body),
    )


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("orderType"), "orderType", ORDER_TYPES) or OrderType.MARKET
    offset = body.get("orderPriceOffset")
    if order_type is OrderType.MARKET or absent(offset):
        return {"order_type": order_type}
    return {"order_type": order_type, "price_offset": Level(type="percent", value=number(offset, "orderPriceOffset"))}


DIALECT = Dialect(name="okx_signal", title="OKX and BloFin signal bots", rank=10, recognise=_recognise, read=_read)
