"""Prices: quotes, depth and bars."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from bridge.api.openalgo.account import Nothing
from bridge.api.openalgo.figures import price
from bridge.api.openalgo.instruments import listed
from bridge.api.openalgo.long import Long, Turns
from bridge.api.openalgo.wire import Body, Call, Refused, Upper, Wire, misfit, plain_number
from bridge.api.openalgo.words import EXCHANGES, Day, Interval, Listed, day
from bridge.domain.instrument import Instrument
from bridge.market.base import Candle, DepthLevel, Quote
from bridge.market.calendar import segment_of
from bridge.market.candles import DAILY, INTERVALS, in_pieces, interval_seconds
from bridge.market.sessions import IST

_LEVELS = 5
_TEN_YEARS = timedelta(days=3653)
_A_DAY = 24 * 60 * 60
_MOST_BARS = 366 * 24 * 60  # a year of minutes
_TICKER_INTRADAY, _TICKER_DAILY = timedelta(days=30), timedelta(days=3650)  # what OpenAlgo cuts a request down to
_UNITS = {"seconds": "s", "minutes": "m", "hours": "h", "days": "D", "weeks": "W", "months": "M"}
_OI = {"oi": 0}  # no market here counts open interest


class MultiQuotes(Body):
    """Up to 500 instruments."""

    symbols: Annotated[list[Listed], Field(min_length=1, max_length=500)]


class History(Listed):
    """Bars of an instrument from the first date to the last, both included."""

    interval: Interval
    start_date: Day
    end_date: Day
    source: Literal["api", "db"] = "api"

    @model_validator(mode="after")
    def _span_is_reasonable(self) -> History:
        if self.end_date < self.start_date:
            raise misfit("end_date", f"{self.end_date} lies before start_date, {self.start_date}")
        most = _longest(self.interval)
        if self.end_date - self.start_date >= most:
            raise misfit("start_date", f"at most {most.days} days of {self.interval} bars in one request")
        return self


def _day_or_epoch(value: Any) -> date:
    """A date, or epoch seconds (ten digits) or milliseconds (more) as India's date then."""
    if isinstance(value, str) and re.fullmatch(r"\d{10,13}", value):
        seconds = int(value) / (1 if len(value) == 10 else 1000)
        return datetime.fromtimestamp(seconds, IST).date()
    return day(value)


DayOrEpoch = Annotated[
    date,
    BeforeValidator(_day_or_epoch),
    WithJsonSchema({"type": "string", "examples": ["2026-11-23", "1795405500000"]}),
]


class Ticker(Body):
    """Bars of `EXCHANGE:SYMBOL`. A span longer than 30 days, or ten years of D, W and M, is cut at its beginning."""

    symbol: Upper
    interval: Interval = "D"
    start: DayOrEpoch = Field(alias="from")
    end: DayOrEpoch = Field(alias="to")
    format: Literal["json", "txt"] = "json"

    @model_validator(mode="after")
    def _fits(self) -> Ticker:
        exchange, colon, _ = self.symbol.partition(":")
        if not colon or exchange not in EXCHANGES:
            raise misfit("symbol", "expected EXCHANGE:SYMBOL, such as NSE:RELIANCE")
        if self.end < self.start:
            raise misfit("to", f"{self.end} lies before from, {self.start}")
        return self

    @property
    def instrument(self) -> Listed:
        """The names apart."""
        exchange, _, symbol = self.symbol.partition(":")
        return Listed(exchange=exchange, symbol=symbol)

    @property
    def first(self) -> date:
        """The first date after cutting."""
        return max(self.start, self.end - (_TICKER_DAILY if self.interval in DAILY else _TICKER_INTRADAY))


class Prices:
    """Reading the market for these endpoints."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.market = wire.ports.market
        self._turns = Turns()

    def quote(self, body: Listed) -> Quote:
        """The latest quote. Raises `Refused` when the instrument is not listed or has no fresh price."""
        found = self.market.quote(listed(self.wire, body))
        if found is None:
            raise Refused(404, f"There is no price of {body.exchange}:{body.symbol} that is fresh.")
        return found

    async def quotes(self, bodies: Sequence[Listed]) -> list[dict[str, Any]]:
        """Each instrument with its quote or what is wrong with it."""
        return [result async for result in self._turns.over(map(self._result, bodies))]

    def bars(self, instrument: Instrument, interval: str, first: date, last: date) -> AsyncIterator[Sequence[Candle]]:
        """Bars of the exchange's dates from `first` to `last`, both included, in pieces."""
        zone = segment_of(instrument).zone
        start, end = (datetime.combine(on, time(0), zone) for on in (first, last + timedelta(days=1)))
        return self._turns.over(in_pieces(self.market, instrument, interval, start, end))

    def _result(self, body: Listed) -> dict[str, Any]:
        named = {"symbol": body.symbol, "exchange": body.exchange}
        try:
            return {**named, "data": _quoted(self.quote(body))}
        except Refused as no:
            return {**named, "error": str(no)}


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    prices = Prices(wire)

    async def quotes(call: Call, body: Listed) -> Mapping[str, Any]:
        """The latest price of one instrument, with the day's range and volume in units."""
        return {"data": _quoted(prices.quote(body))}

    async def multiquotes(call: Call, body: MultiQuotes) -> Mapping[str, Any]:
        """The latest prices of many instruments; what is wrong with one stands in its place."""
        unknown = [each for each in body.symbols if prices.market.instrument(each.exchange, each.symbol) is None]
        if len(unknown) == len(body.symbols):
            raise Refused(
                400,
                "None of the symbols is in the list of its exchange.",
                invalid_symbols=[u.model_dump() for u in unknown],
            )
        return {"results": await prices.quotes(body.symbols)}

    async def depth(call: Call, body: Listed) -> Mapping[str, Any]:
        """The five best prices of both sides; levels that nobody stands at are zero."""
        quote = prices.quote(body)
        return {
            "data": {
                **_day_of(quote),
                "ltq": 0,
                "totalbuyqty": _total(quote.bids),
                "totalsellqty": _total(quote.asks),
                "bids": _levels(quote.bids),
                "asks": _levels(quote.asks),
            }
        }

    async def intervals(call: Call, _: Nothing) -> Mapping[str, Any]:
        """The lengths that bars may have."""
        return {"data": {unit: [i for i in INTERVALS if i.endswith(letter)] for unit, letter in _UNITS.items()}}

    async def history(call: Call, body: History) -> Long:
        """Bars, oldest first: `timestamp` is a bar's start in epoch seconds, for D, W and M midnight UTC of its date."""
        instrument = listed(wire, body)
        if body.source == "db":
            raise Refused(404, f"No bars of {body.symbol} are stored here: leave out source, or say api.")
        return Long(_rows(prices.bars(instrument, body.interval, body.start_date, body.end_date), body.interval))

    async def ticker(call: Call, body: Ticker) -> Long | Response:
        """Bars as JSON or as lines for Amibroker: `EXCHANGE:SYMBOL,date[,time],open,high,low,close,volume`, in Indian time."""
        try:
            instrument = listed(wire, body.instrument)
        except Refused as no:
            if body.format == "json":
                raise
            return PlainTextResponse(f"{no}\n", no.status)
        bars = prices.bars(instrument, body.interval, body.first, body.end)
        if body.format == "json":
            return Long(_rows(bars, body.interval))
        return StreamingResponse(_lines(instrument, bars, body.interval), media_type="text/plain")

    wire.post("quotes", Listed, quotes)
    wire.post("multiquotes", MultiQuotes, multiquotes)
    wire.post("depth", Listed, depth)
    wire.post("intervals", Nothing, intervals)
    wire.post("history", History, history)
    wire.get("ticker/{symbol}", Ticker, ticker, also=("text/plain",))


def _longest(interval: str) -> timedelta:
    seconds = interval_seconds(interval)
    return min(_TEN_YEARS, timedelta(days=seconds * _MOST_BARS // _A_DAY)) if seconds else _TEN_YEARS


# -- writing ------------------------------------------------------------------------------------------------------


def _day_of(quote: Quote) -> dict[str, Any]:
    """What quote and depth have in common."""
    return {
        "open": price(quote.open),
        "high": price(quote.high),
        "low": price(quote.low),
        "ltp": price(quote.last),
        "prev_close": price(quote.previous_close),
        "volume": plain_number(quote.volume),
        **_OI,
    }


def _quoted(quote: Quote) -> dict[str, Any]:
    return {**_day_of(quote), "ask": price(quote.ask), "bid": price(quote.bid)}


def _total(levels: Sequence[DepthLevel]) -> int | float:
    return plain_number(sum((level.quantity for level in levels), Decimal(0)))


def _levels(levels: Sequence[DepthLevel]) -> list[dict[str, Any]]:
    found = [{"price": price(at.price), "quantity": plain_number(at.quantity)} for at in levels[:_LEVELS]]
    return found + [{"price": 0.0, "quantity": 0}] * (_LEVELS - len(found))


async def _rows(pieces: AsyncIterator[Sequence[Candle]], interval: str) -> AsyncIterator[list[dict[str, Any]]]:
    async for piece in pieces:
        yield [
            {
                "timestamp": _stamp(bar, interval),
                "open": price(bar.open),
                "high": price(bar.high),
                "low": price(bar.low),
                "close": price(bar.close),
                "volume": plain_number(bar.volume),
                **_OI,
            }
            for bar in piece
        ]


def _stamp(bar: Candle, interval: str) -> int:
    """Epoch seconds. Clients read the date of a day's bar from its stamp without moving it to a zone."""
    at = datetime.combine(bar.at.date(), time(0), UTC) if interval in DAILY else bar.at
    return int(at.timestamp())


async def _lines(instrument: Instrument, pieces: AsyncIterator[Sequence[Candle]], interval: str) -> AsyncIterator[str]:
    async for piece in pieces:
        yield "".join(f"{line}\n" for line in _written(instrument, piece, interval))


def _written(instrument: Instrument, bars: Sequence[Candle], interval: str) -> Iterator[str]:
    for bar in bars:
        when = f"{bar.at:%Y-%m-%d}" if interval in DAILY else f"{bar.at.astimezone(IST):%Y-%m-%d,%H:%M:%S}"
        prices = ",".join(str(price(figure)) for figure in (bar.open, bar.high, bar.low, bar.close))
        yield f"{instrument.key},{when},{prices},{int(bar.volume)}"
