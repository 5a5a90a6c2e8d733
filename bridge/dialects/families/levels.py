"""Words and price levels that many dialects write alike. A level that was not sent is `None`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.families.values import HUNDRED, unless_zero
from bridge.domain.intent import DistanceType, Level, OrderType, Product, TimeInForce

TIME_IN_FORCE = {word.value: word for word in TimeInForce}

ORDER_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stop_market": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
    "trailing_stop": OrderType.TRAILING_STOP,
}

# How Indian brokers and the bridges to them write the same four types and three products.
INDIAN_ORDER_TYPES = {
    "market": OrderType.MARKET,
    "mkt": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "lmt": OrderType.LIMIT,
    "l": OrderType.LIMIT,
    "sl": OrderType.STOP_LIMIT,
    "stop_loss": OrderType.STOP_LIMIT,
    "sl-m": OrderType.STOP,
    "slm": OrderType.STOP,
    "sl_market": OrderType.STOP,
    "stop_loss_market": OrderType.STOP,
}
PRODUCTS = {
    "mis": Product.MIS,
    "intraday": Product.MIS,
    "i": Product.MIS,
    "cnc": Product.CNC,
    "delivery": Product.CNC,
    "c": Product.CNC,
    "nrml": Product.NRML,
    "normal": Product.NRML,
    "margin": Product.NRML,
    "m": Product.NRML,
}

NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
NEEDS_TRIGGER = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def level(kind: DistanceType, value: Any, name: str) -> Level | None:
    """A level of that kind; zero and empty mean that it was not sent."""
    found = unless_zero(value, name)
    return None if found is None else Level(type=kind, value=found)


def fraction_as_percent(value: Any, name: str) -> Decimal | None:
    """`0.02` as 2 percent, for senders that write percentages as fractions."""
    found = unless_zero(value, name)
    return None if found is None else found * HUNDRED


def some(*levels: Level | None) -> tuple[Level, ...]:
    """The levels that were sent."""
    return tuple(found for found in levels if found is not None)
