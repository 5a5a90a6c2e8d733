"""The instrument list of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.instrument import InstrumentKind, parse_symbol
from bridge.market.calendar import CALENDAR, segment_of
from bridge.market.contracts import is_live
from bridge.market.expiries import future_expiries, option_expiries
from bridge.market.listings import listings, underlyings
from bridge.market.master import Master, TodaysMaster, master
from bridge.market.simulated import SimulatedMarket
from tests.support.clock import FakeClock

SATURDAY = date(2026, 11, 21)
WHOLE = master(SATURDAY)


def test_every_contract_s_symbol_says_what_the_contract_is() -> None:
    for contract in (i for i in WHOLE if i.is_derivative):
        parts = parse_symbol(contract.symbol)
        assert parts, contract.symbol
        assert (parts.base, parts.expiry) == (contract.underlying, contract.expiry)
        assert (parts.strike, parts.right) == (contract.strike, contract.right)


def test_a_contract_of_new_york_is_listed_until_new_york_has_closed() -> None:
    clock = FakeClock(datetime(2026, 11, 20, 20, 30, tzinfo=UTC))  # Friday 15:30 there, Saturday in India
    market = SimulatedMarket(clock, calendar=CALENDAR)
    option = market.instrument("OPRA", "SPY20NOV26680CE")

    assert option is not None
    assert is_live(option, clock.now())
    assert market.quote(option) is not None
    clock.advance(3600)
    assert not is_live(option, clock.now())
    clock.advance(24 * 3600)
    assert market.instrument("OPRA", "SPY20NOV26680CE") is None


def test_no_two_instruments_share_a_key() -> None:
    assert len({i.key for i in WHOLE}) == len(WHOLE)


def test_every_instrument_has_a_timetable_a_tick_and_a_lot() -> None:
    for instrument in WHOLE:
        assert segment_of(instrument)
        assert instrument.tick_size > 0
        assert instrument.lot_size > 0


def test_reference_prices_are_multiples_of_the_tick() -> None:
    assert [x.key for x in listings().values() if x.price % x.tick] == []


@pytest.mark.parametrize(
    "key",
    ["NSE:RELIANCE", "BSE:RELIANCE", "NSE:M&M", "NSE:BAJAJ-AUTO", "NSE_INDEX:INDIAVIX", "BSE_INDEX:SENSEX",
     "AMEX:SPY", "NASDAQ:QQQ", "CRYPTO:BTCUSDFUT", "FOREX:EURUSD"],
)  # fmt: skip
def test_the_names_that_alerts_use_most_are_listed(key: str) -> None:
    assert Master(SATURDAY).instrument(*key.split(":"))


@pytest.mark.parametrize(
    ("exchange", "underlying", "day", "futures"),
    [
        # the last Tuesday of November 2026 is a holiday
        ("NFO", "NIFTY", SATURDAY, ["2026-11-23", "2026-12-29", "2027-01-25"]),
        ("NFO", "BANKNIFTY", date(2025, 8, 1), ["2025-08-28", "2025-09-30", "2025-10-28"]),
        ("BFO", "SENSEX", date(2025, 8, 1), ["2025-08-26", "2025-09-25", "2025-10-30"]),
        ("CME", "ES", SATURDAY, ["2026-12-18", "2027-03-19", "2027-06-18"]),
        ("MCX", "GOLD", SATURDAY, ["2026-12-04", "2027-02-05", "2027-04-05"]),
        ("CDS", "USDINR", date(2026, 6, 1), ["2026-06-25", "2026-07-29", "2026-08-27"]),
    ],
)
def test_futures_expire_by_the_rule_of_their_time(
    exchange: str, underlying: str, day: date, futures: list[str]
) -> None:
    found = future_expiries(underlyings()[exchange, underlying], day)
    assert [expiry.isoformat() for expiry in found] == futures


def test_weekly_options_moved_from_thursday_to_tuesday_in_september_2025() -> None:
    found = option_expiries(underlyings()["NFO", "NIFTY"], date(2025, 8, 18))
    assert [e.isoformat() for e in found[:5]] == ["2025-08-21", "2025-08-28", "2025-09-02", "2025-09-09", "2025-09-16"]


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2025, 1, 1), date(2027, 9, 30)), st.sampled_from(sorted(underlyings())))
def test_contracts_expire_on_trading_days_from_today_on(day: date, key: tuple[str, str]) -> None:
    underlying = underlyings()[key]
    expiries = {*future_expiries(underlying, day), *option_expiries(underlying, day)}
    segment = segment_of(next(i for i in WHOLE if i.exchange == underlying.exchange))
    for expiry in expiries:
        assert expiry >= day
        assert CALENDAR.sessions(segment, expiry) or expiry.year > 2027
    if underlying.futures:
        assert len(future_expiries(underlying, day)) == underlying.futures


def test_an_option_chain_reaches_fifty_strikes_from_the_money() -> None:
    nifty = Master(SATURDAY).contracts("NFO", "NIFTY")
    calls = sorted({c.strike for c in nifty if c.kind is InstrumentKind.OPTION and c.strike is not None})
    spot = listings()["NSE_INDEX:NIFTY"].price
    assert sum(strike < spot for strike in calls) >= 50
    assert sum(strike > spot for strike in calls) >= 50


def test_lots_and_freeze_quantities_come_with_the_contract() -> None:
    listed = Master(date(2026, 8, 3)).instrument("NFO", "NIFTY25AUG26FUT")
    assert listed
    assert (listed.lot_size, listed.freeze_quantity) == (Decimal(65), Decimal(1800))


def test_an_unlisted_name_leaves_no_trace() -> None:
    listed = Master(SATURDAY)
    assert listed.instrument("NFO", "GARBAGE29DEC26FUT") is None
    assert listed.contracts("NFO", "GARBAGE") == ()
    assert len(list(listed.instruments())) == len(WHOLE)


def test_the_list_may_be_read_while_others_look_names_up() -> None:
    listed = Master(SATURDAY)
    reading = iter(listed.instruments())
    read = [next(reading)]
    assert listed.instrument("NFO", "NIFTY29DEC26FUT")
    read += reading
    assert sorted(i.key for i in read) == sorted(i.key for i in WHOLE)


def test_the_list_follows_the_clock_into_the_next_day() -> None:
    clock = FakeClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    today = TodaysMaster(clock)
    assert today.instrument("NFO", "NIFTY23NOV26FUT")
    clock.advance(timedelta(hours=12).total_seconds())
    assert today.instrument("NFO", "NIFTY23NOV26FUT") is None
    assert today.instrument("NFO", "NIFTY29DEC26FUT")


def test_a_symbol_is_found_on_every_exchange_that_has_it() -> None:
    assert {i.exchange for i in Master(SATURDAY).find("RELIANCE")} == {"NSE", "BSE"}
    assert [i.key for i in Master(SATURDAY).find("SENSEX31DEC26FUT")] == ["BFO:SENSEX31DEC26FUT"]
