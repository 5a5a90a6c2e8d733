"""Freqtrade's forceenter and forceexit bodies. https://www.freqtrade.io/en/stable/rest-api/"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import ORDER_TYPES
from bridge.dialects.families.positions import ENTER, SIDE_OF, Stance
from bridge.dialects.families.values import object_of, optional_positive, optional_text, optional_word, symbol, text
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading

SIDES: dict[str, Stance] = {"long": "long", "short": "short"}

_ENTER = frozenset({"pair", "side", "price", "ordertype", "stakeamount", "leverage", "entry_tag"})
_EXIT = frozenset({"tradeid", "ordertype", "amount"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict):
        return None
    if "tradeid" in body and body.keys() <= _EXIT:
        return "it has a tradeid"
    side = body.get("side", "long")
    if "pair" in body and body.keys() <= _ENTER and isinstance(side, str) and side.casefold() in SIDES:
        return "it has a pair and only what forceenter takes"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    if "tradeid" not in body:
        return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(_entry(body),), endpoint="forceenter")
    trade = text(body["tradeid"], "tradeid")
    if trade.casefold() == "all":
        everything = OrderIntent(intent=Intent.FLATTEN, scope="all", order_type=_order_type(body))
        return Reading(dialect=DIALECT.name, kind=Kind.FLATTEN, orders=(everything,), endpoint="forceexit")
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(_exit(body, trade),), endpoint="forceexit")


def _order_type(body: dict[str, Any]) -> OrderType:
    return optional_word(body.get("ordertype"), "ordertype", ORDER_TYPES) or OrderType.DEFAULT


def _exit(body: dict[str, Any], trade: str) -> OrderIntent:
    amount = optional_positive(body.get("amount"), "amount")
    return OrderIntent(
        intent=Intent.EXIT,
        symbol_from="trade",
        quantity=amount,
        quantity_type=QuantityType.FULL_POSITION if amount is None else QuantityType.BASE,
        order_type=_order_type(body),
        extras={"trade_id": trade},
    )


def _entry(body: dict[str, Any]) -> OrderIntent:
    intent = ENTER[optional_word(body.get("side"), "side", SIDES, code="unknown_side") or "long"]
    price = optional_positive(body.get("price"), "price")
    order_type = _order_type(body)
    if price is not None and order_type is OrderType.DEFAULT:
        order_type = OrderType.LIMIT  # a rate is only of use to a limit order
    stake = optional_positive(body.get("stakeamount"), "stakeamount")
    return OrderIntent(
        intent=intent,
        symbol=symbol(body.get("pair"), "pair"),
        side=SIDE_OF[intent],
        quantity=stake,
        quantity_type=QuantityType.DEFAULT if stake is None else QuantityType.QUOTE,
        order_type=order_type,
        price=price if order_type is OrderType.LIMIT else None,
        leverage=optional_positive(body.get("leverage"), "leverage"),
        tag=optional_text(body.get("entry_tag"), "entry_tag"),
    )


DIALECT = Dialect(name="freqtrade_rest", title="Freqtrade REST", rank=25, recognise=_recognise, read=_read)
