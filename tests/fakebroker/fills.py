"""How orders meet the market: the plan of an order's fills, by the fill rule of its symbol."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.fakebroker.book import Order, number

MODES = ("instant", "marketable", "rest", "never", "partial", "reject")


@dataclass(frozen=True, slots=True)
class Step:
    """Fill `quantity` units, `after_s` broker seconds after acceptance."""

    quantity: Decimal
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FillRule:
    """`{"mode": "partial", "fraction": 0.4, "steps": 3, "every_s": 1, "after_s": 0, "message": "…"}`."""

    mode: str = "instant"
    fraction: float = 0.5
    steps: int = 0  # partial: in how many steps the rest fills; 0 = it stays open
    every_s: float = 1.0
    after_s: float = 0.0
    message: str = "RMS: rejected by the exchange"


def rule_for(symbol: str, fill: Any) -> FillRule:
    """The rule of a symbol: `fill` is one rule for all, or `{"default": …, "SBIN": …}`."""
    if isinstance(fill, dict) and "mode" not in fill:
        fill = fill.get(symbol, fill.get("default", "instant"))
    rule = FillRule(mode=fill) if isinstance(fill, str) else FillRule(**fill)
    if rule.mode not in MODES:
        raise ValueError(f"fill: no mode is called {rule.mode!r}")
    return rule


def check(fill: Any) -> None:
    """Raises `ValueError` or `TypeError` for a fill knob that no order could use."""
    for symbol in fill if isinstance(fill, dict) and "mode" not in fill else ("default",):
        rule_for(symbol, fill)


def last_price(symbol: str, prices: dict[str, Any]) -> Decimal:
    """The symbol's price; 100 when nobody said one."""
    return Decimal(str(prices.get(symbol, prices.get("default", 100))))


def fill_price(order: Order, last: Decimal) -> Decimal:
    """A limit order fills at its limit, any other at the last price."""
    return order.price if order.order_type in ("LIMIT", "SL") and order.price else last


def triggered(order: Order, last: Decimal) -> bool:
    """Did the price cross a stop's trigger?"""
    trigger = number(order.trigger_price)
    return trigger is not None and (last >= trigger if order.side == "BUY" else last <= trigger)


def marketable(order: Order, last: Decimal) -> bool:
    """Would it trade at once at the last price?"""
    if order.order_type in ("MARKET", "SL-M") or order.price is None:
        return True
    return order.price >= last if order.side == "BUY" else order.price <= last


def steps(order: Order, rule: FillRule, last: Decimal) -> list[Step]:
    """What fills by itself, and when. Orders waiting for a trigger are not asked."""
    if rule.mode in ("rest", "never", "reject"):
        return []
    if rule.mode == "marketable" and not marketable(order, last):
        return []
    if rule.mode != "partial":
        return [Step(order.remaining, rule.after_s)]
    first = max(Decimal(1), (order.remaining * Decimal(str(rule.fraction))).to_integral_value())
    return [Step(min(first, order.remaining), rule.after_s), *_rest(order.remaining - first, rule)]


def _rest(quantity: Decimal, rule: FillRule) -> list[Step]:
    if not rule.steps or quantity <= 0:
        return []
    share = max(Decimal(1), quantity // rule.steps)
    sizes = [share] * (rule.steps - 1)
    sizes.append(quantity - sum(sizes))
    return [Step(size, rule.after_s + rule.every_s * (n + 1)) for n, size in enumerate(sizes) if size > 0]
