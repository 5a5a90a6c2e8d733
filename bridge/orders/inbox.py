"""What the tables hold for one account: the day it has had when its desk opens, and work that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING

import structlog

from bridge.domain.lifecycle import TERMINAL, UNCERTAIN, IntentState, OrderState
from bridge.kit.clock import micros
from bridge.kit.database import Row
from bridge.market.sessions import SEGMENT_OF_EXCHANGE
from bridge.orders import journal
from bridge.orders.holdings import of
from bridge.orders.records import IntentRecord, OrderRecord, readable
from bridge.orders.recovery import abandon

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

log = structlog.get_logger("bridge.inbox")

PIECE = 200  # rows read at a time: the list they come in must not be what memory is sized for
TIDY_EVERY_S = 60.0
LATE_S = 600.0  # so long after its end somebody may still ask about an order of the day before

_IN_DOUBT = frozenset({OrderState.SENDING, *UNCERTAIN})
_OPEN = "('QUEUED', 'SENDING', 'UNKNOWN', 'PARKED', 'WORKING', 'PARTIALLY_FILLED')"
_INTENTS = "intents WHERE account_id = :id AND state IN ('RECEIVED', 'HELD')"
_ORDERS = "orders WHERE account_id = :id AND state = 'QUEUED'"
_NEW_INTENTS = f"SELECT * FROM {_INTENTS}"  # noqa: S608 - our words
_CAME = "(SELECT created_at FROM intents WHERE intents.id = orders.intent_id) AS came"
_NEW_ORDERS = f"SELECT *, {_CAME} FROM {_ORDERS}"  # noqa: S608 - our words


class Inbox:
    """Brings the rows of one account to its desk, each once, and lets go of what is over."""

    def __init__(self, desk: AccountDesk, shared: Services) -> None:
        self._desk = desk
        self._reader = shared.reader
        self._writer = shared.writer
        self._clock = shared.clock
        self._calendar = shared.survey.calendar
        self._account = {"id": desk.account.id}
        self._taken: set[str] = set()
        self._tidied = shared.clock.monotonic()

    def take(self, item_id: str) -> bool:
        """Whether the desk does not have that item yet; from now on it has."""
        if item_id in self._taken:
            return False
        self._taken.add(item_id)
        return True

    # -- when the desk opens ------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Memory as the tables have it: the orders of the current trading date or still open, and what is held."""
        sql = f"SELECT id, trading_date, state FROM orders WHERE account_id = :id AND state IN {_OPEN}"  # noqa: S608 - our words
        unsettled = await self._reader.rows(sql, self._account)
        in_doubt = {row["trading_date"] for row in unsettled if row["state"] in _IN_DOUBT}
        for date in in_doubt:
            await self._load_day(date)
        today = self._today()
        for date in {*today.values()} - in_doubt:
            await self._load_day(date, [exchange for exchange, its_date in today.items() if its_date == date])
        for row in unsettled:
            if row["id"] not in self._desk.ledger.orders:
                await self.reload(row["id"])  # of an earlier day, and still open
        for row in await self._reader.rows("SELECT * FROM positions WHERE account_id = :id", self._account):
            self._desk.ledger.held[row["exchange"], row["symbol"], row["product"], row["strategy_id"]] = of(row)

    async def _load_day(self, date: str, exchanges: Iterable[str] = ()) -> None:
        named = ", ".join(f"'{exchange}'" for exchange in exchanges)
        sql = (
            "SELECT * FROM orders WHERE account_id = :id AND trading_date = :date AND ref > :ref"  # noqa: S608 - our names
            f"{f' AND exchange IN ({named})' if named else ''} ORDER BY ref LIMIT :piece"
        )
        ref = ""
        while rows := await self._reader.rows(sql, {**self._account, "date": date, "ref": ref, "piece": PIECE}):
            for row in rows:
                self._desk.ledger.load(OrderRecord.of(row))
            ref = rows[-1]["ref"]

    async def reload(self, order_id: str) -> OrderRecord | None:
        """Memory follows the table for one order, which somebody else may have changed."""
        row = await self._reader.row("SELECT * FROM orders WHERE id = :id", {"id": order_id})
        if row is None:
            return None
        order = OrderRecord.of(row)
        self._desk.ledger.put(order)
        return order

    def _today(self) -> dict[str, str]:
        """The trading date of each exchange."""
        now = self._clock.now()
        return {name: self._calendar.trading_date(name, now).isoformat() for name in SEGMENT_OF_EXCHANGE}

    def _dates_in_doubt(self) -> set[str]:
        """Days of uncertain orders. Their other orders stay known, or one of them would be taken for the order that is sought."""
        return {order.trading_date for order in self._desk.ledger.unsettled() if order.state in _IN_DOUBT}

    # -- every second -------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Take in what other processes (or an earlier one) have queued or decided."""
        known = frozenset(self._taken)
        intent_ids = await self._waiting(_INTENTS)
        intents, unreadable = readable(await self._not_taken(_NEW_INTENTS, intent_ids))
        # Orders after intents: what an exit was meant to close was stored before it, so it is seen with it.
        order_ids = await self._waiting(_ORDERS)
        orders = await self._not_taken(_NEW_ORDERS, order_ids)
        self._let_go(known.difference(intent_ids, order_ids))
        for row in unreadable:
            await self._refuse(row)
        await self._see_decisions()
        await self._see_orphans()
        await self._offer(intents, orders)
        if self._clock.monotonic() >= self._tidied + TIDY_EVERY_S:
            self._tidied = self._clock.monotonic()
            await self._tidy()

    async def _waiting(self, which: str) -> list[str]:
        return [row["id"] for row in await self._reader.rows(f"SELECT id FROM {which}", self._account)]  # noqa: S608 - our words

    async def _not_taken(self, sql: str, ids: Iterable[str]) -> list[Row]:
        """Rows that nobody here knows yet. Mostly there are none, and a long queue is not read whole each second to see it."""
        if self._taken.issuperset(ids):
            return []
        return [row for row in await self._reader.rows(sql, self._account) if row["id"] not in self._taken]

    async def _offer(self, intents: Iterable[IntentRecord], orders: Iterable[Row]) -> None:
        """One queue from two tables, in the order in which the alerts came: an entry is planned at once, its exit waits."""
        queue: list[tuple[tuple[int, int, int], IntentRecord | Row]] = [
            *(((row["came"] or row["queued_at"], *divmod(row["leg"], 100)), row) for row in orders),
            *(((intent.created_at, intent.number, 100), intent) for intent in intents),
        ]
        queue.sort(key=itemgetter(0))
        for start in range(0, len(queue), PIECE):
            piece = (item for _, item in queue[start : start + PIECE])
            self._desk.offer(item if isinstance(item, IntentRecord) else OrderRecord.of(item) for item in piece)
            await asyncio.sleep(0)

    def _let_go(self, gone: Iterable[str]) -> None:
        """Items that no table shows waiting any more cannot be offered again. An order on its way may still come back."""
        orders = self._desk.ledger.orders
        for item_id in gone:
            if item_id not in orders or orders[item_id].state is not OrderState.QUEUED:
                self._taken.discard(item_id)

    async def _refuse(self, row: Row) -> None:
        """End an intent that cannot be read, so that the account goes on without it, and say so."""
        log.error("intent not readable", intent=row["id"], account=self._desk.account.id)
        what = row["symbol"] or "everything the strategy holds"
        said = (
            f"What an alert asked for {what} was stored by another version and cannot be read. It was not carried out."
        )
        notice = journal.Notice("intent_unreadable", "critical", said)
        now = micros(self._clock.now())
        await self._writer.run(
            lambda tx: journal.end_intent(tx, row, IntentState.REFUSED, now, "unreadable", said, notice), urgent=True
        )

    async def _see_orphans(self) -> None:
        """A row that says SENDING while nobody here is sending it (a commit whose answer got lost) is an unknown outcome."""
        sql = "SELECT * FROM orders WHERE account_id = :id AND state = 'SENDING' AND fence = :fence"
        for row in await self._reader.rows(sql, {**self._account, "fence": self._desk.lease.fence}):
            if row["id"] not in self._desk.in_flight:
                await self._abandon(OrderRecord.of(row))

    async def _abandon(self, order: OrderRecord) -> None:
        now = micros(self._clock.now())
        moved = await self._writer.run(lambda tx: abandon(tx, order, now), urgent=True)
        if moved:
            self._desk.ledger.put(moved)
            self._desk.unknowns.watch(moved)
            self._desk.book.read_soon()

    async def _see_decisions(self) -> None:
        """A person may have decided about an uncertain order in another process."""
        for order in self._desk.unknowns.open():
            now = await self.reload(order.id)
            if now and now.state is not order.state:
                self._desk.pulse()

    # -- now and then -------------------------------------------------------------------------------------------

    async def _tidy(self) -> None:
        """Forget what ended on an earlier trading date: a broker may give its number to another order today."""
        ledger, today, in_doubt = self._desk.ledger, self._today(), self._dates_in_doubt()
        late = micros(self._clock.now()) - int(LATE_S * 1e6)
        for place, order in enumerate(list(ledger.orders.values())):
            if place % PIECE == 0:
                await asyncio.sleep(0)  # a long day must not make an alert wait
            over = order.state in TERMINAL and order.updated_at < late and order.trading_date not in in_doubt
            if over and order.trading_date < today.get(order.exchange, "") and ledger.orders.get(order.id) is order:
                ledger.forget(order)
        for lane in [lane for lane, held in ledger.held.items() if not held.quantity]:
            del ledger.held[lane]
