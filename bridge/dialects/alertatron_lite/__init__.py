"""Alertatron's Signals Lite: a direction and sizes, the symbol from the bot. https://alertatron.com/docs/signals-lite"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.values import (
    absent,
    amount,
    boolean,
    object_of,
    optional_boolean,
    optional_positive,
    optional_word,
    positive,
    word,
)
from bridge.domain.intent import Intent, Kind, Level, OrderIntent, OrderType, QuantityType, Reading, Side

SIDES = {
    "long": (Intent.ENTER_LONG, Side.BUY),
    "short": (Intent.ENTER_SHORT, Side.SELL),
    "close": (Intent.EXIT, None),
}
ENTRIES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT}

_MEMBERS = frozenset(
    {"side", "amount", "entry", "price", "leverage", "takeProfit", "takeProfitOffset", "stopLoss", "stopLossOffset"}
    | {"closeExisting", "useHedgeMode"}
)


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or not body.keys() <= _MEMBERS:
        return None
    side = body.get("side")
    return "it has a side and no symbol" if isinstance(side, str) and side.strip().casefold() in SIDES else None


def _read(message: Message, context: Context) -> Reading:
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(_order(object_of(message.json)),))


def _order(body: dict[str, Any]) -> OrderIntent:
    intent, side = word(body.get("side"), "side", SIDES, code="unknown_side")
    hedged = optional_boolean(body.get("useHedgeMode"), "useHedgeMode")
    take_profit = _level(body, "takeProfit")
    quantity, quantity_type = _size(body.get("amount"), intent)
    return OrderIntent(
        intent=intent,
        symbol_from="bot settings",
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        **_entry(body),
        leverage=optional_positive(body.get("leverage"), "leverage"),
        take_profit=(take_profit,) if take_profit else (),
        stop_loss=_level(body, "stopLoss"),
        close_opposite=optional_boolean(body.get("closeExisting"), "closeExisting"),
        extras={} if hedged is None else {"hedge": hedged},
    )


def _size(value: Any, intent: Intent) -> tuple[Any, QuantityType]:
    closing = intent is Intent.EXIT
    if absent(value):
        return None, QuantityType.FULL_POSITION if closing else QuantityType.DEFAULT
    found, is_percent = amount(value, "amount")
    if is_percent:
        return found, QuantityType.PERCENT_POSITION if closing else QuantityType.PERCENT_EQUITY
    return found, QuantityType.UNITS


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("entry"), "entry", ENTRIES) or OrderType.DEFAULT
    if order_type is OrderType.LIMIT:
        return {"order_type": order_type, "price": positive(body.get("price"), "price")}
    return {"order_type": order_type, "signal_price": optional_positive(body.get("price"), "price")}


def _level(body: dict[str, Any], name: str) -> Level | None:
    """The exit that `takeProfit` or `stopLoss` switches on, at the distance of its `…Offset`."""
    switch, offset = body.get(name), body.get(f"{name}Offset")
    if absent(switch) and not absent(offset):
        raise Unreadable("missing_member", f"{name}: set it to true to use {name}Offset, or leave both out")
    if absent(switch) or not boolean(switch, name):
        return None
    distance, is_percent = amount(offset, f"{name}Offset")
    return Level(type="percent" if is_percent else "offset", value=distance)


DIALECT = Dialect(name="alertatron_lite", title="Alertatron Signals Lite", rank=35, recognise=_recognise, read=_read)
