"""What an instrument is worth when the name behind it has a price: itself, by carry, or by Black-76."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, reduce
from itertools import pairwise
from math import exp, log

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market import black76
from bridge.market.bundled import rows
from bridge.market.calendar import Calendar
from bridge.market.listings import Underlying, listings, underlyings
from bridge.market.series import Day

_RATES = {"INR": 0.065, "USD": 0.043}
_YEAR = 365 * 86400
_BLOCK = 1800  # seconds for which an option's remaining time is held, so that its bars add up
_TWINS = {"BSE": "NSE"}  # the same share on two exchanges follows one path


@cache
def _followed() -> Mapping[str, str]:
    """Listings that move with another one: a perpetual with its spot, a mini future with the large one."""
    return {row["listing"]: row["source"] for row in rows("follows")}


@dataclass(frozen=True, slots=True)
class Bar:
    """Unrounded open, high, low and close."""

    open: float
    high: float
    low: float
    close: float

    def joined(self, later: Bar) -> Bar:
        """This bar and the one after it as one."""
        return Bar(self.open, max(self.high, later.high), min(self.low, later.low), later.close)


@dataclass(frozen=True, slots=True)
class Pricing:
    """How an instrument follows the listing `source`, of whose price its own is `ratio`. `expires` is in epoch seconds."""

    source: str
    instrument: Instrument
    ratio: float = 1.0
    rate: float = 0.0
    expires: float = 0.0
    volatility: float = 0.0

    def value(self, day: Day, offset: float) -> float:
        """The price at an offset of a day of its source."""
        return self._worth(day.price(offset), day, self._held(day, offset))

    def bar(self, day: Day, start: float, end: float) -> Bar:
        """Open, high, low and close between two offsets."""
        if self.instrument.kind is not InstrumentKind.OPTION:
            return self._bar(day, start, end)
        edges = [start, *_blocks_between(start, end), end]
        return reduce(Bar.joined, (self._bar(day, a, b) for a, b in pairwise(edges)))

    def _bar(self, day: Day, start: float, end: float) -> Bar:
        held = self._held(day, start)
        worths = [self._worth(p, day, held) for p in (day.price(start), *day.extremes(start, end), day.price(end))]
        return Bar(
            worths[0], max(worths[1:3]), min(worths[1:3]), worths[3]
        )  # a put is highest when its source is lowest

    def _held(self, day: Day, offset: float) -> float:
        """The moment whose remaining time an option is priced with: the end of the block, so that it ends exercised."""
        last = day.length - 1
        return day.opens + min(_next_block(min(offset, last)), day.length)

    def _worth(self, spot: float, day: Day, held: float) -> float:
        instrument = self.instrument
        spot *= self.ratio
        if instrument.expiry is None:
            return spot
        forward = spot * exp(self.rate * max((instrument.expiry - day.date).days, 0) / 365)
        if instrument.kind is InstrumentKind.FUTURE or instrument.strike is None or instrument.right is None:
            return forward
        years = (self.expires - held) / _YEAR
        return black76.price(forward, float(instrument.strike), years, self.volatility, self.rate, instrument.right)


def pricing_of(instrument: Instrument, calendar: Calendar) -> Pricing | None:
    """How to price an instrument; `None` for one that no bundled listing stands behind."""
    if not instrument.is_derivative:
        exchange = _TWINS.get(instrument.exchange, instrument.exchange)
        listing = f"{exchange}:{instrument.symbol}"
        if listing not in listings():
            return None
        source, ratio = _source(listing)
        return Pricing(source, instrument, ratio)
    underlying = underlyings().get((instrument.exchange, instrument.underlying or ""))
    if underlying is None or instrument.expiry is None:
        return None
    source, ratio = _source(underlying.spot)
    return Pricing(
        source=source,
        instrument=instrument,
        ratio=ratio,
        rate=_RATES.get(instrument.currency, 0.0),
        expires=_expires(instrument, instrument.expiry, calendar),
        volatility=_volatility(instrument, underlying),
    )


def _source(listing: str) -> tuple[str, float]:
    """The listing whose path is followed, and how many times its price the follower costs."""
    source = _followed().get(listing, listing)
    return source, float(listings()[listing].price / listings()[source].price)


def _expires(instrument: Instrument, expiry: date, calendar: Calendar) -> float:
    close = calendar.last_close(instrument, expiry)
    return (close or datetime.combine(expiry + timedelta(days=1), time(0), UTC)).timestamp()


def _volatility(instrument: Instrument, underlying: Underlying) -> float:
    """The listing's volatility, more for strikes far from its reference price, most for low ones."""
    listing = listings()[underlying.spot]
    if instrument.strike is None:
        return listing.volatility
    distance = max(-0.25, min(0.25, log(float(instrument.strike / listing.price))))
    skew = -0.5 * distance if distance < 0 else -0.2 * distance
    return listing.volatility * (1 + skew + 2 * distance * distance)


def _blocks_between(start: float, end: float) -> Iterator[float]:
    edge = _next_block(start)
    while edge < end:
        yield edge
        edge += _BLOCK


def block_of(offset: float) -> float:
    """The start of the block an offset lies in."""
    return offset // _BLOCK * _BLOCK


def _next_block(offset: float) -> float:
    return block_of(offset) + _BLOCK
