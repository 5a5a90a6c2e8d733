"""What runs behind one paper account: commits, the turn of the day, and the watch over working orders.

The database is the truth. Memory holds only which orders work, so that a price move costs no query; a transaction
reads again whatever it acts on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date, datetime, time
from typing import Any, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from bridge.brokers.base import BrokerState, MarginEstimate, OrderRequest
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.estimate import Estimate
from bridge.brokers.paper.matching import Liquidity, Terms, match
from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import PaperOrder, PaperTrigger
from bridge.brokers.paper.settlement import Settlement, settlement_prices
from bridge.brokers.paper.trading import Outcome, Venue
from bridge.brokers.paper.triggers import Sprung, Triggers
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Product, Side
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, micros
from bridge.kit.database import StorageUnavailable, Transaction, Writer
from bridge.market.base import Market

Result: TypeAlias = Outcome | Sprung | Refusal | None
Work = Callable[[Transaction, Venue], Result]
_log = logging.getLogger(__name__)


class Calendar(Protocol):
    """When an instrument trades; `bridge.market` has one."""

    def is_open(self, instrument: Instrument, moment: datetime) -> bool:
        """Whether ordinary orders trade at that moment."""

    def sentence(self, instrument: Instrument, moment: datetime) -> str:
        """When it opens next, for people."""

    def trading_date(self, exchange: str, moment: datetime) -> date:
        """The exchange's day at that moment."""

    def square_off_time(self, instrument: Instrument, day: date) -> datetime | None:
        """When intraday positions are closed that day; `None` where nothing is."""


class Engine:
    """One account's transactions and their consequences."""

    def __init__(self, book: Book, services: Mapping[str, Any]) -> None:
        self.book = book
        self.triggers = Triggers(book)
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
        self._waiting: dict[str, PaperTrigger] = {}
        self._square_offs: dict[tuple[str, date], datetime | None] = {}
        self._looked_at_square_off: set[str] = set()
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
            self._square_offs.clear()
            self._looked_at_square_off.clear()
            for order in await self._writer.run(self.book.working):
                self._working.setdefault(order.id, order)  # one noted meanwhile is newer
            for trigger in await self._writer.run(self.triggers.active):
                self._waiting.setdefault(trigger.id, trigger)
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

    def squared_off(self, instrument: Instrument) -> str | None:
        """Since when nothing intraday is opened any more today; `None` before, and without a calendar."""
        if self._calendar is None:
            return None
        now = self.clock.now()
        key = instrument.key, self._calendar.trading_date(instrument.exchange, now)
        if key not in self._square_offs:
            self._square_offs[key] = self._calendar.square_off_time(instrument, key[1])
        at = self._square_offs[key]
        return f"{at:%H:%M} {at.tzname()}" if at is not None and now >= at else None

    # Transactions

    async def transact(self, instrument: Instrument, side: Side, work: Work) -> Result:
        """Run one order's work at the present quote, in one commit, and see to its consequences."""
        return await self._finished(self._transact(instrument, side, work))

    async def cancel(self, order_id: str) -> Result:
        """End a working order."""
        now = micros(self.clock.now())
        return await self._finished(self._commit(lambda tx: self.book.cancel(tx, order_id, now)))

    async def cancel_trigger(self, trigger_id: str) -> Result:
        """End an active trigger."""
        now = micros(self.clock.now())
        return await self._finished(self._commit(lambda tx: self.triggers.cancel(tx, trigger_id, now)))

    async def estimate(self, requests: Sequence[OrderRequest]) -> MarginEstimate:
        """What these orders would block."""
        asked = [(each, self.venue(each.instrument, each.side)) for each in requests]
        return await self._writer.run(Estimate(self.book, asked).run)

    async def reset(self) -> None:
        """Begin anew."""
        now = micros(self.clock.now())
        for outcome in await self._writer.run(lambda tx: self.book.reset(tx, now), urgent=True):
            self._note(outcome)
        self._waiting.clear()
        self._liquidity = Liquidity()

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
        elif isinstance(result, Sprung):
            self._note_trigger(result)
        return result

    async def _transact(self, instrument: Instrument, side: Side, work: Work) -> Result:
        async with self._turn:
            venue = self.venue(instrument, side)
            result = await self._commit(lambda tx: work(tx, venue))
            outcome = result.outcome if isinstance(result, Sprung) else result
            if isinstance(outcome, Outcome):
                self._took(outcome, venue)
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
            squared_off=self.squared_off(instrument),
        )

    def _took(self, outcome: Outcome, venue: Venue) -> None:
        if venue.quote and venue.terms.partial_fills and outcome.trades:
            quantity = sum((trade.quantity for trade in outcome.trades), ZERO)
            self._liquidity.take(outcome.order.side, venue.quote, quantity)

    def _note(self, outcome: Outcome, *, unasked: bool = False) -> None:
        """Remember whether the order works, and tell who listens; of an order that nobody placed, whatever became of it."""
        order = outcome.order
        if order.working:
            self._working[order.id] = order
        else:
            self._working.pop(order.id, None)
        self._note_resting()
        if self._on_update and (unasked or (outcome.is_news and order.state is not BrokerState.REJECTED)):
            asyncio.get_running_loop().call_soon(self._on_update, self.book.account_id)

    def _note_trigger(self, sprung: Sprung) -> None:
        if sprung.trigger.working:
            self._waiting[sprung.trigger.id] = sprung.trigger
        else:
            self._waiting.pop(sprung.trigger.id, None)
        if sprung.outcome:
            self._note(sprung.outcome, unasked=True)
        self._note_resting()

    def _note_resting(self) -> None:
        if self._working or self._waiting:
            self._resting.set()
            self.start()
        else:
            self._resting.clear()

    # The watch

    async def match_now(self) -> int:
        """Let the present quotes act on every working order and trigger; how many changed."""
        await self.ready()
        errands: list[Coroutine[Any, Any, bool]] = []
        for trigger in list(self._waiting.values()):
            instrument = self.market.instrument(trigger.exchange, trigger.symbol)
            if instrument is not None and self._would_spring(trigger, instrument):
                errands.append(self._sprung(trigger, instrument))
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

    async def _sprung(self, trigger: PaperTrigger, instrument: Instrument) -> bool:
        """Fire or end one trigger, unless another process was first or the price went back."""
        result = await self.transact(
            instrument, trigger.side, lambda tx, venue: self.triggers.look(tx, trigger.id, venue)
        )
        if isinstance(result, Sprung):
            return result.trigger != trigger
        self._waiting.pop(trigger.id, None)
        self._note_resting()
        return True

    def _would_spring(self, trigger: PaperTrigger, instrument: Instrument) -> bool:
        if micros(self.clock.now()) >= trigger.expires_at:
            return True
        quote = self.market.quote(instrument)
        return quote is not None and trigger.reached(quote.last) is not None and self.why_closed(instrument) is None

    def _would_react(self, order: PaperOrder, instrument: Instrument) -> bool:
        venue = self.venue(instrument, order.side)
        if venue.quote is None or self.why_closed(instrument) is not None:
            return False
        if venue.squared_off and order.product is Product.MIS and order.id not in self._looked_at_square_off:
            self._looked_at_square_off.add(order.id)  # the book ends it, or knows that it only reduces
            return True
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
