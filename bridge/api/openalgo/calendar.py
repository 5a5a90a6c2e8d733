"""When the exchanges trade: holidays of a year, hours of a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from bridge.api.openalgo.wire import Body, Call, Refused, Wire
from bridge.api.openalgo.words import Day
from bridge.market.calendar import Hours, OccasionKind
from bridge.market.sessions import IST, SEGMENT_OF_EXCHANGE

# OpenAlgo's clients take every listed day for one of India.
_INDIAN = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NCDEX")
_TRADED = tuple(exchange for exchange in SEGMENT_OF_EXCHANGE if not exchange.endswith("_INDEX"))
_KINDS = {
    OccasionKind.HOLIDAY: "TRADING_HOLIDAY",
    OccasionKind.SETTLEMENT_HOLIDAY: "SETTLEMENT_HOLIDAY",
    OccasionKind.SPECIAL_SESSION: "SPECIAL_SESSION",
}


class Holidays(Body):
    """A year; the present one unless said."""

    year: Annotated[int, Field(ge=2020, le=2050)] | None = None


class Timings(Body):
    """A date of the exchanges' own clocks."""

    date: Day


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    calendar, clock = wire.ports.calendar, wire.ports.clock

    async def holidays(call: Call, body: Holidays) -> Mapping[str, Any]:
        """The days of a year on which exchanges in India are closed or trade at other hours; times in epoch milliseconds."""
        year = body.year or clock.now().astimezone(IST).year
        found = calendar.occasions(year, _INDIAN)
        if found is None:
            raise Refused(404, f"The holidays of {year} are not known here.")
        data = [
            {
                "date": occasion.day.isoformat(),
                "description": occasion.name,
                "holiday_type": _KINDS[occasion.kind],
                "closed_exchanges": list(occasion.closed),
                "open_exchanges": [_timing(exchange, hours) for exchange, hours in occasion.open.items()],
            }
            for occasion in found
        ]
        return {"year": year, "timezone": "Asia/Kolkata", "data": data}

    async def timings(call: Call, body: Timings) -> Mapping[str, Any]:
        """From when to when each exchange trades on a date, in epoch milliseconds; those that are closed are left out."""
        found = ((exchange, calendar.hours(exchange, body.date)) for exchange in _TRADED)
        return {"data": [_timing(exchange, hours) for exchange, hours in found if hours is not None]}

    wire.post("market/holidays", Holidays, holidays)
    wire.post("market/timings", Timings, timings)


def _timing(exchange: str, hours: Hours) -> dict[str, Any]:
    opens, closes = hours
    return {"exchange": exchange, "start_time": _millis(opens), "end_time": _millis(closes)}


def _millis(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
