"""Options seen around the money: what is listed, what it is called, what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import exp
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight, future_symbol, option_symbol, parse_symbol
from bridge.market import black76
from bridge.market.calendar import CALENDAR
from bridge.market.chain import Chain, ChainSide, OptionBoard
from bridge.market.hand import HandMarket
from bridge.market.simulated import SimulatedMarket
from bridge.market.valuation import ForwardSource, OptionGreeks, Terms, forward_of, valued
from bridge.market.view import ExpiryNeeded, NoExpiry, NoPrice, NoStrikes, NotAnOption, OffsetOutOfRange, OptionsError
from tests.support.clock import FakeClock

CALL, PUT = OptionRight.CALL, OptionRight.PUT
FUTURE, OPTION = InstrumentKind.FUTURE, InstrumentKind.OPTION
NOW = datetime(2026, 11, 23, 10, 10, tzinfo=UTC)  # Monday, 15:40 in India: 36 days before the options of 29 Dec end
DECEMBER, WEEKLY, JANUARY = date(2026, 12, 29), date(2026, 12, 1), date(2027, 1, 26)
STRIKES = (90, 95, 100, 102, 110, 150)  # as uneven as after a corporate action


def contract(base: str, expiry: date, strike: str | None = None, right: OptionRight | None = None) -> Instrument:
    figure = Decimal(strike) if strike else None
    return Instrument(
        symbol=option_symbol(base, expiry, figure, right) if figure and right else future_symbol(base, expiry),
        exchange="MCX" if base == "COAL" else "NFO",
        kind=OPTION if right else FUTURE,
        underlying=base,
        expiry=expiry,
        strike=figure,
        right=right,
    )


def acme(*more: Instrument) -> list[Instrument]:
    """A share with two futures, options of two expiries and a call without its put."""
    return [
        Instrument(symbol="ACME", exchange="NSE", kind=InstrumentKind.EQUITY),
        contract("ACME", JANUARY),
        contract("ACME", DECEMBER),
        *(contract("ACME", day, str(s), right) for day in (DECEMBER, WEEKLY) for s in STRIKES for right in (PUT, CALL)),
        contract("ACME", DECEMBER, "92.5", CALL),
        *more,
    ]


def board(prices: dict[str, str], instruments: Sequence[Instrument] | None = None, now: datetime = NOW) -> OptionBoard:
    market = HandMarket(FakeClock(now), acme() if instruments is None else instruments)
    for key, price in prices.items():
        market.set_price(key, price)
    return OptionBoard(market, now)


def side(chain: Chain, strike: str, right: OptionRight) -> ChainSide:
    row = next(row for row in chain.rows if row.strike == Decimal(strike))
    found = row.call if right is CALL else row.put
    assert found
    return found


def labels(chain: Chain, right: OptionRight) -> list[str | None]:
    sides = [row.call if right is CALL else row.put for row in chain.rows]
    return [found.label if found else None for found in sides]


# expiries


def test_expiries_come_in_the_order_of_their_dates() -> None:
    assert board({}).expiries("NFO", "ACME", FUTURE) == [DECEMBER, JANUARY]
    assert board({}).expiries("NSE", "ACME", OPTION) == [WEEKLY, DECEMBER]


def test_an_expiry_whose_last_session_is_over_is_no_longer_one() -> None:
    closing = datetime(2026, 12, 1, 10, 10, tzinfo=UTC)
    assert board({}, now=closing).expiries("NFO", "ACME", OPTION) == [DECEMBER]


@pytest.mark.parametrize("kind", [FUTURE, OPTION])
def test_a_name_without_contracts_has_no_expiry(kind: InstrumentKind) -> None:
    with pytest.raises(NoExpiry, match=f"No {kind}s on NOBODY are listed on NFO"):
        board({}).expiries("NFO", "NOBODY", kind)


# what the underlying costs


@pytest.mark.parametrize(
    ("exchange", "underlying", "expiry", "key"),
    [
        ("NFO", "NIFTY", None, "NSE_INDEX:NIFTY"),
        ("NSE_INDEX", "NIFTY", None, "NSE_INDEX:NIFTY"),
        ("NSE", "NIFTY", None, "NSE_INDEX:NIFTY"),
        ("NFO", "NIFTY29DEC26FUT", DECEMBER, "NSE_INDEX:NIFTY"),
        ("BFO", "SENSEX", None, "BSE_INDEX:SENSEX"),
        ("NFO", "RELIANCE", None, "NSE:RELIANCE"),
        ("OPRA", "SPY", None, "AMEX:SPY"),
        ("MCX", "CRUDEOIL", None, "MCX:CRUDEOIL18DEC26FUT"),
        ("MCX", "CRUDEOIL", date(2026, 12, 18), "MCX:CRUDEOIL18DEC26FUT"),
        ("MCX", "CRUDEOIL", date(2026, 12, 19), "MCX:CRUDEOIL19JAN27FUT"),
        ("MCX", "CRUDEOIL19JAN27FUT", date(2026, 12, 1), "MCX:CRUDEOIL19JAN27FUT"),
        ("CDS", "USDINR", None, "CDS:USDINR26NOV26FUT"),
    ],
)
def test_an_underlying_costs_what_its_index_its_share_or_else_its_future_costs(
    exchange: str, underlying: str, expiry: date | None, key: str
) -> None:
    market = SimulatedMarket(FakeClock(NOW), calendar=CALENDAR)
    assert OptionBoard(market, NOW).underlying_quote(exchange, underlying, expiry).instrument.key == key


def test_an_underlying_without_a_quote_has_no_price() -> None:
    with pytest.raises(NoPrice, match="NSE:ACME has no price"):
        board({}).underlying_quote("NFO", "ACME")
    with pytest.raises(NoPrice, match="NSE:ACME has no price"):
        board({"NSE:ACME": "0"}).underlying_quote("NFO", "ACME")


def test_options_that_outlive_every_future_have_no_price_to_go_by() -> None:
    coal = [contract("COAL", WEEKLY), contract("COAL", DECEMBER, "100", CALL)]
    with pytest.raises(NoPrice, match="Nothing is listed that says what COAL costs"):
        board({"MCX:COAL01DEC26FUT": "100"}, coal).chain("MCX", "COAL", DECEMBER)


# the chain


def test_a_chain_names_each_option_by_its_listed_strikes_from_the_money() -> None:
    chain = board({"NSE:ACME": "101.2"}).chain("NFO", "ACME", DECEMBER)
    assert chain.atm_strike == 102
    assert [row.strike for row in chain.rows] == [Decimal(s) for s in ("90", "92.5", "95", "100", "102", "110", "150")]
    assert labels(chain, CALL) == ["ITM4", "ITM3", "ITM2", "ITM1", "ATM", "OTM1", "OTM2"]
    assert labels(chain, PUT) == ["OTM3", None, "OTM2", "OTM1", "ATM", "ITM1", "ITM2"]


def test_a_price_midway_between_two_strikes_is_at_the_lower_one() -> None:
    assert board({"NSE:ACME": "101"}).chain("NFO", "ACME", DECEMBER).atm_strike == 100


def test_a_chain_may_be_cut_to_so_many_strikes_on_each_side() -> None:
    here = board({"NSE:ACME": "101.2"})
    assert [row.strike for row in here.chain("NFO", "ACME", DECEMBER, 1).rows] == [100, 102, 110]
    assert labels(here.chain("NFO", "ACME", DECEMBER, 1), CALL) == ["ITM1", "ATM", "OTM1"]
    assert len(here.chain("NFO", "ACME", DECEMBER, 100).rows) == 7


def test_a_chain_below_the_lowest_strike_begins_at_the_money() -> None:
    chain = board({"NSE:ACME": "40"}).chain("NFO", "ACME", DECEMBER, 1)
    assert labels(chain, CALL) == ["ATM", "OTM1"]


def test_a_chain_says_when_it_ends_and_what_it_is_about() -> None:
    chain = board({"NSE:ACME": "101.2"}).chain("NSE", "ACME29DEC26FUT", None)
    assert (chain.underlying, chain.exchange, chain.expiry) == ("ACME", "NFO", DECEMBER)
    assert chain.expires_at == datetime(2026, 12, 29, 10, 10, tzinfo=UTC)
    assert chain.underlying_quote.last == Decimal("101.2")
    assert chain.forward is None


def test_an_option_without_a_quote_stands_in_the_chain_without_one() -> None:
    chain = board({"NSE:ACME": "101.2", "NFO:ACME29DEC26100CE": "6"}).chain("NFO", "ACME", DECEMBER, terms=Terms())
    quoted, silent = side(chain, "100", CALL), side(chain, "100", PUT)
    assert quoted.quote
    assert quoted.value
    assert (quoted.quote.last, quoted.value.price) == (6, 6)
    assert (silent.quote, silent.value) == (None, None)


def test_an_option_priced_madly_does_not_take_the_others_greeks_away() -> None:
    prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26100CE": "500", "NFO:ACME29DEC26100PE": "3"}
    chain = board(prices).chain("NFO", "ACME", DECEMBER, terms=Terms())
    assert side(chain, "100", CALL).value is None
    assert side(chain, "100", PUT).value


def test_a_chain_without_terms_has_no_greeks() -> None:
    chain = board({"NSE:ACME": "101.2", "NFO:ACME29DEC26100CE": "6"}).chain("NFO", "ACME", DECEMBER)
    assert side(chain, "100", CALL).value is None


def test_an_expiry_must_be_named_unless_the_underlying_names_it() -> None:
    with pytest.raises(ExpiryNeeded, match="Name an expiry of the options on ACME: 1 Dec 2026, 29 Dec 2026"):
        board({"NSE:ACME": "101"}).chain("NFO", "ACME", None)


def test_a_day_on_which_nothing_expires_has_no_strikes() -> None:
    with pytest.raises(NoStrikes, match="no options that expire on 26 Jan 2027; the next expiries are 1 Dec 2026"):
        board({"NSE:ACME": "101"}).chain("NFO", "ACME", JANUARY)


def test_after_the_last_expiry_the_refusal_names_none() -> None:
    later = datetime(2027, 1, 4, 6, tzinfo=UTC)
    with pytest.raises(NoStrikes, match="the next expiries are none that can still be traded"):
        board({"NSE:ACME": "101"}, now=later).chain("NFO", "ACME", JANUARY)


@pytest.mark.parametrize(("exchange", "underlying"), [("NSE", "NOBODY"), ("MCX", "GOLDM"), ("CRYPTO", "BTCUSD")])
def test_a_name_without_options_has_no_strikes(exchange: str, underlying: str) -> None:
    market = SimulatedMarket(FakeClock(NOW), calendar=CALENDAR)
    with pytest.raises(NoStrikes, match=f"No options on {underlying} are listed"):
        OptionBoard(market, NOW).chain(exchange, underlying, DECEMBER)


# offsets


@pytest.mark.parametrize(
    ("offset", "right", "strike"),
    [
        ("ATM", CALL, "102"),
        ("ITM1", CALL, "100"),
        ("ITM3", CALL, "92.5"),
        ("OTM2", CALL, "150"),
        ("ATM", PUT, "102"),
        ("ITM1", PUT, "110"),
        ("otm2", PUT, "95"),
        ("OTM3", PUT, "90"),
    ],
)
def test_an_offset_counts_listed_strikes_whatever_lies_between_them(
    offset: str, right: OptionRight, strike: str
) -> None:
    chosen = board({"NSE:ACME": "101.2"}).option("NFO", "ACME", DECEMBER, right, offset)
    assert (chosen.option.strike, chosen.option.right) == (Decimal(strike), right)
    assert chosen.option.expiry == DECEMBER
    assert chosen.underlying_quote.last == Decimal("101.2")


@pytest.mark.parametrize("offset", ["ITM0", "ITM51", "OTM99", "OTM100", "ITM", "OTM-1", "25000", "", "ATM1"])
def test_what_is_no_offset_is_named(offset: str) -> None:
    with pytest.raises(OffsetOutOfRange, match="write ATM, ITM1 to ITM50 or OTM1 to OTM50"):
        board({"NSE:ACME": "101.2"}).option("NFO", "ACME", DECEMBER, CALL, offset)


@pytest.mark.parametrize(("offset", "right"), [("ITM5", CALL), ("OTM3", CALL), ("OTM4", PUT), ("ITM3", PUT)])
def test_an_offset_beyond_the_listed_strikes_is_out_of_range(offset: str, right: OptionRight) -> None:
    with pytest.raises(OffsetOutOfRange, match=f"{offset} lies outside them"):
        board({"NSE:ACME": "101.2"}).option("NFO", "ACME", DECEMBER, right, offset)


def test_an_expiry_with_calls_only_has_no_strikes_for_a_put() -> None:
    lonely = acme(contract("ACME", JANUARY, "100", CALL))
    with pytest.raises(NoStrikes, match="no options that expire on 26 Jan 2027"):
        board({"NSE:ACME": "101.2"}, lonely).option("NFO", "ACME", JANUARY, PUT, "ATM")


# the synthetic future


def test_a_synthetic_future_costs_the_strike_and_what_the_call_costs_more_than_the_put() -> None:
    prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26102CE": "4.35", "NFO:ACME29DEC26102PE": "4.10"}
    made = board(prices).synthetic_future("NSE", "ACME", DECEMBER)
    assert (made.atm_strike, made.price) == (102, Decimal("102.25"))
    assert (made.call.instrument.symbol, made.put.last) == ("ACME29DEC26102CE", Decimal("4.10"))
    assert made.underlying_quote.last == Decimal("101.2")


def test_a_synthetic_future_needs_both_prices() -> None:
    with pytest.raises(NoPrice, match="NFO:ACME29DEC26102PE has no price"):
        board({"NSE:ACME": "101.2", "NFO:ACME29DEC26102CE": "4.35"}).synthetic_future("NFO", "ACME", DECEMBER)


def test_a_synthetic_future_needs_a_pair_at_the_money() -> None:
    with pytest.raises(NoStrikes, match=r"ACME lists no pair of call and put at 92\.5 for 29 Dec 2026"):
        board({"NSE:ACME": "92"}).synthetic_future("NFO", "ACME", DECEMBER)


# how long it lasts


def test_days_to_expiry_have_a_fraction_and_end_at_the_close() -> None:
    option = contract("ACME", DECEMBER, "100", CALL)
    at_noon = datetime(2026, 11, 23, 6, 40, tzinfo=UTC)  # 12:10 in India
    assert board({}).days_to_expiry(option) == 36
    assert board({}, now=at_noon).days_to_expiry(option) == pytest.approx(36 + 3.5 / 24)
    assert board({}).days_to_expiry(option, time(15, 30)) == pytest.approx(36 - 10 / 1440)
    assert board({}, now=datetime(2026, 12, 29, 10, 11, tzinfo=UTC)).days_to_expiry(option) == 0


def test_days_are_counted_by_the_hours_that_pass_when_clocks_are_put_back() -> None:
    weekend = datetime(2026, 10, 31, 16, 0, tzinfo=ZoneInfo("America/New_York"))  # 1 Nov 2026 has 25 hours there
    spy = Instrument(symbol="SPY02NOV26700CE", exchange="OPRA", kind=OPTION, expiry=date(2026, 11, 2))
    assert board({}, now=weekend).days_to_expiry(spy) == pytest.approx(2 + 1 / 24)


def test_a_contract_of_a_day_that_no_calendar_knows_ends_with_that_day() -> None:
    option = contract("ACME", date(2031, 12, 30), "100", CALL)
    assert board({}).expires_at(option) == datetime(2031, 12, 31, tzinfo=ZoneInfo("Asia/Kolkata"))


def test_what_never_expires_has_no_end() -> None:
    with pytest.raises(ValueError, match="NSE:ACME never expires"):
        board({}).expires_at(acme()[0])


# greeks

YEARS = 36 / 365


def priced(forward: float, strike: float, right: OptionRight, rate: float = 0.0, volatility: float = 0.3) -> str:
    return f"{black76.price(forward, strike, YEARS, volatility, rate, right):.12f}"


def test_the_future_that_expires_with_the_option_is_its_forward() -> None:
    prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26FUT": "103", "NFO:ACME29DEC26100CE": priced(103, 100, CALL, 0.07)}
    found = board(prices).greeks("NFO", "ACME29DEC26100CE", Terms(interest_rate=7))
    assert (found.forward.price, found.forward.source) == (103, ForwardSource.FUTURE)
    assert (found.forward.underlying_price, found.forward.days) == (Decimal("101.2"), 36)
    assert found.implied_volatility == pytest.approx(30, abs=1e-6)
    assert found.greeks.delta == pytest.approx(black76.greeks(103, 100, YEARS, 0.3, 0.07, CALL).delta, abs=1e-9)
    assert found.intrinsic_value == Decimal("1.2")
    assert found.time_value == found.price - Decimal("1.2")
    assert (found.interest_rate, found.note) == (7, "")


def test_without_such_a_future_the_spot_grows_at_the_rate() -> None:
    forward = 101.2 * exp(0.07 * YEARS)
    for more in ({}, {"NFO:ACME29DEC26FUT": "0"}, {"NFO:ACME26JAN27FUT": "110"}):
        prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26110PE": priced(forward, 110, PUT, 0.07)} | more
        found = board(prices).greeks("NFO", "ACME29DEC26110PE", Terms(interest_rate=7))
        assert found.forward.source is ForwardSource.SPOT
        assert found.forward.price == pytest.approx(forward)
        assert found.implied_volatility == pytest.approx(30, abs=1e-6)
        assert found.intrinsic_value == Decimal("8.8")


def test_the_whole_price_of_an_option_out_of_the_money_is_time_value() -> None:
    here = board({"NSE:ACME": "101.2", "NFO:ACME29DEC26110CE": "1.5", "NFO:ACME29DEC2690PE": "0.5"})
    for symbol in ("ACME29DEC26110CE", "ACME29DEC2690PE"):
        found = here.greeks("NFO", symbol)
        assert (found.intrinsic_value, found.time_value) == (0, found.price)


def test_a_given_forward_wins_and_needs_no_other_price() -> None:
    here = board({"NFO:ACME29DEC26FUT": "103", "NFO:ACME29DEC26100CE": priced(104.5, 100, CALL)})
    found = here.greeks("NFO", "ACME29DEC26100CE", Terms(forward=Decimal("104.5")))
    assert (found.forward.source, found.forward.price) == (ForwardSource.GIVEN, 104.5)
    assert found.implied_volatility == pytest.approx(30, abs=1e-6)
    assert (found.forward.underlying_price, found.intrinsic_value) == (Decimal("104.5"), Decimal("4.5"))


def test_a_named_underlying_is_taken_at_its_word() -> None:
    share, _, december = acme()[:3]
    prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26FUT": "103", "NFO:ACME29DEC26100CE": "6"}
    by_share = board(prices).greeks("NFO", "ACME29DEC26100CE", Terms(underlying=share))
    by_future = board(prices).greeks("NFO", "ACME29DEC26100CE", Terms(underlying=december))
    assert (by_share.forward.source, by_share.forward.price) == (ForwardSource.SPOT, 101.2)
    assert (by_future.forward.source, by_future.forward.underlying_price) == (ForwardSource.FUTURE, 103)


def test_options_on_futures_are_held_against_their_future_however_long_it_lives() -> None:
    coal = [contract("COAL", WEEKLY), contract("COAL", JANUARY), contract("COAL", DECEMBER, "100", CALL)]
    prices = {"MCX:COAL01DEC26FUT": "80", "MCX:COAL26JAN27FUT": "103", "MCX:COAL29DEC26100CE": "6"}
    forward = board(prices, coal).greeks("MCX", "COAL29DEC26100CE", Terms(interest_rate=7)).forward
    assert (forward.price, forward.source, forward.underlying_price) == (103, ForwardSource.FUTURE, 103)


def test_an_expiry_time_shortens_the_option() -> None:
    here = board({"NSE:ACME": "101.2", "NFO:ACME29DEC26100CE": "6"})
    until_close = here.greeks("NFO", "ACME29DEC26100CE")
    until_noon = here.greeks("NFO", "ACME29DEC26100CE", Terms(expiry_time=time(12)))
    assert until_noon.forward.days == pytest.approx(36 - 220 / 1440)
    assert volatility(until_noon) > volatility(until_close)


def volatility(found: OptionGreeks) -> float:
    assert found.implied_volatility is not None
    return found.implied_volatility


def test_a_price_without_time_value_gives_the_greeks_of_a_certain_exercise_and_says_so() -> None:
    found = board({"NSE:ACME": "101.2", "NFO:ACME29DEC2690CE": "11"}).greeks("NFO", "ACME29DEC2690CE")
    assert found.implied_volatility is None
    assert "A price of 11 is not above the exercise value of 11.2" in found.note
    assert (found.greeks.delta, found.greeks.gamma, found.greeks.vega) == (1, 0, 0)
    assert (found.intrinsic_value, found.time_value) == (Decimal("11.2"), Decimal("-0.2"))


def test_a_price_above_the_forward_and_an_expired_option_have_no_greeks() -> None:
    prices = {"NSE:ACME": "101.2", "NFO:ACME29DEC26100CE": "102"}
    with pytest.raises(black76.AboveEveryPrice):
        board(prices).greeks("NFO", "ACME29DEC26100CE")
    with pytest.raises(black76.Expired):
        board(prices, now=datetime(2026, 12, 29, 10, 10, tzinfo=UTC)).greeks("NFO", "ACME29DEC26100CE")


@pytest.mark.parametrize(
    ("exchange", "symbol"), [("NSE", "ACME"), ("NFO", "ACME29DEC26FUT"), ("NFO", "ACME29DEC26101CE"), ("NFO", "")]
)
def test_only_a_listed_option_has_greeks(exchange: str, symbol: str) -> None:
    with pytest.raises(NotAnOption, match=f"{exchange}:{symbol} is no listed option"):
        board({"NSE:ACME": "101.2"}).greeks(exchange, symbol)


def test_a_future_cannot_be_valued_as_an_option() -> None:
    here, december = board({"NSE:ACME": "101.2", "NFO:ACME29DEC26FUT": "103"}), acme()[2]
    with pytest.raises(NotAnOption, match="NFO:ACME29DEC26FUT is no option"):
        valued(here, december, forward_of(here, december, Terms()), Terms())


def test_an_option_or_underlying_without_a_price_has_no_greeks() -> None:
    with pytest.raises(NoPrice, match="NSE:ACME has no price"):
        board({"NFO:ACME29DEC26100CE": "6"}).greeks("NFO", "ACME29DEC26100CE")
    with pytest.raises(NoPrice, match="NFO:ACME29DEC26100CE has no price"):
        board({"NSE:ACME": "101.2"}).greeks("NFO", "ACME29DEC26100CE")


def test_terms_that_make_no_sense_are_named() -> None:
    for rate in (float("nan"), 1e6, float("-inf")):
        with pytest.raises(black76.BadFigure, match="no interest rate"):
            Terms(interest_rate=rate)
    for forward in ("0", "-1", "NaN", "Infinity"):
        with pytest.raises(black76.BadFigure, match="no forward price"):
            Terms(forward=Decimal(forward))


def test_every_error_is_one_family() -> None:
    for error in (ExpiryNeeded, NoExpiry, NoStrikes, OffsetOutOfRange, NoPrice, NotAnOption):
        assert issubclass(error, OptionsError)


# the simulated market

SIMULATED = OptionBoard(SimulatedMarket(FakeClock(NOW.replace(hour=6)), seed=7, calendar=CALENDAR), NOW.replace(hour=6))
RATE = Terms(interest_rate=6.5)  # what invented rupee prices are made with


@pytest.mark.parametrize(
    ("exchange", "underlying", "expiry"),
    [
        ("NSE_INDEX", "NIFTY", DECEMBER),
        ("BFO", "SENSEX", None),
        ("NSE", "RELIANCE", DECEMBER),
        ("MCX", "GOLD", None),
        ("CDS", "USDINR", None),
        ("NASDAQ", "AAPL", None),
    ],
)
def test_every_label_of_an_invented_chain_is_the_offset_that_finds_its_option(
    exchange: str, underlying: str, expiry: date | None
) -> None:
    day = expiry or SIMULATED.expiries(exchange, underlying, OPTION)[0]
    chain = SIMULATED.chain(exchange, underlying, day, 5)
    assert len(chain.rows) == 11
    for row in chain.rows:
        for found in (row.call, row.put):
            assert found
            chosen = SIMULATED.option(exchange, underlying, day, found.option.right or CALL, found.label)
            assert chosen.option == found.option
            assert found.quote


def test_an_invented_chain_has_the_volatility_it_was_invented_with() -> None:
    chain = SIMULATED.chain("NSE_INDEX", "NIFTY", DECEMBER, 10, RATE)
    assert chain.forward
    assert chain.forward.source is ForwardSource.FUTURE
    values = [found.value for row in chain.rows for found in (row.call, row.put) if found]
    assert len(values) == 42
    for value in values:
        assert value
        assert 12 < volatility(value) < 14.5
        assert abs(value.greeks.delta) < 1
        assert value.greeks.gamma > 0
        assert value.greeks.vega > 0
        assert value.greeks.theta < 0


def test_an_invented_pair_makes_nearly_the_future() -> None:
    made = SIMULATED.synthetic_future("NFO", "NIFTY", DECEMBER)
    future = SIMULATED.market.instrument("NFO", "NIFTY29DEC26FUT")
    assert future
    assert abs(made.price - SIMULATED.quote(future).last) < 2
    assert abs(made.atm_strike - made.underlying_quote.last) <= 25


def test_a_weekly_expiry_without_its_own_future_is_held_against_the_grown_spot() -> None:
    chain = SIMULATED.chain("NFO", "NIFTY", WEEKLY, 1, RATE)
    assert chain.forward
    assert chain.forward.source is ForwardSource.SPOT
    spot = float(chain.underlying_quote.last)
    assert chain.forward.price == pytest.approx(spot * exp(0.065 * chain.forward.days / 365))


def test_expiries_of_an_invented_market_are_those_its_symbols_name() -> None:
    named = {parse_symbol(c.symbol) for c in SIMULATED.market.instruments() if c.underlying == "NIFTY"}
    expected = sorted({parts.expiry for parts in named if parts and parts.right})
    assert SIMULATED.expiries("NFO", "NIFTY", OPTION) == expected
