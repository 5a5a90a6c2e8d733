"""When each instrument may be traded. Days that no table knows are closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market.listings import fno_stocks
from bridge.market.rules import RuleBook, bundled_rules, scopes_of
from bridge.market.sessions import (
    SEGMENT_OF_EXCHANGE,
    SEGMENTS,
    CalendarTables,
    Segment,
    Session,
    SessionName,
    bundled_tables,
    holiday_for,
    shortened,
)

_LOOK_AHEAD_DAYS = 30
_SQUARE_OFF_MARGIN = timedelta(minutes=5)  # a square-off in the closing minutes would meet the close


Hours = tuple[datetime, datetime]  # of one day's continuous trading: its opening and its close


class OccasionKind(StrEnum):
    """What a day that is not as usual means."""

    HOLIDAY = "holiday"
    SETTLEMENT_HOLIDAY = "settlement_holiday"  # banks are closed: only currencies are not traded
    SPECIAL_SESSION = "special_session"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A day on which some exchanges are closed and others trade at other hours than usual."""

    day: date
    name: str
    kind: OccasionKind
    closed: tuple[str, ...]
    open: Mapping[str, Hours]


def segment_of(instrument: Instrument) -> Segment:
    """The timetable an instrument follows; a stock with derivatives closes by auction. Raises KeyError for an unknown exchange."""
    name = SEGMENT_OF_EXCHANGE[instrument.exchange]
    if name == "NSE" and instrument.kind is InstrumentKind.EQUITY and instrument.symbol in fno_stocks():
        name = "NSE:FNO"
    return SEGMENTS[name]


class Calendar:
    """Sessions by instrument and moment, from dated tables; every answer is a memory read after a day's first."""

    def __init__(self, tables: CalendarTables | None = None, book: RuleBook | None = None) -> None:
        self._tables = tables or bundled_tables()
        self._book = book or bundled_rules()
        self._days: dict[tuple[str, date], tuple[Session, ...]] = {}

    def session(self, instrument: Instrument, moment: datetime) -> Session:
        """The session at that moment; between sessions one named `closed` that lasts until the next of that day or midnight."""
        segment = segment_of(instrument)
        moment = moment.astimezone(UTC)  # two times of one zone would compare by wall clock, wrong when clocks go back
        today = moment.astimezone(segment.zone).date()
        # the evening before may belong to tomorrow's trading day
        sessions = (*self.sessions(segment, today), *self.sessions(segment, today + timedelta(days=1)))
        for session in sessions:
            if session.opens <= moment < session.closes:
                return session
        return self._closed(segment, today, moment, sessions)

    def is_open(self, instrument: Instrument, moment: datetime) -> bool:
        """Whether ordinary orders trade at that moment: the continuous session only."""
        return self.session(instrument, moment).name is SessionName.CONTINUOUS

    def next_open(self, instrument: Instrument, moment: datetime) -> datetime | None:
        """When continuous trading opens next, strictly after `moment`; `None` when no day within a month is known to open."""
        segment = segment_of(instrument)
        moment = moment.astimezone(UTC)
        today = moment.astimezone(segment.zone).date()
        for ahead in range(_LOOK_AHEAD_DAYS):
            for session in self.sessions(segment, today + timedelta(days=ahead)):
                if session.name is SessionName.CONTINUOUS and session.opens > moment:
                    return session.opens
        return None

    def trading_date(self, exchange: str, moment: datetime) -> date:
        """The date of the exchange's clock, or tomorrow's once tomorrow's trading day has begun the evening before."""
        segment = SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]]
        today = moment.astimezone(segment.zone).date()
        tomorrow = self.sessions(segment, today + timedelta(days=1))
        if tomorrow and tomorrow[0].opens <= moment.astimezone(UTC):
            return today + timedelta(days=1)
        return today

    def square_off_time(self, instrument: Instrument, day: date) -> datetime | None:
        """When intraday positions are closed that day; `None` where there is no such rule or no trading."""
        segment = segment_of(instrument)
        close = self.close_of(segment, day)
        scopes = scopes_of(instrument.exchange)
        if segment.name == "NSE:FNO":
            scopes = (f"{instrument.exchange}:FNO", *scopes)
        rule = self._book.find("square_off", scopes, day)
        if close is None or rule is None:
            return None
        at = datetime.combine(day, time.fromisoformat(rule.value), segment.zone)
        return min(at, close - _SQUARE_OFF_MARGIN)

    def last_close(self, instrument: Instrument, day: date) -> datetime | None:
        """When continuous trading in the instrument ends that day; `None` on a day without."""
        return self.close_of(segment_of(instrument), day)

    def close_of(self, segment: Segment, day: date) -> datetime | None:
        """When a segment's continuous trading ends that day; `None` on a day without."""
        closes = [s.closes for s in self.sessions(segment, day) if s.name is SessionName.CONTINUOUS]
        return max(closes, default=None)

    def hours(self, exchange: str, day: date) -> Hours | None:
        """From the opening to the close of an exchange's continuous trading that day; `None` on a day without."""
        sessions = self.sessions(SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]], day)
        trading = [s for s in sessions if s.name is SessionName.CONTINUOUS]
        return (trading[0].opens, trading[-1].closes) if trading else None

    def occasions(self, year: int, exchanges: Sequence[str]) -> Sequence[Occasion] | None:
        """The days of a year that are not as usual for one of the exchanges, in order; `None` for a year of which nothing is known."""
        segments = {exchange: SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]] for exchange in exchanges}
        scopes = {segment.coverage for segment in segments.values()}
        if not all(self._book.find("calendar", (scope,), date(year, 1, 1)) for scope in scopes):
            return None
        days = sorted(d for d in {*self._tables.holidays, *self._tables.specials} if d.year == year)
        found = (self._occasion(day, segments) for day in days)
        return [occasion for occasion in found if occasion is not None]

    def _occasion(self, day: date, segments: Mapping[str, Segment]) -> Occasion | None:
        holidays = [h for h in self._tables.holidays.get(day, ()) if any(map(h.touches, segments.values()))]
        specials = [s for s in self._tables.specials.get(day, ()) if s.segments & {g.name for g in segments.values()}]
        touched = [
            exchange
            for exchange, segment in segments.items()
            if any(h.touches(segment) for h in holidays) or any(segment.name in s.segments for s in specials)
        ]
        if not touched:
            return None
        hours = {exchange: self.hours(exchange, day) for exchange in touched}
        kind = OccasionKind.HOLIDAY
        if specials:
            kind = OccasionKind.SPECIAL_SESSION
        elif all(segments[exchange].name == "CDS" for exchange in touched):
            kind = OccasionKind.SETTLEMENT_HOLIDAY
        # a day has a row for each session or region, so its name may come more than once
        names = dict.fromkeys([*(h.name for h in holidays), *(s.occasion for s in specials)])
        unsure = any(h.verify for h in holidays) or any(s.verify for s in specials)
        return Occasion(
            day=day,
            name=", ".join(names) + (" (to be verified)" if unsure else ""),
            kind=kind,
            closed=tuple(exchange for exchange, open_ in hours.items() if open_ is None),
            open={exchange: open_ for exchange, open_ in hours.items() if open_ is not None},
        )

    def why_closed(self, segment: Segment, day: date) -> str:
        """Why nothing is traded that day ("Christmas", "weekend"); empty when it is a trading day."""
        if self.sessions(segment, day):
            return ""
        if holiday := holiday_for(segment, self._tables.holidays.get(day, ())):
            return f"{holiday.name} (to be verified)" if holiday.verify else holiday.name
        if self._book.find("calendar", (segment.coverage,), day) is None:
            return f"no calendar for {day.year}"
        return "weekend" if day.isoweekday() > 5 else "no session"

    def sentence(self, instrument: Instrument, moment: datetime) -> str:
        """For people: "NSE opens Mon 23 Nov 09:15 IST" or "NSE is open until Mon 23 Nov 15:15 IST"."""
        session = self.session(instrument, moment)
        if session.name is SessionName.CONTINUOUS:
            return f"{instrument.exchange} is open until {_said(session.closes)}"
        opens = self.next_open(instrument, moment)
        when = (
            f"{instrument.exchange} opens {_said(opens)}"
            if opens
            else f"{instrument.exchange} has no known next opening"
        )
        return f"{when} ({session.because})" if session.because else when

    def sessions(self, segment: Segment, day: date) -> tuple[Session, ...]:
        """The day's sessions in order of time; none on a day that is closed or unknown."""
        key = (segment.name, day)
        found = self._days.get(key)
        if found is None:
            found = self._days[key] = tuple(sorted(self._work_out(segment, day), key=lambda s: s.opens))
        return found

    def _work_out(self, segment: Segment, day: date) -> Sequence[Session]:
        coverage = self._book.find("calendar", (segment.coverage,), day)
        if coverage is None:
            return ()
        specials = [
            Session(
                special.name,
                datetime.combine(day, special.opens, segment.zone),
                datetime.combine(day, special.closes, segment.zone),
                f"special session {day.isoformat()} {special.occasion}",
                f"special session: {special.occasion}",
            )
            for special in self._tables.specials.get(day, ())
            if segment.name in special.segments
        ]
        holidays = self._tables.holidays.get(day, ())
        if specials or holiday_for(segment, holidays):
            return specials
        usual = [t.on(day, segment.zone) for t in self._tables.timetables.get(segment.name, ()) if t.holds_on(day)]
        if coverage.value != "published":
            usual = [replace(s, because=f"the calendar for {day.year} is provisional") for s in usual]
        return shortened(usual, segment, holidays)

    def _closed(self, segment: Segment, today: date, moment: datetime, sessions: Sequence[Session]) -> Session:
        midnight = datetime.combine(today, time(0), segment.zone)
        opens = max((s.closes for s in sessions if s.closes <= moment), default=midnight)
        closes = min((s.opens for s in sessions if s.opens > moment), default=midnight + timedelta(days=1))
        because = self.why_closed(segment, today)
        return Session(
            SessionName.CLOSED,
            max(opens, midnight),
            min(closes, midnight + timedelta(days=1)),
            because or "between sessions",
            because,
        )


class AlwaysOpen(Calendar):
    """The demo's calendar: every market trades round the clock and nothing is squared off by the hour."""

    def _work_out(self, segment: Segment, day: date) -> Sequence[Session]:
        midnight = datetime.combine(day, time(0), segment.zone)
        tomorrow = datetime.combine(day + timedelta(days=1), time(0), segment.zone)
        return (Session(SessionName.CONTINUOUS, midnight, tomorrow, "demo: always open"),)

    def occasions(self, year: int, exchanges: Sequence[str]) -> Sequence[Occasion] | None:
        """None at all: every day is as usual."""
        return ()

    def square_off_time(self, instrument: Instrument, day: date) -> datetime | None:
        """None: a market that never closes has no square-off."""
        return None


def _said(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %H:%M %Z}"


CALENDAR = Calendar()
ALWAYS_OPEN: Calendar = AlwaysOpen()
