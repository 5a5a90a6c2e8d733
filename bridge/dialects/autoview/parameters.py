"""One Autoview command, `key=value` parts with blanks between them, as an order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from bridge.dialects.base import Unreadable
from bridge.dialects.families import levels, moves, values
from bridge.dialects.families.pairs import Pairs, level, one_of
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import (
    DistanceType,
    Intent,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Side,
    TimeInForce,
    Trailing,
)

_MARGIN_MODES: Mapping[str, Literal["isolated", "cross"]] = {
    "isolated": "isolated",
    "cross": "cross",
    "crossed": "cross",
}
_BOOKS: Mapping[str, tuple[Side, Intent]] = {
    "buy": (Side.BUY, PLAIN[Side.BUY]),
    "sell": (Side.SELL, PLAIN[Side.SELL]),
    "long": (Side.BUY, Intent.ENTER_LONG),
    "short": (Side.SELL, Intent.ENTER_SHORT),
}
_TYPES: Mapping[str, dict[str, Any]] = {
    "market": {"order_type": OrderType.MARKET},
    "limit": {"order_type": OrderType.LIMIT},
    "post": {"order_type": OrderType.LIMIT, "extras": {"post_only": True}},
    "fok": {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.FOK},
    "ioc": {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.IOC},
    "day": {"time_in_force": TimeInForce.DAY},
    "gtc": {"time_in_force": TimeInForce.GTC},
    "opg": {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.OPG},
    "cls": {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.CLS},
}
_STOPS: Mapping[str, DistanceType] = {"sl": "offset", "fsl": "price"}
_TARGETS: Mapping[str, DistanceType] = {"tp": "offset", "ftp": "price"}
_PRICES = {"p": "offset", "fp": "price"}
EXIT_KEYS = frozenset({*_STOPS, *_TARGETS, "ts"})

# Settings of the venue and of Autoview itself that do not change what is bought or sold.
_SETTINGS = frozenset(
    {"ab", "aid", "amr", "ar", "bcc", "cc", "close", "cmo", "cot", "eh", "tb", "h", "i", "ib", "w", "y"}
)
KEYS = (
    _SETTINGS
    | EXIT_KEYS
    | {"a", "b", "c", "cm", "d", "delay", "dt", "e", "fp", "l", "mt", "p", "q", "ro", "s", "t", "u"}
)


def order(pairs: Pairs) -> OrderIntent:
    """What one command asks for: cancel, close, or an order."""
    does = values.optional_word(pairs.get("c"), "c", {"order": "order", "position": "position"}, code="unknown_command")
    book = values.optional_word(pairs.get("b"), "b", {**_BOOKS, "all": None}, code="unknown_side")
    where: dict[str, Any] = _where(pairs)
    if does == "order":
        return moves.cancel(book[0] if book else None, scope="symbol", **where)
    if does == "position":
        return _close(book, pairs, where)
    if book is None:
        raise Unreadable("missing_side", "b=: expected buy, long, sell or short (or c=order, c=position)")
    return _enter(book, pairs, where)


def _where(pairs: Pairs) -> dict[str, Any]:
    named = values.optional_text(pairs.get("s"), "s")
    return {
        "symbol": values.symbol(named, "s") if named else None,
        "symbol_from": None if named else "chart",
        "exchange": values.optional_text(pairs.get("e"), "e"),
        "delay_s": values.unless_zero(pairs.get("delay"), "delay"),
    }


def _close(book: tuple[Side, Intent] | None, pairs: Pairs, where: dict[str, Any]) -> OrderIntent:
    position: Literal["long", "short", "both"] = "both"
    if book is not None:
        position = "long" if book[0] is Side.BUY else "short"
    return moves.leave(position, **(where | {"order_type": OrderType.DEFAULT} | _priced(pairs) | _part(pairs)))


def _part(pairs: Pairs) -> dict[str, Any]:
    found = one_of(pairs, {"q": "q", "cm": "cm"}, "duplicate_quantity", "size")
    if found is None or pairs[found[0]].casefold() == "all":
        return {}
    figure, percent = values.amount(pairs[found[0]], found[0])
    if percent and figure == values.HUNDRED:
        return {}
    return {"quantity": figure, "quantity_type": QuantityType.PERCENT_POSITION if percent else QuantityType.UNITS}


def _enter(book: tuple[Side, Intent], pairs: Pairs, where: dict[str, Any]) -> OrderIntent:
    side, intent = book
    stop = one_of(pairs, _STOPS, "repeated_level", "stop loss")
    target = one_of(pairs, _TARGETS, "repeated_level", "take profit")
    members = where | _priced(pairs) | _size(pairs)
    return OrderIntent(
        intent=intent,
        side=side,
        stop_loss=level(pairs[stop[0]], *stop) if stop else None,
        take_profit=levels.some(level(pairs[target[0]], *target)) if target else (),
        trailing=_trailing(pairs.get("ts")),
        leverage=values.unless_zero(pairs.get("l", "").casefold().rstrip("x"), "l"),
        margin_mode=values.optional_word(pairs.get("mt"), "mt", _MARGIN_MODES),
        reduce_only=values.optional_boolean(pairs.get("ro"), "ro"),
        **members,
    )


def _size(pairs: Pairs) -> dict[str, Any]:
    said = pairs.get("q")
    if values.absent(said) or said is None:
        return {}
    if re.fullmatch(r"[\d.]+%?-[\d.]+%?", said):
        raise Unreadable("random_quantity", f"q: {values.shown(said)} draws a random size; write the size itself")
    figure, percent = values.amount(said, "q")
    if percent:
        return {"quantity": figure, "quantity_type": QuantityType.PERCENT_EQUITY}
    return {"quantity": figure, "quantity_type": _unit(pairs)}


def _unit(pairs: Pairs) -> QuantityType:
    """`u=` is the currency in which q counts: the symbol's base, or else the money it is paid with."""
    currency = values.optional_text(pairs.get("u"), "u")
    if currency is None or pairs.get("s", "").casefold().startswith(currency.casefold()):
        return QuantityType.UNITS
    return QuantityType.QUOTE


def _priced(pairs: Pairs) -> dict[str, Any]:
    members = dict(values.optional_word(pairs.get("t"), "t", _TYPES, code="unknown_order_type") or {})
    found = one_of(pairs, _PRICES, "repeated_price", "price")
    if found and members.get("order_type") is OrderType.MARKET:
        raise Unreadable("unexpected_price", f"{found[0]}: t=market has no price; use t=limit or take the price out")
    if found:
        members |= {"order_type": OrderType.LIMIT} | _price(*found, pairs[found[0]])
    if until := values.optional_text(pairs.get("dt"), "dt"):
        members |= {"time_in_force": TimeInForce.GTD, "extras": members.get("extras", {}) | {"good_till": until}}
    return members


def _price(key: str, unit: str, said: str) -> dict[str, Any]:
    if unit == "price":
        return {"price": values.positive(said, key)}
    if said.endswith("%"):
        return {"price_offset": Level(type="percent", value=values.number(said[:-1], key), signed=True)}
    return {"price_offset": values.number(said, key)}


def _trailing(said: str | None) -> Trailing | None:
    found = level(said, "ts", "offset")
    return Trailing(type=found.type, distance=found.value) if found else None


def portion(pairs: Pairs) -> Decimal | None:
    """The share of the order that an attached exit is for, `q=50%`."""
    figure, percent = values.amount(pairs["q"], "q") if pairs.get("q") else (None, True)
    if not percent:
        raise Unreadable("unsupported_portion", "q: behind & only a percentage of the order is understood")
    return figure
