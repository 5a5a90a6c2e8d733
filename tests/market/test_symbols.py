"""From a sender's spelling to one instrument, or a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.domain.intent import InstrumentHint
from bridge.domain.refusal import Refusal
from bridge.market.calendar import ALWAYS_OPEN
from bridge.market.contracts import is_live
from bridge.market.hand import HandMarket
from bridge.market.master import Master
from bridge.market.symbols import Resolution, option_by_rule, option_by_strike, resolve
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)  # a Saturday; NIFTY expires on Monday because Tuesday is a holiday
MARKET = HandMarket(FakeClock(NOW))
MARKET.set_price("NSE_INDEX:NIFTY", 26050)
MARKET.set_price("NFO:NIFTY29DEC26FUT", 26151)
MARKET.set_price("MCX:CRUDEOIL18DEC26FUT", 5230)


def meant(spelling: str | None, exchange: str | None = None, hint: InstrumentHint | None = None) -> str:
    """The key of the instrument a spelling resolves to, or the refusal's code."""
    outcome = resolve(MARKET, spelling, exchange, hint, NOW)
    return outcome.code if isinstance(outcome, Refusal) else outcome.instrument.key


def said(spelling: str, exchange: str | None = None) -> str:
    outcome = resolve(MARKET, spelling, exchange, None, NOW)
    return outcome.message if isinstance(outcome, Refusal) else " ".join(outcome.said)


@pytest.mark.parametrize(
    ("spelling", "exchange", "key"),
    [
        # OpenAlgo
        ("RELIANCE", "NSE", "NSE:RELIANCE"),
        ("RELIANCE", "BSE", "BSE:RELIANCE"),
        ("NIFTY29DEC26FUT", "NFO", "NFO:NIFTY29DEC26FUT"),
        ("NIFTY29DEC2626000CE", "NFO", "NFO:NIFTY29DEC2626000CE"),
        ("NIFTY", "NSE_INDEX", "NSE_INDEX:NIFTY"),
        ("BTCUSDFUT", "CRYPTO", "CRYPTO:BTCUSDFUT"),
        # TradingView
        ("NSE:RELIANCE", None, "NSE:RELIANCE"),
        ("NSE:NIFTY", None, "NSE_INDEX:NIFTY"),
        ("NIFTY", "NSE", "NSE_INDEX:NIFTY"),
        ("NSE:CNXFINANCE", None, "NSE_INDEX:FINNIFTY"),
        ("BSE:SENSEX", None, "BSE_INDEX:SENSEX"),
        ("BINANCE:BTCUSDT.P", None, "CRYPTO:BTCUSDTFUT"),
        ("BTCUSDT.P", None, "CRYPTO:BTCUSDTFUT"),
        ("BINANCE:BTCUSDT", "BINANCE", "CRYPTO:BTCUSDT"),
        ("NIFTY1!", None, "NFO:NIFTY23NOV26FUT"),
        ("NSE:BANKNIFTY2!", None, "NFO:BANKNIFTY29DEC26FUT"),
        ("MCX:CRUDEOIL1!", None, "MCX:CRUDEOIL18DEC26FUT"),
        ("BSE:BSX1!", None, "BFO:SENSEX26NOV26FUT"),
        ("CME_MINI:ES1!", None, "CME:ES18DEC26FUT"),
        ("NSE:NIFTY261201C26000", None, "NFO:NIFTY01DEC2626000CE"),
        ("NIFTY261229P26000", None, "NFO:NIFTY29DEC2626000PE"),
        ("NSE:NIFTYZ2026", None, "NFO:NIFTY29DEC26FUT"),
        ("M_M", None, "NSE:M&M"),
        ("NSE:BAJAJ_AUTO", None, "NSE:BAJAJ-AUTO"),
        ("NSE:M_M1!", None, "NFO:M&M23NOV26FUT"),
        ("NSE_DLY:RELIANCE", None, "NSE:RELIANCE"),
        ("SPY", "BATS", "AMEX:SPY"),
        ("AAPL", "SMART", "NASDAQ:AAPL"),
        # other senders
        ("SBIN-EQ", None, "NSE:SBIN"),
        ("RELIANCE.BO", None, "BSE:RELIANCE"),
        ("SPY 261204C680", None, "OPRA:SPY04DEC26680CE"),
        ("SPY   261204C00680000", None, "OPRA:SPY04DEC26680CE"),
        ("EUR/USD", None, "FOREX:EURUSD"),
        ("BTC/USDT", "binance", "CRYPTO:BTCUSDT"),
        ("BTC/USDT", "Binance Futures", "CRYPTO:BTCUSDTFUT"),
        ("BTCUSDT", "hyperliquid", "CRYPTO:BTCUSDTFUT"),
        ("ETH-PERP", None, "CRYPTO:ETHUSDFUT"),
        ("BTC-USDT-SWAP", "OKX", "CRYPTO:BTCUSDTFUT"),
        ("NQ MAR27", None, "CME:NQ19MAR27FUT"),
        ("MES 12-26", None, "CME:MES18DEC26FUT"),
        ("ESZ6", None, "CME:ES18DEC26FUT"),
        ("NIFTY26DEC26000CE", None, "NFO:NIFTY29DEC2626000CE"),
        ("NIFTY26D0126000CE", None, "NFO:NIFTY01DEC2626000CE"),
        ("  reliance ", "nse", "NSE:RELIANCE"),
    ],
)
def test_a_spelling_means_exactly_one_instrument(spelling: str, exchange: str | None, key: str) -> None:
    assert meant(spelling, exchange) == key


@pytest.mark.parametrize(
    ("spelling", "exchange", "code"),
    [
        (None, None, "symbol_missing"),
        ("  ", "NSE", "symbol_missing"),
        ("RELAINCE", "NSE", "symbol_unknown"),
        ("RELIАNCE", "NSE", "symbol_characters"),  # a Cyrillic А
        ("RELI\u200bANCE", "NSE", "symbol_characters"),
        ("ＲELIANCE", "NSE", "symbol_characters"),
        ("X" * 65, None, "symbol_characters"),
        ("BTCUSDz", None, "symbol_unknown"),
        ("RELIANCE1", "NSE", "symbol_unknown"),
        ("RELIANCE", "NSX", "exchange_unknown"),
        ("NSX:RELIANCE", None, "exchange_unknown"),
        ("NSE:RELIANCE", "BINANCE", "exchange_conflict"),
        ("NSE:RELIANCE", "BSE", "exchange_conflict"),
        ("RELIANCE", "CRYPTO", "symbol_unknown"),
        ("NIFTY30DEC25FUT", "NFO", "contract_expired"),
        ("NIFTY30DEC2526000CE", "NFO", "contract_expired"),
        ("SPY 240510C68", None, "contract_expired"),
        ("RTYH6", None, "contract_expired"),
        ("NIFTY25JAN21500CE", None, "contract_expired"),
        ("NIFTY30DEC26FUT", "NFO", "contract_unknown"),
        ("NIFTY29DEC2626001CE", "NFO", "contract_unknown"),
        ("NIFTY9!", "NSE", "contract_unknown"),
        ("NIFTYZ9999", "NSE", "contract_unknown"),
        ("NIFTYF0000", "NSE", "contract_expired"),
        ("GOLD", "MCX", "contract_needed"),
        ("MNQ", None, "contract_needed"),
        ("RELIANCE", "NFO", "contract_needed"),
        ("ADA/USDT", "Binance Futures", "symbol_unknown"),  # only its spot is listed: another instrument
    ],
)
def test_what_does_not_mean_exactly_one_live_instrument_is_refused(
    spelling: str | None, exchange: str | None, code: str
) -> None:
    assert meant(spelling, exchange) == code


@pytest.mark.parametrize(
    ("spelling", "exchange", "sentence"),
    [
        (
            "NIFTY1!",
            None,
            "NIFTY1! is the continuous future; resolved to NIFTY23NOV26FUT, which expires 23 Nov 2026.",
        ),
        ("RELIANCE", None, "No exchange is named: RELIANCE is taken on NSE, not on BSE."),
        ("NSE:NIFTY", None, "NIFTY is the index NSE_INDEX:NIFTY."),
        ("M_M", "NSE", "M_M is M&M: TradingView writes & as _."),
        ("RELIANCE", "NSE_DL", "The alert came from a delayed feed: its prices are old."),
        ("NIFTY30DEC25FUT", "NFO", "NIFTY30DEC25FUT has expired; the nearest future is NIFTY23NOV26FUT."),
        ("RELAINCE", "BSE", "'RELAINCE' is not in the instrument list of BSE or BSE_INDEX or BFO or BCD; the nearest are RELIANCE."),
        ("RELIANCE", "NSES", "Exchange 'NSES' is not known; the nearest are NSE, NYSE."),
        ("RELIАNCE", "NSE", "The symbol contains CYRILLIC CAPITAL LETTER A, which no exchange uses: type it again."),
    ],
)  # fmt: skip
def test_people_are_told_what_was_read_into_a_symbol(spelling: str, exchange: str | None, sentence: str) -> None:
    assert said(spelling, exchange) == sentence


def test_an_exact_openalgo_symbol_needs_no_explanation() -> None:
    assert said("NIFTY29DEC26FUT", "NFO") == ""
    assert said("RELIANCE", "NSE") == ""


def test_the_continuous_future_rolls_when_its_last_session_closes() -> None:
    close = datetime(2026, 11, 23, 10, 10, tzinfo=UTC)  # 15:40 in India
    before, after = (resolve(MARKET, "NIFTY1!", "NSE", None, close + timedelta(seconds=s)) for s in (-1, 0))
    assert isinstance(before, Resolution)
    assert isinstance(after, Resolution)
    assert (before.instrument.symbol, after.instrument.symbol) == ("NIFTY23NOV26FUT", "NIFTY29DEC26FUT")


def test_a_contract_is_expired_from_the_second_its_last_session_closes() -> None:
    close = datetime(2026, 11, 23, 10, 10, tzinfo=UTC)
    at_close = resolve(MARKET, "NIFTY23NOV26FUT", "NFO", None, close)
    assert isinstance(at_close, Refusal)
    assert at_close.code == "contract_expired"
    in_the_demo = resolve(MARKET, "NIFTY23NOV26FUT", "NFO", None, close, calendar=ALWAYS_OPEN)
    assert isinstance(in_the_demo, Resolution)


@pytest.mark.parametrize(
    ("spelling", "exchange", "hint", "key"),
    [
        ("NIFTY", "NSE_INDEX", InstrumentHint(kind="option", right="call", strike_rule="ATM"), "NFO:NIFTY23NOV2626050CE"),
        ("NIFTY", "NSE_INDEX", InstrumentHint(kind="option", right="call", strike_rule="ITM2"), "NFO:NIFTY23NOV2625950CE"),
        ("NIFTY", "NSE_INDEX", InstrumentHint(kind="option", right="put", strike_rule="ITM2"), "NFO:NIFTY23NOV2626150PE"),
        ("NIFTY", "NSE", InstrumentHint(right="put", strike_rule="OTM3", expiry="01DEC26"), "NFO:NIFTY01DEC2625900PE"),
        # measured on a future, and expiring with it
        ("NIFTY29DEC26FUT", "NFO", InstrumentHint(kind="option", right="put", strike_rule="OTM1"), "NFO:NIFTY29DEC2626100PE"),
        ("SPY", None, InstrumentHint(kind="option", right="call", expiry="+6 weeks", strike=Decimal(680)), "OPRA:SPY15JAN27680CE"),
        ("SPY", None, InstrumentHint(kind="option", right="put", expiry="2026-12-18", strike=Decimal(650)), "OPRA:SPY18DEC26650PE"),
        ("CRUDEOIL", "MCX", InstrumentHint(kind="option", right="call", strike_rule="ATM"), "MCX:CRUDEOIL18DEC265250CE"),
        ("INFY", "NSE", InstrumentHint(kind="future"), "NFO:INFY23NOV26FUT"),
        ("INFY", "NSE", InstrumentHint(kind="future", expiry="26DEC"), "NFO:INFY29DEC26FUT"),
        ("MNQ", None, InstrumentHint(kind="future"), "CME:MNQ18DEC26FUT"),
        ("NIFTY", "NSE", InstrumentHint(kind="option", strike=Decimal(26000)), "option_right_needed"),
        ("NIFTY", "NSE", InstrumentHint(kind="option", right="both", strike=Decimal(26000)), "option_right_needed"),
        ("NIFTY", "NSE", InstrumentHint(kind="option", right="call"), "strike_needed"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike=Decimal(26001)), "strike_unknown"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike=Decimal("NaN")), "strike_unknown"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike_rule="DEEP"), "strike_rule_unknown"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike_rule="ITM99"), "strike_unknown"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike=Decimal(26000), expiry="2026-12-02"), "expiry_unknown"),
        ("NIFTY", "NSE", InstrumentHint(right="call", strike=Decimal(26000), expiry="2025-12-30"), "contract_expired"),
        ("INFY", "NSE", InstrumentHint(kind="future", expiry="MAR26"), "contract_expired"),
        ("BANKNIFTY", "NSE", InstrumentHint(right="call", strike_rule="ATM"), "no_price"),
        ("SPY 261204C680", None, InstrumentHint(underlying="SPY", right="call", strike=Decimal(680)), "OPRA:SPY04DEC26680CE"),
        ("SPY 261204C680", None, InstrumentHint(right="put"), "contract_conflict"),
        ("SPY 261204C680", None, InstrumentHint(right="call", expiry="2026-12-11"), "contract_conflict"),
        (None, "NSE", InstrumentHint(underlying="RELIANCE", kind="equity"), "NSE:RELIANCE"),
        ("IOLCP", "NSE", InstrumentHint(kind="future"), "contract_unknown"),
    ],
)  # fmt: skip
def test_a_contract_described_beside_the_symbol(
    spelling: str | None, exchange: str | None, hint: InstrumentHint, key: str
) -> None:
    assert meant(spelling, exchange, hint) == key


NIFTY = MARKET.instrument("NSE_INDEX", "NIFTY")
EXPIRY = date(2026, 12, 29)


@given(st.integers(24000, 28000), st.integers(0, 20))
def test_in_and_out_of_the_money_are_listed_strikes_on_the_right_side(spot: int, distance: int) -> None:
    assert NIFTY
    rules = [f"ITM{distance}", f"OTM{distance}"] if distance else ["ATM", "ATM"]
    strikes = {}
    for right in OptionRight:
        inside, outside = (option_by_rule(MARKET, NIFTY, EXPIRY, right, rule, Decimal(spot)) for rule in rules)
        assert isinstance(inside, Instrument)
        assert isinstance(outside, Instrument)
        assert inside.strike is not None
        assert outside.strike is not None
        strikes[right] = inside.strike, outside.strike
    call_in, call_out = strikes[OptionRight.CALL]
    assert strikes[OptionRight.PUT] == (call_out, call_in)
    assert call_out - call_in == 2 * distance * 50
    assert abs((call_in + call_out) / 2 - spot) <= 25


def test_an_option_is_found_by_its_strike_alone() -> None:
    assert NIFTY
    found = option_by_strike(MARKET, NIFTY, EXPIRY, OptionRight.PUT, Decimal(26000))
    assert isinstance(found, Instrument)
    assert found.symbol == "NIFTY29DEC2626000PE"
    missing = option_by_strike(MARKET, NIFTY, EXPIRY, OptionRight.PUT, Decimal(26010))
    assert isinstance(missing, Refusal)
    assert "26000, 26050" in missing.message


LIVE = [i for i in Master(NOW.date()).instruments() if is_live(i, NOW)]  # the day began in India before New York closed
SAMPLE = LIVE[::97]


@given(st.sampled_from(SAMPLE))
def test_every_listed_symbol_means_itself(instrument: Instrument) -> None:
    assert meant(instrument.symbol, instrument.exchange) == instrument.key


@given(st.text(max_size=70), st.one_of(st.none(), st.sampled_from(["NSE", "BINANCE", "NFO", ""])))
def test_no_text_is_ever_taken_for_something_it_does_not_spell(text: str, exchange: str | None) -> None:
    outcome = resolve(MARKET, text, exchange, None, NOW)
    if isinstance(outcome, Resolution):
        base = outcome.instrument.underlying or outcome.instrument.symbol
        assert base.replace("FUT", "")[:2] in text.upper().replace("_", "&") or outcome.said
    else:
        assert outcome.code
        assert outcome.message


@given(st.sampled_from(SAMPLE), st.integers(0, 20), st.sampled_from("ABXZ019"))
def test_a_slip_of_one_character_never_becomes_a_neighbour_unless_it_spells_it(
    instrument: Instrument, position: int, character: str
) -> None:
    at = position % len(instrument.symbol)
    slipped = instrument.symbol[:at] + character + instrument.symbol[at + 1 :]
    outcome = resolve(MARKET, slipped, instrument.exchange, None, NOW)
    if isinstance(outcome, Resolution) and not outcome.said:
        assert outcome.instrument.symbol == slipped


def test_a_market_with_a_list_of_its_own_knows_nothing_else() -> None:
    only = Instrument(symbol="ACME", exchange="NSE", kind=InstrumentKind.EQUITY)
    market = HandMarket(FakeClock(NOW), [only])
    found = resolve(market, "NSE:ACME", None, None, NOW)
    assert isinstance(found, Resolution)
    assert found.instrument is only
    assert isinstance(resolve(market, "RELIANCE", "NSE", None, NOW), Refusal)
