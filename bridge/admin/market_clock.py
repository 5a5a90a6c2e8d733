"""The market's hours in the header: does an order reach the exchange now, and if not, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market.calendar import ALWAYS_OPEN, Calendar
from bridge.market.sessions import SessionName

# The exchange whose hours the header tells: that of the product's home market.
_INDEX = Instrument(symbol="NIFTY", exchange="NSE_INDEX", kind=InstrumentKind.INDEX)
_NAME = "NSE"


@dataclass(frozen=True, slots=True)
class MarketClock:
    """What the header says: `word` always, `detail` where there is room. `why` is a holiday or what else is not usual."""

    is_open: bool
    word: str
    detail: str
    why: str = ""


def market_clock(calendar: Calendar, now: datetime) -> MarketClock:
    """The state at that moment, with times of the exchange."""
    session = calendar.session(_INDEX, now)
    if session.name is SessionName.CONTINUOUS:
        if calendar is ALWAYS_OPEN:
            return MarketClock(True, "Always open", "for practice")
        return MarketClock(True, f"{_NAME} open", f"until {session.closes:%H:%M}", session.because)
    opens = calendar.next_open(_INDEX, now)
    return MarketClock(False, f"{_NAME} closed", f"opens {_moment(opens, now)}" if opens else "", session.because)


def _moment(opens: datetime, now: datetime) -> str:
    local = now.astimezone(opens.tzinfo)
    if opens.date() != local.date():
        return f"{opens:%a} {opens.day} {opens:%b %H:%M}"
    minutes = -((local - opens) // timedelta(minutes=1))  # rounded up: the last minute is one
    return f"{opens:%H:%M}, in {minutes} min" if minutes < 60 else f"{opens:%H:%M}"
