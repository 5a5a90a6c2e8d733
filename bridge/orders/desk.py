"""One account's dispatcher: its queue in lanes, its book reads, its uncertain orders.

A lane is what must happen in order: one strategy in one instrument and product. Lanes run side by side; within a lane
exits go before entries, and an intent that depends on the position waits until the orders before it have settled.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
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
from bridge.kit import failpoints
from bridge.kit.clock import Clock, from_micros, micros, wait_for
from bridge.kit.database import Reader, Row, StorageUnavailable, Writer
from bridge.market.base import Market
from bridge.orders import journal, sending
from bridge.orders.bookkeeping import BookKeeper
from bridge.orders.gate import Gate, Work
from bridge.orders.holdings import Ledger, of
from bridge.orders.lease import Lease
from bridge.orders.metrics import ANSWER_SECONDS, QUEUED_SECONDS
from bridge.orders.outcome import LOGIN_LOST
from bridge.orders.pace import Pace
from bridge.orders.records import IntentRecord, Lane, OrderRecord
from bridge.orders.recovery import Takeover, Unknowns, abandon
from bridge.orders.resolving import Resolver
from bridge.orders.situation import EXIT_INTENTS, Standing
from bridge.orders.survey import Survey
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
        self._taken: set[str] = set()
        self._sending: set[str] = set()
        self._delayed: dict[str, IntentRecord] = {}
        self._coming: Counter[tuple[Lane, Side]] = Counter()
        self._unresolved: dict[str, set[int]] = {}  # by alert: legs of baskets that wait for their position
        self.gate = Gate(self, shared, self._unresolved)
        self.book = BookKeeper(self, shared)
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take over what the account's last sender left, then work."""
        failpoints.reach("takeover.before_commit")
        now = micros(self._clock.now())
        await self._shared.writer.run(Takeover(self.account.id, self.lease.fence, now), urgent=True)
        failpoints.reach("takeover.committed")
        await self._load()
        self._spawn(self.book.follow())
        self._spawn(self.book.watch_login())

    async def stop(self) -> None:
        """Stop sending. A request that is out is closed as unknown, and recovery asks about it."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.broker.close()

    async def _load(self) -> None:
        reader, account_id = self._shared.reader, self.account.id
        recent = micros(self._clock.now()) - 36 * 3600 * 1_000_000
        rows = await reader.rows(
            "SELECT * FROM orders WHERE account_id = :id AND (queued_at > :recent OR state IN"
            " ('QUEUED', 'SENDING', 'UNKNOWN', 'PARKED', 'WORKING', 'PARTIALLY_FILLED'))",
            {"id": account_id, "recent": recent},
        )
        for row in rows:
            self.ledger.put(OrderRecord.of(row))
        for row in await reader.rows("SELECT * FROM positions WHERE account_id = :id", {"id": account_id}):
            lane = (row["exchange"], row["symbol"], row["product"], row["strategy_id"])
            self.ledger.held[lane] = of(row)
        second_ago = micros(self._clock.now()) - 1_500_000
        sent = await reader.rows(
            "SELECT o.exchange, COUNT(*) AS n FROM attempts a JOIN orders o ON o.id = a.order_id"
            " WHERE a.account_id = :id AND a.opened_at > :since GROUP BY o.exchange",
            {"id": account_id, "since": second_ago},
        )
        for row in sent:
            self._pace.remember(row["exchange"], row["n"])
        await self.look_for_work()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            log.error("desk task ended", account=self.account.id, problem=repr(problem))

    def pulse(self) -> None:
        """Something changed that a lane may be waiting for."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self, seconds: float = LOOK_AGAIN_S) -> None:
        """Wait for the next pulse, but not longer."""
        await wait_for(self._changed, seconds, self._clock)

    # -- the queue ----------------------------------------------------------------------------------------------

    def standing(self, lane: Lane) -> Standing:
        """What the lane's strategy holds, and which way it may be moving."""
        orders = self.ledger.open_in(lane)
        coming = [side for (where, side), count in self._coming.items() if where == lane and count]
        idle = lane not in self._busy and not orders and not coming
        moving = frozenset([*coming, *(order.side for order in orders)])
        return Standing(self.ledger.holding(lane).quantity, idle, moving)

    def announce(self, lane: Lane, side: Side, count: int) -> None:
        """An order that was decided and is being committed (+1), or has been handed over or given up (−1)."""
        self._coming[lane, side] += count
        if not self._coming[lane, side]:
            del self._coming[lane, side]

    async def look_for_work(self) -> None:
        """Take in what other processes (or an earlier one) have queued."""
        intents = await self._not_taken(
            "intents WHERE account_id = :id AND state IN ('RECEIVED', 'HELD') ORDER BY created_at, number"
        )
        orders = await self._not_taken("orders WHERE account_id = :id AND state = 'QUEUED' ORDER BY queued_at, leg")
        await self._see_decisions()
        await self._see_orphans()
        self.offer([*map(IntentRecord.of, intents), *map(OrderRecord.of, orders)])

    async def _not_taken(self, which: str) -> list[Row]:
        """Rows that nobody here knows yet. Mostly there are none, and a long queue is not read whole each second to see it."""
        reader, where = self._shared.reader, {"id": self.account.id}
        ids = await reader.rows(f"SELECT id FROM {which}", where)  # noqa: S608 - our words
        if all(row["id"] in self._taken for row in ids):
            return []
        rows = await reader.rows(f"SELECT * FROM {which}", where)  # noqa: S608 - our words
        return [row for row in rows if row["id"] not in self._taken]

    async def _see_orphans(self) -> None:
        """A row that says SENDING while nobody here is sending it (a commit whose answer got lost) is an unknown outcome."""
        where = {"id": self.account.id, "fence": self.lease.fence}
        sql = "SELECT * FROM orders WHERE account_id = :id AND state = 'SENDING' AND fence = :fence"
        for row in await self._shared.reader.rows(sql, where):
            if row["id"] not in self._sending:
                await self._abandon(OrderRecord.of(row))

    async def _abandon(self, order: OrderRecord) -> None:
        now = micros(self._clock.now())
        moved = await self._shared.writer.run(lambda tx: abandon(tx, order, now), urgent=True)
        if moved:
            self.ledger.put(moved)
            self.unknowns.watch(moved)
            self.book.read_soon()

    async def _see_decisions(self) -> None:
        """A person may have decided about an uncertain order in another process."""
        for order in self.unknowns.open():
            row = await self._shared.reader.row("SELECT * FROM orders WHERE id = :id", {"id": order.id})
            if row and row["state"] != order.state:
                self.ledger.put(OrderRecord.of(row))
                self.pulse()

    def offer(self, work: Iterable[Work]) -> None:
        """Queue intents and orders that are committed. What was offered before is ignored."""
        for item in work:
            if item.id in self._taken:
                continue
            self._taken.add(item.id)
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
        """Delayed intents of the same strategy and instrument that were asked for before; they are not started any more."""
        same = [
            item
            for item in self._delayed.values()
            if item.strategy_id == intent.strategy_id
            and (not intent.symbol or (item.exchange, item.symbol) == (intent.exchange, intent.symbol))
            and item.created_at < intent.created_at
        ]
        for item in same:
            del self._delayed[item.id]
        return same

    def move(self, old: IntentRecord, new: IntentRecord) -> None:
        """The same intent in another lane."""
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
                await self._work(queue.pop(self._whose_turn(lane, queue)))
                self.pulse()
        finally:
            self._busy.discard(lane)

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

    async def _work(self, item: Work) -> None:
        try:
            if isinstance(item, OrderRecord):
                await self._send(item)
            else:
                self._next_in_lane(item, await self.resolver.resolve(item))
        except (StorageUnavailable, sending.LeaseLost) as problem:
            # Nothing was sent and nothing changed: leave it to the next look at the tables.
            log.warning("left for later", account=self.account.id, item=item.id, problem=repr(problem))
            self._taken.discard(item.id)
        except Exception as problem:
            log.exception("item failed", account=self.account.id, item=item.id)
            await self._give_up(
                item,
                Refusal("internal_error", f"Not processed ({type(problem).__name__}). Nothing was sent."),
            )
        finally:
            self.gate.forget(item)
            if isinstance(item, IntentRecord):
                self._unresolved.get(item.alert_id, set()).discard(item.number)

    def _next_in_lane(self, intent: IntentRecord, orders: list[OrderRecord]) -> None:
        """What an intent led to goes out before anything that came after it."""
        for order in orders:
            self._taken.add(order.id)
            self.gate.inherit_deadline(order, intent)
            self.ledger.put(order)
        self._lanes[intent.lane][0:0] = orders

    async def _give_up(self, item: Work, refusal: Refusal) -> None:
        try:
            if isinstance(item, IntentRecord):
                await self.resolver.refuse(item, refusal)
            elif self.ledger.orders.get(item.id, item).state is OrderState.QUEUED:
                await self.withdraw(self.ledger.orders.get(item.id, item), refusal)
        except StorageUnavailable:
            self._taken.discard(item.id)  # it is looked at again

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
            await self._reload(order)
            return
        self.ledger.put(moved)
        if refusal.code == "basket_stopped" and order.basket == "unwind":
            await self._ask_to_unwind(order)

    async def _reload(self, order: OrderRecord) -> None:
        """Somebody else changed the row: memory follows the table."""
        row = await self._shared.reader.row("SELECT * FROM orders WHERE id = :id", {"id": order.id})
        if row:
            self.ledger.put(OrderRecord.of(row))

    async def _ask_to_unwind(self, order: OrderRecord) -> None:
        """A basket that cannot be completed: the person decides what becomes of the legs that are filled."""
        done = [sending.describe(leg) for leg in self.gate.legs_before(order) if leg.filled]
        if not done:
            return
        legs = ", ".join(done)
        text = (
            f"A basket could not be completed. Filled and still open: {legs}. Close them if they make no sense alone."
        )
        notice = journal.Notice("basket_unwind", "critical", text)
        at = micros(self._clock.now())
        await self._shared.writer.run(
            lambda tx: journal.tell(tx, notice, at, order.user_id, order.alert_id, order.id), urgent=True
        )

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
        while intent.basket not in (None, "continue"):
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
        self._sending.add(order.id)
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
            self._sending.discard(order.id)
            self._pace.give_back(order.exchange, used=used)
            self.pulse()

    def sender(self) -> sending.Desk:
        """What sending needs to know of this account."""
        return sending.Desk(
            self.account,
            self.broker,
            self.lease,
            self._shared.writer,
            self._clock,
            self._shared.worker,
            lambda: [row.broker_order_id for row in self.book.external if not row.ref],
        )

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
