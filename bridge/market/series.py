"""The simulated days of one name, from the first of 2025: each opens near where the last one closed."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log, sqrt
from random import Random
from threading import Lock

from bridge.domain.instrument import InstrumentKind
from bridge.market.calendar import Calendar
from bridge.market.listings import Listing
from bridge.market.paths import ENDS, SHAPES, Shape, shape
from bridge.market.sessions import SEGMENT_OF_EXCHANGE, SEGMENTS, Segment, SessionName

FIRST_DAY = date(2025, 1, 1)
_TRADING_DAYS = 252
_SHOCK, _MEMORY = 0.08, 0.88  # how much of tomorrow's variance is today's surprise, how much today's variance (GARCH)
_OVERNIGHT = 0.2  # share of a day's variance that happens while the market is closed
_PULL = 0.03  # share of the way back to the reference price that a night goes
_DAILY_TURNOVER = {"INR": 6e9, "USD": 4e9, "USDT": 2e9, "JPY": 6e11, "BTC": 4e3}


@dataclass(frozen=True, slots=True)
class Day:
    """One simulated trading day. `opens` is its start in epoch seconds; every offset is seconds after it."""

    date: date
    opens: float
    length: int
    start: float
    volatility: float
    volume: float
    seed: int
    number: int

    @property
    def shape(self) -> Shape:
        """The walk this day follows."""
        return shape(self.seed, self.number, self.length)

    def price(self, offset: float) -> float:
        """The price at an offset."""
        return self.start * exp(self.volatility * self.shape.at(offset))

    def extremes(self, start: float, end: float) -> tuple[float, float]:
        """The lowest and the highest price between two offsets, both included."""
        low, high = self.shape.extremes(start, end)
        return self.start * exp(self.volatility * low), self.start * exp(self.volatility * high)

    @property
    def close(self) -> float:
        """The price at the end of the day."""
        return self.start * exp(self.volatility * ENDS[self.number])


class Series:
    """The days of one listing, the same for a seed at every start of the program."""

    def __init__(self, listing: Listing, seed: int, calendar: Calendar) -> None:
        self.listing = listing
        self._seed = seed
        self._calendar = calendar
        self._growing = Lock()
        self._segment = _window(listing)
        self._random = Random(f"series {seed} {listing.key}")  # noqa: S311 - simulated prices, nothing secret
        self._days: list[Day] = []
        self._dates: list[date] = []
        self._next = FIRST_DAY
        self._level = log(float(listing.price))
        self._usual = listing.volatility**2 / _TRADING_DAYS
        self._variance = self._usual

    def last_day(self, day: date) -> Day | None:
        """The latest trading day up to that date."""
        self._extend(day)
        position = bisect_right(self._dates, day)
        return self._days[position - 1] if position else None

    def before(self, day: Day) -> Day | None:
        """The trading day before."""
        return self.last_day(day.date - timedelta(days=1))

    def between(self, first: date, last: date) -> list[Day]:
        """The trading days from one date to another, both included."""
        self._extend(last)
        return self._days[bisect_right(self._dates, first - timedelta(days=1)) : bisect_right(self._dates, last)]

    def _extend(self, until: date) -> None:
        if self._next > until:
            return
        with self._growing:  # each day follows from the one before: two threads would tell two stories
            while self._next <= until:
                sessions = self._calendar.sessions(self._segment, self._next)
                hours = [(s.opens, s.closes) for s in sessions if s.name is SessionName.CONTINUOUS]
                if hours:
                    opens, closes = hours[0][0].timestamp(), hours[-1][1].timestamp()
                    self._append(self._next, opens, int(closes - opens))
                self._next += timedelta(days=1)

    def _append(self, on: date, opens: float, length: int) -> None:
        random = self._random
        number = random.randrange(SHAPES)
        overnight = random.gauss(0, sqrt(_OVERNIGHT * self._variance))
        volatility = sqrt((1 - _OVERNIGHT) * self._variance) * exp(random.gauss(0, 0.15))
        pull = _PULL * (log(float(self.listing.price)) - self._level)
        move = overnight + volatility * ENDS[number]
        turnover = _DAILY_TURNOVER.get(self.listing.currency, 1e9) * exp(random.gauss(0, 0.4))
        start = exp(self._level + pull + overnight)
        self._days.append(Day(on, opens, length, start, volatility, turnover / start, self._seed, number))
        self._dates.append(on)
        self._level += pull + move
        self._variance = (1 - _SHOCK - _MEMORY) * self._usual + _SHOCK * move * move + _MEMORY * self._variance


def _window(listing: Listing) -> Segment:
    """The hours a name is priced in: those of the longest-traded contract on it."""
    if listing.exchange == "REFERENCE":
        return SEGMENTS[SEGMENT_OF_EXCHANGE[listing.symbol.split(".")[0]]]
    segment = SEGMENT_OF_EXCHANGE[listing.exchange]
    is_share_or_index = listing.kind in (InstrumentKind.EQUITY, InstrumentKind.INDEX)
    return SEGMENTS["NFO" if segment in ("NSE", "NSE_INDEX") and is_share_or_index else segment]
