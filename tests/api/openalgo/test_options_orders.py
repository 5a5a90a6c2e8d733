"""`optionsorder` and `optionsmultiorder`: the contract is found by its distance from the money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bridge.brokers.base import Rejected
from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from tests.api.openalgo.conftest import Trader
from tests.api.openalgo.test_baskets import sent


def options(who: Trader, underlying: str = "NIFTY", exchange: str = "NFO") -> Sequence[Instrument]:
    """The options of the nearest expiry but one, so that none ends while a test runs."""
    every = [
        i
        for i in who.house.market.instruments()
        if (i.exchange, i.underlying, i.kind) == (exchange, underlying, InstrumentKind.OPTION)
    ]
    expiries = sorted({i.expiry for i in every if i.expiry})
    return [i for i in every if i.expiry == expiries[1]]


def expiry_of(who: Trader, underlying: str = "NIFTY", exchange: str = "NFO") -> str:
    day = options(who, underlying, exchange)[0].expiry
    assert isinstance(day, date)
    return f"{day:%d%b%y}".upper()


def ladder(who: Trader, right: OptionRight) -> list[Instrument]:
    """The calls or puts by strike."""
    return sorted((i for i in options(who) if i.right is right), key=lambda i: i.strike or Decimal(0))


def lot(who: Trader, underlying: str = "NIFTY", exchange: str = "NFO") -> int:
    return int(options(who, underlying, exchange)[0].lot_size)


def body(who: Trader, **changes: Any) -> dict[str, Any]:
    """An order as OpenAlgo's client sends it: every number as text."""
    return {
        "strategy": "Python",
        "underlying": "NIFTY",
        "exchange": "NSE_INDEX",
        "expiry_date": expiry_of(who),
        "offset": "ATM",
        "option_type": "CE",
        "action": "BUY",
        "quantity": str(lot(who)),
        "pricetype": "MARKET",
        "product": "NRML",
        "splitsize": "0",
        **changes,
    }


def leg(who: Trader, offset: str, option_type: str, action: str, **changes: Any) -> dict[str, Any]:
    said = {"offset": offset, "option_type": option_type, "action": action}
    return {**said, "quantity": str(lot(who)), "product": "NRML", **changes}


def multi(who: Trader, *legs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    same = {"strategy": "Python", "underlying": "NIFTY", "exchange": "NSE_INDEX", "expiry_date": expiry_of(who)}
    return {**same, "legs": list(legs), **changes}


# -- optionsorder ----------------------------------------------------------------------------------------------------


async def test_the_option_at_the_money_is_bought_and_told_of(asha: Trader) -> None:
    reply = await asha.told("optionsorder", **body(asha))

    index = asha.house.market.instrument("NSE_INDEX", "NIFTY")
    assert index is not None
    nearest = min(
        ladder(asha, OptionRight.CALL), key=lambda i: abs((i.strike or 0) - Decimal(str(reply["underlying_ltp"])))
    )
    assert reply == {
        "status": "success",
        "orderid": reply["orderid"],
        "symbol": nearest.symbol,
        "exchange": "NFO",
        "underlying": "NIFTY",
        "underlying_ltp": reply["underlying_ltp"],
        "offset": "ATM",
        "option_type": "CE",
    }
    assert isinstance(reply["underlying_ltp"], float)
    row = await asha.house.reader.row("SELECT symbol, product, side FROM orders")
    assert row == {"symbol": nearest.symbol, "product": "NRML", "side": "buy"}


@pytest.mark.parametrize(
    ("offset", "option_type", "steps"), [("OTM2", "CE", 2), ("ITM2", "CE", -2), ("OTM2", "PE", -2), ("itm2", "pe", 2)]
)
async def test_offsets_count_listed_strikes_away_from_the_money(
    asha: Trader, offset: str, option_type: str, steps: int
) -> None:
    reply = await asha.told("optionsorder", **body(asha, offset=offset, option_type=option_type))

    right = OptionRight.CALL if option_type.upper() == "CE" else OptionRight.PUT
    rungs = ladder(asha, right)
    ltp = Decimal(str(reply["underlying_ltp"]))
    middle = min(range(len(rungs)), key=lambda n: (abs((rungs[n].strike or 0) - ltp), n))
    assert reply["symbol"] == rungs[middle + steps].symbol
    assert (reply["offset"], reply["option_type"]) == (offset.upper(), option_type.upper())


@pytest.mark.parametrize("exchange", ["NFO", "NSE_INDEX"])
async def test_a_date_in_the_underlyings_name_is_the_expiry(asha: Trader, exchange: str) -> None:
    named = f"NIFTY{expiry_of(asha)}FUT"

    reply = await asha.told("optionsorder", **body(asha, underlying=named, exchange=exchange, expiry_date=None))

    assert (reply["underlying"], reply["exchange"]) == ("NIFTY", "NFO")
    assert reply["symbol"].startswith(f"NIFTY{expiry_of(asha)}")


async def test_the_contracts_exchange_stands_for_the_index_behind_it(asha: Trader) -> None:
    by_index = await asha.told("optionsorder", **body(asha))
    by_contracts = await asha.told("optionsorder", **body(asha, exchange="NFO"))

    assert by_index["underlying"] == by_contracts["underlying"] == "NIFTY"
    assert abs(by_index["underlying_ltp"] - by_contracts["underlying_ltp"]) < 20


async def test_an_option_on_a_commodity_is_measured_on_its_future(asha: Trader) -> None:
    changes = {"underlying": "CRUDEOIL", "exchange": "MCX", "expiry_date": expiry_of(asha, "CRUDEOIL", "MCX")}

    reply = await asha.told("optionsorder", **body(asha, **changes, quantity=str(lot(asha, "CRUDEOIL", "MCX"))))

    assert (reply["exchange"], reply["underlying"]) == ("MCX", "CRUDEOIL")
    assert reply["symbol"].endswith("CE")


async def test_an_option_order_may_be_split(asha: Trader) -> None:
    units = lot(asha)

    reply = await asha.told("optionsorder", **body(asha, quantity=str(3 * units), splitsize=str(2 * units)))

    assert "orderid" not in reply
    assert (reply["total_quantity"], reply["split_size"]) == (3 * units, 2 * units)
    assert [(each["order_num"], each["quantity"]) for each in reply["results"]] == [(1, 2 * units), (2, units)]
    assert reply["offset"] == "ATM"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"expiry_date": None}, 400, "Name an expiry"),
        ({"expiry_date": ""}, 400, "Name an expiry"),
        ({"expiry_date": "01JAN30"}, 404, "no options that expire on 1 Jan 2030"),
        ({"expiry_date": "02JAN20"}, 404, "no options that expire on 2 Jan 2020"),
        ({"underlying": "NOSUCH"}, 404, "No options on NOSUCH"),
        ({"quantity": "1"}, 400, "no multiple"),
    ],
)
async def test_what_cannot_be_found_or_traded_is_an_error_that_says_why(
    asha: Trader, changes: dict[str, Any], status: int, said: str
) -> None:
    assert said in await asha.refused("optionsorder", status, **body(asha, **changes))

    assert await sent(asha) == []


async def test_an_offset_beyond_the_last_strike_is_out_of_range(asha: Trader) -> None:
    share = {"underlying": "INFY", "exchange": "NSE", "expiry_date": expiry_of(asha, "INFY")}
    assert 0 < sum(i.right is OptionRight.CALL for i in options(asha, "INFY")) < 50

    message = await asha.refused("optionsorder", 400, **body(asha, **share, offset="OTM50"))

    assert "OTM50 lies outside" in message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"offset": "OTM51"}, "offset"),
        ({"exchange": "NOWHERE"}, "exchange"),
        ({"offset": "NEAR"}, "offset"),
        ({"option_type": "XX"}, "option_type"),
        ({"product": "CNC"}, "product"),
        ({"quantity": "1.5"}, "quantity"),
        ({"expiry_date": "tomorrow"}, "expiry_date"),
        ({"pricetype": "LIMIT"}, "price"),
        ({"splitsize": "-1"}, "splitsize"),
    ],
)
async def test_a_wrong_member_is_named_beside_the_message(asha: Trader, changes: dict[str, Any], field: str) -> None:
    answer = await asha.post("optionsorder", **body(asha, **changes))

    assert (answer.status_code, answer.json()["message"]) == (400, "Validation error")
    assert list(answer.json()["errors"]) == [field]


async def test_an_option_order_with_an_id_is_taken_once_and_answered_alike(asha: Trader) -> None:
    order = body(asha, client_order_id="mine-1")

    first, again = await asha.told("optionsorder", **order), await asha.told("optionsorder", **order)

    assert first == again
    assert len(await sent(asha)) == 1


# -- optionsmultiorder -----------------------------------------------------------------------------------------------


async def test_each_leg_is_answered_in_the_order_of_the_request_and_buys_go_first(asha: Trader) -> None:
    legs = [
        leg(asha, "OTM2", "CE", "SELL"),
        leg(asha, "OTM2", "PE", "SELL"),
        leg(asha, "OTM4", "CE", "BUY"),
        leg(asha, "OTM4", "PE", "BUY"),
    ]

    reply = await asha.told("optionsmultiorder", **multi(asha, *legs))

    assert set(reply) == {"status", "underlying", "underlying_ltp", "results"}
    assert (reply["underlying"], type(reply["underlying_ltp"])) == ("NIFTY", float)
    for number, (result, asked) in enumerate(zip(reply["results"], legs, strict=True), start=1):
        assert result == {
            "leg": number,
            "symbol": result["symbol"],
            "exchange": "NFO",
            "product": "NRML",
            "offset": asked["offset"],
            "option_type": asked["option_type"],
            "action": asked["action"],
            "status": "success",
            "orderid": result["orderid"],
        }
    assert [side for side, _ in await sent(asha)] == ["buy", "buy", "sell", "sell"]
    assert len({result["symbol"] for result in reply["results"]}) == 4


async def test_a_leg_that_is_not_there_or_refused_stops_no_other(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place = broker.place

    async def refuse_puts(request: Any) -> Any:
        if request.instrument.right is OptionRight.PUT:
            raise Rejected("no puts today")
        return await place(request)

    monkeypatch.setattr(broker, "place", refuse_puts)
    legs = [
        leg(asha, "ATM", "CE", "BUY", expiry_date="01JAN30"),
        leg(asha, "ATM", "PE", "BUY"),
        leg(asha, "ATM", "CE", "BUY", quantity="1"),
        leg(asha, "ATM", "CE", "BUY"),
    ]

    reply = await asha.told("optionsmultiorder", **multi(asha, *legs))

    assert [result["status"] for result in reply["results"]] == ["error", "error", "error", "success"]
    assert [result.get("reason") for result in reply["results"]][2] == "quantity_not_in_lots"
    assert "no options that expire" in reply["results"][0]["message"]
    assert reply["results"][1]["message"] == "no puts today"


@pytest.mark.parametrize(("changes", "status"), [({"expiry_date": "01JAN30"}, 404), ({"quantity": "1"}, 400)])
async def test_when_no_leg_went_on_it_is_an_error_that_tells_of_every_leg(
    asha: Trader, changes: dict[str, str], status: int
) -> None:
    legs = [leg(asha, "ATM", right, "BUY", **changes) for right in ("CE", "PE")]

    answer = await asha.post("optionsmultiorder", **multi(asha, *legs))

    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert [result["status"] for result in answer.json()["results"]] == ["error", "error"]
    assert all(result["message"] for result in answer.json()["results"])


async def test_a_leg_may_be_split(asha: Trader) -> None:
    units = lot(asha)
    split = leg(asha, "ATM", "PE", "BUY", quantity=str(3 * units), splitsize=str(2 * units))

    reply = await asha.told("optionsmultiorder", **multi(asha, leg(asha, "ATM", "CE", "BUY"), split))

    whole, pieces = reply["results"]
    assert "orderid" in whole
    assert (pieces["total_quantity"], pieces["split_size"], pieces["status"]) == (3 * units, 2 * units, "success")
    assert [each["quantity"] for each in pieces["split_results"]] == [2 * units, units]


async def test_a_leg_may_have_an_expiry_of_its_own(asha: Trader) -> None:
    reply = await asha.told(
        "optionsmultiorder", **multi(asha, leg(asha, "ATM", "CE", "BUY", expiry_date=expiry_of(asha)), expiry_date=None)
    )

    assert reply["results"][0]["symbol"].startswith(f"NIFTY{expiry_of(asha)}")


@pytest.mark.parametrize("count", [0, 21])
async def test_there_are_one_to_twenty_legs(asha: Trader, count: int) -> None:
    answer = await asha.post("optionsmultiorder", **multi(asha, *[leg(asha, "ATM", "CE", "BUY")] * count))

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["legs"]


async def test_legs_with_an_id_are_taken_once_and_answered_alike(asha: Trader) -> None:
    legs = [
        leg(asha, "OTM1", "CE", "SELL"),
        leg(asha, "ATM", "CE", "BUY", expiry_date="01JAN30"),
        leg(asha, "OTM3", "CE", "BUY"),
    ]
    order = multi(asha, *legs, client_order_id="mine-1")

    first, again = await asha.told("optionsmultiorder", **order), await asha.told("optionsmultiorder", **order)

    assert first == again
    assert len(await sent(asha)) == 2
