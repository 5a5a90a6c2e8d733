"""The port to prices: quotes, history and instruments, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bridge.domain.instrument import Instrument


@dataclass(frozen=True, slots=True)
class DepthLevel:
    """One step of the book: a price and the units standing there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The market of one instrument at one moment. `bids` and `asks` are up to five levels, best first."""

    instrument: Instrument
    last: Decimal
    bid: Decimal
    ask: Decimal
    bids: tuple[DepthLevel, ...]
    asks: tuple[DepthLevel, ...]
    open: Decimal
    high: Decimal
    low: Decimal
    previous_close: Decimal
    volume: Decimal
    at: datetime
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar; `at` is its start."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Market(Protocol):
    """Where prices and instruments come from. Look-ups are memory reads: they never wait for a network.

    Threads may ask at once: long answers are made beside the event loop.
    """

    @property
    def simulated(self) -> bool:
        """True when nothing here is a real price; whatever shows it says SIMULATED."""

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly; `None` when it is not in the master."""

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol, over all exchanges."""

    def instruments(self) -> Iterable[Instrument]:
        """The whole master."""

    def quote(self, instrument: Instrument) -> Quote | None:
        """The latest quote, or `None` when there is none fresh enough to trade on."""

    def history(self, instrument: Instrument, interval: str, start: datetime, end: datetime) -> Sequence[Candle]:
        """Bars of `interval` (OpenAlgo's words: 1m, 5m, 1h, D) with start ≤ at < end."""
