"""What orders would block, asked as OpenAlgo's clients ask."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.accounts.model import KeySettings, Role
from bridge.app import Bridge
from bridge.market.simulated import SimulatedMarket
from tests.api.openalgo.conftest import SCOPES, Trader
from tests.fakebroker.client import FakeBrokerProcess

LINE = {
    "symbol": "RELIANCE",
    "exchange": "NSE",
    "action": "BUY",
    "quantity": "10",
    "product": "CNC",
    "pricetype": "LIMIT",
    "price": "1000",
    "trigger_price": "0",
}


async def margin(who: Trader, *lines: dict[str, Any]) -> dict[str, Any]:
    return dict((await who.told("margin", positions=list(lines)))["data"])


async def test_the_margin_of_delivery_is_its_price_and_has_no_span(asha: Trader) -> None:
    assert await margin(asha, LINE) == {
        "total_margin_required": 10000.0,
        "span_margin": 0.0,
        "exposure_margin": 0.0,
    }


async def test_orders_are_estimated_together(asha: Trader) -> None:
    found = await margin(asha, LINE, LINE | {"product": "MIS"}, LINE | {"symbol": "INFY", "quantity": "1"})

    assert found["total_margin_required"] == 10000 + 2000 + 1000


async def test_the_margin_of_a_future_is_span_and_exposure(asha: Trader) -> None:
    market = asha.house.market
    assert isinstance(market, SimulatedMarket)
    contract = market.contracts("NFO", "NIFTY")[0]
    line = LINE | {"symbol": contract.symbol, "exchange": "NFO", "quantity": f"{contract.lot_size:f}"}

    found = await margin(asha, line | {"product": "NRML", "pricetype": "MARKET", "price": "0"})

    assert found["span_margin"] > found["exposure_margin"] > 0
    assert found["total_margin_required"] == pytest.approx(found["span_margin"] + found["exposure_margin"])


async def test_nothing_is_placed(asha: Trader) -> None:
    before = (await asha.told("funds"))["data"]

    await margin(asha, LINE)

    assert (await asha.told("funds"))["data"] == before
    assert (await asha.told("orderbook"))["data"]["orders"] == []
    assert await asha.house.reader.rows("SELECT id FROM alerts") == []


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"symbol": "NOSUCH"}, "symbol"),
        ({"price": "0"}, "price"),
        ({"action": "HOLD"}, "action"),
        ({"pricetype": "SL-M"}, "trigger_price"),
    ],
)
async def test_a_wrong_member_is_named_with_its_line(asha: Trader, changes: dict[str, Any], member: str) -> None:
    answer = await asha.post("margin", positions=[LINE, LINE | changes])

    assert answer.status_code == 400
    assert list(answer.json()["message"]["positions"]["1"]) == [member]


@pytest.mark.parametrize("missing", ["symbol", "product", "pricetype", "action", "quantity"])
async def test_a_line_says_all_that_an_order_needs(asha: Trader, missing: str) -> None:
    line = {name: value for name, value in LINE.items() if name != missing}

    answer = await asha.post("margin", positions=[line])

    assert (answer.status_code, list(answer.json()["message"]["positions"]["0"])) == (400, [missing])


@pytest.mark.parametrize("count", [0, 51])
async def test_there_are_one_to_fifty_lines(asha: Trader, count: int) -> None:
    assert "positions" in await asha.refused("margin", 400, positions=[LINE] * count)


async def test_what_the_broker_would_refuse_is_refused_with_its_reason(asha: Trader) -> None:
    answer = await asha.post("margin", positions=[LINE | {"price": "1000.01"}])

    assert (answer.status_code, answer.json()["reason"]) == (400, "off_tick")


async def test_a_margin_in_two_currencies_is_no_sum(asha: Trader) -> None:
    dollars = LINE | {"symbol": "AAPL", "exchange": "NASDAQ", "quantity": "1"}

    assert "currencies" in await asha.refused("margin", 400, positions=[LINE, dollars])


@pytest.fixture
async def live(house: Bridge, client: httpx.AsyncClient, fakebroker: FakeBrokerProcess) -> Trader:
    user_id = await house.accounts.add_user("lena", "correct horse battery staple", Role.TRADER)
    account_id = await house.accounts.add_account(
        user_id, "Broker", "fakebroker", credentials={"token": "lena"}, rest_url=fakebroker.url
    )
    key = await house.accounts.add_key(user_id, "laptop", SCOPES, settings=KeySettings())
    await house.directory.refresh()
    await house.dispatcher.keep()
    return Trader(house, client, user_id, account_id, key)


async def test_a_broker_that_cannot_say_it_is_named(live: Trader) -> None:
    said = await live.refused("margin", 501, positions=[LINE])

    assert said == "Margin calculation is not supported for broker 'fakebroker' yet"


@pytest.mark.parametrize("path", ["placegttorder", "modifygttorder", "cancelgttorder", "gttorderbook"])
async def test_a_broker_that_keeps_no_triggers_is_named(live: Trader, path: str) -> None:
    body = {"strategy": "Python", "trigger_type": "SINGLE", "exchange": "NSE", "symbol": "RELIANCE", "action": "BUY"}
    body |= {"product": "CNC", "quantity": "1", "price": "100", "triggerprice_sl": "100", "trigger_id": "1"}

    said = await live.refused(path, 501, **body)

    assert said == "GTT orders are not supported for broker 'fakebroker' yet"
    assert await live.house.reader.rows("SELECT id FROM alerts WHERE user_id = :id", {"id": live.user_id}) == []
