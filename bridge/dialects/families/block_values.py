"""Amounts, places and durations inside command blocks: `100%a`, `e-2%`, `@123`, `5m`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values
from bridge.domain.intent import Level, QuantityType, Side

_AMOUNT = re.compile(r"([+-]?[\d.]{1,32})\s?(%%|%[a-z]?|[a-z]{2,6})?", re.IGNORECASE)
_PLACE = re.compile(r"(@|e)?([+-]?[\d.]{1,32})(%)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s?(s|m|h|d)?", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SHARES = {
    "%": QuantityType.PERCENT_EQUITY,
    "%b": QuantityType.PERCENT_EQUITY,
    "%%": QuantityType.PERCENT_AVAILABLE,
    "%a": QuantityType.PERCENT_AVAILABLE,
    "%p": QuantityType.PERCENT_POSITION,
}
_MONEY = ("usd", "usdt", "usdc", "eur", "gbp", "jpy")


@dataclass(frozen=True, slots=True)
class Amount:
    """A signed figure and what it counts."""

    figure: Decimal
    unit: QuantityType


def amount(said: str, name: str, symbol: str) -> Amount:
    """`0.5`, `1btc`, `50%` of the balance, `%%` or `%a` of what is available, `%p` of the position."""
    found = _AMOUNT.fullmatch(said.strip())
    if not found:
        return Amount(values.number(said, name), QuantityType.UNITS)  # which refuses with the reason
    figure, unit = values.number(found[1], name), (found[2] or "").casefold()
    if not unit:
        return Amount(figure, QuantityType.UNITS)
    if unit in _SHARES:
        return Amount(figure, _SHARES[unit])
    return Amount(figure, _currency(unit, name, symbol.casefold()))


def _currency(unit: str, name: str, symbol: str) -> QuantityType:
    if symbol.startswith(unit) or (unit == "btc" and symbol.startswith("xbt")):
        return QuantityType.BASE
    if unit in _MONEY or symbol.endswith(unit):
        return QuantityType.QUOTE
    raise Unreadable(
        "unknown_unit", f'{name}: "{unit}" is neither side of {symbol.upper()} nor a share such as %, %a or %p'
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order rests: an absolute price, or a distance from the market or from the entry."""

    kind: Literal["price", "percent", "offset"]
    figure: Decimal
    from_entry: bool = False

    def level(self, *, portion_percent: Decimal | None = None, reduce_only: bool | None = None) -> Level:
        """As a stop or target, whose distance is always positive."""
        return Level(type=self.kind, value=abs(self.figure), portion_percent=portion_percent, reduce_only=reduce_only)


def place(said: str, name: str) -> Place:
    """`50` or `2%` from the price, `e2%` from the entry, `@123` fixed."""
    found = _PLACE.fullmatch(said.strip())
    if not found:
        return Place("offset", values.number(said, name))  # which refuses with the reason
    figure = values.number(found[2], name)
    prefix = (found[1] or "").casefold()
    if prefix == "@":
        if found[3]:
            raise Unreadable("bad_price", f"{name}: @ fixes a price, which is no percentage")
        return Place("price", values.positive(found[2], name))
    return Place("percent" if found[3] else "offset", figure, from_entry=prefix == "e")


def seconds(said: str, name: str) -> Decimal:
    """`10`, `10s`, `5m`, `2h` in seconds."""
    found = _DURATION.fullmatch(said.strip())
    if not found:
        raise Unreadable("bad_duration", f'{name}: expected a time such as 30s or 5m, was "{values.shown(said)}"')
    return Decimal(found[1]) * _SECONDS[(found[2] or "").casefold()]


def towards(side: Side | None, figure: Decimal, *, stop: bool) -> Decimal:
    """The signed distance from the market: a buy rests below it and stops above it, a sell the other way round."""
    if side is None:
        return figure
    return figure * (side.sign if stop else -side.sign)
