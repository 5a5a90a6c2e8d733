"""tv-connector for decentralised exchanges. https://github.com/junta/tradingview-to-dydx"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.positions import LEAVE, PLAIN, STANCES, TOWARDS, opposite
from bridge.dialects.families.values import (
    HUNDRED,
    object_of,
    optional_boolean,
    optional_number,
    optional_text,
    optional_word,
    positive,
    side,
    symbol,
)
from bridge.domain.intent import Kind, OrderIntent, OrderType, QuantityType, Reading

SIZES = {
    "size": QuantityType.BASE,
    "sizeUsd": QuantityType.CASH,
    "sizeByLeverage": QuantityType.PERCENT_EQUITY,
}


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and {"market", "order"} <= body.keys() and {"strategy", "exchange"} & body.keys():
        return "it has market and order beside a strategy or exchange"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        strategy=optional_text(body.get("strategy"), "strategy"),
        secret=optional_text(body.get("passphrase"), "passphrase"),
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    found = side(body.get("order"), "order")
    after = optional_word(body.get("position"), "position", STANCES, code="unknown_position")
    quantity, quantity_type = _size(body)
    flips = optional_boolean(body.get("reverse"), "reverse")
    return OrderIntent(
        intent=LEAVE[opposite(TOWARDS[found])] if after == "flat" else PLAIN[found],
        symbol=symbol(body.get("market"), "market"),
        exchange=optional_text(body.get("exchange"), "exchange"),
        side=found,
        quantity=quantity,
        quantity_type=quantity_type,
        order_type=OrderType.MARKET,
        signal_price=optional_number(body.get("price"), "price"),
        sentiment_after=after,
        extras={} if flips is None else {"double_to_reverse": flips},
    )


def _size(body: dict[str, Any]) -> tuple[Any, QuantityType]:
    sent = [name for name in SIZES if body.get(name) is not None]
    if len(sent) > 1:
        raise Unreadable("two_sizes", f"{sent[0]} and {sent[1]}: send only one size")
    if not sent:
        return None, QuantityType.DEFAULT
    quantity = positive(body[sent[0]], sent[0])
    # A multiple of the account's value: 0.5 is half of it.
    return quantity * HUNDRED if sent[0] == "sizeByLeverage" else quantity, SIZES[sent[0]]


DIALECT = Dialect(name="tv_alert_connector", title="TV alert connector", rank=20, recognise=_recognise, read=_read)
