"""Bars: the interval words, and putting smaller bars together into larger ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from bridge.domain.instrument import Instrument
from bridge.market.base import Candle, Market

INTRADAY = (
    "1s",
    "5s",
    "10s",
    "15s",
    "30s",
    "45s",
    "1m",
    "2m",
    "3m",
    "5m",
    "10m",
    "15m",
    "20m",
    "30m",
    "1h",
    "2h",
    "3h",
    "4h",
)
DAILY = ("D", "W", "M")
INTERVALS = INTRADAY + DAILY
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_PIECE_BARS, _PIECE_DAYS = 200, 10  # a simulated option takes some ten milliseconds for either


class UnknownInterval(ValueError):
    """The interval is not one of OpenAlgo's words."""

    def __init__(self, interval: str) -> None:
        super().__init__(f"interval {interval!r} is not known; there are {', '.join(INTERVALS)}")


def interval_seconds(interval: str) -> int | None:
    """The length of an intraday interval; `None` for D, W and M. Raises UnknownInterval."""
    if interval not in INTERVALS:
        raise UnknownInterval(interval)
    match = re.fullmatch(r"(\d+)([smh])", interval)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def period_start(day: date, interval: str) -> date:
    """The first day of the D, W (Monday) or M that holds `day`."""
    if interval == "W":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "M" else day


def merged(candles: Sequence[Candle]) -> Candle:
    """One bar over consecutive ones; it starts where the first starts."""
    return Candle(
        at=candles[0].at,
        open=candles[0].open,
        high=max(c.high for c in candles),
        low=min(c.low for c in candles),
        close=candles[-1].close,
        volume=sum((c.volume for c in candles), Decimal(0)),
    )


def by_period(days: Iterable[Candle], interval: str) -> Iterator[Candle]:
    """Daily bars put together into D, W or M; a bar is dated by its first trading day."""
    for _, group in groupby(days, key=lambda c: period_start(c.at.date(), interval)):
        yield merged(list(group))


def in_pieces(
    market: Market, instrument: Instrument, interval: str, start: datetime, end: datetime
) -> Iterator[Sequence[Candle]]:
    """Bars with start ≤ at < end, oldest first, in pieces short enough to be made between two other things.

    Weeks and months are put together from days and come last, in one piece. Raises UnknownInterval.
    """
    seconds = interval_seconds(interval)
    if seconds is not None:
        span = (start.astimezone(UTC), end.astimezone(UTC))  # a zone's hours may come twice or not at all
        yield from _stretches(market, instrument, interval, span, timedelta(seconds=seconds * _PIECE_BARS))
        return
    first = start - timedelta(days=(start.date() - period_start(start.date(), interval)).days)
    days = _stretches(market, instrument, "D", (first, end), timedelta(days=_PIECE_DAYS))
    if interval == "D":
        yield from days
        return
    found: list[Candle] = []
    for piece in days:
        found += piece
        yield ()
    yield [bar for bar in by_period(found, interval) if bar.at >= start]


def _stretches(
    market: Market, instrument: Instrument, interval: str, span: tuple[datetime, datetime], step: timedelta
) -> Iterator[Sequence[Candle]]:
    at, end = span
    while at < end:
        until = min(at + step, end)
        yield market.history(instrument, interval, at, until)
        at = until
