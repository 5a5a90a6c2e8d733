"""Ways to write a symbol. Pure text in, readings out; whether a contract exists is asked elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from bridge.domain.instrument import OptionRight, parse_symbol
from bridge.market.bundled import rows

_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: n for n, name in enumerate(_NAMES, start=1)}
_MONTH_CODES = {code: n for n, code in enumerate("FGHJKMNQUVXZ", start=1)}
_KITE_MONTHS = {**{str(n): n for n in range(1, 10)}, "O": 10, "N": 11, "D": 12}
_RIGHTS = {"C": OptionRight.CALL, "CE": OptionRight.CALL, "P": OptionRight.PUT, "PE": OptionRight.PUT}


@dataclass(frozen=True, slots=True)
class Named:
    """Another way to write a symbol, maybe on one exchange only."""

    symbol: str
    because: str
    exchange: str | None = None


@dataclass(frozen=True, slots=True)
class Continuous:
    """The `nth` future from now: `NIFTY1!`."""

    base: str
    nth: int


@dataclass(frozen=True, slots=True)
class MonthlyFuture:
    """The future of a month: `ESZ2026`, `NQ MAR26`."""

    base: str
    year: int
    month: int


@dataclass(frozen=True, slots=True)
class DatedFuture:
    """The future of a day."""

    base: str
    expiry: date


@dataclass(frozen=True, slots=True)
class DatedOption:
    """The option of a day."""

    base: str
    expiry: date
    right: OptionRight
    strike: Decimal


@dataclass(frozen=True, slots=True)
class MonthlyOption:
    """The option of a month's last expiry: `NIFTY26DEC26000CE`."""

    base: str
    year: int
    month: int
    right: OptionRight
    strike: Decimal


Spelling = Named | Continuous | MonthlyFuture | DatedFuture | DatedOption | MonthlyOption
Reader = Callable[[str, date], Spelling | None]


def readings(text: str, today: date) -> Iterator[Spelling]:
    """Every way to understand a symbol written in capitals; `today` completes years of one digit."""
    for reader in READERS:
        if reading := reader(text, today):
            yield reading


def bases(text: str) -> Iterator[str]:
    """The name itself, and what it stands for: TradingView writes `&` and `-` as `_`, and has its own index names."""
    yield text
    if alias := _aliases().get(text):
        yield alias
    if "_" in text:
        yield text.replace("_", "&")
        yield text.replace("_", "-")


def future_month(text: str) -> tuple[int, int] | None:
    """Year and month of `MAR26`, `26MAR` or `12-26`; `None` for anything else."""
    if match := re.fullmatch(r"([A-Z]{3})(\d{2})|(\d{2})([A-Z]{3})", text):
        month, year = (match[1], match[2]) if match[1] else (match[4], match[3])
        return (2000 + int(year), MONTHS[month]) if month in MONTHS else None
    if match := re.fullmatch(r"(\d{2})-(\d{2})", text):
        return (2000 + int(match[2]), int(match[1])) if 1 <= int(match[1]) <= 12 else None
    return None


@cache
def _aliases() -> Mapping[str, str]:
    return {row["spelling"]: row["symbol"] for row in rows("aliases")}


def _openalgo(text: str, _: date) -> Spelling | None:
    parts = parse_symbol(text)
    if parts is None:
        return None
    if parts.strike is None or parts.right is None:
        return DatedFuture(parts.base, parts.expiry)
    return DatedOption(parts.base, parts.expiry, parts.right, parts.strike)


def _other_name(text: str, _: date) -> Spelling | None:
    for name in bases(text):
        if name != text and _aliases().get(text) == name:
            return Named(name, f"{text} is another name of {name}")
    return None


def _ampersand(text: str, _: date) -> Spelling | None:
    return Named(text.replace("_", "&"), "TradingView writes & as _") if "_" in text else None


def _hyphen(text: str, _: date) -> Spelling | None:
    return Named(text.replace("_", "-"), "TradingView writes - as _") if "_" in text else None


def _series(text: str, _: date) -> Spelling | None:
    return Named(text[:-3], "-EQ names the equity series", "NSE") if text.endswith("-EQ") else None


def _yahoo(text: str, _: date) -> Spelling | None:
    for suffix, exchange in ((".NS", "NSE"), (".BO", "BSE")):
        if text.endswith(suffix):
            return Named(text.removesuffix(suffix), f"{suffix} means {exchange}", exchange)
    return None


def _pair(text: str, _: date) -> Spelling | None:
    match = re.fullmatch(r"([A-Z0-9]{2,10})[/_-]([A-Z]{3,5})", text)
    return Named(match[1] + match[2], "a pair is written without its separator") if match else None


def _perpetual(text: str, _: date) -> Spelling | None:
    because = "a perpetual future is written with FUT"
    if match := re.fullmatch(r"([A-Z0-9]+)(?:\.P|PERP)", text):
        return Named(f"{match[1]}FUT", because, "CRYPTO")
    if match := re.fullmatch(r"([A-Z0-9]+)-PERP(?:ETUAL)?", text):
        return Named(f"{match[1]}USDFUT", because, "CRYPTO")
    if match := re.fullmatch(r"([A-Z0-9]+)-(USDT?)-SWAP", text):
        return Named(f"{match[1]}{match[2]}FUT", because, "CRYPTO")
    return None


def _continuous(text: str, _: date) -> Spelling | None:
    match = re.fullmatch(r"(.+?)([1-9])!", text)
    return Continuous(match[1], int(match[2])) if match else None


def _month_code(text: str, today: date) -> Spelling | None:
    match = re.fullmatch(r"(.+?)([FGHJKMNQUVXZ])(\d{4}|\d{2}|\d)", text)
    if not match:
        return None
    return MonthlyFuture(match[1], _full_year(match[3], today), _MONTH_CODES[match[2]])


def _named_month(text: str, _: date) -> Spelling | None:
    match = re.fullmatch(r"([A-Z0-9&_-]+) ([A-Z]{3}\d{2}|\d{2}-\d{2})(?: FUT)?", text)
    match = match or re.fullmatch(r"([A-Z&_-]+)(\d{2}[A-Z]{3})FUT", text)
    month = future_month(match[2]) if match else None
    return MonthlyFuture(match[1], *month) if match and month else None


def _six_digit_option(text: str, _: date) -> Spelling | None:
    """`NIFTY251230C26000` (TradingView, AlgoTest), `SPY 240510C68`, and the OCC's eight digits `SPY 240510C00068000`."""
    match = re.fullmatch(r"([A-Z0-9&_.-]+?) *(\d{6})([CP])(\d+(?:\.\d+)?)", text)
    expiry = _day(match[2], "%y%m%d") if match else None
    if not match or expiry is None:
        return None
    strike = Decimal(match[4]) / 1000 if re.fullmatch(r"\d{8}", match[4]) else Decimal(match[4])
    return DatedOption(match[1], expiry, _RIGHTS[match[3]], strike)


def _kite_monthly_option(text: str, _: date) -> Spelling | None:
    match = re.fullmatch(r"([A-Z&_-]+)(\d{2})([A-Z]{3})(\d+(?:\.\d+)?)(CE|PE)", text)
    if not match or match[3] not in MONTHS:
        return None
    return MonthlyOption(match[1], 2000 + int(match[2]), MONTHS[match[3]], _RIGHTS[match[5]], Decimal(match[4]))


def _kite_weekly_option(text: str, _: date) -> Spelling | None:
    match = re.fullmatch(r"([A-Z&_-]+)(\d{2})([1-9OND])(\d{2})(\d+(?:\.\d+)?)(CE|PE)", text)
    expiry = _day(f"{match[2]}{_KITE_MONTHS[match[3]]:02}{match[4]}", "%y%m%d") if match else None
    return DatedOption(match[1], expiry, _RIGHTS[match[6]], Decimal(match[5])) if match and expiry else None


def _day(text: str, pattern: str) -> date | None:
    try:
        return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def _full_year(digits: str, today: date) -> int:
    """`2026`, `26` or `6`: a single digit is the year that ends in it nearest to today, past ones counting for five years."""
    if len(digits) == 4:
        return int(digits)
    if len(digits) == 2:
        return 2000 + int(digits)
    earliest = today.year - 5
    return earliest + (int(digits) - earliest) % 10


READERS: tuple[Reader, ...] = (
    _openalgo,
    _other_name,
    _ampersand,
    _hyphen,
    _series,
    _yahoo,
    _pair,
    _perpetual,
    _continuous,
    _month_code,
    _named_month,
    _six_digit_option,
    _kite_monthly_option,
    _kite_weekly_option,
)
