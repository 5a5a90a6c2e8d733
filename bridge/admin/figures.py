"""Numbers and times as people read them: lakh grouping, true minus, exchange time first."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from bridge.kit.clock import from_micros, micros

IST = ZoneInfo("Asia/Kolkata")
MINUS = "−"
_SIGNS = {"INR": "₹", "USD": "$", "EUR": "€", "GBP": "£"}
_CRORE, _LAKH = Decimal(10_000_000), Decimal(100_000)
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def decimal(text: object) -> Decimal | None:
    """The number a column or payload holds, or None when it holds none."""
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def grouped(value: Decimal, places: int, *, indian: bool = True) -> str:
    """`12,34,567.50`, or `1,234,567.50` in the western way; a true minus."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    whole, _, fraction = f"{abs(rounded):f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    step = 2 if indian else 3
    while head:
        head, tail = head[:-step], f"{head[-step:]},{tail}"
    sign = MINUS if rounded < 0 else ""
    return f"{sign}{tail}.{fraction}" if fraction else f"{sign}{tail}"


def money(value: Decimal, currency: str = "INR", *, signed: bool = False) -> str:
    """`₹12,34,567.50`, `−$3.10`; `signed` puts a plus before gains."""
    amount = grouped(abs(value), 2, indian=currency == "INR")
    sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
    return f"{sign}{_SIGNS.get(currency, f'{currency} ')}{amount}"


def in_prose(value: Decimal, currency: str = "INR") -> str:
    """`₹17.2 lakh`, `₹3.4 crore`: for sentences, where the paise do not matter."""
    if currency != "INR" or abs(value) < _LAKH:
        return money(value, currency)
    unit, name = (_CRORE, "crore") if abs(value) >= _CRORE else (_LAKH, "lakh")
    return f"₹{grouped(value / unit, 1)} {name}"


def quantity(value: Decimal, *, indian: bool = True) -> str:
    """Units without needless decimals: `1,250`, `0.015`."""
    exact = value.normalize()
    return grouped(value, max(0, -int(exact.as_tuple().exponent)), indian=indian)


def signed_quantity(value: Decimal, *, indian: bool = True) -> str:
    """`+65`, `−30`, `0`: a holding."""
    return f"+{quantity(value, indian=indian)}" if value > 0 else quantity(value, indian=indian)


def price(value: Decimal, tick: Decimal | None = None, *, indian: bool = True) -> str:
    """A price with the decimals of its tick; an average keeps what the tick gives."""
    places = 2 if tick is None else max(0, -int(tick.normalize().as_tuple().exponent))
    return grouped(value, max(2, places), indian=indian)


def number_word(number: int) -> str:
    """`no`, `one` … `nine`, `10`, `1,200`."""
    return _WORDS[number] if number < len(_WORDS) else grouped(Decimal(number), 0)


def counted(number: int, thing: str) -> str:
    """`no order`, `one order`, `three orders`, `12 orders`."""
    return f"{number_word(number)} {thing if number in (0, 1) else f'{thing}s'}"


def clock_time(stamp: int) -> str:
    """`11:30:00` in exchange time."""
    return f"{from_micros(stamp).astimezone(IST):%H:%M:%S}"


def short_time(stamp: int, now: int) -> str:
    """`11:30:00` today, `20 Nov 11:30` before."""
    moment = from_micros(stamp).astimezone(IST)
    if moment.date() == from_micros(now).astimezone(IST).date():
        return f"{moment:%H:%M:%S}"
    return f"{moment.day} {moment:%b %H:%M}"


def full_time(stamp: int) -> str:
    """`Fri 20 Nov 2026, 11:30:00.862 IST`."""
    moment = from_micros(stamp).astimezone(IST)
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M:%S}.{moment.microsecond // 1000:03d} IST"


def sheet_time(stamp: int) -> str:
    """`2026-11-20 11:30:00.862`: exchange time as spreadsheets read it."""
    moment = from_micros(stamp).astimezone(IST)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def span(spent_micros: int) -> str:
    """`1.9 ms`, `96 ms`, `10.0 s`, `12 min`, `3 h`, `2 d`: how long something took or has lasted."""
    seconds = Decimal(max(0, spent_micros)) / 1_000_000
    if seconds < Decimal("0.01"):
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else _long(int(seconds))


def age(stamp: int, now: int) -> str:
    """`14 s`, `12 min`, `3 h`, `2 d` since then."""
    seconds = max(0, now - stamp) // 1_000_000
    return f"{seconds} s" if seconds < 60 else _long(seconds)


def _long(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds // 60} min"


def day_of(stamp: int) -> date:
    """The exchange's calendar day of that moment."""
    return from_micros(stamp).astimezone(IST).date()


def day_bounds(day: date) -> tuple[int, int]:
    """First microsecond of that day in exchange time, and of the next."""
    start = datetime.combine(day, time(), IST)
    return micros(start), micros(start + timedelta(days=1))
