"""Every edge of every session over a year, and what people are told about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market.calendar import ALWAYS_OPEN, CALENDAR, Calendar, OccasionKind, segment_of
from bridge.market.sessions import Holiday, SessionName, SpecialSession, bundled_tables

IST = ZoneInfo("Asia/Kolkata")
NEW_YORK = ZoneInfo("America/New_York")
SECOND = timedelta(seconds=1)

RELIANCE = Instrument(symbol="RELIANCE", exchange="NSE", kind=InstrumentKind.EQUITY)
SMALL_CAP = Instrument(symbol="IOLCP", exchange="BSE", kind=InstrumentKind.EQUITY)
NIFTY = Instrument(symbol="NIFTY29DEC26FUT", exchange="NFO", kind=InstrumentKind.FUTURE, expiry=date(2026, 12, 29))
CRUDE = Instrument(symbol="CRUDEOIL18DEC26FUT", exchange="MCX", kind=InstrumentKind.FUTURE)
RUPEE = Instrument(symbol="USDINR29DEC26FUT", exchange="CDS", kind=InstrumentKind.FUTURE)
APPLE = Instrument(symbol="AAPL", exchange="NASDAQ", kind=InstrumentKind.EQUITY)
BITCOIN = Instrument(symbol="BTCUSDT", exchange="CRYPTO", kind=InstrumentKind.CRYPTO)
EURO = Instrument(symbol="EURUSD", exchange="FOREX", kind=InstrumentKind.EQUITY)

AUCTION_STARTS = date(2026, 8, 3)
MUHURAT = datetime(2025, 10, 21, 13, 45, tzinfo=IST)

# The exchanges' lists, written down a second time so that a slip in the tables is found.
EQUITY_HOLIDAYS_2026 = {
    (1, 15), (1, 26), (3, 3), (3, 26), (3, 31), (4, 3), (4, 14), (5, 1), (5, 28), (6, 26),
    (9, 14), (10, 2), (10, 20), (11, 10), (11, 24), (12, 25),
}  # fmt: skip
CURRENCY_HOLIDAYS_2026 = EQUITY_HOLIDAYS_2026 | {(2, 19), (3, 19), (4, 1), (8, 26)}
US_HOLIDAYS_2026 = {(1, 1), (1, 19), (2, 16), (4, 3), (5, 25), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25)}
US_SHORT_DAYS_2026 = {(11, 27), (12, 24)}

Hours = tuple[time, time] | None


def equity_hours(day: date, close_before: time, close_since: time) -> Hours:
    is_budget_sunday = day == date(2026, 2, 1)
    if not is_budget_sunday and (day.isoweekday() > 5 or (day.month, day.day) in EQUITY_HOLIDAYS_2026):
        return None
    return time(9, 15), close_since if day >= AUCTION_STARTS else close_before


def currency_hours(day: date) -> Hours:
    if day.isoweekday() > 5 or (day.month, day.day) in CURRENCY_HOLIDAYS_2026:
        return None
    return time(9), time(17)


def us_hours(day: date) -> Hours:
    if day.isoweekday() > 5 or (day.month, day.day) in US_HOLIDAYS_2026:
        return None
    return time(9, 30), time(13) if (day.month, day.day) in US_SHORT_DAYS_2026 else time(16)


Expected = tuple[Instrument, ZoneInfo, Callable[[date], Hours]]

YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
EXPECTED: dict[str, Expected] = {
    "a stock with derivatives": (RELIANCE, IST, lambda d: equity_hours(d, time(15, 30), time(15, 15))),
    "a stock without": (SMALL_CAP, IST, lambda d: equity_hours(d, time(15, 30), time(15, 30))),
    "an index future": (NIFTY, IST, lambda d: equity_hours(d, time(15, 30), time(15, 40))),
    "a currency future": (RUPEE, IST, currency_hours),
    "a US stock": (APPLE, NEW_YORK, us_hours),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_trading_opens_and_closes_to_the_second_on_every_day_of_a_year(name: str) -> None:
    instrument, zone, hours_of = EXPECTED[name]
    for day in YEAR:
        hours = hours_of(day)
        if hours is None:
            noon = datetime.combine(day, time(12), zone)
            assert not CALENDAR.is_open(instrument, noon), day
            assert CALENDAR.session(instrument, noon).name is SessionName.CLOSED
            continue
        opens, closes = (datetime.combine(day, at, zone) for at in hours)
        edges = (opens - SECOND, opens, opens + SECOND, closes - SECOND, closes, closes + SECOND)
        said = [CALENDAR.is_open(instrument, edge.astimezone(UTC)) for edge in edges]
        assert said == [False, True, True, True, False, False], day


@pytest.mark.parametrize("instrument", [RELIANCE, SMALL_CAP, NIFTY, RUPEE, CRUDE, APPLE, EURO, BITCOIN])
def test_every_session_of_a_year_begins_and_ends_where_it_says(instrument: Instrument) -> None:
    segment = segment_of(instrument)
    for day in YEAR:
        for session in CALENDAR.sessions(segment, day):
            assert CALENDAR.session(instrument, session.opens) == session
            assert CALENDAR.session(instrument, session.closes - SECOND) == session
            assert CALENDAR.session(instrument, session.opens - SECOND) != session
            assert CALENDAR.session(instrument, session.closes) != session
            assert session.rule


def test_a_stock_with_derivatives_goes_through_the_closing_auction_since_august_2026() -> None:
    day = datetime(2026, 8, 3, tzinfo=IST)
    at = {
        f"{h:02}:{m:02}": day.replace(hour=h, minute=m)
        for h, m in [(9, 5), (9, 15), (15, 15), (15, 34), (15, 40), (15, 55)]
    }
    assert [CALENDAR.session(RELIANCE, moment).name.value for moment in at.values()] == [
        "pre_open",
        "continuous",
        "closing_auction",
        "closing_auction",
        "closed",
        "post_close",
    ]
    assert CALENDAR.session(RELIANCE, day.replace(day=1, month=7, hour=15, minute=20)).name is SessionName.CONTINUOUS


def test_only_the_evening_of_a_commodity_half_holiday_is_traded() -> None:
    holi = datetime(2026, 3, 3, tzinfo=IST)
    assert not CALENDAR.is_open(CRUDE, holi.replace(hour=16, minute=59, second=59))
    assert CALENDAR.is_open(CRUDE, holi.replace(hour=17))
    assert "Holi" in CALENDAR.session(CRUDE, holi.replace(hour=18)).because


@pytest.mark.parametrize(
    ("day", "closes"), [(date(2026, 3, 6), "23:55"), (date(2026, 3, 9), "23:30"), (date(2026, 11, 2), "23:55")]
)
def test_the_commodity_close_follows_american_daylight_time(day: date, closes: str) -> None:
    close = CALENDAR.last_close(CRUDE, day)
    assert close
    assert f"{close:%H:%M}" == closes


def test_muhurat_is_an_hour_on_a_holiday() -> None:
    assert CALENDAR.is_open(RELIANCE, MUHURAT)
    assert not CALENDAR.is_open(RELIANCE, MUHURAT - SECOND)
    assert not CALENDAR.is_open(RELIANCE, MUHURAT + timedelta(hours=1))
    assert CALENDAR.session(RELIANCE, MUHURAT).because == "special session: Muhurat"


def test_american_hours_follow_new_york_through_the_change_of_clocks() -> None:
    assert CALENDAR.is_open(APPLE, datetime(2026, 3, 6, 14, 30, tzinfo=UTC))
    assert not CALENDAR.is_open(APPLE, datetime(2026, 3, 6, 13, 30, tzinfo=UTC))
    assert CALENDAR.is_open(APPLE, datetime(2026, 3, 9, 13, 30, tzinfo=UTC))


def test_currencies_trade_from_sunday_evening_to_friday_evening_in_new_york() -> None:
    sunday = datetime(2026, 11, 22, 17, tzinfo=NEW_YORK)
    friday = datetime(2026, 11, 27, 17, tzinfo=NEW_YORK)
    assert [CALENDAR.is_open(EURO, t) for t in (sunday - SECOND, sunday, friday - SECOND, friday)] == [
        False,
        True,
        True,
        False,
    ]
    assert CALENDAR.trading_date("FOREX", sunday) == date(2026, 11, 23)
    assert CALENDAR.trading_date("FOREX", sunday - SECOND) == date(2026, 11, 22)


def test_crypto_never_closes() -> None:
    assert all(CALENDAR.is_open(BITCOIN, datetime.combine(day, time(3), UTC)) for day in YEAR)


@pytest.mark.parametrize("instrument", [RELIANCE, NIFTY, APPLE, CRUDE, EURO])
def test_a_year_without_a_calendar_is_closed(instrument: Instrument) -> None:
    moment = datetime(2028, 3, 1, 10, tzinfo=segment_of(instrument).zone)
    session = CALENDAR.session(instrument, moment)
    assert session.name is SessionName.CLOSED
    assert session.because == "no calendar for 2028"
    assert CALENDAR.next_open(instrument, moment) is None


def test_a_provisional_year_says_so() -> None:
    assert "provisional" in CALENDAR.session(RELIANCE, datetime(2027, 6, 2, 10, tzinfo=IST)).because


@pytest.mark.parametrize(
    ("instrument", "moment", "sentence"),
    [
        (RELIANCE, datetime(2026, 11, 21, 13, tzinfo=UTC), "NSE opens Mon 23 Nov 09:15 IST (weekend)"),
        (RELIANCE, datetime(2026, 11, 23, 4, tzinfo=UTC), "NSE is open until Mon 23 Nov 15:15 IST"),
        (
            NIFTY,
            datetime(2026, 11, 24, 6, tzinfo=UTC),
            "NFO opens Wed 25 Nov 09:15 IST (Prakash Gurpurb Sri Guru Nanak Dev (to be verified))",
        ),
        (APPLE, datetime(2026, 11, 23, 22, tzinfo=UTC), "NASDAQ opens Tue 24 Nov 09:30 EST"),
        (RELIANCE, datetime(2028, 1, 3, 5, tzinfo=UTC), "NSE has no known next opening (no calendar for 2028)"),
    ],
)
def test_people_are_told_when_a_market_opens(instrument: Instrument, moment: datetime, sentence: str) -> None:
    assert CALENDAR.sentence(instrument, moment) == sentence


def test_the_next_opening_is_never_now() -> None:
    opening = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
    assert CALENDAR.next_open(RELIANCE, opening - SECOND) == opening
    assert CALENDAR.next_open(RELIANCE, opening) == datetime(2026, 11, 25, 9, 15, tzinfo=IST)


@pytest.mark.parametrize(
    ("instrument", "day", "at"),
    [
        (RELIANCE, date(2026, 11, 23), "15:10"),
        (SMALL_CAP, date(2026, 11, 23), "15:15"),
        (NIFTY, date(2026, 11, 23), "15:20"),
        (NIFTY, date(2026, 7, 1), "15:15"),
        (CRUDE, date(2026, 8, 3), "23:25"),
        (CRUDE, date(2026, 11, 23), "23:30"),
        (RELIANCE, date(2025, 10, 21), "14:40"),
        (APPLE, date(2026, 11, 27), "12:55"),
    ],
)
def test_intraday_positions_are_closed_before_the_close(instrument: Instrument, day: date, at: str) -> None:
    square_off = CALENDAR.square_off_time(instrument, day)
    assert square_off
    assert f"{square_off:%H:%M}" == at
    assert CALENDAR.is_open(instrument, square_off)


def test_there_is_no_square_off_on_a_holiday_or_where_nothing_closes() -> None:
    assert CALENDAR.square_off_time(RELIANCE, date(2026, 12, 25)) is None
    assert CALENDAR.square_off_time(BITCOIN, date(2026, 12, 24)) is None


@pytest.mark.parametrize("instrument", [RELIANCE, NIFTY, APPLE, CRUDE, EURO, BITCOIN])
def test_the_demo_is_open_at_every_hour_of_every_day(instrument: Instrument) -> None:
    for day in YEAR[::13]:
        for hour in (0, 5, 12, 23):
            assert ALWAYS_OPEN.is_open(instrument, datetime.combine(day, time(hour, 59), UTC))
    assert ALWAYS_OPEN.square_off_time(instrument, date(2026, 11, 23)) is None


def test_a_day_entered_by_hand_overrides_the_tables() -> None:
    closed = Holiday(date(2026, 11, 23), frozenset({"EQ"}), "Cyclone", "exchange notice", verify=False)
    evening = SpecialSession(
        date(2026, 11, 29), frozenset({"NSE:FNO"}), SessionName.CONTINUOUS, time(18), time(19), "Mock", verify=False
    )
    calendar = Calendar(bundled_tables().amended(holidays=[closed], specials=[evening]))
    assert calendar.session(RELIANCE, datetime(2026, 11, 23, 10, tzinfo=IST)).because == "Cyclone"
    assert calendar.is_open(RELIANCE, datetime(2026, 11, 29, 18, 30, tzinfo=IST))
    assert CALENDAR.is_open(RELIANCE, datetime(2026, 11, 23, 10, tzinfo=IST))


INDIAN = ("NSE", "NFO", "CDS", "MCX")


def test_a_years_occasions_close_what_the_exchanges_lists_close() -> None:
    occasions = CALENDAR.occasions(2026, INDIAN)
    assert occasions is not None
    closed = {exchange: {(o.day.month, o.day.day) for o in occasions if exchange in o.closed} for exchange in INDIAN}
    assert closed["NSE"] == closed["NFO"] == EQUITY_HOLIDAYS_2026
    assert closed["CDS"] == CURRENCY_HOLIDAYS_2026


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_an_occasion_says_of_each_exchange_what_the_calendar_says(year: int) -> None:
    occasions = CALENDAR.occasions(year, (*INDIAN, "NASDAQ"))
    assert occasions
    assert [o.day for o in occasions] == sorted({o.day for o in occasions})
    for occasion in occasions:
        assert all(CALENDAR.hours(exchange, occasion.day) is None for exchange in occasion.closed)
        assert all(CALENDAR.hours(exchange, occasion.day) == hours for exchange, hours in occasion.open.items())
        assert not occasion.open.keys() & set(occasion.closed)


def test_the_kind_of_an_occasion_is_told_from_who_is_closed() -> None:
    occasions = {o.day: o for o in CALENDAR.occasions(2026, INDIAN) or ()}
    assert occasions[date(2026, 3, 3)].kind is OccasionKind.HOLIDAY
    assert occasions[date(2026, 3, 3)].open.keys() == {"MCX"}
    assert occasions[date(2026, 2, 19)].kind is OccasionKind.SETTLEMENT_HOLIDAY
    budget = occasions[date(2026, 2, 1)]
    assert (budget.kind, budget.name) == (OccasionKind.SPECIAL_SESSION, "Union Budget (to be verified)")
    assert (budget.open.keys(), budget.closed) == ({"NSE", "NFO", "MCX"}, ())


def test_occasions_of_exchanges_that_were_not_asked_for_are_left_out() -> None:
    assert {o.day for o in CALENDAR.occasions(2026, ["NASDAQ"]) or ()} == {
        date(2026, month, day) for month, day in US_HOLIDAYS_2026 | US_SHORT_DAYS_2026
    }
    assert CALENDAR.occasions(2026, ["CRYPTO"]) == []


def test_a_year_without_a_calendar_has_unknown_occasions_and_the_demo_none() -> None:
    assert CALENDAR.occasions(2030, INDIAN) is None
    assert ALWAYS_OPEN.occasions(2026, INDIAN) == ()


def test_an_exchanges_hours_are_those_of_continuous_trading() -> None:
    opens, closes = CALENDAR.hours("MCX", date(2026, 3, 3)) or (None, None)
    assert (opens, closes) == (
        datetime(2026, 3, 3, 17, tzinfo=IST),
        datetime(2026, 3, 3, 23, 55, tzinfo=IST),
    )
    assert CALENDAR.hours("NSE", date(2026, 3, 3)) is None
