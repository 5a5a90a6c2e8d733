"""A market that plays recorded prices again, moved by the clock.

The file is CSV with `timestamp` (ISO, with its offset from UTC), `symbol`, `exchange`, and either
`open,high,low,close,volume` (bars, dated by their start) or `last` with optional `bid,ask,volume` (ticks).
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from bridge.domain.instrument import Instrument
from bridge.kit.clock import Clock
from bridge.market.base import Candle, Quote
from bridge.market.candles import interval_seconds, merged
from bridge.market.catalogue import Catalogue
from bridge.market.master import TodaysMaster

_FRESH_FOR = timedelta(minutes=5)
_ONE_DAY = timedelta(days=1)


class BadRecording(ValueError):
    """A row of the file cannot be read; the message names the line and the field."""


@dataclass(frozen=True, slots=True)
class _Move:
    """The price from a moment on."""

    at: datetime
    last: Decimal
    bid: Decimal
    ask: Decimal
    volume: Decimal


class ReplayMarket:
    """The `Market` port over a recording. Never shows what lies after the clock's time."""

    simulated = True

    def __init__(
        self,
        clock: Clock,
        recording: Path | Iterable[Mapping[str, str]],
        instruments: Iterable[Instrument] | None = None,
        fresh_for: timedelta = _FRESH_FOR,
    ) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        self._list = TodaysMaster(clock) if instruments is None else Catalogue(instruments)
        self._moves = _moves(_read(recording) if isinstance(recording, Path) else recording)
        self._times = {key: [move.at for move in moves] for key, moves in self._moves.items()}

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly."""
        return self._list.instrument(exchange, symbol)

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol."""
        return self._list.find(symbol)

    def instruments(self) -> Iterable[Instrument]:
        """The whole list."""
        return self._list.instruments()

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry."""
        return self._list.contracts(exchange, underlying)

    def quote(self, instrument: Instrument) -> Quote | None:
        """The last recorded price; `None` before the first and once the last is older than `fresh_for`."""
        now = self._clock.now()
        moves = self._until(instrument, now)
        if not moves or now - moves[-1].at > self._fresh_for:
            return None
        latest = moves[-1]
        today = [move for move in moves if move.at.date() == latest.at.date()]
        earlier = moves[len(moves) - len(today) - 1] if len(moves) > len(today) else today[0]
        return Quote(
            instrument=instrument,
            last=latest.last,
            bid=latest.bid,
            ask=latest.ask,
            bids=(),
            asks=(),
            open=today[0].last,
            high=max(move.last for move in today),
            low=min(move.last for move in today),
            previous_close=earlier.last,
            volume=sum((move.volume for move in today), Decimal(0)),
            at=latest.at,
            simulated=True,
        )

    def history(self, instrument: Instrument, interval: str, start: datetime, end: datetime) -> Sequence[Candle]:
        """Bars over what was recorded up to now; intervals without a price have no bar. Raises UnknownInterval."""
        seconds = interval_seconds(interval)
        length = timedelta(seconds=seconds) if seconds else _ONE_DAY
        bars: dict[datetime, list[Candle]] = defaultdict(list)
        for move in self._between(instrument, start, min(end + length, self._clock.now())):
            midnight = move.at.replace(hour=0, minute=0, second=0, microsecond=0)
            price = move.last
            bars[midnight + (move.at - midnight) // length * length].append(
                Candle(at=move.at, open=price, high=price, low=price, close=price, volume=move.volume)
            )
        return [replace(merged(parts), at=at) for at, parts in bars.items() if start <= at < end]

    def _until(self, instrument: Instrument, moment: datetime) -> Sequence[_Move]:
        position = bisect_right(self._times.get(instrument.key, ()), moment)
        return self._moves.get(instrument.key, ())[:position]

    def _between(self, instrument: Instrument, first: datetime, last: datetime) -> Sequence[_Move]:
        """The moves with first ≤ at ≤ last."""
        times = self._times.get(instrument.key, ())
        return self._moves.get(instrument.key, ())[bisect_left(times, first) : bisect_right(times, last)]


def _read(path: Path) -> list[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _moves(recording: Iterable[Mapping[str, str]]) -> Mapping[str, Sequence[_Move]]:
    by_key: dict[str, list[tuple[int, datetime, Mapping[str, str]]]] = defaultdict(list)
    for line, row in enumerate(recording, start=2):
        by_key[f"{row.get('exchange', '')}:{row.get('symbol', '')}"].append((line, _moment(row, line), row))
    moves: dict[str, Sequence[_Move]] = {}
    for key, found in by_key.items():
        found.sort(key=lambda entry: entry[1])
        length = min((b[1] - a[1] for a, b in pairwise(found)), default=timedelta(minutes=1))
        moves[key] = [move for line, at, row in found for move in _of_row(row, line, at, length)]
    return moves


def _of_row(row: Mapping[str, str], line: int, at: datetime, length: timedelta) -> list[_Move]:
    volume = _figure(row, "volume", line, "0")
    if row.get("last"):
        last = _figure(row, "last", line)
        return [_Move(at, last, _figure(row, "bid", line, row["last"]), _figure(row, "ask", line, row["last"]), volume)]
    opened, high, low, close = (_figure(row, name, line) for name in ("open", "high", "low", "close"))
    # A bar is played in four steps, the nearer extreme first, the close just before its end: nothing is known early.
    first, second = (low, high) if close >= opened else (high, low)
    steps = zip((opened, first, second, close), (0.0, 0.3, 0.6, 0.9), strict=True)
    return [_Move(at + length * share, price, price, price, volume / 4) for price, share in steps]


def _moment(row: Mapping[str, str], line: int) -> datetime:
    try:
        at = datetime.fromisoformat(row.get("timestamp", ""))
    except ValueError as error:
        raise BadRecording(f"line {line}: timestamp is no ISO time: {row.get('timestamp')!r}") from error
    if at.tzinfo is None:
        raise BadRecording(f"line {line}: timestamp {row['timestamp']!r} has no offset from UTC, such as +05:30")
    return at


def _figure(row: Mapping[str, str], name: str, line: int, default: str | None = None) -> Decimal:
    text = row.get(name) or default
    try:
        return Decimal(text or "")
    except InvalidOperation as error:
        raise BadRecording(f"line {line}: {name} is no number: {text!r}") from error
