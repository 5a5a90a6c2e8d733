"""A market of invented prices that behaves like a real one: for the demo, paper trading and tests, offline.

Every price follows from (seed, instrument, time), so a restart changes nothing and history agrees with the quote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import ceil
from zlib import crc32

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.kit.clock import Clock
from bridge.market.base import Candle, Quote
from bridge.market.books import book_around, scrambled
from bridge.market.calendar import ALWAYS_OPEN, Calendar, segment_of
from bridge.market.candles import by_period, interval_seconds, period_start
from bridge.market.listings import listings
from bridge.market.master import TodaysMaster
from bridge.market.pricing import Bar, Pricing, block_of, pricing_of
from bridge.market.series import FIRST_DAY, Day, Series
from bridge.market.sessions import Segment, SessionName

_TICKS_A_SECOND = 4  # prices stand still for a quarter of a second, and so may the quote
_MOST_CACHED = 4096
_DERIVATIVE_VOLUME = {InstrumentKind.FUTURE: 0.6, InstrumentKind.OPTION: 2.0}  # of the volume in the name behind it


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a simulated day in which an instrument trades, as offsets into that day."""

    day: Day
    start: int
    end: int

    def clipped(self, moment: float) -> float:
        """The offset of an epoch second, kept inside the window."""
        return min(max(moment - self.day.opens, self.start), self.end)

    def holds(self, moment: float) -> bool:
        """Whether an epoch second lies inside the window."""
        return self.start <= moment - self.day.opens < self.end


@dataclass(slots=True)
class _Today:
    """An instrument's trading day, with what of it is already over."""

    pricing: Pricing
    window: _Window
    previous_close: Decimal
    _over: tuple[float, Bar] | None = None  # in one piece: threads may ask at once

    def bar_until(self, offset: float) -> Bar:
        """The bar from the day's start to that offset. Offsets rise, so what an option did before this block is kept."""
        start = self.window.start
        block = max(start, block_of(offset))
        until, over = self._over or (start, None)
        if over is None or block < until:
            over = self.pricing.bar(self.window.day, start, block)
        elif block > until:
            over = over.joined(self.pricing.bar(self.window.day, until, block))
        self._over = block, over
        return over.joined(self.pricing.bar(self.window.day, block, offset))


class SimulatedMarket:
    """The `Market` port over invented prices. `calendar` decides the hours; by default it never closes."""

    simulated = True

    def __init__(self, clock: Clock, seed: int = 1, calendar: Calendar = ALWAYS_OPEN) -> None:
        self._clock = clock
        self._seed = seed
        self._calendar = calendar
        self._list = TodaysMaster(clock)
        self._series: dict[str, Series] = {}
        self._pricings: dict[str, Pricing | None] = {}
        self._quotes: dict[str, tuple[int, Quote | None]] = {}
        self._days: dict[str, _Today] = {}

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly; `None` when it is not in today's list."""
        return self._list.instrument(exchange, symbol)

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol, over all exchanges."""
        return self._list.find(symbol)

    def instruments(self) -> Iterable[Instrument]:
        """The whole list of today."""
        return self._list.instruments()

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry."""
        return self._list.contracts(exchange, underlying)

    def quote(self, instrument: Instrument) -> Quote | None:
        """The quote of this quarter of a second; outside trading hours that of the last close, dated then.

        `None` for an expired contract and for a name that is not in the bundled list.
        """
        tick = self._tick()
        cached = self._quotes.get(instrument.key)
        if cached is not None and cached[0] == tick:
            return cached[1]
        if len(self._quotes) >= _MOST_CACHED:
            self._forget()
        quote = self._quote(instrument, tick / _TICKS_A_SECOND)
        self._quotes[instrument.key] = (tick, quote)
        return quote

    def history(self, instrument: Instrument, interval: str, start: datetime, end: datetime) -> Sequence[Candle]:
        """Bars with start ≤ at < end, none of the future; the last one is still being made while its time runs.

        Intraday bars count from the session's opening; D, W and M are dated midnight. Raises UnknownInterval.
        """
        seconds = interval_seconds(interval)
        pricing = self._pricing(instrument)
        if pricing is None:
            return []
        now = self._tick() / _TICKS_A_SECOND
        segment = segment_of(instrument)
        first = max(start.astimezone(segment.zone).date(), FIRST_DAY)
        last = min(end, self._clock.now()).astimezone(segment.zone).date()
        if seconds is None:
            bars = by_period(self._daily(pricing, segment, period_start(first, interval), last, now), interval)
        else:
            windows = self._windows(pricing, segment, first, last + timedelta(days=1))
            bars = self._intraday(pricing, segment, windows, seconds, (start.timestamp(), end.timestamp(), now))
        return [bar for bar in bars if start <= bar.at < end]

    def _tick(self) -> int:
        """The quarter of a second it is, since 1970."""
        return int(self._clock.now().timestamp() * _TICKS_A_SECOND)

    def _forget(self) -> None:
        """Nothing kept is more than a saving of time."""
        self._quotes, self._days, self._pricings = {}, {}, {}

    def _quote(self, instrument: Instrument, now: float) -> Quote | None:
        today = self._today(instrument, now)
        if today is None:
            return None
        pricing, window = today.pricing, today.window
        offset = window.clipped(now)
        bar = today.bar_until(offset)
        stamp = window.day.opens + offset
        noise = crc32(instrument.key.encode()) + int(stamp * _TICKS_A_SECOND)
        book = book_around(instrument, _ticks(instrument, bar.close), noise)
        return Quote(
            instrument=instrument,
            last=_rounded(instrument, bar.close),
            bid=book.bid,
            ask=book.ask,
            bids=book.bids,
            asks=book.asks,
            open=_rounded(instrument, bar.open),
            high=_rounded(instrument, bar.high),
            low=_rounded(instrument, bar.low),
            previous_close=today.previous_close,
            volume=_volume(pricing.instrument, window.day, window.start, offset),
            at=datetime.fromtimestamp(stamp, UTC),
            simulated=True,
        )

    def _today(self, instrument: Instrument, now: float) -> _Today | None:
        """The instrument's trading day, kept while its window lasts."""
        kept = self._days.get(instrument.key)
        if kept is not None and kept.window.holds(now):
            return kept
        pricing = self._pricing(instrument)
        window = self._window(pricing, now) if pricing else None
        if pricing is None or window is None or _has_expired(instrument, window.day.date):
            return None
        before = self._series_of(pricing).before(window.day) or window.day
        today = _Today(pricing, window, _rounded(instrument, pricing.value(before, before.length)))
        self._days[instrument.key] = today
        return today

    def _daily(self, pricing: Pricing, segment: Segment, first: date, last: date, now: float) -> Iterator[Candle]:
        for window in self._windows(pricing, segment, first, last):
            if window.day.opens + window.start <= now:
                midnight = datetime.combine(window.day.date, datetime.min.time(), segment.zone)
                yield _candle(pricing, window.day, midnight, window.start, window.end, now - window.day.opens)

    def _intraday(
        self,
        pricing: Pricing,
        segment: Segment,
        windows: Iterator[_Window],
        seconds: int,
        span: tuple[float, float, float],
    ) -> Iterator[Candle]:
        since, until, now = span
        for window in windows:
            # a caller who reads a day in many pieces pays for each bar once
            skipped = max(0, ceil((since - window.day.opens - window.start) / seconds))
            for start in range(window.start + skipped * seconds, window.end, seconds):
                opens = window.day.opens + start
                if opens > now or opens >= until:
                    return
                at = datetime.fromtimestamp(opens, segment.zone)
                end = min(start + seconds, window.end)
                yield _candle(pricing, window.day, at, start, end, now - window.day.opens)

    def _windows(self, pricing: Pricing, segment: Segment, first: date, last: date) -> Iterator[_Window]:
        for day in self._series_of(pricing).between(first, last):
            if not _has_expired(pricing.instrument, day.date) and (window := self._part(segment, day)):
                yield window

    def _window(self, pricing: Pricing, now: float) -> _Window | None:
        """The trading day under way, or the last one before it."""
        segment = segment_of(pricing.instrument)
        series = self._series_of(pricing)
        moment = datetime.fromtimestamp(now, UTC)
        day = series.last_day(self._calendar.trading_date(pricing.instrument.exchange, moment))
        while day is not None:
            window = self._part(segment, day)
            if window and day.opens + window.start <= now:
                return window
            day = series.before(day)
        return None

    def _part(self, segment: Segment, day: Day) -> _Window | None:
        hours = [s for s in self._calendar.sessions(segment, day.date) if s.name is SessionName.CONTINUOUS]
        if not hours:
            return None
        start = int(hours[0].opens.timestamp() - day.opens)
        return _Window(day, max(start, 0), min(int(hours[-1].closes.timestamp() - day.opens), day.length))

    def _pricing(self, instrument: Instrument) -> Pricing | None:
        kept = self._pricings  # still answers when another thread forgets it meanwhile
        if instrument.key not in kept:
            kept[instrument.key] = pricing_of(instrument, self._calendar)
        return kept[instrument.key]

    def _series_of(self, pricing: Pricing) -> Series:
        series = self._series.get(pricing.source)
        if series is None:
            series = self._series[pricing.source] = Series(listings()[pricing.source], self._seed, self._calendar)
        return series


def _has_expired(instrument: Instrument, day: date) -> bool:
    return instrument.expiry is not None and instrument.expiry < day


def _ticks(instrument: Instrument, price: float) -> int:
    """The price in whole ticks, at least one."""
    return max(1, int(price / float(instrument.tick_size) + 0.5))


def _rounded(instrument: Instrument, price: float) -> Decimal:
    return _ticks(instrument, price) * instrument.tick_size


def _candle(pricing: Pricing, day: Day, at: datetime, start: float, full: float, now: float) -> Candle:
    """The bar from `start` to `full`, or as far as it has come at offset `now`."""
    instrument = pricing.instrument
    end = max(start, min(full, now))
    bar = pricing.bar(day, start, end)
    if now < full:
        bar = bar.joined(pricing.bar(day, end, end))  # ends on the price that is quoted at this moment
    return Candle(
        at=at,
        open=_rounded(instrument, bar.open),
        high=_rounded(instrument, bar.high),
        low=_rounded(instrument, bar.low),
        close=_rounded(instrument, bar.close),
        volume=_volume(instrument, day, start, end),
    )


def _volume(instrument: Instrument, day: Day, start: float, end: float) -> Decimal:
    """Units traded between two offsets: a difference of rounded totals, so that bars add up to the day."""
    return _volume_until(instrument, day, end) - _volume_until(instrument, day, start)


def _volume_until(instrument: Instrument, day: Day, offset: float) -> Decimal:
    if instrument.kind is InstrumentKind.INDEX:
        return Decimal(0)
    share = _DERIVATIVE_VOLUME.get(instrument.kind, 1.0) * (
        0.5 + scrambled(crc32(instrument.symbol.encode())) % 100 / 100
    )
    units = day.volume * share * day.shape.volume_until(offset)
    return (
        int(units / float(instrument.lot_size)) * instrument.lot_size
        if instrument.is_derivative
        else Decimal(int(units))
    )
