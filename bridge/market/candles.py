"""Bars: the interval words, and putting smaller bars together into larger ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from bridge.market.base import Candle

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
