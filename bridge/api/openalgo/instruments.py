"""What is listed: one instrument, a search over all, the expiries of contracts, the whole list."""

from __future__ import annotations

import csv
import heapq
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from bridge.api.openalgo.figures import price
from bridge.api.openalgo.long import Long, Turns, by_pieces
from bridge.api.openalgo.wire import Body, Call, Refused, Upper, Wire, plain_number
from bridge.api.openalgo.words import DerivativesExchange, Exchange, Listed
from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.market.contracts import contracts_on, live_futures, live_option_expiries
from bridge.market.quantities import freeze_quantity
from bridge.market.sessions import IST

_PIECE = 500
_MOST_FOUND = 500
_RIGHTS = {OptionRight.CALL: "CE", OptionRight.PUT: "PE"}
_KINDS = {InstrumentKind.EQUITY: "EQ", InstrumentKind.INDEX: "INDEX", InstrumentKind.FUTURE: "FUT"}
_COLUMNS = (
    "symbol", "brsymbol", "name", "exchange", "brexchange", "token", "expiry", "strike", "lotsize", "instrumenttype",
    "tick_size", "freeze_qty",
)  # fmt: skip


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class Search(Body):
    """Words that all stand in the symbol or the name; on one exchange or all."""

    query: Upper
    exchange: Exchange | None = None


class Expiry(Body):
    """Contracts on an underlying."""

    symbol: Upper
    exchange: DerivativesExchange
    instrumenttype: Annotated[Literal["futures", "options"], BeforeValidator(_lower)]


class Instruments(Body):
    """One exchange's list or all; as JSON or as a file."""

    exchange: Exchange | None = None
    format: Annotated[Literal["json", "csv"], BeforeValidator(_lower)] = "json"


def listed(wire: Wire, body: Listed) -> Instrument:
    """The instrument that is meant. Raises `Refused` for one that is not listed."""
    found = wire.ports.market.instrument(body.exchange, body.symbol)
    if found is None:
        raise Refused(404, f"{body.symbol} is not in the list of {body.exchange}.")
    return found


def expiry_word(day: date | None) -> str:
    """`30-DEC-25`; empty for what never expires."""
    return day.strftime("%d-%b-%y").upper() if day else ""


def freeze_figure(instrument: Instrument, day: date) -> int | float:
    """The largest single order that day in units; 1, as OpenAlgo has it, where there is no such limit or none is known."""
    limit = freeze_quantity(instrument, day)
    return plain_number(limit.quantity) if limit and limit.quantity else 1


def row(instrument: Instrument, day: date) -> dict[str, Any]:
    """The instrument as OpenAlgo lists it. `id` and `token` are ours: the same for a symbol on every machine."""
    number = int.from_bytes(blake2b(instrument.key.encode(), digest_size=6).digest())
    return {
        "id": number,
        "symbol": instrument.symbol,
        "brsymbol": instrument.symbol,
        "name": instrument.underlying or instrument.name,  # lists of contracts are filtered by it
        "exchange": instrument.exchange,
        "brexchange": instrument.exchange,
        "token": str(number),
        "expiry": expiry_word(instrument.expiry),
        "strike": price(instrument.strike),
        "lotsize": plain_number(instrument.lot_size),
        "instrumenttype": _type(instrument),
        "tick_size": price(instrument.tick_size),
        "freeze_qty": freeze_figure(instrument, day),
    }


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    turns, ports = Turns(), wire.ports

    def today() -> date:
        return ports.clock.now().astimezone(IST).date()

    def pieces(exchange: str | None) -> AsyncIterator[list[Instrument]]:
        whole = by_pieces(ports.market.instruments(), _PIECE)
        return turns.over([i for i in piece if exchange in (None, i.exchange)] for piece in whole)

    async def symbol(call: Call, body: Listed) -> Mapping[str, Any]:
        """One instrument by its exact names."""
        return {"data": row(listed(wire, body), today())}

    async def search(call: Call, body: Search) -> Mapping[str, Any]:
        """Instruments by parts of symbol or name, at most 500: exact symbols, then those that begin so, then the rest."""
        best: list[tuple[_Rank, Instrument]] = []
        words = body.query.split()
        async for piece in pieces(body.exchange):
            ranked = ((rank, i) for i in piece if (rank := _rank(i, words)) is not None)
            best = heapq.nsmallest(_MOST_FOUND, [*best, *ranked], key=lambda found: found[0])
        said = f"Found {len(best)} matching symbols" if best else "No matching symbols found"
        return {"message": said, "data": [row(found, today()) for _, found in best]}

    async def expiry(call: Call, body: Expiry) -> Mapping[str, Any]:
        """Days on which contracts on an underlying that can still be traded expire, nearest first."""
        where = (ports.market, body.exchange, body.symbol)
        if not contracts_on(*where):
            raise Refused(404, f"No contracts on {body.symbol} are listed on {body.exchange}.")
        moment = ports.clock.now()
        days: Iterable[date | None]
        if body.instrumenttype == "futures":
            days = [contract.expiry for contract in live_futures(*where, moment, ports.calendar)]
        else:
            days = live_option_expiries(*where, moment, ports.calendar)
        found = [expiry_word(day) for day in days]
        count = f"Found {len(found)}" if found else "No"
        return {
            "message": f"{count} expiry dates for {body.symbol} {body.instrumenttype} in {body.exchange}",
            "data": found,
        }

    async def instruments(call: Call, body: Instruments) -> Long | StreamingResponse:
        """Every instrument, of one exchange or of all; `format=csv` is a file to download."""
        rows = _rows(pieces(body.exchange), today())
        if body.format == "json":
            return Long(rows)
        file = f"instruments_{body.exchange or 'all'}.csv"
        return StreamingResponse(
            _csv(rows), media_type="text/csv", headers={"Content-Disposition": f"attachment; filename={file}"}
        )

    wire.post("symbol", Listed, symbol)
    wire.post("search", Search, search)
    wire.post("expiry", Expiry, expiry)
    wire.get("instruments", Instruments, instruments, also=("text/csv",))


_Rank = tuple[int, date, int, str, str]


def _rank(instrument: Instrument, words: Sequence[str]) -> _Rank | None:
    """The place in a search, least first; `None` when a word is missing. What never expires stands before contracts."""
    name = f"{instrument.symbol} {instrument.name.upper()}"
    if not all(word in name for word in words):
        return None
    place = 0 if instrument.symbol == "".join(words) else 1 if instrument.symbol.startswith(words[0]) else 2
    is_option = instrument.kind is InstrumentKind.OPTION
    return place, instrument.expiry or date.min, is_option, instrument.symbol, instrument.exchange


def _type(instrument: Instrument) -> str:
    if instrument.right is not None:
        return _RIGHTS[instrument.right]
    if instrument.kind is InstrumentKind.CRYPTO and instrument.symbol.endswith("FUT"):
        return "PERPFUT"
    return _KINDS.get(instrument.kind, "SPOT")


async def _rows(pieces: AsyncIterator[list[Instrument]], day: date) -> AsyncIterator[list[dict[str, Any]]]:
    async for piece in pieces:
        yield [row(instrument, day) for instrument in piece]


async def _csv(pieces: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[str]:
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore")
    writer.writeheader()
    yield text.getvalue()
    async for piece in pieces:
        text.seek(0)
        text.truncate()
        writer.writerows(piece)
        yield text.getvalue()
