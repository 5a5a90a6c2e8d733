"""Invented prices: the same at every start, and agreeing with themselves."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import pstdev
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.market.base import Candle, Market, Quote
from bridge.market.calendar import CALENDAR
from bridge.market.candles import INTERVALS, UnknownInterval, merged
from bridge.market.simulated import SimulatedMarket
from tests.support.clock import FakeClock

MONDAY = datetime(2026, 11, 23, 6, 30, 7, tzinfo=UTC)  # noon in India
KEYS = (
    "NSE:RELIANCE",
    "NSE_INDEX:NIFTY",
    "NFO:NIFTY29DEC26FUT",
    "NFO:NIFTY29DEC2626000CE",
    "NFO:NIFTY29DEC2626000PE",
    "MCX:GOLD04DEC26FUT",
    "NASDAQ:AAPL",
    "CRYPTO:BTCUSDT",
    "CRYPTO:BTCUSDFUT",
    "FOREX:EURUSD",
)
CLOCK = FakeClock(MONDAY)
DEMO = SimulatedMarket(CLOCK, seed=7)
REAL_HOURS = SimulatedMarket(CLOCK, seed=7, calendar=CALENDAR)


@pytest.fixture(autouse=True)
def noon() -> None:
    CLOCK.set(MONDAY)


def named(key: str, market: Market = DEMO) -> Instrument:
    found = market.instrument(*key.split(":"))
    assert found, key
    return found


def quoted(key: str, market: Market = DEMO) -> Quote:
    quote = market.quote(named(key, market))
    assert quote, key
    return quote


def bars(key: str, interval: str, back: timedelta, market: Market = DEMO) -> list[Candle]:
    now = CLOCK.now()
    return list(market.history(named(key, market), interval, now - back, now + timedelta(microseconds=1)))


def test_a_restart_gives_the_same_prices_and_another_seed_gives_others() -> None:
    again, other = SimulatedMarket(CLOCK, seed=7), SimulatedMarket(CLOCK, seed=8)
    for key in KEYS:
        assert quoted(key) == quoted(key, again)
        assert quoted(key).last != quoted(key, other).last


def test_prices_do_not_depend_on_what_was_asked_before() -> None:
    fresh = SimulatedMarket(CLOCK, seed=7)
    CLOCK.set(MONDAY - timedelta(days=40))
    for key in ("NSE:RELIANCE", "CRYPTO:BTCUSDT"):
        quoted(key, fresh)
    CLOCK.set(MONDAY)
    assert quoted("NSE:RELIANCE", fresh) == quoted("NSE:RELIANCE")


@pytest.mark.parametrize("key", KEYS)
def test_a_quote_is_a_market_one_could_trade_on(key: str) -> None:
    quote = quoted(key)
    tick = quote.instrument.tick_size
    assert quote.simulated
    assert quote.at <= CLOCK.now() < quote.at + timedelta(milliseconds=250)
    assert quote.low <= quote.last <= quote.high
    assert quote.low <= quote.open <= quote.high
    assert all(price % tick == 0 for price in (quote.last, quote.bid, quote.ask, quote.previous_close))
    if quote.instrument.kind is InstrumentKind.INDEX:
        assert not (*quote.bids, *quote.asks)
        assert quote.volume == 0
        return
    assert 0 < quote.bid < quote.ask
    assert quote.bid <= quote.last <= quote.ask
    assert (quote.bids[0].price, quote.asks[0].price) == (quote.bid, quote.ask)
    assert all(better.price > worse.price for better, worse in pairwise(quote.bids))
    assert all(better.price < worse.price for better, worse in pairwise(quote.asks))
    assert all(level.quantity > 0 for level in (*quote.bids, *quote.asks))
    if quote.instrument.is_derivative:
        assert all(level.quantity % quote.instrument.lot_size == 0 for level in (*quote.bids, *quote.asks))


@pytest.mark.parametrize("market", [DEMO, REAL_HOURS], ids=["demo", "real hours"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("interval", ["1m", "3m", "5m", "15m", "30m", "1h", "D", "W", "M"])
def test_the_last_bar_closes_at_the_quoted_price(market: SimulatedMarket, key: str, interval: str) -> None:
    for seconds in (0, 53, 23 * 60 - 7, 1800 * 3):  # also on the edge of a minute and of half an hour
        CLOCK.set(MONDAY + timedelta(seconds=seconds))
        last = bars(key, interval, timedelta(days=62 if interval in "DWM" else 4), market)[-1]
        assert last.close == quoted(key, market).last


@pytest.mark.parametrize("market", [DEMO, REAL_HOURS], ids=["demo", "real hours"])
@pytest.mark.parametrize("key", KEYS)
def test_bars_of_every_length_add_up_to_the_longer_ones(market: SimulatedMarket, key: str) -> None:
    days = bars(key, "D", timedelta(days=7), market)[1:-1]  # whole ones, also with a weekend among them
    assert days
    for day in days:
        # the day of currencies begins the evening before, at five in New York, and ends then
        begins = day.at - timedelta(hours=7 if market is REAL_HOURS and key.startswith("FOREX") else 0)
        end = begins + timedelta(days=1)
        for interval in ("1m", "3m", "5m", "15m", "30m", "1h", "4h"):
            whole = merged(market.history(named(key, market), interval, begins, end))
            assert (whole.open, whole.high, whole.low, whole.close) == (day.open, day.high, day.low, day.close)
            assert whole.volume == day.volume


@pytest.mark.parametrize("key", KEYS)
def test_today_s_bar_is_the_quote(key: str) -> None:
    today, quote = bars(key, "D", timedelta(days=2))[-1], quoted(key)
    assert (today.open, today.high, today.low, today.close) == (quote.open, quote.high, quote.low, quote.last)
    assert today.volume == quote.volume
    assert bars(key, "D", timedelta(days=3))[-2].close == quote.previous_close


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KEYS), st.integers(0, 6 * 86400 * 4))
def test_at_any_instant_the_quote_lies_in_the_running_bar(key: str, quarters: int) -> None:
    CLOCK.set(MONDAY - timedelta(days=6) + timedelta(milliseconds=250 * quarters))
    quote, bar = quoted(key), bars(key, "5m", timedelta(minutes=6))[-1]
    assert bar.close == quote.last
    assert quote.low <= bar.low <= bar.high <= quote.high


def test_nothing_of_the_future_is_shown() -> None:
    later = DEMO.history(named("NSE:RELIANCE"), "1m", MONDAY + timedelta(minutes=1), MONDAY + timedelta(days=2))
    assert later == []
    assert bars("NSE:RELIANCE", "1h", timedelta(hours=3))[-1].at <= MONDAY


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_of_openalgo_is_answered(interval: str) -> None:
    found = bars("CRYPTO:BTCUSDT", interval, timedelta(days=100) if interval in "DWM" else timedelta(hours=9))
    assert found
    assert all(a.at < b.at for a, b in pairwise(found))


def test_an_unknown_interval_is_named() -> None:
    with pytest.raises(UnknownInterval, match="'7x'"):
        bars("NSE:RELIANCE", "7x", timedelta(days=1))


def test_with_real_hours_a_closed_market_shows_its_last_close() -> None:
    CLOCK.set(datetime(2026, 11, 21, 12, tzinfo=UTC))  # Saturday
    quote = quoted("NSE:RELIANCE", REAL_HOURS)
    assert quote.at == datetime(2026, 11, 20, 9, 45, tzinfo=UTC)  # the continuous session of a stock with derivatives
    assert quote.last == bars("NSE:RELIANCE", "D", timedelta(days=4), REAL_HOURS)[-1].close


def test_with_real_hours_bars_lie_inside_the_session() -> None:
    hours = {bar.at.strftime("%H:%M") for bar in bars("NSE:IOLCP", "1h", timedelta(days=20), REAL_HOURS)}
    assert hours == {"09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15"}


def test_a_future_costs_more_than_its_index_and_meets_it_at_expiry() -> None:
    spot = quoted("NSE_INDEX:NIFTY").last
    assert spot < quoted("NFO:NIFTY29DEC26FUT").last < spot * Decimal("1.02")
    assert abs(quoted("NFO:NIFTY23NOV26FUT").last - spot) < Decimal("0.1")


def test_a_call_and_a_put_agree_about_the_forward() -> None:
    call, put, future = (quoted(f"NFO:NIFTY29DEC26{tail}").last for tail in ("26000CE", "26000PE", "FUT"))
    assert abs(call - put - (future - 26000) * Decimal("0.9936")) < Decimal("1.5")


def test_an_option_ends_at_what_it_is_worth_exercised() -> None:
    CLOCK.set(datetime(2026, 11, 23, 12, tzinfo=UTC))
    spot = quoted("NSE_INDEX:NIFTY", REAL_HOURS)
    index_at_close = bars("NFO:NIFTY23NOV26FUT", "D", timedelta(days=2), REAL_HOURS)[-1].close
    near = [
        (option, option.strike)
        for option in REAL_HOURS.contracts("NFO", "NIFTY")
        if option.expiry == MONDAY.date() and option.strike is not None and abs(option.strike - spot.last) < 400
    ]
    assert len(near) > 10
    for option, strike in near:
        quote = REAL_HOURS.quote(option)
        sign = 1 if option.right is OptionRight.CALL else -1
        assert quote
        assert abs(quote.last - max(sign * (index_at_close - strike), Decimal("0.05"))) <= Decimal("0.15")


def test_an_expired_contract_has_no_quote() -> None:
    contract = named("NFO:NIFTY23NOV26FUT")
    assert DEMO.quote(contract)
    CLOCK.set(datetime(2026, 11, 23, 20, tzinfo=UTC))  # the next day in India
    assert DEMO.quote(contract) is None
    assert DEMO.instrument("NFO", "NIFTY23NOV26FUT") is None


def test_a_name_without_reference_price_has_no_quote() -> None:
    stranger = Instrument(symbol="ACME", exchange="NSE", kind=InstrumentKind.EQUITY)
    assert DEMO.quote(stranger) is None
    assert DEMO.history(stranger, "D", MONDAY - timedelta(days=9), MONDAY) == []


def test_the_two_exchanges_of_a_share_and_the_two_forms_of_a_coin_move_together() -> None:
    assert quoted("NSE:RELIANCE").last == quoted("BSE:RELIANCE").last
    assert abs(quoted("CRYPTO:BTCUSDTFUT").last / quoted("CRYPTO:BTCUSDT").last - 1) < Decimal("0.001")


@pytest.mark.parametrize(
    ("key", "year_low", "year_high"),
    [("NSE_INDEX:NIFTY", 0.06, 0.25), ("NSE:RELIANCE", 0.15, 0.5), ("CRYPTO:BTCUSDT", 0.25, 0.9)],
)
def test_prices_move_as_much_as_such_things_do(key: str, year_low: float, year_high: float) -> None:
    closes = [float(bar.close) for bar in bars(key, "D", timedelta(days=400), REAL_HOURS)]
    moves = [later / earlier - 1 for earlier, later in pairwise(closes)]
    assert year_low < pstdev(moves) * 252**0.5 < year_high


def test_most_volume_trades_at_both_ends_of_the_day() -> None:
    days = bars("NSE:RELIANCE", "30m", timedelta(days=40), REAL_HOURS)
    by_hour: dict[str, Decimal] = {}
    for bar in days:
        by_hour[f"{bar.at:%H:%M}"] = by_hour.get(f"{bar.at:%H:%M}", Decimal(0)) + bar.volume
    assert by_hour["09:15"] > 2 * by_hour["12:15"]
    assert by_hour["14:45"] > by_hour["12:15"]


def test_the_quote_of_a_quarter_second_is_made_once() -> None:
    instrument = named("NSE:RELIANCE")
    first = DEMO.quote(instrument)
    CLOCK.set(MONDAY + timedelta(milliseconds=249))
    assert DEMO.quote(instrument) is first
    CLOCK.set(MONDAY + timedelta(milliseconds=250))
    assert DEMO.quote(instrument) is not first


def test_threads_that_ask_at_once_are_told_what_one_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns at nearly every step
    monkeypatch.setattr("bridge.market.simulated._MOST_CACHED", 3)
    try:
        for _ in range(3):
            clock, start = FakeClock(MONDAY), Barrier(4)
            shared, alone = SimulatedMarket(clock), SimulatedMarket(clock)

            def ask(market: SimulatedMarket = shared, start: Barrier = start) -> list[Quote]:
                start.wait()
                return [quoted(key, market) for key in KEYS]

            with ThreadPoolExecutor(4) as threads:
                for _ in range(4):
                    told = [asked.result() for asked in [threads.submit(ask) for _ in range(4)]]
                    assert told == [[quoted(key, alone) for key in KEYS]] * 4
                    clock.advance(31 * 60)
    finally:
        sys.setswitchinterval(before)
