"""`symbol,action,price,quantity`; the price is the one at the alert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text, items
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import Intent, OrderIntent, OrderType, QuantityType, Reading, Side

_TICKER = re.compile(r"[A-Z0-9^][A-Z0-9.:/!&^_-]{0,40}")
_ANY_CASE = re.compile(_TICKER.pattern, re.IGNORECASE)
_ITEMS = 4
_WORD = re.compile(r"[A-Za-z_]{3,12}")
_DIGIT = re.compile(r"\d")
_FIGURE = re.compile(r"[+-]?[\d.]{1,32}")
_ENTRIES: Mapping[str, tuple[Side, Intent]] = {
    "buy": (Side.BUY, PLAIN[Side.BUY]),
    "sell": (Side.SELL, PLAIN[Side.SELL]),
    "long": (Side.BUY, Intent.ENTER_LONG),
    "short": (Side.SELL, Intent.ENTER_SHORT),
}
_CLOSES: Mapping[str, Literal["both"]] = {"close": "both", "exit": "both", "flat": "both"}


def recognise(message: Message) -> str | None:
    """Four items between commas: a ticker, an action, two numbers; either the action or the numbers may be broken.

    Behind an action that is known an item more or less is a slip, and a thousands comma makes one more.
    """
    if not is_text(message) or "=" in message.text or "\n" in message.text:
        return None
    items = [item.strip() for item in message.text.split(",", _ITEMS + 2)]
    if len(items) < _ITEMS - 1 or not _ANY_CASE.fullmatch(items[0]) or not _WORD.fullmatch(items[1]):
        return None
    numbers = sum(bool(_DIGIT.search(item)) for item in items[2:])
    if items[1].casefold() in {*_ENTRIES, *_CLOSES}:
        found = all(map(_FIGURE.fullmatch, items[2:])) or (numbers > 0 and len(items) == _ITEMS)
    else:
        found = numbers == 2 and len(items) == _ITEMS and bool(_TICKER.fullmatch(items[0]))
    return "it is symbol,action,price,quantity" if found else None


def read(message: Message, context: Context) -> Reading:
    """One order for a number of units."""
    symbol, action, price, quantity, *rest = items(message.text, ",", _ITEMS, "symbol,action,price,quantity")
    if rest:
        raise Unreadable(
            "too_many_items",
            "expected symbol,action,price,quantity and nothing behind; write thousands without a comma",
        )
    exchange, _, ticker = values.symbol(symbol).rpartition(":")
    order = replace(_order(ticker, action.casefold(), price, quantity), exchange=exchange or None)
    return Reading(dialect=DIALECT.name, kind=moves.kind_of([order]), orders=(order,))


def _order(symbol: str, action: str, price: str, quantity: str) -> OrderIntent:
    at_alert = values.unless_zero(price, "price")
    units = values.positive(quantity, "quantity")
    if action in _CLOSES:
        return moves.leave(
            _CLOSES[action],
            symbol=symbol,
            quantity=units,
            quantity_type=QuantityType.UNITS,
            order_type=OrderType.DEFAULT,
            signal_price=at_alert,
        )
    side, intent = values.word(action, "action", _ENTRIES, code="unknown_action")
    return OrderIntent(
        intent=intent,
        symbol=symbol,
        side=side,
        quantity=units,
        quantity_type=QuantityType.UNITS,
        signal_price=at_alert,
    )


DIALECT = Dialect(name="csv_short", title="symbol,action,price,quantity", rank=40, recognise=recognise, read=read)
