"""An order carried out against a quote: the order after it, its trades and the desk they leave. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bridge.brokers.base import BrokerState
from bridge.brokers.paper.costs import cost_table
from bridge.brokers.paper.desk import Desk, executed, margin_refusal, square_off_refusal, stock_refusal, with_order
from bridge.brokers.paper.matching import Execution, Terms, match, rests
from bridge.brokers.paper.money import ZERO, money
from bridge.brokers.paper.records import PaperOrder, PaperTrade
from bridge.brokers.paper.rules import unit_margin
from bridge.brokers.paper.settings import PaperSettings
from bridge.domain.instrument import Instrument
from bridge.domain.intent import TimeInForce
from bridge.domain.refusal import Refusal
from bridge.kit.ids import new_id
from bridge.market.base import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """What surrounds one order at one moment: the market and the house's terms. `now` in microseconds."""

    settings: PaperSettings
    instrument: Instrument
    quote: Quote | None
    terms: Terms
    day: date
    now: int
    squared_off: str | None = None  # since when nothing intraday is opened any more today

    def unit_margin(self, order: PaperOrder, price: Decimal) -> Decimal:
        """Margin of a unit opened by that order at that price."""
        return unit_margin(self.settings, self.instrument, order.product, order.side, price)

    def costs(self, order: PaperOrder, more: Decimal) -> Decimal:
        """What trading `more` value adds to the order's costs; brokerage is capped an order, not a trade."""
        table = cost_table(self.settings.costs, self.instrument.currency, self.day)
        rates = table.rates(self.instrument.kind, order.product)
        return rates.of(order.side, order.value + more) - rates.of(order.side, order.value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An order after a transaction, with what it traded in it."""

    order: PaperOrder
    trades: tuple[PaperTrade, ...] = ()

    @property
    def is_news(self) -> bool:
        """It traded or it is over."""
        return bool(self.trades) or not self.order.working


def carried_out(desk: Desk, order: PaperOrder, venue: Venue) -> tuple[Outcome, Desk]:
    """Match what is left of the order against the quote. `desk` may have the order or not; afterwards it has."""
    found = match(order, venue.quote, venue.terms) if venue.quote else None
    order = found.order if found else order
    trades: list[PaperTrade] = []
    for execution in found.executions if found else ():
        value = money(execution.quantity * execution.price)
        costs = venue.costs(order, value)
        unit = venue.unit_margin(order, execution.price)
        desk = executed(desk, order.side, execution.quantity, execution.price, unit, costs)
        order = replace(order, filled=order.filled + execution.quantity, value=order.value + value)
        trades.append(_trade(order, execution, costs, venue.now))
    order = _settled_state(order, venue, changed=bool(trades) or (found is not None and found.order.triggered))
    return Outcome(order, tuple(trades)), with_order(desk, order)


def accepted(desk: Desk, order: PaperOrder, venue: Venue) -> tuple[Outcome, Desk] | Refusal:
    """`carried_out` for an order that is new or changed: stock and money are checked first. `desk` is without it."""
    if refused := stock_refusal(desk, order) or square_off_refusal(desk, order, venue.squared_off):
        return refused
    outcome, after = carried_out(desk, order, venue)
    return margin_refusal(desk, order, after) or (outcome, after)


def _trade(order: PaperOrder, execution: Execution, costs: Decimal, now: int) -> PaperTrade:
    return PaperTrade(
        id=new_id("pt"),
        order_id=order.id,
        exchange=order.exchange,
        symbol=order.symbol,
        currency=order.currency,
        product=order.product,
        side=order.side,
        quantity=execution.quantity,
        price=execution.price,
        costs=costs,
        at=now,
    )


def _settled_state(order: PaperOrder, venue: Venue, *, changed: bool) -> PaperOrder:
    """The order with the state its quantities amount to; what may not wait is cancelled."""
    if changed:
        order = replace(order, updated_at=venue.now)
    if order.remaining == ZERO:
        return replace(order, state=BrokerState.FILLED)
    if not rests(order):
        words = "could not be filled whole" if order.time_in_force is TimeInForce.FOK else "the rest found no match"
        said = f"{order.time_in_force.value.upper()} order cancelled: {words}"
        return replace(order, state=BrokerState.CANCELLED, message=said, updated_at=venue.now)
    return replace(order, state=working_state(order), resting_last=_resting_last(order, venue.quote))


def working_state(order: PaperOrder) -> BrokerState:
    """The state of an order that is not over."""
    if order.waits_for_trigger:
        return BrokerState.TRIGGER_PENDING
    return BrokerState.PARTIALLY_FILLED if order.filled else BrokerState.OPEN


def _resting_last(order: PaperOrder, quote: Quote | None) -> Decimal | None:
    if order.waits_for_trigger or quote is None or order.resting_last is not None:
        return order.resting_last
    return quote.last
