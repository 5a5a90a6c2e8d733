"""On which days contracts expire, from the dated rules and the holidays."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache

from bridge.market.calendar import CALENDAR
from bridge.market.listings import Underlying
from bridge.market.rules import bundled_rules, scopes_of
from bridge.market.sessions import SEGMENT_OF_EXCHANGE, SEGMENTS, Segment

_WEEKDAYS = {"MON": 0, "TUE": 1, "WED": 2, "THU": 3, "FRI": 4}
_WEEKLIES, _MONTHLIES = 5, 3
_STOCK_MONTHLIES = 2


def future_expiries(underlying: Underlying, day: date) -> tuple[date, ...]:
    """Expiries of the futures listed that day, nearest first, the day itself included."""
    return _monthly(underlying.exchange, underlying.symbol, day, underlying.futures)


def option_expiries(underlying: Underlying, day: date) -> tuple[date, ...]:
    """Expiries of the options listed that day, nearest first, the day itself included; none where there are no options."""
    if underlying.strike_step is None or not underlying.strikes:
        return ()
    is_stock = underlying.exchange == "NFO" and underlying.spot.startswith("NSE:")
    monthlies = _monthly(underlying.exchange, underlying.symbol, day, _STOCK_MONTHLIES if is_stock else _MONTHLIES)
    return tuple(sorted({*_weekly(underlying.exchange, underlying.symbol, day), *monthlies}))


@lru_cache(maxsize=4096)
def _weekly(exchange: str, symbol: str, day: date) -> tuple[date, ...]:
    segment = SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]]
    found: list[date] = []
    nominal = day
    while len(found) < _WEEKLIES and nominal < day + timedelta(days=7 * (_WEEKLIES + 2)):
        rule = bundled_rules().find("expiry_weekly", scopes_of(exchange, symbol), nominal)
        if rule and nominal.weekday() == _WEEKDAYS[rule.value] and (expiry := _traded(segment, nominal)) >= day:
            found.append(expiry)
        nominal += timedelta(days=1)
    return tuple(found)


@lru_cache(maxsize=4096)
def _monthly(exchange: str, symbol: str, day: date, count: int) -> tuple[date, ...]:
    segment = SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]]
    found: list[date] = []
    for ahead in range(24):
        year, month = divmod(day.year * 12 + day.month - 1 + ahead, 12)
        expiry = _in_month(exchange, symbol, segment, year, month + 1)
        if expiry and expiry >= day and len(found) < count:
            found.append(expiry)
    return tuple(found)


def _in_month(exchange: str, symbol: str, segment: Segment, year: int, month: int) -> date | None:
    last = date(year, month, monthrange(year, month)[1])
    rule = bundled_rules().find("expiry_monthly", scopes_of(exchange, symbol), last)
    if rule is None:
        return None
    pattern, _, months = rule.value.partition(" in ")
    if months and str(month) not in months.split():
        return None
    word, figure = pattern.split()
    if word == "day":
        return _traded(segment, date(year, month, min(int(figure), last.day)))
    if word == "working":
        return _working_day(segment, last, -int(figure))
    # "last TUE" or "third FRI"
    latest = last if word == "last" else date(year, month, 21)
    return _traded(segment, latest - timedelta(days=(latest.weekday() - _WEEKDAYS[figure]) % 7))


def _traded(segment: Segment, nominal: date) -> date:
    """The nominal day or, when that is a holiday, the trading day before. Beyond the calendar the nominal day stands."""
    day = nominal
    while not CALENDAR.sessions(segment, day):
        if CALENDAR.why_closed(segment, day).startswith("no calendar"):
            return nominal
        day -= timedelta(days=1)
    return day


def _working_day(segment: Segment, last: date, count: int) -> date:
    """The `count`-th trading day from the end of the month, the last being the first."""
    day = _traded(segment, last)
    for _ in range(count - 1):
        day = _traded(segment, day - timedelta(days=1))
    return day
