"""What a check may look at: one intent on its way to one account, and everything around it at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bridge.accounts.model import Account, Source, Stop, Strategy, User
from bridge.brokers.base import Capabilities
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, OrderIntent, OrderType, Product, Side, TimeInForce
from bridge.market.base import Quote
from bridge.market.rules import FreezeLimit
from bridge.orders.records import NOT_ASKED, Approval

EXIT_INTENTS = frozenset({Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN})
POSITION_INTENTS = EXIT_INTENTS | {Intent.TARGET_POSITION, Intent.REVERSE, Intent.ADD}
WORKING_ORDER_INTENTS = frozenset({Intent.CANCEL_ORDERS, Intent.MODIFY_ORDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One intent for one account: mapped to an instrument and, where that needs no position, sized in units.

    `reduces` is True when the order can only take the position towards zero. `quantity` is None while the account's
    position must decide it.
    """

    intent: OrderIntent
    instrument: Instrument
    side: Side | None
    quantity: Decimal | None
    order_type: OrderType
    product: Product
    time_in_force: TimeInForce
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduces: bool = False
    needs_position: bool = False
    opens_for_sure: bool = False  # even without its size it is known that it closes nothing
    mapped_quantity: Decimal | None = None
    notes: tuple[str, ...] = ()

    @property
    def only_closes(self) -> bool:
        """Whatever the position is, it takes it towards zero or cancels."""
        return self.reduces or self.intent.intent is Intent.CANCEL_ORDERS

    @property
    def is_entry(self) -> bool:
        """It opens or enlarges a position. While only the position can tell, it is not judged as one: the way out must stay open."""
        if self.reduces or self.intent.intent in WORKING_ORDER_INTENTS:
            return False
        return self.quantity is not None or self.opens_for_sure


@dataclass(frozen=True, slots=True)
class Standing:
    """What a strategy holds in a lane as far as this process knows; `certain` when nothing of the lane is on its way."""

    held: Decimal
    certain: bool
    moving: frozenset[Side] = frozenset()

    def may_close(self, side: Side) -> bool:
        """Whether an order on that side may take something back."""
        return self.held * side.sign < 0 or side.opposite in self.moving


@dataclass(frozen=True, slots=True)
class Use:
    """How much of an allowance is gone: orders in the last minute and on this trading day."""

    last_minute: int = 0
    today: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """Whether the instrument's market takes orders now; `sentence` says so to a person."""

    is_open: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The world around one candidate. `alert_age_s` is None when the alert carries no time of its own."""

    now: datetime
    user: User | None
    account: Account | None
    strategy: Strategy
    source: Source | None
    stop: Stop | None
    capabilities: Capabilities | None
    session: Session
    quote: Quote | None
    freeze: FreezeLimit | None = None
    alert_age_s: float | None = None
    clock_jumped: bool = False  # somebody set the machine's clock a moment ago
    unreadable_time: str | None = None  # what the alert gives as its time, when it is none
    message_max_age_s: float | None = None
    out_of_order: str | None = None  # sentence, when a newer alert for this symbol was already taken
    square_off_passed: str | None = None  # sentence, once the day's intraday positions are being closed
    strategy_use: Use = Use()
    account_use: Use = Use()
    strategy_loss: Decimal = Decimal(0)
    account_loss: Decimal = Decimal(0)
    written: str = ""  # the symbol as the message wrote it, in capitals
    approval: Approval = NOT_ASKED
