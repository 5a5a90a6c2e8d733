"""One account's dispatcher: its queue in lanes, its book reads, its uncertain orders.

A lane is what must happen in order: one strategy in one instrument and product. Lanes run side by side; within a lane
exits go before entries, and an intent that depends on the position waits until the orders before it have settled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog

from bridge.accounts.directory import Directory
from bridge.accounts.model import Account
from bridge.brokers.base import Broker, Capabilities
from bridge.domain.intent import Intent, Side
from bridge.domain.lifecycle import AT_BROKER, UNCERTAIN, OrderState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, from_micros, micros, wait_for
from bridge.kit.database import Reader, StorageUnavailable, Writer
from bridge.market.base import Market
from bridge.orders import sending
from bridge.orders.bookkeeping import BookKeeper
from bridge.orders.gate import INDEPENDENT, Gate, Work
from bridge.orders.holdings import Ledger
from bridge.orders.inbox import Inbox
from bridge.orders.lease import Lease
from bridge.orders.metrics import ANSWER_SECONDS, QUEUED_SECONDS
from bridge.orders.outcome import LOGIN_LOST
from bridge.orders.pace import Pace
from bridge.orders.records import IntentRecord, Lane, OrderRecord
from bridge.orders.recovery import Unknowns
from bridge.orders.resolving import Resolver
from bridge.orders.situation import EXIT_INTENTS, Standing
from bridge.orders.survey import Survey
from bridge.orders.triggers import Triggers
from bridge.orders.updates import Updates

log = structlog.get_logger("bridge.desk")

REQUEUED_S = 1.0  # after a proved non-delivery, before the next try
LOOK_AGAIN_S = 0.2  # while something a lane waits for has not happened


@dataclass(frozen=True, slots=True)
class Services:
    """What every desk shares."""

    writer: Writer
    reader: Reader
    clock: Clock
    market: Market
    directory: Directory
    survey: Survey
    worker: str  # this process, as attempts name it


class AccountDesk:
    """Sends for one account while it holds the lease."""

    def __init__(
        self, account: Account, broker: Broker, capabilities: Capabilities, lease: Lease, shared: Services
    ) -> None:
        self.account = account
        self.broker = broker
        self.capabilities = capabilities
        self.lease = lease
        self.ledger = Ledger()
        self._shared = shared
        self._clock = shared.clock
        self.updates = Updates(shared.writer, self.ledger, shared.clock)
        self.unknowns = Unknowns(
            shared.writer,
            self.ledger,
            self.updates,
            shared.clock,
            capabilities,
            day_is_over=self._day_is_over,
            may_resend=self._may_resend,
        )
        self.resolver = Resolver(self, shared)
        self._pace = Pace(account.settings.orders_per_second, shared.clock)
        self._room = asyncio.Semaphore(account.settings.in_flight_max)
        self._lanes: dict[Lane, list[Work]] = {}
        self._busy: set[Lane] = set()
        self.in_flight: set[str] = set()  # orders between their attempt's commit and the commit of what came of it
        self._delayed: dict[str, IntentRecord] = {}
        self._moved: set[str] = set()
        self._unresolved: dict[str, set[int]] = {}  # by alert: legs of baskets that wait for their position
        self.gate = Gate(self, shared, self._unresolved)
        self.book = BookKeeper(self, shared)
        self.inbox = Inbox(self, shared)
        self.triggers = Triggers(self, shared)
        self.opened_at = micros(shared.clock.now())
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.broken = False  # a task that should have gone on for ever has ended: the desk must be opened anew

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Work, from where the tables stand; what the last sender left has been taken over."""
        await self.inbox.load()
        await self._remember_pace()
        await self.book.recall_login()
        await self.inbox.look()
        self._spawn(self.book.follow())
        self._spawn(self.book.watch_login())

    async def stop(self) -> None:
        """Stop sending. A request that is out is closed as unknown, and recovery asks about it."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.broker.close()
        except Exception as problem:  # noqa: BLE001 - whatever an adapter slips on, the account's lease must be given back
            log.warning("broker not closed", account=self.account.id, problem=repr(problem))

    async def _remember_pace(self) -> None:
        """What this account sent in the last second, whoever sent it, counts against its pace."""
        sent = await self._shared.reader.rows(
            "SELECT o.exchange, COUNT(*) AS n FROM attempts a JOIN orders o ON o.id = a.order_id"
            " WHERE a.account_id = :id AND a.opened_at > :since GROUP BY o.exchange",
            {"id": self.account.id, "since": micros(self._clock.now()) - 1_500_000},
        )
        for row in sent:
            self._pace.remember(row["exchange"], row["n"])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            log.error("desk task ended", account=self.account.id, exc_info=problem)
            self.broken = True

    def pulse(self) -> None:
        """Something changed that a lane may be waiting for."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self, seconds: float = LOOK_AGAIN_S) -> None:
        """Wait for the next pulse, but not longer."""
        await wait_for(self._changed, seconds, self._clock)

    async def settle(self, lane: Lane, within_s: float) -> None:
        """Wait until nothing of the lane is on its way and every market order of it is known to be filled, but not longer."""
        until = self._clock.monotonic() + within_s
        while (left := until - self._clock.monotonic()) > 0 and (lane in self._busy or not self.gate.settled(lane)):
            self.book.read_now()
            await self.change(min(left, LOOK_AGAIN_S))

    # -- the queue ----------------------------------------------------------------------------------------------

    def standing(self, lane: Lane, coming: Collection[Side]) -> Standing:
        """What the lane's strategy holds, and which way it may be moving; `coming` are the sides of orders being committed."""
        moving = self.ledger.sides_in(lane).union(coming)
        idle = lane not in self._busy and not moving
        return Standing(self.ledger.holding(lane).quantity, idle, moving)

    async def look_for_work(self) -> None:
        """Take in what other processes (or an earlier one) have queued or decided."""
        await self.inbox.look()
        await self.triggers.look()

    def offer(self, work: Iterable[Work]) -> None:
        """Queue intents and orders that are committed. What was offered before is ignored."""
        for item in work:
            if not self.inbox.take(item.id):
                continue
            if isinstance(item, OrderRecord):
                self.ledger.put(item)
                self.gate.set_deadline(item)
                self._enqueue(item)
                continue
            if item.basket:
                self._unresolved.setdefault(item.alert_id, set()).add(item.number)
            if item.not_before > micros(self._clock.now()):
                self._spawn(self._enqueue_later(item))  # what waits for its hour must not hold up its lane
            else:
                self.gate.set_deadline(item)
                self._enqueue(item)

    def overtaken_by(self, intent: IntentRecord) -> list[IntentRecord]:
        """Delayed intents that were asked for before, of the same strategy and instrument, or of the account where all of it is meant.

        They are not started any more.
        """
        same = [
            item
            for item in self._delayed.values()
            if (item.strategy_id == intent.strategy_id or intent.wish.scope == "account")
            and (not intent.symbol or (item.exchange, item.symbol) == (intent.exchange, intent.symbol))
            and item.created_at < intent.created_at
        ]
        for item in same:
            del self._delayed[item.id]
            self._forget(item)
        return same

    def move(self, old: IntentRecord, new: IntentRecord) -> None:
        """The same intent in another lane."""
        self._moved.add(old.id)
        self.gate.inherit_deadline(new, old)
        self._enqueue(new)

    async def _enqueue_later(self, item: IntentRecord) -> None:
        self._delayed[item.id] = item
        while (left := (item.not_before - micros(self._clock.now())) / 1e6) > 0:
            await self._clock.sleep(min(left, 1.0))
        if self._delayed.pop(item.id, None):
            self.gate.set_deadline(item)
            self._enqueue(item)

    def _enqueue(self, item: Work) -> None:
        self._lanes.setdefault(item.lane, []).append(item)
        if item.lane not in self._busy:
            self._busy.add(item.lane)
            self._spawn(self._serve(item.lane))

    async def _serve(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        try:
            while queue and not self._stopping:
                item = queue.pop(self._whose_turn(lane, queue))
                while not await self._work(item):
                    # Nothing that came later may overtake it. The database may be quick to say no, so no pulse cuts this short.
                    await self._clock.sleep(REQUEUED_S)
                self.pulse()
        except sending.LeaseLost:
            log.warning("lane left to another process", account=self.account.id, lane=lane)
            queue.clear()
        finally:
            self._busy.discard(lane)
            if not queue:
                del self._lanes[lane]

    def _whose_turn(self, lane: Lane, queue: list[Work]) -> int:
        """As they came; but an exit goes before entries to the same side, which would only use up what it is to close.

        "Close, then open the other way" may arrive in either order. An entry to the other side was meant to come first.
        """
        held = self.ledger.holding(lane).quantity
        for place, item in enumerate(queue):
            if isinstance(item, IntentRecord) and item.wish.intent in EXIT_INTENTS and held:
                return place
            if not _enters_against(item, held):
                break
        return 0

    async def _work(self, item: Work) -> bool:
        """Bring an item to its end; False while the database is away, when nothing was sent and nothing changed."""
        try:
            if isinstance(item, OrderRecord):
                await self._send(item)
            else:
                self._next_in_lane(item, await self.resolver.resolve(item))
        except StorageUnavailable as problem:
            log.warning("waits for the database", account=self.account.id, item=item.id, problem=str(problem))
            return False
        except sending.LeaseLost:
            raise
        except Exception as problem:  # whatever is wrong with one item, the next in its lane must have its turn
            log.exception("item failed", account=self.account.id, item=item.id)
            if not await self._give_up(item, problem):
                return False
        if item.id in self._moved:
            self._moved.discard(item.id)  # it goes on in another lane
        else:
            self._forget(item)
        return True

    def _forget(self, item: Work) -> None:
        self.gate.forget(item)
        if isinstance(item, IntentRecord) and (waiting := self._unresolved.get(item.alert_id)):
            waiting.discard(item.number)
            if not waiting:
                del self._unresolved[item.alert_id]

    def _next_in_lane(self, intent: IntentRecord, orders: list[OrderRecord]) -> None:
        """What an intent led to goes out before anything that came after it."""
        for order in orders:
            self.inbox.take(order.id)
            self.gate.inherit_deadline(order, intent)
            self.ledger.put(order)
        self._lanes[intent.lane][0:0] = orders

    async def _give_up(self, item: Work, problem: Exception) -> bool:
        """End what cannot be processed; False while the database is away."""
        failed = f"Not processed ({type(problem).__name__})."
        try:
            if isinstance(item, IntentRecord):
                await self.resolver.refuse(item, Refusal("internal_error", failed))
            elif (order := self.ledger.orders.get(item.id, item)).state is OrderState.QUEUED:
                await self.withdraw(order, Refusal("internal_error", f"{failed} Nothing was sent."))
        except StorageUnavailable:
            return False
        except Exception:  # the row is as odd as the item: it ends when it is overdue, and its lane goes on
            log.exception("item not given up", account=self.account.id, item=item.id)
        return True

    # -- sending ------------------------------------------------------------------------------------------------

    async def _send(self, order: OrderRecord) -> None:
        order = self.ledger.orders.get(order.id, order)
        if order.state is not OrderState.QUEUED:
            return  # withdrawn while it stood in the queue
        refusal = await self._await_go(order)
        while refusal is None:
            # Only a request that is out takes room: what waits for something must not stop other lanes.
            async with self._room:
                order, refusal = await self._attempt(order)
            if refusal or order.state is not OrderState.QUEUED:
                break
            await self.change(REQUEUED_S)
            refusal = await self._await_go(order)
        if refusal is not None:
            await self.withdraw(order, refusal)
        elif order.state in AT_BROKER or order.state in UNCERTAIN:
            self.unknowns.watch(order)
            self.book.read_soon()

    async def withdraw(self, order: OrderRecord, refusal: Refusal, provenance: Provenance = Provenance.POLICY) -> None:
        """End a queued order unsent."""
        work = sending.Withdraw(order, refusal, micros(self._clock.now()), provenance)
        moved = await self._shared.writer.run(work, urgent=True)
        if moved is None:
            await self.inbox.reload(order.id)  # somebody else changed it
            return
        self.ledger.put(moved)

    async def _await_go(self, order: OrderRecord) -> Refusal | None:
        """None when the order may be sent now; a refusal when it never may."""
        while True:
            if self._stopping:
                raise sending.LeaseLost(self.account.id)
            if refusal := self.gate.refusal(order):
                return refusal
            waits_for = self.gate.obstacle(order)
            if waits_for is None:
                break
            if self.gate.time_left(order) <= LOOK_AGAIN_S:
                return Refusal("deadline_passed", f"It could not be sent in time: {waits_for}.")
            await self.change()
        due = self._clock.monotonic() + self.gate.time_left(order)
        if not await self._pace.take(order.exchange, due):
            return Refusal("deadline_passed", "The account's order rate left no room before the order was too old.")
        return None

    async def await_legs(self, intent: IntentRecord) -> Refusal | None:
        """Wait until the legs before an intent of a basket are accepted; a refusal when one of them failed."""
        while intent.basket not in INDEPENDENT:
            if refusal := self.gate.basket_failed(intent):
                return refusal
            if not self.gate.leg_waits(intent):
                break
            if self.gate.time_left(intent) <= LOOK_AGAIN_S:
                return Refusal("deadline_passed", "The leg before it was not accepted in time.")
            await self.change()
        return None

    async def _attempt(self, order: OrderRecord) -> tuple[OrderRecord, Refusal | None]:
        used = True
        self.in_flight.add(order.id)
        try:
            instrument = self._shared.market.instrument(order.exchange, order.symbol)
            if instrument is None:
                return order, self.gate.refusal(order)
            found = await sending.send(self.sender(), order, instrument, lambda: self.gate.refusal(order))
            if isinstance(found, Refusal):
                used = False
                return order, found
            used = found.state not in (OrderState.QUEUED, OrderState.NOT_SENT)
            self.ledger.put(found)
            QUEUED_SECONDS.observe(max((found.sent_at or found.queued_at) - found.queued_at, 0) / 1e6)
            ANSWER_SECONDS.observe(max(found.updated_at - (found.sent_at or found.updated_at), 0) / 1e6)
            if found.state is OrderState.REJECTED and found.code == LOGIN_LOST:
                self.book.login_lost = True
            return found, None
        except (StorageUnavailable, sending.LeaseLost):
            used = False
            raise
        finally:
            self.in_flight.discard(order.id)
            self._pace.give_back(order.exchange, used=used)
            self.pulse()

    def sender(self) -> sending.Sender:
        """What sending needs to know of this account."""
        return sending.Sender(
            self.account,
            self.broker,
            self.lease,
            self._shared.writer,
            self._clock,
            self._shared.worker,
            self._rows_alike,
        )

    def _rows_alike(self, order: OrderRecord) -> list[str]:
        """The broker's numbers of strangers' orders for the same instrument: none of them can be the order that is sent now."""
        same = (order.exchange, order.symbol)
        return [row.broker_order_id for row in self.book.external if not row.ref and (row.exchange, row.symbol) == same]

    def _day_is_over(self, order: OrderRecord) -> bool:
        return self._shared.survey.day_is_over(order.exchange, order.symbol, from_micros(order.queued_at))

    def _may_resend(self, order: OrderRecord) -> bool:
        return (
            order.reduces
            and self.account.settings.resend_exits_after_proof
            and self.capabilities.ref_echo
            and micros(self._clock.now()) < order.deadline
        )


def _enters_against(item: Work, held: Decimal) -> bool:
    """It means to open the other side of what is held. A plain buy or sell may mean the way out, so it keeps its place."""
    if isinstance(item, OrderRecord):
        return not item.reduces and item.side.sign * held < 0
    side = {Intent.ENTER_LONG: Side.BUY, Intent.ENTER_SHORT: Side.SELL}.get(item.wish.intent)
    return side is not None and side.sign * held < 0
