"""What the account's broker shows: its book, read often enough, and its login, watched."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bridge.brokers.base import BrokerError, BrokerOrder, Funds, LoginRequired
from bridge.domain.lifecycle import AT_BROKER, UNCERTAIN, Provenance
from bridge.kit import failpoints
from bridge.kit.clock import micros, wait_for
from bridge.kit.database import StorageUnavailable
from bridge.orders import journal
from bridge.orders.recovery import BookRead

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

log = structlog.get_logger("bridge.book")

BUSY_S = 5.0  # between reads while anything is not settled
IDLE_S = 30.0
SOON_S = (0.0, 0.3, 1.0, 2.0)  # after an order reached the broker, until it settles
LOGIN_CHECK_S = 15.0
EMPTY_AGAIN_S = 2.0
LOGIN_OVER = "login_over"
RECALLED_DAYS = 7  # a login that has been over for longer may be told of once more
# A large book must not eat the processor: a row costs about 30 µs, and a tenth of the time may go into reading.
PAUSE_S = 0.1
PAUSE_PER_ROW_S = 0.0003


class BookKeeper:
    """Reads one account's order book on one shared schedule and hands on what it says."""

    def __init__(self, desk: AccountDesk, shared: Services) -> None:
        self._desk = desk
        self._clock = shared.clock
        self._reader = shared.reader
        self._writer = shared.writer
        self._poke = asyncio.Event()
        self._soon: list[float] = []
        self._last_read = -IDLE_S
        self._pause = PAUSE_S
        self.login_lost = False
        self.was_read = False  # once, as a whole, and taken in
        self._told_over = False  # what the account's owner heard last about the login
        self.funds: Funds | None = None
        self.external: tuple[BrokerOrder, ...] = ()

    def read_soon(self) -> None:
        """An order reached the broker: look a few times until it settles."""
        now = self._clock.monotonic()
        self._soon = [now + seconds for seconds in SOON_S]
        self._poke.set()

    def read_now(self) -> None:
        """The broker announced a change: read now."""
        self._soon.insert(0, self._clock.monotonic())
        self._poke.set()

    async def follow(self) -> None:
        """Keep reading, for ever."""
        while True:
            await wait_for(self._poke, self._next_read_in(), self._clock)
            self._poke.clear()
            await self._clock.sleep(max(self._last_read + self._pause - self._clock.monotonic(), 0))
            if self._next_read_in() <= 0:
                await self.read()

    def _next_read_in(self) -> float:
        now = self._clock.monotonic()
        unsettled = [o for o in self._desk.ledger.unsettled() if o.state in AT_BROKER or o.state in UNCERTAIN]
        if not unsettled:
            self._soon.clear()
        waits = [self._last_read + (BUSY_S if unsettled else IDLE_S) - now]
        waits += [due - now for due in self._soon[:1]]
        if (unknown := self._desk.unknowns.next_read_in()) is not None:
            waits.append(unknown)
        return max(min(waits), 0.0)

    async def read(self) -> None:
        """One shared read of the whole book: everything the broker says about our orders, and what they leave open."""
        started = self._clock.monotonic()
        self._soon = [due for due in self._soon if due > started]
        self._last_read = started
        try:
            rows = await self._whole_book()
            self._pause = PAUSE_S + PAUSE_PER_ROW_S * len(rows)
            failpoints.reach("book.read")
            external = await self._desk.updates.apply(rows, Provenance.BOOK)
            if await self._desk.triggers.adopt(external):
                external = await self._desk.updates.apply(rows, Provenance.BOOK)
            self.external = tuple(external)
            self.was_read = True
            await self._desk.unknowns.observe(BookRead(started, self.external))
            await self._desk.resolver.operations.release(started)
            await self._desk.resolver.operations.end_doubles()
            self.funds = await self._desk.broker.funds()
        except LoginRequired:
            self.login_lost = True
        except BrokerError as problem:
            log.warning("book not read", account=self._desk.account.id, problem=type(problem).__name__)
        except StorageUnavailable as problem:
            log.warning("book not stored", account=self._desk.account.id, problem=str(problem))
        except Exception:  # one bad row or a slip in an adapter must not end the asking for good
            log.exception("book not understood", account=self._desk.account.id)
        finally:
            self._desk.unknowns.asked()
            self._desk.pulse()
        await self._park_the_old()

    async def _park_the_old(self) -> None:
        try:
            await self._desk.unknowns.give_up_waiting()
        except StorageUnavailable as problem:
            log.warning("parking not stored", account=self._desk.account.id, problem=str(problem))

    async def _whole_book(self) -> list[BrokerOrder]:
        """The book; an empty one only counts when a second look two seconds later agrees and the login is good."""
        rows = list(await self._desk.broker.order_book())
        expected = any(o.broker_order_id or o.state in UNCERTAIN for o in self._desk.ledger.unsettled())
        if rows or not expected:
            return rows
        await self._clock.sleep(EMPTY_AGAIN_S)
        await self._desk.broker.check_login()
        return list(await self._desk.broker.order_book())

    # -- the login ------------------------------------------------------------------------------------------------

    async def recall_login(self) -> None:
        """Whether the last that this account's owner heard is that the login is over; then it is asked for first."""
        sql = (
            "SELECT kind FROM outbox WHERE user_id = :user AND at > :since AND message IN (:over, :back)"
            " ORDER BY at DESC, id DESC LIMIT 1"
        )
        account, since = self._desk.account, micros(self._clock.now()) - RECALLED_DAYS * 86_400_000_000
        said = {"over": self._notice(over=True).message, "back": self._notice(over=False).message}
        last = await self._reader.row(sql, {"user": account.user_id, "since": since, **said})
        self._told_over = self.login_lost = last is not None and last["kind"] == LOGIN_OVER

    async def watch_login(self) -> None:
        """While the login is over, ask now and then whether a person has logged in again; tell them when they should."""
        while True:
            if self.login_lost and await self._logged_in():
                self.login_lost = False
                self._desk.pulse()
            if self._told_over is not self.login_lost:
                await self._tell(over=self.login_lost)
            await self._clock.sleep(LOGIN_CHECK_S)

    async def _logged_in(self) -> bool:
        try:
            await self._desk.broker.check_login()
        except BrokerError as problem:
            log.warning("login needed", account=self._desk.account.id, problem=type(problem).__name__)
            return False
        return True

    async def _tell(self, *, over: bool) -> None:
        """Once for each change; while the database is away, the next look tries again."""
        at, user_id = micros(self._clock.now()), self._desk.account.user_id
        try:
            await self._writer.run(lambda tx: journal.tell(tx, self._notice(over=over), at, user_id), urgent=True)
            self._told_over = over
        except StorageUnavailable as problem:
            log.warning("login not told", account=self._desk.account.id, problem=str(problem))

    def _notice(self, *, over: bool) -> journal.Notice:
        name = self._desk.account.name
        if over:
            text = (
                f"The login of {name} at its broker is over. Log in again: until then its orders wait, or end too old."
            )
            return journal.Notice(LOGIN_OVER, "critical", text)
        return journal.Notice("login_back", "info", f"{name} is logged in at its broker again.")
