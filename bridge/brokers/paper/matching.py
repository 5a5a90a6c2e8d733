"""How an order meets a quote. Pure: a quote and an order in, executions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import PaperOrder
from bridge.domain.intent import Side, TimeInForce
from bridge.market.base import DepthLevel, Quote

_BOTTOMLESS = Decimal("Infinity")  # a feed without depth says nothing about size


@dataclass(frozen=True, slots=True)
class Execution:
    """So many units at that price."""

    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """How kind the simulated exchange is. `taken` units of the quoted depth are gone already."""

    partial_fills: bool = False
    slippage_percent: Decimal = ZERO
    taken: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Match:
    """What a quote does to an order: the order with its trigger settled, and its executions, best price first."""

    order: PaperOrder
    executions: tuple[Execution, ...] = ()

    @property
    def quantity(self) -> Decimal:
        """Units executed."""
        return sum((each.quantity for each in self.executions), ZERO)


def match(order: PaperOrder, quote: Quote, terms: Terms) -> Match:
    """Fire a stop whose price is reached, then fill what the market gives."""
    if order.waits_for_trigger:
        if not reached(order, quote):
            return Match(order)
        order = replace(order, triggered=True, resting_last=None)
    executions = _resting(order, quote, terms) if order.resting_last is not None else _arriving(order, quote, terms)
    found = Match(order, tuple(executions))
    if order.time_in_force is TimeInForce.FOK and found.quantity < order.remaining:
        return Match(order)
    return found


def reached(order: PaperOrder, quote: Quote) -> bool:
    """Whether the last price came to a stop's trigger."""
    return order.trigger_price is not None and (quote.last - order.trigger_price) * order.side.sign >= 0


def _arriving(order: PaperOrder, quote: Quote, terms: Terms) -> Sequence[Execution]:
    """An order that comes to the market takes the other side's prices, better than its limit where they are."""
    bound = order.limit if order.limit is not None else _protected(order, quote)
    levels = [level for level in _facing(order.side, quote) if bound is None or _within(order.side, level.price, bound)]
    found = _walk(levels, order.remaining, terms)
    if order.limit is not None:
        return found
    return [Execution(each.quantity, _slipped(each.price, order.side, bound, quote, terms)) for each in found]


def _resting(order: PaperOrder, quote: Quote, terms: Terms) -> Sequence[Execution]:
    """An order that waited in the book is met at its own limit; a market order that found no depth goes on taking."""
    limit = order.limit
    if limit is None:
        return _arriving(order, quote, terms)
    crossing = [level for level in _facing(order.side, quote) if _within(order.side, level.price, limit)]
    if not crossing and _touched_from_beyond(order, limit, quote):
        crossing = list(_facing(order.side, quote)[:1])
    at_limit = [DepthLevel(limit, level.quantity) for level in crossing]
    return _walk(at_limit, order.remaining, terms)


def _touched_from_beyond(order: PaperOrder, limit: Decimal, quote: Quote) -> bool:
    # Where the last price already stood at the limit when the order came, standing there still proves no trade.
    came_from = order.resting_last
    return (
        came_from is not None and not _within(order.side, came_from, limit) and _within(order.side, quote.last, limit)
    )


def _within(side: Side, price: Decimal, bound: Decimal) -> bool:
    return (bound - price) * side.sign >= 0


def _protected(order: PaperOrder, quote: Quote) -> Decimal | None:
    """The worst price of a protected market order."""
    if order.protection is None or order.protection <= 0:
        return None
    return quote.last * (1 + order.side.sign * order.protection / 100)


def _facing(side: Side, quote: Quote) -> Sequence[DepthLevel]:
    """The levels an order trades against: the depth, else the best price, else the last when no side is quoted at all."""
    levels, best = (quote.asks, quote.ask) if side is Side.BUY else (quote.bids, quote.bid)
    if levels:
        return levels
    if best > 0:
        return (DepthLevel(best, _BOTTOMLESS),)
    silent = quote.bid <= 0 and quote.ask <= 0 and not quote.bids and not quote.asks
    return (DepthLevel(quote.last, _BOTTOMLESS),) if silent and quote.last > 0 else ()


def _walk(levels: Sequence[DepthLevel], wanted: Decimal, terms: Terms) -> list[Execution]:
    """Take from the levels, best first; without `partial_fills` the last level gives all that is still wanted."""
    found: list[Execution] = []
    gone = terms.taken
    for level in levels:
        free = max(level.quantity - gone, ZERO)
        gone -= min(gone, level.quantity)
        taken = min(free, wanted)
        if taken > 0:
            found.append(Execution(taken, level.price))
            wanted -= taken
    if levels and wanted > 0 and not terms.partial_fills:
        found.append(Execution(wanted, levels[-1].price))
    return _joined(found)


def _joined(executions: Sequence[Execution]) -> list[Execution]:
    """One execution a price."""
    quantities: dict[Decimal, Decimal] = {}
    for each in executions:
        quantities[each.price] = quantities.get(each.price, ZERO) + each.quantity
    return [Execution(quantity, price) for price, quantity in quantities.items()]


def _slipped(price: Decimal, side: Side, bound: Decimal | None, quote: Quote, terms: Terms) -> Decimal:
    if not terms.slippage_percent:
        return price
    worse = price * (1 + side.sign * terms.slippage_percent / 100)
    tick = quote.instrument.tick_size
    if tick:
        worse = (worse / tick).to_integral_value(ROUND_CEILING if side is Side.BUY else ROUND_FLOOR) * tick
    if bound is not None and not _within(side, worse, bound):
        return price
    return max(worse, tick)


def rests(order: PaperOrder) -> bool:
    """Whether what is left of an order may wait in the book."""
    return order.time_in_force not in (TimeInForce.IOC, TimeInForce.FOK) or order.waits_for_trigger


class Liquidity:
    """Depth an account took from the quote that stands: what it ate is not there a second time."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, Side], tuple[Quote, Decimal]] = {}

    def taken(self, side: Side, quote: Quote) -> Decimal:
        """Units that orders of that side have taken from this very quote."""
        seen = self._taken.get((quote.instrument.key, side))
        return seen[1] if seen is not None and seen[0] == quote else ZERO

    def take(self, side: Side, quote: Quote, quantity: Decimal) -> None:
        """Count units as taken."""
        self._taken[quote.instrument.key, side] = (quote, self.taken(side, quote) + quantity)
