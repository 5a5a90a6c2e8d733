"""Instruments and their symbols in OpenAlgo's common format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum


class InstrumentKind(StrEnum):
    """What is traded."""

    EQUITY = "equity"
    INDEX = "index"
    FUTURE = "future"
    OPTION = "option"
    CRYPTO = "crypto"  # spot or perpetual
    FOREX = "forex"  # currency pairs, spot


class OptionRight(StrEnum):
    """Call or put."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable contract.

    `symbol` and `exchange` are OpenAlgo's; quantities are in units, `lot_size` units make a lot, prices are
    multiples of `tick_size` in `currency`. `freeze_quantity` is the largest single order in units, if the exchange has one.
    """

    symbol: str
    exchange: str
    kind: InstrumentKind
    name: str = ""
    currency: str = "INR"
    lot_size: Decimal = Decimal(1)
    tick_size: Decimal = Decimal("0.05")
    underlying: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    right: OptionRight | None = None
    freeze_quantity: Decimal | None = None
    simulated: bool = False

    @property
    def key(self) -> str:
        """`EXCHANGE:SYMBOL`, unique over everything."""
        return f"{self.exchange}:{self.symbol}"

    @property
    def is_derivative(self) -> bool:
        """Futures and options, whose quantity must be whole lots."""
        return self.kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)


_FUTURE = re.compile(r"(?P<base>[A-Z0-9&\-]+?)(?P<expiry>\d{2}[A-Z]{3}\d{2})FUT")
_OPTION = re.compile(r"(?P<base>[A-Z0-9&\-]+?)(?P<expiry>\d{2}[A-Z]{3}\d{2})(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE)")


@dataclass(frozen=True, slots=True)
class SymbolParts:
    """What a derivative's symbol says."""

    base: str
    expiry: date
    strike: Decimal | None = None
    right: OptionRight | None = None


def expiry_code(day: date) -> str:
    """`30DEC25`."""
    return day.strftime("%d%b%y").upper()


def future_symbol(base: str, expiry: date) -> str:
    """`NIFTY30DEC25FUT`."""
    return f"{base}{expiry_code(expiry)}FUT"


def option_symbol(base: str, expiry: date, strike: Decimal, right: OptionRight) -> str:
    """`NIFTY28MAR2420800CE`; the strike has decimals only when it needs them."""
    figure = f"{strike.normalize():f}"
    return f"{base}{expiry_code(expiry)}{figure}{'CE' if right is OptionRight.CALL else 'PE'}"


def parse_symbol(symbol: str) -> SymbolParts | None:
    """The parts of a future's or option's symbol, `None` for anything else (also for an impossible date)."""
    for pattern in (_FUTURE, _OPTION):
        match = pattern.fullmatch(symbol)
        if not match:
            continue
        try:
            expiry = datetime.strptime(match["expiry"], "%d%b%y").replace(tzinfo=UTC).date()
        except ValueError:
            return None
        if pattern is _FUTURE:
            return SymbolParts(match["base"], expiry)
        right = OptionRight.CALL if match["right"] == "CE" else OptionRight.PUT
        return SymbolParts(match["base"], expiry, Decimal(match["strike"]), right)
    return None
