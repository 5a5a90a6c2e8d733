"""What runs behind one paper account: commits, the turn of the day, and the watch over working orders.

The database is the truth. Memory holds only which orders work, so that a price move costs no query; a transaction
reads again whatever it acts on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date, datetime, time
from typing import Any, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from bridge.brokers.base import BrokerState
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.matching import Liquidity, Terms, match
from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import PaperOrder
from bridge.brokers.paper.settlement import Settlement, settlement_prices
from bridge.brokers.paper.trading import Outcome, Venue
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Side
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, micros
from bridge.kit.database import StorageUnavailable, Transaction, Writer
from bridge.market.base import Market

Result: TypeAlias = Outcome | Refusal | None
Work = Callable[[Transaction, Venue], Result]
_log = logging.getLogger(__name__)


class Calendar(Protocol):
    """When an instrument trades; `bridge.market` has one."""

    def is_open(self, instrument: Instrument, moment: datetime) -> bool:
        """Whether ordinary orders trade at that moment."""

    def sentence(self, instrument: Instrument, moment: datetime) -> str:
        """When it opens next, for people."""


class Engine:
    """One account's transactions and their consequences."""

    def __init__(self, book: Book, services: Mapping[str, Any]) -> None:
        self.book = book
        self.market: Market = services["market"]
        self.clock: Clock = services["clock"]
        self._writer: Writer = services["writer"]
        self._calendar: Calendar | None = services.get("calendar")
        self._on_update: Callable[[str], object] | None = services.get("on_update")
        self._zone = ZoneInfo(book.settings.zone)
        self._day: date | None = None
        self._opening = asyncio.Lock()
        # Depth is counted in this process, so orders that can use it up take turns; all others share commits.
        partial = book.settings.partial_fills
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if partial else nullcontext()
        self._liquidity = Liquidity()
        self._working: dict[str, PaperOrder] = {}
        self._resting = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[Any]] = set()

    # The day

    def today(self) -> date:
        """The account's date."""
        return self.clock.now().astimezone(self._zone).date()

    def start_of_day(self) -> datetime:
        """The midnight that began it."""
        return datetime.combine(self.today(), time(0), self._zone)

    async def ready(self) -> None:
        """Books opened, turned to today, working orders known. Raises `StorageUnavailable`."""
        if self._day == self.today():
            return
        async with self._opening:
            today = self.today()
            if self._day == today:
                return
            if self._day is None:
                await self._writer.run(lambda tx: self.book.open(tx, today.isoformat()))
            await self.settle(today)
            for order in await self._writer.run(self.book.working):
                self._working.setdefault(order.id, order)  # one noted meanwhile is newer
            self._note_resting()
            self._day = today

    async def settle(self, day: date) -> None:
        """Turn the books to `day`; does nothing when they are there."""
        positions = await self._writer.run(self.book.positions)
        prices = settlement_prices(positions, day, self.market)
        settlement = Settlement(self.book, day, prices, micros(self.clock.now()))
        for outcome in await self._writer.run(settlement.run):
            self._note(outcome)

    def why_closed(self, instrument: Instrument) -> str | None:
        """Why the market takes no orders now; `None` when it does, or when no calendar was given."""
        now = self.clock.now()
        if self._calendar is None or self._calendar.is_open(instrument, now):
            return None
        return self._calendar.sentence(instrument, now)

    # Transactions

    async def transact(self, instrument: Instrument, side: Side, work: Work) -> Result:
        """Run one order's work at the present quote, in one commit, and see to its consequences."""
        return await self._finished(self._transact(instrument, side, work))

    async def cancel(self, order_id: str) -> Result:
        """End a working order."""
        now = micros(self.clock.now())
        return await self._finished(self._commit(lambda tx: self.book.cancel(tx, order_id, now)))

    async def _finished(self, errand: Coroutine[Any, Any, Result]) -> Result:
        """A caller that is cancelled leaves the commit to finish: what is written must be known here."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return await asyncio.shield(task)

    async def _commit(self, work: Callable[[Transaction], Result]) -> Result:
        result = await self._writer.run(work, urgent=True)
        if isinstance(result, Outcome):
            self._note(result)
        return result

    async def _transact(self, instrument: Instrument, side: Side, work: Work) -> Result:
        async with self._turn:
            venue = self.venue(instrument, side)
            result = await self._commit(lambda tx: work(tx, venue))
            if isinstance(result, Outcome):
                self._took(result, venue)
            return result

    def venue(self, instrument: Instrument, side: Side) -> Venue:
        """The market as it stands for an order of that side."""
        settings, quote = self.book.settings, self.market.quote(instrument)
        taken = self._liquidity.taken(side, quote) if quote and settings.partial_fills else ZERO
        return Venue(
            settings=settings,
            instrument=instrument,
            quote=quote,
            terms=Terms(settings.partial_fills, settings.slippage_percent, taken),
            day=self.today(),
            now=micros(self.clock.now()),
        )

    def _took(self, outcome: Outcome, venue: Venue) -> None:
        if venue.quote and venue.terms.partial_fills and outcome.trades:
            quantity = sum((trade.quantity for trade in outcome.trades), ZERO)
            self._liquidity.take(outcome.order.side, venue.quote, quantity)

    def _note(self, outcome: Outcome) -> None:
        """Remember whether the order works, and tell who listens."""
        order = outcome.order
        if order.working:
            self._working[order.id] = order
        else:
            self._working.pop(order.id, None)
        self._note_resting()
        if self._on_update and outcome.is_news and order.state is not BrokerState.REJECTED:
            asyncio.get_running_loop().call_soon(self._on_update, self.book.account_id)

    def _note_resting(self) -> None:
        if self._working:
            self._resting.set()
            self.start()
        else:
            self._resting.clear()

    # The watch

    async def match_now(self) -> int:
        """Let the present quotes act on every working order; how many orders changed."""
        await self.ready()
        errands: list[Coroutine[Any, Any, bool]] = []
        for order in list(self._working.values()):
            instrument = self.market.instrument(order.exchange, order.symbol)
            if instrument is not None and self._would_react(order, instrument):
                errands.append(self._matched(order, instrument))
        return sum(await asyncio.gather(*errands))

    async def _matched(self, order: PaperOrder, instrument: Instrument) -> bool:
        """Match one order; whether it is not what was known of it, by this quote or by another process."""
        result = await self.transact(instrument, order.side, lambda tx, venue: self.book.match(tx, order.id, venue))
        if isinstance(result, Outcome):
            return result.order != order
        self._working.pop(order.id, None)
        self._note_resting()
        return True

    def _would_react(self, order: PaperOrder, instrument: Instrument) -> bool:
        venue = self.venue(instrument, order.side)
        if venue.quote is None or self.why_closed(instrument) is not None:
            return False
        found = match(order, venue.quote, venue.terms)
        first_quote = order.resting_last is None and not order.waits_for_trigger
        return bool(found.executions) or found.order != order or first_quote

    def start(self) -> None:
        """Watch working orders in the background, unless the settings leave that to `match_now`."""
        if self.book.settings.match_every_s and (self._watcher is None or self._watcher.done()):
            self._watcher = asyncio.create_task(self._watch(), name=f"paper {self.book.account_id}")
            self._watcher.add_done_callback(self._report)

    def _report(self, watcher: asyncio.Task[None]) -> None:
        """A watch that ends by anything but `close` is a fault somebody must see; the next order starts another."""
        if not watcher.cancelled() and (problem := watcher.exception()):
            _log.critical("paper account %s is not matched any more", self.book.account_id, exc_info=problem)

    async def _watch(self) -> None:
        while True:
            await self._resting.wait()  # an account at rest costs nothing
            await self.clock.sleep(self.book.settings.match_every_s)
            try:
                await self.match_now()
            except StorageUnavailable as problem:
                _log.warning("paper account %s: fills wait for the database: %s", self.book.account_id, problem)

    async def close(self) -> None:
        """Stop watching; what is being committed is finished."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        await asyncio.gather(*self._errands, return_exceptions=True)
