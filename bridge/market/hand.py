"""A market whose prices somebody moves by hand: for tests and rehearsals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.domain.instrument import Instrument
from bridge.kit.clock import Clock, SystemClock
from bridge.market.base import Candle, DepthLevel, Quote
from bridge.market.candles import interval_seconds, merged
from bridge.market.catalogue import Catalogue
from bridge.market.master import TodaysMaster

Price = Decimal | int | str
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides of a depth, best first."""

    bids: tuple[DepthLevel, ...]
    asks: tuple[DepthLevel, ...]


class HandMarket:
    """Quotes what `set_price` last said; `None` for everything else. Knows the bundled list unless given its own."""

    simulated = True

    def __init__(self, clock: Clock | None = None, instruments: Iterable[Instrument] | None = None) -> None:
        self._clock = clock or SystemClock()
        self._list: TodaysMaster | Catalogue = (
            TodaysMaster(self._clock) if instruments is None else Catalogue(instruments)
        )
        self._quotes: dict[str, Quote] = {}
        self._moves: dict[str, list[Candle]] = {}

    def set_price(
        self, key: str, last: Price, bid: Price | None = None, ask: Price | None = None, depth: Book | None = None
    ) -> Quote:
        """Move `EXCHANGE:SYMBOL` to a price; bid and ask are that price unless given. Raises KeyError for an unknown key."""
        instrument = self.instrument(*key.split(":", 1))
        if instrument is None:
            raise KeyError(f"{key} is not in this market's list")
        price = Decimal(last)
        best_bid, best_ask = (price if side is None else Decimal(side) for side in (bid, ask))
        before = self._quotes.get(key)
        quote = Quote(
            instrument=instrument,
            last=price,
            bid=best_bid,
            ask=best_ask,
            bids=depth.bids if depth else (),
            asks=depth.asks if depth else (),
            open=before.open if before else price,
            high=max(before.high, price) if before else price,
            low=min(before.low, price) if before else price,
            previous_close=before.previous_close if before else price,
            volume=Decimal(0),
            at=self._clock.now(),
            simulated=True,
        )
        self._quotes[key] = quote
        move = Candle(at=quote.at, open=price, high=price, low=price, close=price, volume=Decimal(0))
        self._moves.setdefault(key, []).append(move)
        return quote

    def forget_price(self, key: str) -> None:
        """From now on the instrument has no quote."""
        self._quotes.pop(key, None)

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
        """What `set_price` said last."""
        return self._quotes.get(instrument.key)

    def history(self, instrument: Instrument, interval: str, start: datetime, end: datetime) -> Sequence[Candle]:
        """Bars over the prices that were set; an interval in which none was has no bar."""
        seconds = interval_seconds(interval)
        length = timedelta(seconds=seconds) if seconds else _ONE_DAY
        bars: dict[datetime, list[Candle]] = {}
        for move in self._moves.get(instrument.key, ()):
            midnight = move.at.replace(hour=0, minute=0, second=0, microsecond=0)
            bars.setdefault(midnight + (move.at - midnight) // length * length, []).append(move)
        return [replace(merged(moves), at=at) for at, moves in bars.items() if start <= at < end]
