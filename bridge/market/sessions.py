"""The calendar's tables: dated sessions, holidays and special days of each segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from bridge.market.bundled import rows

IST = ZoneInfo("Asia/Kolkata")
NEW_YORK = ZoneInfo("America/New_York")


class SessionName(StrEnum):
    """What kind of trading goes on. Only `continuous` takes ordinary orders."""

    PRE_OPEN = "pre_open"
    CONTINUOUS = "continuous"
    CLOSING_AUCTION = "closing_auction"
    POST_CLOSE = "post_close"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of time, `opens` ≤ t < `closes`, in the exchange's own zone; `because` says why it is not the usual."""

    name: SessionName
    opens: datetime
    closes: datetime
    rule: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """What shares one timetable. `holiday_code` is its word in the holiday table, `coverage` its calendar's scope."""

    name: str
    zone: tzinfo
    holiday_code: str
    coverage: str


SEGMENTS = {
    segment.name: segment
    for segment in (
        Segment("NSE", IST, "EQ", "IN"),
        Segment("NSE:FNO", IST, "EQ", "IN"),
        Segment("NSE_INDEX", IST, "EQ", "IN"),
        Segment("NFO", IST, "EQ", "IN"),
        Segment("CDS", IST, "CDS", "IN"),
        Segment("MCX", IST, "MCX", "IN"),
        Segment("NCDEX", IST, "MCX", "IN"),
        Segment("US", NEW_YORK, "US", "US"),
        Segment("OPRA", NEW_YORK, "US", "US"),
        Segment("CME", NEW_YORK, "CME", "GLOBAL"),
        Segment("FOREX", NEW_YORK, "FOREX", "GLOBAL"),
        Segment("CRYPTO", UTC, "CRYPTO", "CRYPTO"),
    )
}

SEGMENT_OF_EXCHANGE = {
    "NSE": "NSE",
    "BSE": "NSE",
    "NSE_INDEX": "NSE_INDEX",
    "BSE_INDEX": "NSE_INDEX",
    "NFO": "NFO",
    "BFO": "NFO",
    "CDS": "CDS",
    "BCD": "CDS",
    "MCX": "MCX",
    "MCX_INDEX": "MCX",
    "NCO": "MCX",
    "NCDEX": "NCDEX",
    "NASDAQ": "US",
    "NYSE": "US",
    "AMEX": "US",
    "OPRA": "OPRA",
    "CME": "CME",
    "FOREX": "FOREX",
    "CRYPTO": "CRYPTO",
}

# A part of the day that a holiday leaves over: hours before or after which nothing is traded.
_HALF_DAYS = {"AM": (time(17), None), "PM": (None, time(17)), "EARLY": (None, time(13))}


@dataclass(frozen=True, slots=True)
class Timetable:
    """A dated row of the session table. `opens` may lie on the day before (`opens_before`)."""

    name: SessionName
    opens: time
    opens_before: bool
    closes: time
    closes_at_midnight: bool
    weekdays: range
    valid_from: date
    valid_to: date | None
    rule: str

    def holds_on(self, day: date) -> bool:
        """Whether this row is in force that day and its weekday is traded."""
        dated = self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        return dated and day.isoweekday() in self.weekdays

    def on(self, day: date, zone: tzinfo) -> Session:
        """The session of that trading day."""
        opens = datetime.combine(day - timedelta(days=self.opens_before), self.opens, zone)
        closes = datetime.combine(day + timedelta(days=self.closes_at_midnight), self.closes, zone)
        return Session(self.name, opens, closes, self.rule)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which some segments (by holiday code) are closed, or only half of the day is traded (`MCX_AM`)."""

    day: date
    closed: frozenset[str]
    name: str
    source: str
    verify: bool

    def touches(self, segment: Segment) -> bool:
        """Whether it takes the day or a part of it from a segment."""
        return any(word.split("_")[0] == segment.holiday_code for word in self.closed)


@dataclass(frozen=True, slots=True)
class SpecialSession:
    """A session outside the timetable: Muhurat, a Saturday."""

    day: date
    segments: frozenset[str]
    name: SessionName
    opens: time
    closes: time
    occasion: str
    verify: bool


@dataclass(frozen=True, slots=True)
class CalendarTables:
    """Everything a calendar is made of."""

    timetables: Mapping[str, Sequence[Timetable]]
    holidays: Mapping[date, Sequence[Holiday]]
    specials: Mapping[date, Sequence[SpecialSession]]

    def amended(self, holidays: Sequence[Holiday] = (), specials: Sequence[SpecialSession] = ()) -> CalendarTables:
        """The tables with days an administrator entered; an entered day replaces what was known of it."""
        return replace(
            self,
            holidays={**self.holidays, **_by_day(holidays)},
            specials={**self.specials, **_by_day(specials)},
        )


_Dated = TypeVar("_Dated", Holiday, SpecialSession)


def _by_day(dated: Sequence[_Dated]) -> Mapping[date, Sequence[_Dated]]:
    found: dict[date, list[_Dated]] = defaultdict(list)
    for row in dated:
        found[row.day].append(row)
    return found


def holiday_for(segment: Segment, holidays: Sequence[Holiday]) -> Holiday | None:
    """The holiday that closes the whole day of a segment, if one of these does."""
    return next((h for h in holidays if segment.holiday_code in h.closed), None)


def shortened(sessions: Sequence[Session], segment: Segment, holidays: Sequence[Holiday]) -> Sequence[Session]:
    """The day's sessions without the half that a holiday takes away."""
    for holiday in holidays:
        for half, (not_before, not_after) in _HALF_DAYS.items():
            if f"{segment.holiday_code}_{half}" in holiday.closed:
                sessions = [s for s in (_clip(s, not_before, not_after, holiday) for s in sessions) if s is not None]
    return sessions


def _clip(session: Session, not_before: time | None, not_after: time | None, holiday: Holiday) -> Session | None:
    opens, closes = session.opens, session.closes
    if not_before:
        opens = max(opens, datetime.combine(opens.date(), not_before, opens.tzinfo))
    if not_after:
        closes = min(closes, datetime.combine(opens.date(), not_after, closes.tzinfo))
    if opens >= closes:
        return None
    return replace(session, opens=opens, closes=closes, because=f"short day: {holiday.name}")


@cache
def bundled_tables() -> CalendarTables:
    """The tables that ship with the package."""
    timetables: dict[str, list[Timetable]] = defaultdict(list)
    for row in rows("sessions"):
        timetables[row["segment"]].append(_timetable(row))
    return CalendarTables(
        timetables,
        _by_day([_holiday(r) for r in rows("holidays")]),
        _by_day([_special(r) for r in rows("special_sessions")]),
    )


def _timetable(row: Mapping[str, str]) -> Timetable:
    first, last = row["days"].split("-")
    at_midnight = row["closes"] == "24:00"
    return Timetable(
        name=SessionName(row["session"]),
        opens=time.fromisoformat(row["opens"].lstrip("<")),
        opens_before=row["opens"].startswith("<"),
        closes=time(0) if at_midnight else time.fromisoformat(row["closes"]),
        closes_at_midnight=at_midnight,
        weekdays=range(int(first), int(last) + 1),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        rule=f"session {row['segment']} {row['session']} from {row['valid_from']}",
    )


def _holiday(row: Mapping[str, str]) -> Holiday:
    closed = frozenset(row["closed"].split())
    return Holiday(date.fromisoformat(row["date"]), closed, row["name"], row["source"], bool(row["verify"]))


def _special(row: Mapping[str, str]) -> SpecialSession:
    return SpecialSession(
        day=date.fromisoformat(row["date"]),
        segments=frozenset(row["segments"].split()),
        name=SessionName(row["session"]),
        opens=time.fromisoformat(row["opens"]),
        closes=time.fromisoformat(row["closes"]),
        occasion=row["name"],
        verify=bool(row["verify"]),
    )
