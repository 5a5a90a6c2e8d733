"""A broker in memory whose every answer a test can script. (The FakeBroker of `tests/fakebroker` is a process with HTTP.)

`ScriptedBroker` is the broker itself: it outlives the processes that call it, keeps a ledger of every request that reached it,
and knows the truth. `Line` is one process's connection to it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from bridge.brokers.base import (
    BrokerError,
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerState,
    BrokerTrade,
    Capabilities,
    Funds,
    LoginRequired,
    OrderRequest,
    OutcomeUnknown,
    Placed,
    Rejected,
    Unavailable,
    Unsupported,
)
from bridge.domain.intent import OrderType, Product, TimeInForce
from bridge.kit.clock import Clock
from tests.support.life import Life

EVERYTHING = Capabilities(
    exchanges=frozenset({"NSE", "NFO", "CRYPTO"}),
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}),
    products=frozenset(Product),
    time_in_force=frozenset({TimeInForce.DAY, TimeInForce.IOC}),
)


class How(Enum):
    """What the broker makes of one request."""

    ACCEPT = auto()
    REJECT = auto()  # a code on the adapter's list
    UNAVAILABLE = auto()  # connection refused: not one byte
    UNSUPPORTED = auto()  # the adapter cannot say it
    PLACED_UNKNOWN = auto()  # carried out, the answer is lost
    LOST_UNKNOWN = auto()  # the request is lost
    HELD_UNKNOWN = auto()  # the caller times out, the request arrives later
    LOGIN = auto()  # the session is over
    NO_ID = auto()  # a success without an order id, and no order
    BUG = auto()  # the adapter breaks on the answer of an order that was taken
    IGNORED = auto()  # answered well, nothing done (a cancel the exchange refuses)


@dataclass(frozen=True, slots=True)
class Act:
    """One scripted answer. `after_s` passes before the answer; a held request arrives `late_s` after it."""

    how: How
    after_s: float = 0.05
    late_s: float = 0.0
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request whose bytes left a process."""

    what: str
    ref: str
    at: float
    wall: datetime
    quantity: Decimal
    exchange: str
    how: How


@dataclass(slots=True)
class Resting:
    """One order as the broker has it; the book shows it from `visible_at` on."""

    row: BrokerOrder
    ref: str
    visible_at: float
    changed_at: float


class ScriptedBroker:
    """The broker's side of the wire."""

    def __init__(self, clock: Clock, capabilities: Capabilities = EVERYTHING) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self._held: list[tuple[float, OrderRequest]] = []
        self.capabilities = capabilities
        self.orders: dict[str, Resting] = {}
        self.sent: list[Sent] = []
        self.refused: set[str] = set()  # refs that were told no
        self.script: deque[Act] = deque()
        self.cancels: deque[Act] = deque()
        self.usually = Act(How.ACCEPT)
        self.lag_s = 0.0
        self.fills_at: Decimal | None = None  # market orders fill at once at this price
        self.login_over = False
        self.empty_when_over = False  # an expired session answers with an empty book
        self.book_problem: Exception | None = None
        self.funds_problem: Exception | None = None
        self.reads: list[float] = []
        self.witness: Callable[[OrderRequest], None] = lambda _request: None
        self.money = Funds(
            available=Decimal(100_000), used_margin=Decimal(0), realised=Decimal(0), unrealised=Decimal(0)
        )

    # -- the truth --------------------------------------------------------------------------------------------------

    def take(self, request: OrderRequest) -> str:
        """An order comes into being; its id."""
        number = f"B{next(self._ids):04d}"
        fills = self.fills_at is not None and request.order_type is OrderType.MARKET
        row = BrokerOrder(
            broker_order_id=number,
            ref=request.ref if self.capabilities.ref_echo else None,
            symbol=request.instrument.symbol,
            exchange=request.instrument.exchange,
            side=request.side,
            quantity=request.quantity,
            filled=request.quantity if fills else Decimal(0),
            state=BrokerState.FILLED if fills else BrokerState.OPEN,
            order_type=request.order_type,
            product=request.product,
            price=request.price,
            trigger_price=request.trigger_price,
            average_price=self.fills_at if fills else None,
            placed_at=self._clock.now(),
        )
        now = self._clock.monotonic()
        self.orders[number] = Resting(row, request.ref, now + self.lag_s, now)
        return number

    def deliver(self) -> None:
        """What was held on the way and is due by now arrives."""
        due = [request for at, request in self._held if at <= self._clock.monotonic()]
        self._held = [(at, request) for at, request in self._held if at > self._clock.monotonic()]
        for request in due:
            self.take(request)

    def of(self, ref: str) -> list[Resting]:
        """The orders that bear a reference, seen or not."""
        self.deliver()
        return [resting for resting in self.orders.values() if resting.ref == ref]

    def rows(self) -> list[BrokerOrder]:
        """What the book shows now."""
        self.deliver()
        now = self._clock.monotonic()
        return [resting.row for resting in self.orders.values() if resting.visible_at <= now]

    def working(self) -> list[Resting]:
        """Orders that can still fill."""
        self.deliver()
        live = (BrokerState.OPEN, BrokerState.TRIGGER_PENDING, BrokerState.PARTIALLY_FILLED)
        return [resting for resting in self.orders.values() if resting.row.state in live]

    def fill(self, number: str, quantity: Decimal | int | None = None, price: Decimal | int = 100) -> None:
        """Execute `quantity` more units (all by default, and never more than are left) at a price."""
        row = self.orders[number].row
        left = row.quantity - row.filled
        more = left if quantity is None else min(Decimal(quantity), left)
        filled = row.filled + more
        average = ((row.average_price or Decimal(0)) * row.filled + Decimal(price) * more) / filled
        state = BrokerState.FILLED if filled == row.quantity else BrokerState.PARTIALLY_FILLED
        self.change(number, filled=filled, average_price=average, state=state)

    def change(self, number: str, **changes: object) -> None:
        """Whatever else may happen to an order at its broker."""
        resting = self.orders[number]
        resting.row = replace(resting.row, **changes)  # type: ignore[arg-type]
        resting.changed_at = self._clock.monotonic()

    def end(self, number: str, state: BrokerState, message: str = "") -> None:
        """Cancelled, rejected or expired at the broker."""
        self.change(number, state=state, message=message)

    def outside(self, request: OrderRequest) -> str:
        """An order that somebody placed without us; its id."""
        number = self.take(request)
        self.change(number, ref=None)
        self.orders[number].ref = ""
        return number

    # -- the wire ---------------------------------------------------------------------------------------------------

    def note(self, what: str, request: OrderRequest, act: Act) -> None:
        """Bytes of a request left a process."""
        self.sent.append(
            Sent(
                what,
                request.ref,
                self._clock.monotonic(),
                self._clock.now(),
                request.quantity,
                request.instrument.exchange,
                act.how,
            )
        )

    def count(self, what: str, number: str, act: Act) -> None:
        """Bytes of a request about an order left a process."""
        row, now = self.orders[number].row, self._clock
        self.sent.append(
            Sent(what, self.orders[number].ref, now.monotonic(), now.now(), row.quantity, row.exchange, act.how)
        )

    def hold(self, request: OrderRequest, seconds: float) -> None:
        """A request that will arrive later."""
        self._held.append((self._clock.monotonic() + seconds, request))

    def line(self, life: Life | None = None) -> Line:
        """A process's connection."""
        return Line(self, self._clock, life or Life())


class Line:
    """The broker port over a `ScriptedBroker`, for one process."""

    def __init__(self, broker: ScriptedBroker, clock: Clock, life: Life) -> None:
        self._broker = broker
        self._clock = clock
        self._life = life
        self.closed = False

    async def _wait(self, seconds: float) -> None:
        await self._life.go_on()
        await self._clock.sleep(seconds)
        await self._life.go_on()

    async def place(self, request: OrderRequest) -> Placed:
        """Send an order: the script's next answer, else the usual one."""
        await self._life.go_on()
        broker = self._broker
        act = broker.script.popleft() if broker.script else broker.usually
        if broker.login_over:
            act = Act(How.LOGIN, message="the session is over")
        if act.how is How.UNAVAILABLE:
            await self._wait(act.after_s)
            raise Unavailable("connection refused")
        if act.how is How.UNSUPPORTED:
            raise Unsupported("no words for it")
        broker.witness(request)
        broker.note("place", request, act)
        return await self._answer(request, act)

    async def _answer(self, request: OrderRequest, act: Act) -> Placed:
        broker = self._broker
        number = ""
        if act.how in (How.ACCEPT, How.PLACED_UNKNOWN, How.BUG):
            number = broker.take(request)
        elif act.how is How.HELD_UNKNOWN:
            broker.hold(request, act.after_s + act.late_s)
        elif act.how in (How.REJECT, How.LOGIN):
            broker.refused.add(request.ref)
        await self._wait(act.after_s)
        if act.how is How.BUG:
            raise KeyError("order_id")
        if act.how in (How.ACCEPT, How.NO_ID):
            return Placed(broker_order_id=number, reply=f'{{"order_id": "{number}"}}')
        raise _error(act)

    async def modify(self, broker_order_id: str, request: OrderRequest) -> None:
        """Change a working order."""
        await self._life.go_on()
        act = self._next_operation()
        self._broker.note("modify", request, act)
        if act.how in (How.ACCEPT, How.PLACED_UNKNOWN, How.BUG):
            self._broker.change(
                broker_order_id,
                quantity=request.quantity,
                price=request.price,
                trigger_price=request.trigger_price,
            )
        await self._finish(act)

    async def cancel(self, broker_order_id: str) -> None:
        """Cancel a working order."""
        await self._life.go_on()
        act = self._next_operation()
        self._broker.count("cancel", broker_order_id, act)
        if act.how in (How.ACCEPT, How.PLACED_UNKNOWN, How.BUG) and self._can_end(broker_order_id):
            self._broker.end(broker_order_id, BrokerState.CANCELLED)
        await self._finish(act)

    def _can_end(self, number: str) -> bool:
        return number in {resting.row.broker_order_id for resting in self._broker.working()}

    def _next_operation(self) -> Act:
        if self._broker.login_over:
            return Act(How.LOGIN)
        return self._broker.cancels.popleft() if self._broker.cancels else Act(How.ACCEPT)

    async def _finish(self, act: Act) -> None:
        await self._wait(act.after_s)
        if act.how is How.BUG:
            raise KeyError("status")
        if act.how not in (How.ACCEPT, How.IGNORED):
            raise _error(act)

    async def order_book(self) -> Sequence[BrokerOrder]:
        """The day's orders that are visible by now."""
        await self._life.go_on()
        broker = self._broker
        broker.reads.append(self._clock.monotonic())
        rows = broker.rows()
        await self._wait(0.05)
        if broker.book_problem is not None:
            raise broker.book_problem
        if broker.login_over:
            if broker.empty_when_over:
                return []
            raise LoginRequired("the session is over")
        return rows

    async def trades(self) -> Sequence[BrokerTrade]:
        """Nothing in the middle reads them."""
        return []

    async def positions(self) -> Sequence[BrokerPosition]:
        """Nothing in the middle reads them."""
        return []

    async def holdings(self) -> Sequence[BrokerHolding]:
        """Nothing in the middle reads them."""
        return []

    async def funds(self) -> Funds:
        """Money."""
        await self._life.go_on()
        if self._broker.funds_problem is not None:
            raise self._broker.funds_problem
        return self._broker.money

    async def check_login(self) -> None:
        """Whether the session is good."""
        await self._wait(0.05)
        if self._broker.login_over:
            raise LoginRequired("the session is over")

    async def warm(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Hang up."""
        self.closed = True


def _error(act: Act) -> BrokerError:
    kinds: dict[How, type[BrokerError]] = {
        How.REJECT: Rejected,
        How.LOGIN: LoginRequired,
        How.UNAVAILABLE: Unavailable,
        How.UNSUPPORTED: Unsupported,
    }
    kind = kinds.get(act.how, OutcomeUnknown)
    said = act.message or {Rejected: "margin exceeds", LoginRequired: "the session is over"}.get(kind, "read timeout")
    return kind(said, code=act.code, reply=f'{{"message": "{said}"}}')


def late(seconds: float) -> Act:
    """The caller gives up, the request arrives that much later."""
    return Act(How.HELD_UNKNOWN, late_s=seconds)
