"""A paper account and a live one answer every reading endpoint with the same members of the same types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from bridge.accounts.model import KeySettings, Role
from bridge.app import Bridge
from bridge.brokers.paper.tables import paper_holdings
from tests.api.openalgo.conftest import ORDER, SCOPES, Trader
from tests.fakebroker.client import FakeBrokerProcess

RESTS, FILLS = "INFY", "RELIANCE"  # symbols: the simulated vendor lets orders of the first rest
STOCK = {"symbol": "SBIN", "exchange": "NSE", "quantity": 5, "average_price": 98.5, "last_price": 100}
READ: dict[str, dict[str, Any]] = {
    "ping": {},
    "funds": {},
    "orderbook": {},
    "tradebook": {},
    "positionbook": {},
    "holdings": {},
    "pnl/symbols": {},
    "analyzer": {},
    "openposition": {"strategy": "Python", "symbol": FILLS, "exchange": "NSE", "product": "MIS"},
}


@pytest.fixture
async def live(house: Bridge, client: httpx.AsyncClient, fakebroker: FakeBrokerProcess) -> Trader:
    fakebroker.set(fill={"default": "instant", RESTS: "never"}, holdings={"lena": [STOCK]})
    user_id = await house.accounts.add_user("lena", "correct horse battery staple", Role.TRADER)
    account_id = await house.accounts.add_account(
        user_id, "Broker", "fakebroker", credentials={"token": "lena"}, rest_url=fakebroker.url
    )
    fast = KeySettings(orders_per_second=1000, requests_per_second=1000)
    key = await house.accounts.add_key(user_id, "laptop", SCOPES, settings=fast)
    await house.directory.refresh()
    await house.dispatcher.keep()
    return Trader(house, client, user_id, account_id, key)


@pytest.fixture
async def paper(asha: Trader) -> Trader:
    row = {"account_id": asha.account_id, "user_id": asha.user_id, "exchange": "NSE", "symbol": "SBIN"}
    row |= {"currency": "INR", "quantity": "5", "cost": "4000"}
    await asha.house.writer.run(lambda tx: tx.insert(paper_holdings, row))
    return asha


def near(house: Bridge, symbol: str, factor: str) -> str:
    """A price at a distance from the market, in whole rupees."""
    instrument = house.market.instrument("NSE", symbol)
    assert instrument is not None
    quote = house.market.quote(instrument)
    assert quote is not None
    return str(round(quote.last * Decimal(factor)))


async def trade(who: Trader) -> dict[str, str]:
    """The same orders for everybody: what fills, what rests, what waits for its trigger, what is rejected. Their ids."""
    low = near(who.house, RESTS, "0.97")
    bought = await who.order(symbol=FILLS, quantity="10")
    sold = await who.order(symbol=FILLS, quantity="4", action="SELL")
    resting = await who.order(symbol=RESTS, pricetype="LIMIT", price=low)
    waiting = await who.order(symbol=RESTS, pricetype="SL-M", trigger_price=near(who.house, RESTS, "1.03"))
    await who.house.dispatcher.desks[who.account_id].book.read()
    return {
        "bought": bought["orderid"],
        "sold": sold["orderid"],
        "resting": resting["orderid"],
        "waiting": waiting["orderid"],
    }


def shape(value: Any) -> Any:
    """The names and types of a reply. Every row of a list must look the same."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        shapes = [shape(member) for member in value]
        assert shapes, "nothing to compare"
        assert all(each == shapes[0] for each in shapes), shapes
        return [shapes[0]]
    return type(value).__name__


@pytest.mark.parametrize("path", READ)
async def test_paper_and_live_answer_alike(paper: Trader, live: Trader, path: str) -> None:
    await trade(paper)
    await trade(live)

    assert shape(await paper.told(path, **READ[path])) == shape(await live.told(path, **READ[path]))


async def test_paper_and_live_tell_of_one_order_alike(paper: Trader, live: Trader) -> None:
    on_paper, at_broker = await trade(paper), await trade(live)

    for name in on_paper:
        told = [
            await who.told("orderstatus", strategy="Python", orderid=ids[name])
            for who, ids in ((paper, on_paper), (live, at_broker))
        ]
        assert shape(told[0]) == shape(told[1])
        assert told[0]["data"]["order_status"] == told[1]["data"]["order_status"]


async def test_paper_and_live_refuse_alike_to_tell_of_an_order_that_is_not_there(paper: Trader, live: Trader) -> None:
    said = [await who.refused("orderstatus", 404, strategy="Python", orderid="999") for who in (paper, live)]

    assert said[0] == said[1]


async def test_the_figures_of_a_live_account_are_its_brokers(live: Trader) -> None:
    await trade(live)

    (position,) = (await live.told("positionbook"))["data"]
    (holding,) = (await live.told("holdings"))["data"]["holdings"]
    funds = (await live.told("funds"))["data"]

    assert (position["quantity"], position["average_price"], position["ltp"]) == (6, "100.00", 100.0)
    assert (holding["quantity"], holding["ltp"], holding["pnl"]) == (5, 100.0, 7.5)
    assert (funds["availablecash"], funds["utiliseddebits"]) == ("999400.00", "600.00")


async def test_a_strangers_order_is_called_by_its_brokers_number(live: Trader, fakebroker: FakeBrokerProcess) -> None:
    order = {"symbol": FILLS, "exchange": "NSE", "side": "BUY", "quantity": 3, "order_type": "MARKET", "product": "MIS"}
    number = fakebroker.act("place", account="lena", order={**order, "price": None, "trigger_price": None})
    ours = (await live.order(symbol=FILLS))["orderid"]

    rows = (await live.told("orderbook"))["data"]["orders"]
    trades = (await live.told("tradebook"))["data"]
    told = await live.told("orderstatus", strategy="Python", orderid=number)

    assert {row["orderid"]: row["strategy"] for row in rows} == {number: "", ours: "Python"}
    assert {trade["orderid"]: trade["strategy"] for trade in trades} == {number: "", ours: "Python"}
    assert told["data"]["quantity"] == 3


async def test_a_net_position_without_a_strategy_of_that_name_is_the_accounts(
    live: Trader, fakebroker: FakeBrokerProcess
) -> None:
    order = {"symbol": FILLS, "exchange": "NSE", "side": "SELL", "quantity": 3, "order_type": "MARKET"}
    fakebroker.act("place", account="lena", order={**order, "product": "MIS", "price": None, "trigger_price": None})
    await live.order(symbol=FILLS, quantity="10")
    await live.house.dispatcher.desks[live.account_id].book.read()

    where = {"symbol": FILLS, "exchange": "NSE", "product": "MIS"}
    own = await live.told("openposition", strategy="Python", **where)
    whole = await live.told("openposition", strategy="Somebody", **where)

    assert (own["quantity"], whole["quantity"]) == (10, 7)


async def test_a_broker_whose_login_is_over_is_told_from_a_bad_key(live: Trader, fakebroker: FakeBrokerProcess) -> None:
    fakebroker.set(session_expired=True)

    for path, members in READ.items():
        if path not in ("ping", "analyzer"):
            message = await live.refused(path, 403, **{**members, "strategy": "Nobody"})
            assert "log in to the broker again" in message


@pytest.mark.parametrize("path", ["orderbook", "tradebook", "positionbook", "holdings", "pnl/symbols"])
async def test_empty_books_are_not_believed_when_the_session_is_over(
    live: Trader, fakebroker: FakeBrokerProcess, path: str
) -> None:
    fakebroker.set(session_expired=True, session_style="empty", holdings={})

    assert "log in to the broker again" in await live.refused(path, 403)


async def test_a_broker_is_not_asked_while_its_login_is_known_to_be_over(live: Trader) -> None:
    live.house.dispatcher.desks[live.account_id].book.login_lost = True

    assert "log in to the broker again" in await live.refused("orderbook", 403)


async def test_a_broker_that_cannot_be_reached_is_a_bad_gateway(live: Trader, fakebroker: FakeBrokerProcess) -> None:
    fakebroker.stop()

    assert "did not answer" in await live.refused("orderbook", 502)


async def test_an_order_that_its_broker_turned_away_is_in_the_order_book_with_the_reason(
    live: Trader, fakebroker: FakeBrokerProcess
) -> None:
    fakebroker.set(faults={"refuse_margin": 1})
    answer = await live.post("placeorder", **ORDER)

    rows = (await live.told("orderbook"))["data"]["orders"]

    assert answer.status_code == 400
    assert [(row["orderid"], row["order_status"]) for row in rows] == [(answer.json()["orderid"], "rejected")]
    assert rows[0]["rejection_reason"] == answer.json()["message"]


async def test_an_order_of_unknown_outcome_is_open_and_says_so(live: Trader, fakebroker: FakeBrokerProcess) -> None:
    fakebroker.set(faults={"http_500": 1}, visibility_lag_s=60)
    order_id = (await live.order())["orderid"]

    told = await live.told("orderstatus", strategy="Python", orderid=order_id)
    rows = (await live.told("orderbook"))["data"]["orders"]

    assert told["data"]["order_status"] == "open"
    assert "Nobody knows yet" in told["message"]
    assert [(row["orderid"], row["order_status"]) for row in rows] == [(order_id, "open")]
