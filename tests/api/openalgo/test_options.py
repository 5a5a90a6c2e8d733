"""Option endpoints: contracts by offset, chains, greeks, synthetic futures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import get_ident
from typing import Any

import httpx
import pytest

from bridge.app import Bridge
from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight, option_symbol
from bridge.kit.settings import Settings
from bridge.market import black76
from bridge.market.base import DepthLevel, Market, Quote
from bridge.market.calendar import CALENDAR
from bridge.market.hand import Book, HandMarket
from bridge.market.simulated import SimulatedMarket
from tests.api.openalgo.conftest import Trader, trader
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 23, 6, 40, tzinfo=UTC)  # Monday, 12:10 in India
CLOSE = datetime(2026, 12, 29, 10, 10, tzinfo=UTC)  # of the options of that day, at 15:40 in India
DAYS = 36 + 3.5 / 24
RIGHTS = {"CE": OptionRight.CALL, "PE": OptionRight.PUT}
NIFTY = {"underlying": "NIFTY", "exchange": "NSE_INDEX", "expiry_date": "29DEC26"}
DOLLAR = {"underlying": "USDINR", "exchange": "CDS", "expiry_date": "29DEC26"}
ACME = {"underlying": "ACME", "exchange": "NSE", "expiry_date": "29DEC26"}
CALL = {"symbol": "NIFTY29DEC2625000CE", "exchange": "NFO"}
PUT = {"symbol": "NIFTY29DEC2625000PE", "exchange": "NFO"}
PRICES = ("ltp", "bid", "ask", "bid_qty", "ask_qty", "open", "high", "low", "prev_close", "volume", "oi")
GREEKS = ("delta", "gamma", "theta", "vega")


@asynccontextmanager
async def standing(folder: Path, market: Market) -> AsyncIterator[Bridge]:
    """A house whose clock stands still, so that what two requests see is the same."""
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'bridge.db'}")
    made = Bridge(settings, dispatch=False, clock=FakeClock(NOW), market=market, calendar=CALENDAR)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Bridge]:
    async with standing(tmp_path, SimulatedMarket(FakeClock(NOW), calendar=CALENDAR)) as made:
        yield made


@pytest.fixture
def acme() -> HandMarket:
    """A share at 100, a call and a put on it at 100, a call at 110 without its put; the options are not priced yet."""
    day = date(2026, 12, 29)
    options = [
        Instrument(
            symbol=option_symbol("ACME", day, Decimal(strike), right),
            exchange="NFO",
            kind=InstrumentKind.OPTION,
            underlying="ACME",
            expiry=day,
            strike=Decimal(strike),
            right=right,
        )
        for strike, right in (("100", OptionRight.CALL), ("100", OptionRight.PUT), ("110", OptionRight.CALL))
    ]
    market = HandMarket(
        FakeClock(NOW), [Instrument(symbol="ACME", exchange="NSE", kind=InstrumentKind.EQUITY), *options]
    )
    market.set_price("NSE:ACME", "100")
    return market


@pytest.fixture
async def mala(tmp_path: Path, acme: HandMarket) -> AsyncIterator[Trader]:
    """Somebody to whom only `acme` is listed."""
    async with standing(tmp_path, acme) as house:
        transport = httpx.ASGITransport(house.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
            yield await trader(house, client, "mala")


def kinds(content: Mapping[str, Any]) -> dict[str, type]:
    """The type of each member; whole numbers are numbers."""
    return {name: float if type(value) is int else type(value) for name, value in content.items()}


def row(chain: Mapping[str, Any], strike: float) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in chain["chain"] if row["strike"] == strike)
    return found


def modelled(of: Mapping[str, Any]) -> tuple[float, black76.Greeks]:
    """Volatility in percent and greeks, worked out from what a reply of `optiongreeks` says beside them."""
    rate, right = of["interest_rate"] / 100, RIGHTS[of["option_type"]]
    held = (of["forward_price"], of["strike"], of["days_to_expiry"] / 365)
    volatility = black76.implied_volatility(of["option_price"], *held, rate, right)
    return volatility * 100, black76.greeks(*held, volatility, rate, right)


async def faults(who: Trader, path: str, **members: Any) -> dict[str, Any]:
    """What is wrong with the members of a body, said the way this family of endpoints says it."""
    answer = await who.post(path, **members)
    assert answer.status_code == 400, answer.text
    content = answer.json()
    expected = "Validation failed" if "greeks" in path else "Validation error"
    assert (content["status"], content["message"]) == ("error", expected)
    found: dict[str, Any] = content["errors"]
    return found


# optionsymbol


async def test_an_offset_is_answered_with_its_contract(asha: Trader) -> None:
    reply = await asha.told("optionsymbol", **NIFTY, offset="ATM", option_type="CE")

    assert kinds(reply) == {
        "status": str, "symbol": str, "exchange": str, "lotsize": float, "tick_size": float, "freeze_qty": float,
        "underlying_ltp": float,
    }  # fmt: skip
    chain = await asha.told("optionchain", **NIFTY)
    atm = row(chain, chain["atm_strike"])["ce"]
    assert (reply["symbol"], reply["exchange"]) == (atm["symbol"], "NFO")
    assert (reply["lotsize"], reply["tick_size"]) == (atm["lotsize"], 0.05)
    assert (reply["freeze_qty"], reply["underlying_ltp"]) == (1800, chain["underlying_ltp"])


async def test_what_older_clients_add_is_taken_and_changes_nothing(asha: Trader) -> None:
    plain = await asha.told("optionsymbol", **NIFTY, offset="OTM2", option_type="PE")
    older = await asha.told(
        "optionsymbol", **NIFTY, offset="otm2", option_type="pe", strike_int="50", strategy="Python"
    )

    assert older == plain


async def test_the_underlying_may_be_a_future_and_then_says_the_expiry(asha: Trader) -> None:
    named = await asha.told("optionsymbol", **NIFTY, offset="ITM3", option_type="CE")
    by_future = {"underlying": "NIFTY29DEC26FUT", "exchange": "NFO"}

    assert await asha.told("optionsymbol", **by_future, offset="ITM3", option_type="CE") == named


async def test_what_has_no_known_freeze_quantity_says_one_as_openalgo_does(asha: Trader) -> None:
    reply = await asha.told("optionsymbol", **DOLLAR, offset="ATM", option_type="CE")

    assert (reply["exchange"], reply["freeze_qty"], reply["tick_size"]) == ("CDS", 1, 0.0025)


@pytest.mark.parametrize(("label", "strike_of"), [("ATM", "ce"), ("ITM4", "ce"), ("OTM4", "ce"), ("ITM2", "pe")])
async def test_a_label_in_a_chain_is_the_offset_that_finds_the_contract(
    asha: Trader, label: str, strike_of: str
) -> None:
    chain = await asha.told("optionchain", **NIFTY, strike_count=5)
    found = await asha.told("optionsymbol", **NIFTY, offset=label, option_type=strike_of.upper())

    labelled = [row[strike_of]["symbol"] for row in chain["chain"] if row[strike_of]["label"] == label]
    assert labelled == [found["symbol"]]


@pytest.mark.parametrize("path", ["optionsymbol", "optionchain", "syntheticfuture"])
async def test_what_names_no_options_is_told(asha: Trader, path: str) -> None:
    extra = {"offset": "ATM", "option_type": "CE"} if path == "optionsymbol" else {}

    unknown = await asha.refused(path, 404, **(NIFTY | extra | {"underlying": "NOBODY"}))
    never = await asha.refused(path, 404, **(NIFTY | extra | {"expiry_date": "01JAN27"}))

    assert unknown == "No options on NOBODY are listed on NFO."
    assert never.startswith("NIFTY has no options that expire on 1 Jan 2027; the next expiries are 23 Nov 2026")


@pytest.mark.parametrize("path", ["optionsymbol", "optionchain", "syntheticfuture"])
async def test_an_expiry_that_is_missing_or_misspelled_is_named(asha: Trader, path: str) -> None:
    extra = {"offset": "ATM", "option_type": "CE"} if path == "optionsymbol" else {}
    which = "Name an expiry of the options on NIFTY: 23 Nov 2026, 1 Dec 2026, 8 Dec 2026."
    form = "expected a day as DDMMMYY, such as 30DEC25"
    unheard_of = "expected a day that the calendar has, as DDMMMYY"

    for given, said in {None: which, "": which, "2026-12-29": form, 291226: form, "31FEB26": unheard_of}.items():
        found = await faults(asha, path, **(NIFTY | extra | {"expiry_date": given}))
        assert found == {"expiry_date": [said]}


@pytest.mark.parametrize("path", ["optionsymbol", "optionchain", "syntheticfuture"])
async def test_an_exchange_that_is_none_is_named(asha: Trader, path: str) -> None:
    extra = {"offset": "ATM", "option_type": "CE"} if path == "optionsymbol" else {}

    found = await faults(asha, path, **(NIFTY | extra | {"exchange": "XYZ", "underlying": ""}))

    assert sorted(found) == ["exchange", "underlying"]
    assert found["exchange"][0].startswith("expected one of NSE")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"offset": "ITM51"}, "offset", "write ATM, ITM1 to ITM50 or OTM1 to OTM50"),
        ({"offset": "AT"}, "offset", "write ATM"),
        ({"option_type": "CALL"}, "option_type", "CE"),
    ],
)
async def test_what_is_no_offset_or_type_is_named(asha: Trader, changes: dict[str, Any], field: str, said: str) -> None:
    body = NIFTY | {"offset": "ATM", "option_type": "CE"} | changes

    assert said in (await faults(asha, "optionsymbol", **body))[field][0]


async def test_an_offset_beyond_the_listed_strikes_is_named(mala: Trader) -> None:
    found = await faults(mala, "optionsymbol", **ACME, offset="OTM2", option_type="CE")

    assert "OTM2 lies outside them" in found["offset"][0]


async def test_every_missing_member_is_named(asha: Trader) -> None:
    missing = ["Missing data for required field."]

    assert await faults(asha, "optionsymbol") == dict.fromkeys(
        ("underlying", "exchange", "offset", "option_type"), missing
    )
    assert await faults(asha, "optionchain") == dict.fromkeys(("underlying", "exchange"), missing)
    assert await faults(asha, "optiongreeks") == dict.fromkeys(("symbol", "exchange"), missing)


# optionchain


async def test_a_chain_has_every_member_with_its_type(asha: Trader) -> None:
    chain = await asha.told("optionchain", **NIFTY, strike_count=10)

    assert kinds(chain) == {
        "status": str, "underlying": str, "underlying_ltp": float, "underlying_prev_close": float, "expiry_date": str,
        "expiry_ts": float, "server_ts": float, "atm_strike": float, "quotes_included": bool, "greeks_included": bool,
        "forward_price": float, "chain": list,
    }  # fmt: skip
    assert (chain["underlying"], chain["expiry_date"]) == ("NIFTY", "29DEC26")
    assert (chain["quotes_included"], chain["greeks_included"]) == (True, False)
    assert (chain["server_ts"], chain["expiry_ts"]) == (NOW.timestamp(), CLOSE.timestamp())
    expected = {"symbol": str, "label": str, **dict.fromkeys(PRICES, float), "lotsize": float, "tick_size": float}
    for each in chain["chain"]:
        assert (kinds(each["ce"]), kinds(each["pe"])) == (expected, expected)


async def test_a_chain_has_so_many_strikes_on_each_side_or_all(asha: Trader) -> None:
    some = await asha.told("optionchain", **NIFTY, strike_count="3")
    every = await asha.told("optionchain", **NIFTY)

    strikes = [row["strike"] for row in some["chain"]]
    assert strikes == [some["atm_strike"] + 50 * n for n in range(-3, 4)]
    assert all(type(strike) is int for strike in strikes)
    assert [row["ce"]["label"] for row in some["chain"]] == ["ITM3", "ITM2", "ITM1", "ATM", "OTM1", "OTM2", "OTM3"]
    assert [row["pe"]["label"] for row in some["chain"]] == ["OTM3", "OTM2", "OTM1", "ATM", "ITM1", "ITM2", "ITM3"]
    assert len(every["chain"]) == 161


async def test_a_strike_between_whole_numbers_keeps_its_fraction(asha: Trader) -> None:
    chain = await asha.told("optionchain", **DOLLAR, strike_count=4)

    strikes = [row["strike"] for row in chain["chain"]]
    assert {type(strike) for strike in strikes} == {int, float}
    assert {strike % 0.25 for strike in strikes} == {0}


@pytest.mark.parametrize("spelled", ["29DEC26", "29dec26", "29-DEC-26"])
async def test_an_expiry_may_be_spelled_as_it_is_asked_for_or_as_it_is_listed(asha: Trader, spelled: str) -> None:
    chain = await asha.told("optionchain", **(NIFTY | {"expiry_date": spelled}), strike_count=1)

    assert chain["expiry_date"] == "29DEC26"


@pytest.mark.parametrize("rate", ["0", 6.5])
async def test_the_greeks_of_a_chain_are_those_of_the_model(asha: Trader, rate: Any) -> None:
    chain = await asha.told("optionchain", **NIFTY, strike_count=8, with_greeks=True, interest_rate=rate)

    years = (chain["expiry_ts"] - chain["server_ts"]) / 86400 / 365
    assert chain["greeks_included"] is True
    for each in chain["chain"]:
        for side, right in (("ce", OptionRight.CALL), ("pe", OptionRight.PUT)):
            option, held = each[side], (chain["forward_price"], each["strike"], years)
            volatility = black76.implied_volatility(option["ltp"], *held, float(rate) / 100, right)
            model = black76.greeks(*held, volatility, float(rate) / 100, right)
            assert option["implied_volatility"] == pytest.approx(volatility * 100, rel=1e-9)
            assert [option[name] for name in GREEKS] == pytest.approx([getattr(model, name) for name in GREEKS])


async def test_a_chain_without_greeks_names_the_same_forward(asha: Trader) -> None:
    plain = await asha.told("optionchain", **NIFTY, strike_count=1)
    valued = await asha.told("optionchain", **NIFTY, strike_count=1, with_greeks=True)

    assert plain["forward_price"] == valued["forward_price"]


async def test_options_that_nobody_prices_stand_in_the_chain_without_figures(mala: Trader, acme: HandMarket) -> None:
    acme.set_price("NFO:ACME29DEC26110CE", "1.5", "1.45", "1.55")

    chain = await mala.told("optionchain", **ACME, with_greeks=True)

    silent, alone = row(chain, 100)["ce"], row(chain, 110)
    assert {silent[name] for name in PRICES} == {0}
    assert {silent[name] for name in ("implied_volatility", *GREEKS)} == {None}
    assert alone["pe"] is None
    assert (alone["ce"]["ltp"], alone["ce"]["bid"], alone["ce"]["ask"]) == (1.5, 1.45, 1.55)
    assert alone["ce"]["delta"] > 0


async def test_the_quantities_of_a_chain_are_those_at_the_best_prices(mala: Trader, acme: HandMarket) -> None:
    levels = [DepthLevel(Decimal(price), Decimal(units)) for price, units in (("4", 500), ("3", 750), ("5", 250))]
    acme.set_price("NFO:ACME29DEC26100CE", "4.5", "4", "5", Book(tuple(levels[:2]), (levels[2],)))

    call = row(await mala.told("optionchain", **ACME), 100)["ce"]

    assert (call["bid_qty"], call["ask_qty"], call["oi"]) == (500, 250, 0)


async def test_a_chain_is_not_made_on_the_event_loop(
    mala: Trader, acme: HandMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    askers, quote = set(), acme.quote

    def noted(instrument: Instrument) -> Quote | None:
        askers.add(get_ident())
        return quote(instrument)

    monkeypatch.setattr(acme, "quote", noted)
    await mala.told("optionchain", **ACME)

    assert askers
    assert get_ident() not in askers


async def test_a_chain_whose_underlying_has_no_price_cannot_be_centred(mala: Trader, acme: HandMarket) -> None:
    acme.forget_price("NSE:ACME")

    assert "NSE:ACME has no price" in await mala.refused("optionchain", 404, **ACME)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strike_count": 0}, "strike_count"),
        ({"strike_count": 101}, "strike_count"),
        ({"strike_count": 2.5}, "strike_count"),
        ({"strike_count": "many"}, "strike_count"),
        ({"with_greeks": "perhaps"}, "with_greeks"),
        ({"interest_rate": -1}, "interest_rate"),
        ({"interest_rate": 100.5}, "interest_rate"),
    ],
)
async def test_a_wrong_member_of_a_chains_body_is_named(asha: Trader, changes: dict[str, Any], field: str) -> None:
    assert list(await faults(asha, "optionchain", **NIFTY, **changes)) == [field]


# syntheticfuture


async def test_a_synthetic_future_has_every_member_with_its_type(asha: Trader) -> None:
    reply = await asha.told("syntheticfuture", **NIFTY)

    assert kinds(reply) == {
        "status": str, "underlying": str, "underlying_ltp": float, "expiry": str, "atm_strike": float,
        "synthetic_future_price": float,
    }  # fmt: skip
    assert (reply["underlying"], reply["expiry"]) == ("NIFTY", "29DEC26")


@pytest.mark.parametrize(
    "where", [NIFTY, DOLLAR, {"underlying": "RELIANCE", "exchange": "NSE", "expiry_date": "29DEC26"}]
)
async def test_calls_and_puts_of_every_strike_agree_on_the_synthetic_future(
    asha: Trader, where: dict[str, str]
) -> None:
    chain = await asha.told("optionchain", **where, strike_count=10)
    made = await asha.told("syntheticfuture", **where)

    future, atm = made["synthetic_future_price"], row(chain, made["atm_strike"])
    assert made["atm_strike"] == chain["atm_strike"]
    assert future == pytest.approx(atm["strike"] + atm["ce"]["ltp"] - atm["pe"]["ltp"])
    assert future == pytest.approx(chain["forward_price"], rel=0.001)
    for each in chain["chain"]:
        # prices are paid now and strikes later: 36 days' interest on what lies between two strikes
        interest = abs(each["strike"] - atm["strike"]) * 0.01
        parity = each["strike"] + each["ce"]["ltp"] - each["pe"]["ltp"]
        assert abs(parity - future) <= interest + 2 * each["ce"]["tick_size"]


async def test_a_synthetic_future_needs_both_prices(mala: Trader, acme: HandMarket) -> None:
    acme.set_price("NFO:ACME29DEC26100CE", "4.5")

    assert "NFO:ACME29DEC26100PE has no price" in await mala.refused("syntheticfuture", 404, **ACME)


# optiongreeks


async def test_greeks_have_every_member_with_its_type(asha: Trader) -> None:
    reply = await asha.told("optiongreeks", **CALL)

    assert kinds(reply) == {
        "status": str, "symbol": str, "exchange": str, "underlying": str, "strike": float, "option_type": str,
        "expiry_date": str, "days_to_expiry": float, "spot_price": float, "forward_price": float,
        "option_price": float, "interest_rate": float, "implied_volatility": float, "greeks": dict,
        "intrinsic_value": float, "time_value": float,
    }  # fmt: skip
    assert kinds(reply["greeks"]) == dict.fromkeys((*GREEKS, "rho"), float)
    assert (reply["symbol"], reply["exchange"], reply["underlying"]) == ("NIFTY29DEC2625000CE", "NFO", "NIFTY")
    assert (reply["strike"], type(reply["strike"]), reply["option_type"]) == (25000, int, "CE")
    assert (reply["expiry_date"], reply["interest_rate"]) == ("29-Dec-2026", 0)
    assert reply["days_to_expiry"] == pytest.approx(DAYS)
    assert reply["time_value"] == pytest.approx(reply["option_price"] - reply["intrinsic_value"])


@pytest.mark.parametrize("which", [CALL, PUT, {"symbol": "USDINR29DEC2690.25PE", "exchange": "CDS"}])
@pytest.mark.parametrize("rate", ["0", 6.5, "-1"])
async def test_greeks_are_those_of_the_model_at_the_figures_told_beside_them(
    asha: Trader, which: dict[str, str], rate: Any
) -> None:
    reply = await asha.told("optiongreeks", **which, interest_rate=rate)

    volatility, greeks = modelled(reply)
    assert reply["interest_rate"] == float(rate)
    assert reply["implied_volatility"] == pytest.approx(volatility, rel=1e-12)
    for name, value in reply["greeks"].items():
        assert value == pytest.approx(getattr(greeks, name), rel=1e-9), name


async def test_a_forward_price_that_is_given_is_what_greeks_are_counted_from(asha: Trader) -> None:
    reply = await asha.told("optiongreeks", **CALL, forward_price="25500")

    assert (reply["forward_price"], reply["spot_price"], reply["intrinsic_value"]) == (25500, 25500, 500)
    assert reply["implied_volatility"] == pytest.approx(modelled(reply)[0])


async def test_the_usual_underlying_is_the_index_and_the_forward_its_future(asha: Trader) -> None:
    reply = await asha.told("optiongreeks", **CALL)
    chain = await asha.told("optionchain", **NIFTY, strike_count=1)

    assert (reply["spot_price"], reply["forward_price"]) == (chain["underlying_ltp"], chain["forward_price"])
    assert reply["spot_price"] != reply["forward_price"]


@pytest.mark.parametrize(
    ("named", "is_future"),
    [
        ({"underlying_symbol": "NIFTY29DEC26FUT", "underlying_exchange": "NFO"}, True),
        ({"underlying_symbol": "NIFTY29DEC26FUT"}, True),
        ({"underlying_symbol": "NIFTY", "underlying_exchange": "NSE_INDEX"}, False),
        ({"underlying_symbol": "nifty"}, False),
        ({"underlying_exchange": "NSE_INDEX"}, False),
    ],
)
async def test_another_underlying_may_be_named(asha: Trader, named: dict[str, str], is_future: bool) -> None:
    usual = await asha.told("optiongreeks", **CALL)
    reply = await asha.told("optiongreeks", **CALL, **named)

    assert reply["spot_price"] == usual["forward_price" if is_future else "spot_price"]
    assert reply["forward_price"] == reply["spot_price"]


async def test_a_time_of_expiry_shortens_the_life_of_the_option(asha: Trader) -> None:
    reply = await asha.told("optiongreeks", **CALL, expiry_time="15:30")

    assert reply["days_to_expiry"] == pytest.approx(DAYS - 10 / 1440)


async def test_a_price_without_time_value_is_told_as_that(mala: Trader, acme: HandMarket) -> None:
    acme.set_price("NSE:ACME", "130")
    acme.set_price("NFO:ACME29DEC26100CE", "30")

    reply = await mala.told("optiongreeks", symbol="ACME29DEC26100CE", exchange="NFO")
    chain = await mala.told("optionchain", **ACME, with_greeks=True)

    assert "not above the exercise value of 30" in reply["note"]
    assert (reply["implied_volatility"], reply["time_value"], reply["intrinsic_value"]) == (0, 0, 30)
    assert reply["greeks"] == {"delta": 1, "gamma": 0, "theta": 0, "vega": 0, "rho": reply["greeks"]["rho"]}
    assert (row(chain, 100)["ce"]["implied_volatility"], row(chain, 100)["ce"]["delta"]) == (0, 1)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"symbol": "ACME"}, 400, "NFO:ACME is no listed option"),
        ({"symbol": "ACME29DEC26105CE"}, 400, "is no listed option"),
        ({"symbol": "ACME29DEC26100PE"}, 404, "NFO:ACME29DEC26100PE has no price"),
        ({"symbol": "ACME29DEC26110CE"}, 400, "A price of 500 is not below 100"),
        ({"underlying_symbol": "NOBODY"}, 404, "NOBODY is not listed on NSE_INDEX or NSE or NFO"),
        ({"underlying_symbol": "ACME29DEC26110CE"}, 404, "as anything that options are written on"),
        ({"interest_rate": 1001}, 400, "1001 is no interest rate"),
        ({"forward_price": "4"}, 400, "A price of 4.5 is not below 4"),
    ],
)
async def test_an_option_without_an_answer_is_told_why(
    mala: Trader, acme: HandMarket, changes: dict[str, Any], status: int, said: str
) -> None:
    acme.set_price("NFO:ACME29DEC26100CE", "4.5")
    acme.set_price("NFO:ACME29DEC26110CE", "500")

    answer = await mala.post("optiongreeks", **({"symbol": "ACME29DEC26100CE", "exchange": "NFO"} | changes))

    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert said in answer.text


async def test_an_option_whose_time_is_over_has_no_greeks(mala: Trader, acme: HandMarket) -> None:
    acme.set_price("NFO:ACME29DEC26100CE", "4.5")
    assert isinstance(mala.house.clock, FakeClock)
    mala.house.clock.set(CLOSE)

    message = await mala.refused("optiongreeks", 400, symbol="ACME29DEC26100CE", exchange="NFO")

    assert "has expired" in message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"exchange": "NSE"}, "exchange"),
        ({"expiry_time": "3 pm"}, "expiry_time"),
        ({"expiry_time": "24:00"}, "expiry_time"),
        ({"forward_price": "0"}, "forward_price"),
        ({"interest_rate": "low"}, "interest_rate"),
        ({"symbol": "NIFTY"}, "symbol"),
    ],
)
async def test_a_wrong_member_of_a_question_for_greeks_is_named(
    asha: Trader, changes: dict[str, Any], field: str
) -> None:
    assert list(await faults(asha, "optiongreeks", **(CALL | changes))) == [field]


# multioptiongreeks


async def test_many_are_answered_each_by_itself_and_counted(asha: Trader) -> None:
    named = CALL | {"underlying_symbol": "NIFTY29DEC26FUT", "underlying_exchange": "NFO"}
    unknown = {"symbol": "NIFTY29DEC2625001CE", "exchange": "NFO"}

    reply = await asha.told(
        "multioptiongreeks", symbols=[PUT, named, unknown], interest_rate="6.5", expiry_time="15:30"
    )

    alone = [
        await asha.told("optiongreeks", **which, interest_rate="6.5", expiry_time="15:30") for which in (PUT, named)
    ]
    assert reply["data"][:2] == alone
    assert reply["data"][2] == {
        "status": "error", **unknown, "message": "NFO:NIFTY29DEC2625001CE is no listed option.",
    }  # fmt: skip
    assert reply["summary"] == {"total": 3, "success": 2, "failed": 1}


async def test_fifty_options_may_be_asked_for_at_once(asha: Trader) -> None:
    chain = await asha.told("optionchain", **NIFTY, strike_count=12)
    symbols = [{"symbol": row[side]["symbol"], "exchange": "NFO"} for row in chain["chain"] for side in ("ce", "pe")]

    reply = await asha.told("multioptiongreeks", symbols=symbols)

    assert reply["summary"] == {"total": 50, "success": 50, "failed": 0}
    assert [each["symbol"] for each in reply["data"]] == [each["symbol"] for each in symbols]


@pytest.mark.parametrize(
    ("symbols", "where"),
    [
        ([], ["symbols"]),
        ([CALL] * 51, ["symbols"]),
        ("NIFTY29DEC2625000CE", ["symbols"]),
        ([CALL, {"symbol": "NIFTY29DEC2625000CE"}], ["symbols", "1", "exchange"]),
        ([CALL | {"exchange": "NSE"}], ["symbols", "0", "exchange"]),
    ],
)
async def test_a_list_that_cannot_be_read_is_refused_and_the_place_named(
    asha: Trader, symbols: Any, where: list[str]
) -> None:
    found: Any = await faults(asha, "multioptiongreeks", symbols=symbols)

    for name in where:
        assert list(found) == [name]
        found = found[name]


# keys


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("optiongreeks", 401),
        ("multioptiongreeks", 401),
        ("optionsymbol", 403),
        ("optionchain", 403),
        ("syntheticfuture", 403),
    ],
)
async def test_a_wrong_key_is_refused_as_openalgo_refuses_it_there(asha: Trader, path: str, status: int) -> None:
    answer = await asha.client.post(f"/api/v1/{path}", json={"apikey": "f" * 64})

    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert "Invalid API key" in answer.json()["message"]


async def test_greeks_may_be_asked_for_thirty_times_a_minute(asha: Trader) -> None:
    answers = [await asha.post("optiongreeks") for _ in range(16)]
    answers += [await asha.post("multioptiongreeks") for _ in range(16)]

    assert [answer.status_code for answer in answers] == [400] * 30 + [429] * 2
    assert answers[-1].json()["message"] == "Rate limit exceeded. Please slow down your requests."
    assert await asha.told("syntheticfuture", **NIFTY)
