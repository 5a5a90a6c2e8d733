"""Instruments, and derivatives' symbols in OpenAlgo's format."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.instrument import (
    Instrument,
    InstrumentKind,
    OptionRight,
    SymbolParts,
    expiry_code,
    future_symbol,
    option_symbol,
    parse_symbol,
)

DAYS = st.dates(date(2000, 1, 1), date(2068, 12, 31))  # %y reads 69 as 1969
BASES = st.sampled_from(["NIFTY", "M&M", "BAJAJ-AUTO", "RELIANCE", "360ONE", "NIFTYNXT50"])
STRIKES = st.decimals(Decimal("0.05"), Decimal(200_000), places=2)


def test_an_instrument_is_named_by_exchange_and_symbol() -> None:
    assert Instrument(symbol="INFY", exchange="NSE", kind=InstrumentKind.EQUITY).key == "NSE:INFY"


@pytest.mark.parametrize("kind", InstrumentKind)
def test_futures_and_options_are_derivatives(kind: InstrumentKind) -> None:
    derivative = Instrument(symbol="X", exchange="NFO", kind=kind).is_derivative

    assert derivative is (kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION))


def test_symbols_are_written_as_documented() -> None:
    assert expiry_code(date(2024, 3, 8)) == "08MAR24"
    assert future_symbol("NIFTY", date(2025, 12, 30)) == "NIFTY30DEC25FUT"
    assert option_symbol("NIFTY", date(2024, 3, 28), Decimal("20800.00"), OptionRight.CALL) == "NIFTY28MAR2420800CE"
    assert option_symbol("VEDL", date(2024, 4, 25), Decimal("292.50"), OptionRight.PUT) == "VEDL25APR24292.5PE"


@given(BASES, DAYS)
def test_a_future_written_can_be_read(base: str, day: date) -> None:
    assert parse_symbol(future_symbol(base, day)) == SymbolParts(base, day)


@given(BASES, DAYS, STRIKES, st.sampled_from(OptionRight))
def test_an_option_written_can_be_read(base: str, day: date, strike: Decimal, right: OptionRight) -> None:
    assert parse_symbol(option_symbol(base, day, strike, right)) == SymbolParts(base, day, strike, right)


@pytest.mark.parametrize(
    "symbol", ["INFY", "", "NIFTY30DEC25", "nifty30dec25fut", "NIFTY30DEC25FUT ", "NIFTY28MAR24CE"]
)
def test_anything_else_has_no_parts(symbol: str) -> None:
    assert parse_symbol(symbol) is None


@pytest.mark.parametrize("symbol", ["NIFTY31FEB25FUT", "NIFTY99DEC2520800CE", "NIFTY01XYZ25FUT"])
def test_an_impossible_date_is_no_symbol(symbol: str) -> None:
    assert parse_symbol(symbol) is None
