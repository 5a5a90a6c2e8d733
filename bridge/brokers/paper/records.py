"""The rows of the books as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from bridge.brokers.base import BrokerState, TriggerLeg, TriggerState
from bridge.brokers.paper.money import ZERO, text
from bridge.domain.intent import OrderType, Product, Side, TimeInForce

WORKING = frozenset({BrokerState.OPEN, BrokerState.TRIGGER_PENDING, BrokerState.PARTIALLY_FILLED})
STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """One order; `filled` and `value` are cumulative, `unit_margin` is what a unit that opens blocks."""

    id: str
    ref: str
    exchange: str
    symbol: str
    currency: str
    product: Product
    side: Side
    quantity: Decimal
    order_type: OrderType
    price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: TimeInForce
    protection: Decimal | None
    triggered: bool = False
    resting_last: Decimal | None = None
    unit_margin: Decimal = ZERO
    filled: Decimal = ZERO
    value: Decimal = ZERO
    state: BrokerState = BrokerState.OPEN
    code: str | None = None
    message: str | None = None
    placed_at: int
    updated_at: int

    @property
    def remaining(self) -> Decimal:
        """Units still to fill."""
        return self.quantity - self.filled

    @property
    def working(self) -> bool:
        """Can still fill."""
        return self.state in WORKING

    @property
    def waits_for_trigger(self) -> bool:
        """A stop whose price was not reached yet."""
        return self.order_type in STOPS and not self.triggered

    @property
    def limit(self) -> Decimal | None:
        """The worst price it takes; `None` for a market order."""
        return self.price if self.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None

    @property
    def average_price(self) -> Decimal | None:
        """What the filled units were traded for, each."""
        return self.value / self.filled if self.filled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    """One execution. `order_id` is empty when the exchange settled an expired contract."""

    id: str
    order_id: str
    exchange: str
    symbol: str
    currency: str
    product: Product
    side: Side
    quantity: Decimal
    price: Decimal
    costs: Decimal
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPosition:
    """Net units of an instrument and product, signed; `cost` is what the open ones were traded for, always positive."""

    exchange: str
    symbol: str
    product: Product
    currency: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    margin: Decimal = ZERO
    blocked: Decimal = ZERO

    @classmethod
    def none(cls, of: Traded) -> PaperPosition:
        """No position yet, in what the order trades."""
        return cls(exchange=of.exchange, symbol=of.symbol, product=of.product, currency=of.currency)

    @property
    def average_price(self) -> Decimal:
        """What an open unit was traded for; 0 when flat."""
        return self.cost / abs(self.quantity) if self.quantity else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperHolding:
    """Delivered units and what they cost."""

    exchange: str
    symbol: str
    currency: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    @classmethod
    def none(cls, of: Traded) -> PaperHolding:
        """Nothing delivered yet, of what the order trades."""
        return cls(exchange=of.exchange, symbol=of.symbol, currency=of.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrigger:
    """A standing instruction. `below` waits for a price that falls to it, `above` for one that rises to it."""

    id: str
    ref: str
    exchange: str
    symbol: str
    currency: str
    product: Product
    side: Side
    quantity: Decimal
    below: Decimal | None = None
    below_type: OrderType | None = None
    below_limit: Decimal | None = None
    above: Decimal | None = None
    above_type: OrderType | None = None
    above_limit: Decimal | None = None
    last_price: Decimal
    unit_margin: Decimal = ZERO
    state: TriggerState = TriggerState.ACTIVE
    order_id: str | None = None
    message: str | None = None
    placed_at: int
    updated_at: int
    expires_at: int

    @property
    def remaining(self) -> Decimal:
        """Units its order will have."""
        return self.quantity

    @property
    def working(self) -> bool:
        """Can still fire."""
        return self.state is TriggerState.ACTIVE

    @property
    def legs(self) -> tuple[TriggerLeg, ...]:
        """Its legs by price."""
        below = _leg(self.below, self.below_type, self.below_limit)
        above = _leg(self.above, self.above_type, self.above_limit)
        return tuple(leg for leg in (below, above) if leg)

    def reached(self, last: Decimal) -> TriggerLeg | None:
        """The leg whose price the market has come to."""
        if self.below is not None and last <= self.below:
            return _leg(self.below, self.below_type, self.below_limit)
        if self.above is not None and last >= self.above:
            return _leg(self.above, self.above_type, self.above_limit)
        return None


def _leg(trigger_price: Decimal | None, order_type: OrderType | None, limit: Decimal | None) -> TriggerLeg | None:
    if trigger_price is None or order_type is None:
        return None
    return TriggerLeg(trigger_price=trigger_price, order_type=order_type, price=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pocket:
    """Money of one currency."""

    currency: str
    capital: Decimal
    realised: Decimal = ZERO
    costs: Decimal = ZERO
    margin: Decimal = ZERO
    blocked: Decimal = ZERO
    opening: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What new orders may use."""
        return self.capital + self.realised - self.costs - self.margin - self.blocked


Traded: TypeAlias = "PaperOrder | PaperTrigger | PaperPosition"
AnyRecord: TypeAlias = PaperOrder | PaperTrade | PaperTrigger | PaperPosition | PaperHolding | Pocket
Record = TypeVar("Record", PaperOrder, PaperTrade, PaperTrigger, PaperPosition, PaperHolding, Pocket)

# What a column's text becomes, by the word its field is annotated with.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    each.__name__: each
    for each in (Decimal, Product, Side, OrderType, TimeInForce, BrokerState, TriggerState, bool, str, int)
}


def to_row(record: AnyRecord) -> dict[str, Any]:
    """A record's columns, as the tables keep them."""
    return {field.name: _column(getattr(record, field.name)) for field in fields(record)}


def _column(value: Any) -> Any:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, str) else value


def from_row(kind: type[Record], row: Mapping[str, Any]) -> Record:
    """The record that a row keeps; columns it does not have are passed over."""
    return kind(**{field.name: _value(str(field.type), row[field.name]) for field in fields(kind)})


def _value(annotation: str, value: Any) -> Any:
    return None if value is None else _READERS[annotation.removesuffix(" | None")](value)
