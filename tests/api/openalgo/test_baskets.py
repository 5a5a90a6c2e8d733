"""`basketorder` and `splitorder`: several orders in one request, each answered for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.accounts.model import KeySettings, StrategySettings
from bridge.brokers.base import Rejected
from tests.api.openalgo.conftest import ORDER, SCOPES, Trader
from tests.api.openalgo.test_placeorder import state

NAMES = ("RELIANCE", "INFY", "SBIN", "TCS")
FUTURE = {"exchange": "NFO", "product": "NRML"}


def item(symbol: str = "RELIANCE", action: str = "BUY", **changes: Any) -> dict[str, Any]:
    """One order of a basket, as OpenAlgo's client sends it."""
    plain = {name: value for name, value in ORDER.items() if name != "strategy"}
    return plain | {"symbol": symbol, "action": action} | changes


async def basket(who: Trader, *items: Mapping[str, Any], **members: Any) -> list[dict[str, Any]]:
    reply = await who.told("basketorder", strategy="Python", orders=list(items), **members)
    assert set(reply) == {"status", "results"}
    results: list[dict[str, Any]] = reply["results"]
    return results


async def sent(who: Trader) -> list[tuple[str, str]]:
    """Which orders went to the broker, in the order in which they did."""
    sql = "SELECT o.side, o.symbol FROM attempts a JOIN orders o ON o.id = a.order_id ORDER BY a.opened_at, o.leg"
    return [(row["side"], row["symbol"]) for row in await who.house.reader.rows(sql)]


def future(who: Trader, underlying: str = "NIFTY") -> tuple[str, int]:
    """A future's symbol and its lot."""
    found = (i for i in who.house.market.instruments() if i.exchange == "NFO" and i.underlying == underlying)
    contract = next(i for i in found if i.symbol.endswith("FUT"))
    return contract.symbol, int(contract.lot_size)


# -- basketorder -----------------------------------------------------------------------------------------------------


async def test_every_order_of_a_basket_is_answered_in_the_order_of_the_request(asha: Trader) -> None:
    items = [item(name, action) for name, action in zip(NAMES, ("SELL", "BUY", "SELL", "BUY"), strict=True)]

    results = await basket(asha, *items)

    for result, name in zip(results, NAMES, strict=True):
        assert result == {
            "symbol": name,
            "exchange": "NSE",
            "product": "MIS",
            "status": "success",
            "orderid": result["orderid"],
        }
        row = await asha.house.reader.row("SELECT symbol FROM orders WHERE id = :id", {"id": result["orderid"]})
        assert row == {"symbol": name}


async def test_a_basket_of_one_order_is_answered_as_a_basket(asha: Trader) -> None:
    (result,) = await basket(asha, item())

    assert await state(asha, result["orderid"]) in ("WORKING", "FILLED")


async def test_a_leg_that_a_check_refuses_stops_no_other(asha: Trader) -> None:
    results = await basket(
        asha, item(), item("NOSUCH"), item("INFY", price="1500.013", pricetype="LIMIT"), item("SBIN")
    )

    assert [result["status"] for result in results] == ["success", "error", "error", "success"]
    assert [result.get("reason") for result in results] == [None, "symbol_unknown", "price_off_tick", None]
    assert "NOSUCH" in results[1]["message"]


async def test_a_leg_that_the_broker_refuses_stops_no_other(asha: Trader) -> None:
    results = await basket(asha, item(quantity="1000000"), item("INFY"))

    assert [result["status"] for result in results] == ["error", "success"]
    assert await state(asha, results[0]["orderid"]) == "REJECTED"


@pytest.mark.parametrize("item_that_fails", [{"symbol": "NOSUCH"}, {"quantity": "1000000"}])
async def test_a_basket_of_which_nothing_was_placed_is_an_error_that_tells_of_every_leg(
    asha: Trader, item_that_fails: dict[str, str]
) -> None:
    body = {"strategy": "Python", "orders": [item(**item_that_fails), item(**item_that_fails, product="CNC")]}

    answer = await asha.post("basketorder", **body)

    content = answer.json()
    assert (answer.status_code, content["status"]) == (400, "error")
    assert content["message"]
    assert [(result["status"], result["product"]) for result in content["results"]] == [
        ("error", "MIS"),
        ("error", "CNC"),
    ]
    assert all(result["message"] for result in content["results"])


async def test_a_stopped_person_places_no_basket(asha: Trader) -> None:
    await asha.order()
    user = asha.house.directory.snapshot.users[asha.user_id]
    await asha.house.control.panic("user", asha.user_id, True, "lunch", user)

    answer = await asha.post("basketorder", strategy="Python", orders=[item(), item("INFY")])

    assert (answer.status_code, answer.json()["reason"]) == (403, "stopped")
    assert [result["reason"] for result in answer.json()["results"]] == ["stopped", "stopped"]


async def test_a_sell_that_opens_is_sent_when_the_buys_have_been_answered(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place, heard, both = broker.place, [], asyncio.Event()

    async def slow_to_buy(request: Any) -> Any:
        heard.append(f"asked {request.side}")
        if heard == ["asked buy", "asked buy"]:
            both.set()
        if request.side == "buy":
            await both.wait()
        placed = await place(request)
        heard.append(f"answered {request.side}")
        return placed

    monkeypatch.setattr(broker, "place", slow_to_buy)

    results = await basket(asha, item("INFY", "SELL"), item(), item("SBIN"))

    assert [result["status"] for result in results] == ["success"] * 3
    assert heard == ["asked buy"] * 2 + ["answered buy"] * 2 + ["asked sell", "answered sell"]


async def test_a_buy_that_fails_is_answered_too_and_the_sell_goes_on(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place = broker.place

    async def refuse_buys(request: Any) -> Any:
        if request.side == "buy":
            raise Rejected("no margin")
        return await place(request)

    monkeypatch.setattr(broker, "place", refuse_buys)

    results = await basket(asha, item("INFY", "SELL"), item())

    assert [result["status"] for result in results] == ["success", "error"]
    assert results[1]["message"] == "no margin"


async def test_both_sides_of_one_symbol_do_not_wait_for_each_other(asha: Trader) -> None:
    await asha.order(quantity="5")
    await asha.settled()

    results = await basket(asha, item(action="SELL", quantity="20"), item(quantity="1"), item("INFY"))

    assert [result["status"] for result in results] == ["success"] * 3


async def test_a_strategy_that_stops_its_alerts_baskets_stops_no_basket_of_a_program(asha: Trader) -> None:
    await asha.order()
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    settings = strategy.settings.model_copy(update={"basket_policy": "stop"})
    await asha.house.accounts.change_strategy(asha.user_id, strategy.id, settings=settings)
    await asha.house.directory.refresh()

    results = await basket(asha, item("NOSUCH"), item())

    assert [result["status"] for result in results] == ["error", "success"]


@pytest.mark.parametrize("count", [0, 101])
async def test_a_basket_has_one_to_a_hundred_orders(asha: Trader, count: int) -> None:
    message = await asha.refused("basketorder", 400, strategy="Python", orders=[item()] * count)

    assert message.startswith("{'orders': [")


async def test_a_hundred_orders_are_placed_where_the_strategy_may_place_so_many(asha: Trader) -> None:
    settings = StrategySettings(any_symbol=True, orders_per_minute=None)
    await asha.house.accounts.add_strategy(asha.user_id, "Python", settings)
    await asha.house.directory.refresh()

    results = await basket(asha, *[item(quantity="1")] * 100)

    assert len({result["orderid"] for result in results}) == 100


async def test_a_wrong_member_of_one_order_is_named_and_nothing_is_placed(asha: Trader) -> None:
    orders = [item(), item(pricetype="LIMIT")]

    message = await asha.refused("basketorder", 400, strategy="Python", orders=orders)

    assert message == "{'orders': {'1': {'price': ['a LIMIT order needs a price above 0']}}}"
    assert await asha.house.reader.rows("SELECT id FROM alerts") == []


async def test_a_basket_with_an_id_is_taken_once_and_answered_alike(asha: Trader) -> None:
    items = [item("INFY", "SELL"), item("NOSUCH"), item()]

    first = await basket(asha, *items, client_order_id="mine-1")
    again = await basket(asha, *items, client_order_id="mine-1")

    assert first == again
    assert len(await asha.house.reader.rows("SELECT id FROM orders")) == 2


# -- splitorder ------------------------------------------------------------------------------------------------------


async def test_an_order_is_split_and_the_last_piece_is_the_rest(asha: Trader) -> None:
    reply = await asha.told("splitorder", **ORDER | {"quantity": "105"}, splitsize="20")

    assert (reply["split_size"], reply["total_quantity"]) == (20, 105)
    assert [(each["order_num"], each["quantity"], each["status"]) for each in reply["results"]] == [
        (number, quantity, "success") for number, quantity in enumerate([20, 20, 20, 20, 20, 5], start=1)
    ]
    assert len({each["orderid"] for each in reply["results"]}) == 6


async def test_an_order_smaller_than_its_pieces_is_one_order(asha: Trader) -> None:
    reply = await asha.told("splitorder", **ORDER, splitsize="20")

    assert [each["quantity"] for each in reply["results"]] == [10]


async def test_a_split_of_what_closes_a_position_is_split_too(asha: Trader) -> None:
    await asha.order(quantity="50")
    await asha.settled()

    reply = await asha.told("splitorder", **ORDER | {"quantity": "50", "action": "SELL"}, splitsize="20")

    assert [each["quantity"] for each in reply["results"]] == [20, 20, 10]


@pytest.mark.parametrize(("quantity", "status"), [("100", 200), ("101", 400)])
async def test_a_split_makes_at_most_a_hundred_orders(asha: Trader, quantity: str, status: int) -> None:
    answer = await asha.post("splitorder", **ORDER | {"quantity": quantity}, splitsize="1")

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["message"] == "Total number of orders would exceed maximum limit of 100"
        assert await asha.house.reader.rows("SELECT id FROM orders") == []


@pytest.mark.parametrize("size", ["0", "-5", "2.5", "many", None])
async def test_a_split_size_is_a_whole_number_above_zero(asha: Trader, size: str | None) -> None:
    message = await asha.refused("splitorder", 400, **ORDER, **({} if size is None else {"splitsize": size}))

    assert message.startswith("{'splitsize': [")


async def test_pieces_of_a_contract_are_whole_lots(asha: Trader) -> None:
    symbol, lot = future(asha)
    body = ORDER | FUTURE | {"symbol": symbol, "quantity": str(3 * lot)}

    answer = await asha.post("splitorder", **body, splitsize=str(lot - 1))
    reply = await asha.told("splitorder", **body, splitsize=str(2 * lot))

    assert (answer.status_code, answer.json()["reason"]) == (400, "split_not_in_lots")
    assert [each["quantity"] for each in reply["results"]] == [2 * lot, lot]


async def test_each_piece_tells_of_itself(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place = broker.place

    async def refuse_the_rest(request: Any) -> Any:
        if request.quantity == 5:
            raise Rejected("not so small")
        return await place(request)

    monkeypatch.setattr(broker, "place", refuse_the_rest)

    reply = await asha.told("splitorder", **ORDER | {"quantity": "25"}, splitsize="20")
    answer = await asha.post("splitorder", **ORDER | {"quantity": "5"}, splitsize="20")

    assert [each["status"] for each in reply["results"]] == ["success", "error"]
    assert reply["results"][1]["message"] == "not so small"
    assert (answer.status_code, answer.json()["results"][0]["message"]) == (400, "not so small")


async def test_a_split_with_an_id_is_taken_once_and_answered_alike(asha: Trader) -> None:
    body = ORDER | {"quantity": "45", "splitsize": "20", "client_order_id": "mine-1"}

    first, again = await asha.told("splitorder", **body), await asha.told("splitorder", **body)

    assert first == again
    assert len(await asha.house.reader.rows("SELECT id FROM orders")) == 3


# -- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["basketorder", "splitorder", "placesmartorder", "placeorder"])
async def test_a_key_that_asks_first_sends_nothing_unasked(asha: Trader, path: str) -> None:
    asking = KeySettings(order_mode="semi_auto")
    asha.key = await asha.house.accounts.add_key(asha.user_id, "asks", SCOPES, settings=asking)

    reply = await asha.told(path, **ORDER, orders=[item(), item("INFY")], splitsize="20", position_size="5")

    rows = await asha.house.reader.rows("SELECT id FROM intents WHERE state = 'AWAITING_CONFIRM'")
    assert (reply["mode"], "orderid" in reply) == ("semi_auto", False)
    assert reply["pending_order_id"] in [row["id"] for row in rows]
    assert await sent(asha) == []
    if path == "basketorder":
        assert {result["pending_order_id"] for result in reply["results"]} == {row["id"] for row in rows}


@pytest.mark.parametrize("path", ["basketorder", "splitorder", "placesmartorder", "modifyorder", "closeposition"])
async def test_trading_needs_its_scope(asha: Trader, path: str) -> None:
    asha.key = await asha.house.accounts.add_key(asha.user_id, "looks only", ("read", "orders:cancel"))

    assert "orders:write" in await asha.refused(path, 403)
