"""The port to a broker: one small protocol, capabilities as data, five error words.

BrokerError
├── Unsupported      refuse: this broker cannot say it
├── LoginRequired    ask the person to log in
├── Unavailable      not one byte was sent: safe to send again
├── Rejected         final, in the broker's words; only codes on the adapter's tested list
└── OutcomeUnknown   everything else: never resend, recovery asks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderType, Product, Side, TimeInForce


class BrokerError(Exception):
    """A broker call did not give what was asked. `reply` is the broker's raw answer, as far as it came."""

    def __init__(self, message: str, *, code: str = "", reply: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reply = reply


class Unsupported(BrokerError):
    """This broker cannot express the order; nothing was sent."""


class LoginRequired(BrokerError):
    """The broker session is missing or over; nothing trades until a person logs in."""


class Unavailable(BrokerError):
    """No byte of the request was written (DNS, connect, TLS): safe to send again."""


class Rejected(BrokerError):
    """Refused for good, by a code on the adapter's tested refusal list."""


class OutcomeUnknown(BrokerError):
    """Bytes were written and no trustworthy answer came. Never resend."""


class BrokerState(StrEnum):
    """An order's state as its broker reports it."""

    OPEN = "open"
    TRIGGER_PENDING = "trigger_pending"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What is sent: one order, broker-ready but in our words. `quantity` in units, always positive."""

    ref: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType
    product: Product
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    market_protection_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The broker took the order and gave it an id."""

    broker_order_id: str
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """One row of the broker's order book. `filled` is cumulative units; `ref` is our tag if the broker echoes it."""

    broker_order_id: str
    ref: str | None
    symbol: str
    exchange: str
    side: Side
    quantity: Decimal
    filled: Decimal
    state: BrokerState
    order_type: OrderType
    product: Product
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    average_price: Decimal | None = None
    placed_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTrade:
    """One execution."""

    trade_id: str
    broker_order_id: str
    symbol: str
    exchange: str
    side: Side
    product: Product
    quantity: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    """Net position of one instrument and product: signed units."""

    symbol: str
    exchange: str
    product: Product
    quantity: Decimal
    average_price: Decimal
    last_price: Decimal | None = None
    realised: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerHolding:
    """Settled delivery stock."""

    symbol: str
    exchange: str
    quantity: Decimal
    average_price: Decimal
    last_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """Money at the broker, in `currency`. Practice money also says how often and when it last began anew, and with how much."""

    available: Decimal
    used_margin: Decimal
    realised: Decimal
    unrealised: Decimal
    currency: str = "INR"
    capital: Decimal = Decimal(0)
    began_with: Decimal | None = None
    resets: int | None = None
    reset_at: datetime | None = None


class TriggerKind(StrEnum):
    """How many prices a standing instruction waits for."""

    SINGLE = "single"
    OCO = "oco"  # one below the market and one above; the first that is reached ends the other


class TriggerState(StrEnum):
    """Where a standing instruction is. What became of the order it placed, the order book tells."""

    ACTIVE = "active"
    TRIGGERED = "triggered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerLeg:
    """When the last price comes to `trigger_price`, a market order is placed, or a limit order at `price`."""

    trigger_price: Decimal
    order_type: OrderType = OrderType.LIMIT
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """A standing instruction (GTT): one leg, or two of which one lies below the market. `quantity` in units, positive.

    Without `expires_at` it stands as long as the broker lets it.
    """

    ref: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    product: Product
    legs: tuple[TriggerLeg, ...]
    expires_at: datetime | None = None

    @property
    def kind(self) -> TriggerKind:
        """Single, or one cancels the other."""
        return TriggerKind.SINGLE if len(self.legs) == 1 else TriggerKind.OCO


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One row of the broker's trigger book. `legs` stand by price, `order_id` names the order that it placed."""

    trigger_id: str
    ref: str | None
    symbol: str
    exchange: str
    side: Side
    quantity: Decimal
    product: Product
    kind: TriggerKind
    state: TriggerState
    legs: tuple[TriggerLeg, ...]
    last_price: Decimal | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    order_id: str | None = None
    blocked: Decimal = Decimal(0)  # at most, from its dearer leg
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginEstimate:
    """What orders would block together, in `currency`: `total`, and of that what derivatives need as span and as exposure."""

    total: Decimal
    span: Decimal
    exposure: Decimal
    currency: str = "INR"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolResult:
    """What one instrument brought today, over all products: `realised` before `costs`, `unrealised` at the last price."""

    symbol: str
    exchange: str
    currency: str
    realised: Decimal
    unrealised: Decimal
    costs: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker can do, as data: the check, the matrix page and the docs read the same lines."""

    exchanges: frozenset[str]
    order_types: frozenset[OrderType]
    products: frozenset[Product]
    time_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.DAY})
    fractional_quantity: bool = False
    ref_echo: bool = True  # the order book shows our ref
    visibility_lag_max_s: float = 0.0  # how late a placed order may show in the book
    orders_per_second: int | None = 10  # published rate; None = no limit
    market_orders_need_protection: bool = False
    paper: bool = False  # practice money: the adapter is a `PracticeBroker`
    gtt: bool = False  # standing instructions: the adapter is a `TriggerBroker`
    margin_estimate: bool = False  # the adapter is a `MarginBroker`


class Broker(Protocol):
    """One account's connection. Methods raise only the five words; reads never answer an error as an empty list."""

    async def place(self, request: OrderRequest) -> Placed:
        """Send one order once. Raises `Rejected`, `Unavailable`, `LoginRequired`, `Unsupported` or `OutcomeUnknown`."""

    async def modify(self, broker_order_id: str, request: OrderRequest) -> None:
        """Replace quantity, prices and type of a working order."""

    async def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel; only the book proves it."""

    async def order_book(self) -> Sequence[BrokerOrder]:
        """Every order of the day, all pages."""

    async def trades(self) -> Sequence[BrokerTrade]:
        """Every execution of the day."""

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions of the day."""

    async def holdings(self) -> Sequence[BrokerHolding]:
        """Settled delivery stock."""

    async def funds(self) -> Funds:
        """Money."""

    async def check_login(self) -> None:
        """Returns when the session is proved good, else raises `LoginRequired` or another of the five."""

    async def warm(self) -> None:
        """Open connections ahead of the first order."""

    async def close(self) -> None:
        """Let go of connections."""


class TriggerBroker(Protocol):
    """What a broker whose capabilities say `gtt` also does. Raises the same five words."""

    async def place_trigger(self, request: TriggerRequest) -> str:
        """Leave a standing instruction once; its id."""

    async def modify_trigger(self, trigger_id: str, request: TriggerRequest) -> None:
        """Replace quantity, product, legs and expiry of an active one; instrument, side and kind must be as they were."""

    async def cancel_trigger(self, trigger_id: str) -> None:
        """End an active one."""

    async def triggers(self) -> Sequence[Trigger]:
        """All that are active, and those that ended in the last days."""


class MarginBroker(Protocol):
    """What a broker whose capabilities say `margin_estimate` also does."""

    async def margin(self, requests: Sequence[OrderRequest]) -> MarginEstimate:
        """What these orders of one currency would block if they were placed now. Raises `Rejected` for one that could not be."""


class PracticeBroker(Protocol):
    """What a broker whose capabilities say `paper` also does."""

    async def results(self) -> Sequence[SymbolResult]:
        """Today's result of every instrument that was traded or is held."""

    async def reset(self) -> None:
        """Begin anew: what works is cancelled, the books are emptied, the capital is what the settings say.

        Only for an account of which every order's outcome is known: recovery would take one that is gone for one that never came.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What an adapter gets to connect: the account's id, settings, decrypted credentials and the ports it may use.

    `services` carries what a broker that lives in this process needs (paper: database, market, clock), by name.
    """

    account_id: str
    user_id: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    rest_url: str | None = None
    stream_url: str | None = None
    services: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerDeclaration:
    """A broker's card: every folder of `bridge.brokers` has one as `BROKER`."""

    name: str
    title: str
    capabilities: Capabilities
    connect: Callable[[Connection], Broker]
    needs: tuple[str, ...] = ()  # names of the credentials a person must give
    settings: type[BaseModel] | None = None  # what an account's owner may choose; None: whatever they say is handed on
