"""Fyers API Bridge: `SYMBOL:` and `TYPE:` (LE LX SE SX) on lines, with optional `PRICE: TRIG: SL: TGT: STAG:`.

Source: fyers.in/support/article/how-to-integrate-fyers-api-bridge-with-tradingview and mycoder.pro/apibridge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families import levels, moves, values
from bridge.dialects.families.pairs import Pairs, is_text, refuse_unknown, split_pair
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading, Side, Trailing

_TYPE = re.compile(r"(?:^|\n)[ \t]*TYPE[ \t]*:[ \t]*(LE|LX|SE|SX)\b", re.IGNORECASE)
_SYMBOL = re.compile(r"(?:^|\n)[ \t]*SYMBOL[ \t]*:", re.IGNORECASE)
_TYPE_KEY = re.compile(r"(?:^|\n)[ \t]*TYPE[ \t]*:", re.IGNORECASE)
_INTENTS: Mapping[str, tuple[Intent, Side]] = {
    "le": (Intent.ENTER_LONG, Side.BUY),
    "lx": (Intent.EXIT_LONG, Side.SELL),
    "se": (Intent.ENTER_SHORT, Side.SELL),
    "sx": (Intent.EXIT_SHORT, Side.BUY),
}
# What the order is, by whether it has a price and a trigger.
_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}
_KEYS = frozenset({"symbol", "type", "price", "trig", "sl", "tgt", "stag", "ins", "qty", "trail"})


def recognise(message: Message) -> str | None:
    """A line `TYPE:` with one of the four signals, or with anything next to a line `SYMBOL:`."""
    if not is_text(message) or ":" not in message.text:
        return None
    if found := _TYPE.search(message.text):
        return f"it has TYPE: {found[1]} on a line"
    return (
        "it has SYMBOL: and TYPE: on lines" if _SYMBOL.search(message.text) and _TYPE_KEY.search(message.text) else None
    )


def read(message: Message, context: Context) -> Reading:
    """Each group of lines is a signal; `LX,SE` is two of them, one after the other."""
    groups = list(_groups(message.text))
    moves.refuse_many(sum(1 + group.get("type", "").count(",") for group in groups))
    orders = tuple(order for group in groups for order in _orders(group))
    tags = {tag for group in groups if (tag := values.optional_text(group.get("stag"), "STAG"))}
    return Reading(
        dialect=DIALECT.name, kind=Kind.ORDER, orders=orders, strategy=tags.pop() if len(tags) == 1 else None
    )


def _groups(text: str) -> Iterator[Pairs]:
    """A key that comes again begins the next signal."""
    group: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        key, value = split_pair(line, ":")
        if key in group:
            yield group
            group = {}
        group[key] = value
    yield group


def _orders(group: Pairs) -> Iterator[OrderIntent]:
    refuse_unknown(group, _KEYS, "the bridge")
    for said in values.text(group.get("type"), "TYPE").split(","):
        intent, side = values.word(said, "TYPE", _INTENTS, code="unknown_signal_type")
        yield _order(intent, side, group)


def _order(intent: Intent, side: Side, group: Pairs) -> OrderIntent:
    named = values.optional_text(group.get("symbol"), "SYMBOL")
    quantity = values.optional_positive(group.get("qty"), "QTY")
    trail = values.unless_zero(group.get("trail"), "TRAIL")
    return OrderIntent(
        intent=intent,
        side=side,
        symbol=values.symbol(named, "SYMBOL") if named else None,
        symbol_from=None if named else "chart",
        quantity=quantity,
        quantity_type=QuantityType.UNITS if quantity else QuantityType.DEFAULT,
        stop_loss=levels.level("setting", group.get("sl"), "SL"),
        take_profit=levels.some(levels.level("setting", group.get("tgt"), "TGT")),
        trailing=Trailing(type="setting", distance=trail) if trail else None,
        tag=values.optional_text(group.get("stag"), "STAG"),
        extras={"instrument_name": group["ins"]} if group.get("ins") else {},
        **_prices(group),
    )


def _prices(group: Pairs) -> dict[str, Any]:
    price = values.unless_zero(group.get("price"), "PRICE")
    trigger = values.unless_zero(group.get("trig"), "TRIG")
    return {"order_type": _TYPES[bool(price), bool(trigger)], "price": price, "trigger_price": trigger}


DIALECT = Dialect(name="fyers_api_bridge", title="Fyers API Bridge", rank=25, recognise=recognise, read=read)
