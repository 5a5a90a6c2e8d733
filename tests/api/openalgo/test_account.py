"""What an account has, holds and did, asked as OpenAlgo's clients ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from bridge.accounts.model import AccountSettings, KeySettings
from bridge.app import Bridge
from bridge.brokers.base import BrokerOrder, BrokerState
from bridge.brokers.paper.adapter import PaperBroker
from bridge.domain.intent import OrderType, Product, Side
from bridge.domain.lifecycle import OrderState
from bridge.kit.settings import Settings
from bridge.orders.records import OrderRecord
from tests.api.openalgo.conftest import ORDER, SCOPES, Trader, trader

FUNDS = {
    "availablecash", "collateral", "m2mrealized", "m2munrealized", "utiliseddebits", "total_realized_pnl",
    "today_realized_pnl", "grossexposure", "totalpnl", "last_reset", "reset_count",
}  # fmt: skip
HERE = {"symbol": "RELIANCE", "exchange": "NSE", "product": "MIS"}


def last(who: Trader, symbol: str = "RELIANCE") -> Decimal:
    instrument = who.house.market.instrument("NSE", symbol)
    quote = who.house.market.quote(instrument) if instrument else None
    assert quote is not None
    return quote.last


async def taken_in(who: Trader) -> None:
    """The desk has read its broker's book."""
    await who.house.dispatcher.desks[who.account_id].book.read()


async def orders(who: Trader) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await who.told("orderbook"))["data"]["orders"]
    return rows


async def status(who: Trader, order_id: str) -> dict[str, Any]:
    return await who.told("orderstatus", strategy="Python", orderid=order_id)


async def park(who: Trader, order_id: str, **columns: Any) -> OrderRecord:
    """The order as something else made it, in memory and in its table."""
    ledger = who.house.dispatcher.desks[who.account_id].ledger
    changed = replace(ledger.orders[order_id], **columns)
    ledger.put(changed)
    row = {"id": order_id, "state": str(changed.state), "code": changed.code, "message": changed.message}
    sql = "UPDATE orders SET state = :state, code = :code, message = :message WHERE id = :id"
    await who.house.writer.run(lambda tx: tx.execute(sql, row))
    return changed


async def emptied(who: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the broker shows no order, to the desk neither: it would mend what a test spoils."""

    async def empty() -> Sequence[BrokerOrder]:
        return ()

    monkeypatch.setattr(who.house.dispatcher.desks[who.account_id].broker, "order_book", empty)
    await taken_in(who)


# -- funds --------------------------------------------------------------------------------------------------------


async def test_funds_are_text_with_two_decimals(asha: Trader) -> None:
    data = (await asha.told("funds"))["data"]

    assert set(data) == FUNDS
    assert data["availablecash"] == "10000000.00"
    assert data["collateral"] == data["utiliseddebits"] == data["m2mrealized"] == "0.00"
    assert all(isinstance(data[name], str) for name in FUNDS - {"reset_count"})
    assert data["reset_count"] == 0


async def test_funds_tell_of_the_margin_in_use(asha: Trader) -> None:
    await asha.order()

    data = (await asha.told("funds"))["data"]

    assert Decimal(data["utiliseddebits"]) > 0
    assert Decimal(data["availablecash"]) == Decimal(10_000_000) - Decimal(data["utiliseddebits"])


# -- orders -------------------------------------------------------------------------------------------------------


async def test_an_order_is_shown_with_our_id_its_strategy_and_its_fill(asha: Trader) -> None:
    order_id = (await asha.order(strategy="Breakout"))["orderid"]

    (row,) = await orders(asha)

    average = row.pop("average_price")
    timestamp = row.pop("timestamp")
    assert row == {
        "symbol": "RELIANCE",
        "exchange": "NSE",
        "action": "BUY",
        "quantity": 10,
        "price": 0.0,
        "trigger_price": 0.0,
        "pricetype": "MARKET",
        "product": "MIS",
        "orderid": order_id,
        "order_status": "complete",
        "filled_quantity": 10,
        "pending_quantity": 0,
        "rejection_reason": "",
        "strategy": "Breakout",
    }
    assert isinstance(average, float)
    assert average > 0
    assert isinstance(row["price"], float)
    assert datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - by the exchange's clock, which it does not name


async def test_times_are_those_of_the_exchanges_clock(asha: Trader) -> None:
    order_id = (await asha.order())["orderid"]
    record = asha.house.dispatcher.desks[asha.account_id].ledger.orders[order_id]
    assert record.sent_at is not None

    (row,) = await orders(asha)

    at_utc = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC) - timedelta(hours=5, minutes=30)
    assert abs(at_utc.timestamp() - record.sent_at / 1e6) < 60


async def test_order_book_statistics_count_what_the_rows_say(asha: Trader) -> None:
    low, high = (str(round(last(asha) * Decimal(factor))) for factor in ("0.97", "1.03"))
    await asha.order()
    await asha.order(action="SELL", quantity="4")
    await asha.order(pricetype="LIMIT", price=low)
    await asha.order(pricetype="SL-M", trigger_price=high)
    await asha.refused("placeorder", 400, **(ORDER | {"quantity": "1000000"}))

    data = (await asha.told("orderbook"))["data"]

    statuses = [row["order_status"] for row in data["orders"]]
    assert statuses == ["complete", "complete", "open", "trigger pending", "rejected"]
    assert data["statistics"] == {
        "total_buy_orders": 4,
        "total_sell_orders": 1,
        "total_completed_orders": 2,
        "total_open_orders": 1,
        "total_rejected_orders": 1,
        "total_trigger_pending_orders": 1,
    }
    assert [row["pricetype"] for row in data["orders"]] == ["MARKET", "MARKET", "LIMIT", "SL-M", "MARKET"]
    assert (data["orders"][2]["price"], data["orders"][3]["trigger_price"]) == (float(low), float(high))
    assert data["orders"][2]["pending_quantity"] == 10
    assert data["orders"][4]["rejection_reason"]


@pytest.mark.parametrize(
    ("state", "code", "shown", "reason"),
    [
        (OrderState.QUEUED, None, "open", ""),
        (OrderState.UNKNOWN, None, "open", ""),
        (OrderState.PARKED, None, "open", ""),
        (OrderState.NOT_SENT, "deadline", "rejected", "too late"),
        (OrderState.NOT_SENT, "cancelled", "cancelled", ""),
        (OrderState.NOT_PLACED, None, "rejected", "too late"),
        (OrderState.EXPIRED_AT_BROKER, None, "cancelled", ""),
    ],
)
async def test_an_order_that_its_broker_does_not_show_is_shown_all_the_same(
    asha: Trader, monkeypatch: pytest.MonkeyPatch, state: OrderState, code: str | None, shown: str, reason: str
) -> None:
    order_id = (await asha.order())["orderid"]
    await emptied(asha, monkeypatch)
    await park(asha, order_id, state=state, code=code, message="too late", filled=Decimal(0))

    (row,) = await orders(asha)

    assert (row["orderid"], row["order_status"], row["rejection_reason"]) == (order_id, shown, reason)
    assert row["strategy"] == "Python"


async def test_an_order_of_an_earlier_day_that_its_broker_does_not_show_is_not_in_the_book(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = (await asha.order())["orderid"]
    await emptied(asha, monkeypatch)
    await park(asha, order_id, trading_date="2020-01-01")

    assert await orders(asha) == []


async def test_the_orders_of_others_are_never_seen(asha: Trader, ravi: Trader) -> None:
    theirs = (await ravi.order())["orderid"]

    assert await orders(asha) == []
    assert (await asha.told("tradebook"))["data"] == []
    assert (await asha.told("positionbook"))["data"] == []
    assert (await asha.told("funds"))["data"]["utiliseddebits"] == "0.00"
    message = await asha.refused("orderstatus", 404, strategy="Python", orderid=theirs)
    assert message == f"Order {theirs} not found."
    assert (await asha.told("openposition", strategy="Python", **HERE))["quantity"] == 0


async def test_an_order_is_told_by_our_id_and_by_its_brokers(asha: Trader) -> None:
    order_id = (await asha.order())["orderid"]
    number = asha.house.dispatcher.desks[asha.account_id].ledger.orders[order_id].broker_order_id
    assert number is not None

    by_ours, by_theirs = await status(asha, order_id), await status(asha, number)

    assert by_ours["data"]["orderid"] == by_theirs["data"]["orderid"] == order_id
    assert by_ours["data"]["order_status"] == "complete"
    assert set(by_ours) == {"status", "data"}


async def test_an_order_that_has_ended_is_told_without_asking_its_broker(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = (await asha.order())["orderid"]
    await taken_in(asha)

    async def away() -> Sequence[BrokerOrder]:
        raise AssertionError("nobody needs to ask")

    monkeypatch.setattr(asha.house.dispatcher.desks[asha.account_id].broker, "order_book", away)

    assert (await status(asha, order_id))["data"]["filled_quantity"] == 10


async def test_an_order_that_waits_says_so(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = (await asha.order(pricetype="LIMIT", price=str(round(last(asha) * Decimal("0.97")))))["orderid"]
    await emptied(asha, monkeypatch)
    await park(asha, order_id, state=OrderState.PARKED)

    told = await status(asha, order_id)

    assert told["data"]["order_status"] == "open"
    assert "Nobody knows yet" in told["message"]


@pytest.mark.parametrize("path", ["orderstatus", "openposition"])
async def test_a_missing_member_is_named(asha: Trader, path: str) -> None:
    answer = await asha.post(path)

    assert answer.status_code == 400
    assert answer.json()["message"]["strategy"] == ["Missing data for required field."]


# -- trades, positions, holdings ----------------------------------------------------------------------------------


async def test_a_trade_carries_its_order_its_strategy_and_its_value(asha: Trader) -> None:
    order_id = (await asha.order(strategy="Breakout"))["orderid"]

    (trade,) = (await asha.told("tradebook"))["data"]

    assert trade["orderid"] == order_id
    assert (trade["strategy"], trade["action"], trade["product"], trade["quantity"]) == ("Breakout", "BUY", "MIS", 10)
    assert trade["trade_value"] == pytest.approx(trade["average_price"] * 10)
    assert trade["price"] == trade["average_price"]
    assert isinstance(trade["tradeid"], str)


async def test_a_position_is_valued_at_the_market(asha: Trader) -> None:
    await asha.order()
    await asha.order(action="SELL", quantity="4")

    book = await asha.told("positionbook")

    (row,) = book["data"]
    assert set(row) == {
        "symbol", "exchange", "product", "quantity", "average_price", "ltp", "pnl", "pnlpercent", "unrealized_pnl",
        "today_realized_pnl", "total_pnl_today", "lot_size",
    }  # fmt: skip
    assert (row["quantity"], row["lot_size"]) == (6, 1)
    assert isinstance(row["average_price"], str)
    assert row["unrealized_pnl"] == pytest.approx((row["ltp"] - float(row["average_price"])) * 6, abs=0.05)
    assert row["pnl"] == row["total_pnl_today"] == pytest.approx(row["unrealized_pnl"] + row["today_realized_pnl"])
    assert book["total_pnl"] == row["pnl"]
    assert book["total_today_realized_pnl"] == row["today_realized_pnl"]


async def test_the_result_of_the_day_is_told_by_instrument(asha: Trader) -> None:
    await asha.order()

    told = await asha.told("pnl/symbols")

    (row,) = told["data"]
    assert set(row) == {
        "symbol", "exchange", "product", "quantity", "pnl", "unrealized_pnl", "today_realized_pnl", "total_pnl_today",
        "costs",
    }  # fmt: skip
    assert told["total_pnl_today"] == row["pnl"]


async def test_the_result_of_an_instrument_is_told_once_for_all_its_products(asha: Trader) -> None:
    await asha.order()
    await asha.order(product="CNC", quantity="3")

    (row,) = (await asha.told("pnl/symbols"))["data"]

    assert (row["symbol"], row["product"], row["quantity"]) == ("RELIANCE", "CNC,MIS", 13)


async def test_the_costs_of_an_instrument_stand_beside_its_result(asha: Trader) -> None:
    house = asha.house
    costly = AccountSettings(orders_per_second=None, broker={"costs": "india"})
    await house.accounts.add_account(asha.user_id, "Costly", "paper", settings=costly)
    await house.directory.refresh()
    await house.dispatcher.keep()
    (account_id,) = house.dispatcher.desks.keys() - {asha.account_id}
    asha.key = await house.accounts.add_key(asha.user_id, "costly", SCOPES, settings=KeySettings(account_id=account_id))
    await asha.order()
    await asha.order(action="SELL")

    (row,) = (await asha.told("pnl/symbols"))["data"]
    funds = (await asha.told("funds"))["data"]

    assert row["costs"] > 0
    assert float(funds["m2mrealized"]) == pytest.approx(row["today_realized_pnl"] - row["costs"], abs=0.011)


async def test_practice_money_says_when_it_began_anew_and_what_it_brought_since(asha: Trader) -> None:
    broker = cast(PaperBroker, asha.house.dispatcher.desks[asha.account_id].broker)
    await asha.order()
    await asha.order(action="SELL")
    await broker.reset()

    funds = (await asha.told("funds"))["data"]

    assert funds["reset_count"] == 1
    assert len(funds["last_reset"]) == len("2026-11-20 15:30:00")
    assert (funds["total_realized_pnl"], funds["availablecash"]) == ("0.00", "10000000.00")


async def test_totals_leave_out_what_is_in_another_currency(house: Bridge, client: httpx.AsyncClient) -> None:
    who = await trader(house, client, "asha")
    await who.order()
    await who.order(symbol="AAPL", exchange="NASDAQ", product="CNC", quantity="2")

    book = await who.told("positionbook")

    own = next(row for row in book["data"] if row["exchange"] == "NSE")
    assert len(book["data"]) == 2
    assert book["total_pnl"] == own["pnl"]


async def test_holdings_come_with_their_statistics(asha: Trader) -> None:
    row = {"account_id": asha.account_id, "user_id": asha.user_id, "exchange": "NSE", "symbol": "SBIN"}
    row |= {"currency": "INR", "quantity": "5", "cost": "500"}
    sql = (
        "INSERT INTO paper_holdings (account_id, user_id, exchange, symbol, currency, quantity, cost)"
        " VALUES (:account_id, :user_id, :exchange, :symbol, :currency, :quantity, :cost)"
    )
    await asha.house.writer.run(lambda tx: tx.execute(sql, row))

    data = (await asha.told("holdings"))["data"]

    (holding,) = data["holdings"]
    assert (holding["symbol"], holding["quantity"], holding["product"]) == ("SBIN", 5, "CNC")
    assert holding["average_price"] == 100.0
    assert holding["pnl"] == pytest.approx((holding["ltp"] - 100) * 5)
    assert data["statistics"] == {
        "totalholdingvalue": holding["current_value"],
        "totalinvvalue": 500.0,
        "totalprofitandloss": holding["pnl"],
        "totalpnlpercentage": holding["pnlpercent"],
    }


async def test_an_account_without_anything_answers_with_empty_books(asha: Trader) -> None:
    assert (await asha.told("orderbook"))["data"]["orders"] == []
    assert (await asha.told("holdings"))["data"]["statistics"]["totalpnlpercentage"] == 0.0
    assert (await asha.told("positionbook"))["total_pnl"] == 0.0


# -- one position -------------------------------------------------------------------------------------------------


async def test_an_open_position_is_that_of_the_named_strategy(asha: Trader) -> None:
    await asha.order(strategy="Up")
    await asha.order(strategy="Down", action="SELL", quantity="4")
    await taken_in(asha)

    held = {name: (await asha.told("openposition", strategy=name, **HERE))["quantity"] for name in ("Up", "Down", "No")}

    assert held == {"Up": 10, "Down": -4, "No": 6}


@pytest.mark.parametrize("change", [{"symbol": "INFY"}, {"exchange": "BSE"}, {"product": "CNC"}, {"product": "cnc"}])
async def test_an_open_position_that_is_not_there_is_zero(asha: Trader, change: dict[str, str]) -> None:
    await asha.order()

    assert await asha.told("openposition", strategy="Python", **(HERE | change)) == {"status": "success", "quantity": 0}


async def test_a_product_that_there_is_not_is_named(asha: Trader) -> None:
    message = await asha.refused("openposition", 400, strategy="Python", **(HERE | {"product": "INTRADAY"}))

    assert "'product'" in message


# -- analyze mode -------------------------------------------------------------------------------------------------


async def test_a_key_may_be_switched_to_practice_money_and_back(asha: Trader) -> None:
    settings = AccountSettings(broker={})
    await asha.house.accounts.add_account(
        asha.user_id,
        "Broker",
        "fakebroker",
        settings=settings,
        credentials={"token": "t"},
        rest_url="http://broker.test",
    )
    await asha.house.directory.refresh()

    on = await asha.told("analyzer/toggle", mode=True)
    marked = await asha.told("ping")
    placed = await asha.order()
    counted = await asha.told("analyzer")
    off = await asha.told("analyzer/toggle", mode=False)

    assert (on["mode"], on["data"]["mode"], on["data"]["analyze_mode"], on["data"]["total_logs"]) == (
        *("analyze", "analyze", True),
        0,
    )
    assert "practice money" in on["data"]["message"]
    assert (marked["mode"], marked["data"]["broker"], placed["mode"]) == ("analyze", "paper", "analyze")
    assert counted["data"] == {"mode": "analyze", "analyze_mode": True, "total_logs": 1}
    assert "mode" not in off
    assert off["data"]["mode"] == "live"


async def test_another_key_of_the_same_person_is_not_switched(asha: Trader) -> None:
    other = await asha.house.accounts.add_key(asha.user_id, "sheet", ("read",))
    await asha.told("analyzer/toggle", mode=True)

    answer = await asha.client.post("/api/v1/analyzer", json={"apikey": other})

    assert answer.json()["data"] == {"mode": "live", "analyze_mode": False, "total_logs": 0}


async def test_a_person_without_practice_money_cannot_switch_to_it(asha: Trader) -> None:
    sql = "UPDATE accounts SET disabled = 1 WHERE id = :id"
    bump = "UPDATE revision SET number = number + 1"
    await asha.house.writer.run(lambda tx: (tx.execute(sql, {"id": asha.account_id}), tx.execute(bump)))
    await asha.house.directory.refresh()

    message = await asha.refused("analyzer/toggle", 400, mode=True)

    assert "paper account" in message
    assert (await asha.told("analyzer"))["data"]["analyze_mode"] is False


async def test_a_key_that_may_only_read_switches_nothing(asha: Trader) -> None:
    reader = await asha.house.accounts.add_key(asha.user_id, "sheet", ("read",))

    answer = await asha.client.post("/api/v1/analyzer/toggle", json={"apikey": reader, "mode": True})

    assert answer.status_code == 403


@pytest.mark.parametrize("mode", [{}, {"mode": "perhaps"}, {"mode": None}])
async def test_a_switch_says_which_way(asha: Trader, mode: dict[str, Any]) -> None:
    answer = await asha.post("analyzer/toggle", **mode)

    assert answer.status_code == 400
    assert list(answer.json()["message"]) == ["mode"]


# -- settings of charts -------------------------------------------------------------------------------------------


async def test_settings_of_charts_are_kept_for_their_person_alone(asha: Trader, ravi: Trader) -> None:
    kept = {"theme": "dark", "layout": {"panes": [1, 2.5, None]}, "größe": "½"}
    await asha.told("chart", **kept)
    await asha.told("chart", theme="light")

    mine, theirs = await asha.get("chart"), await ravi.get("chart")

    assert mine.json() == {"status": "success", "data": kept | {"theme": "light"}}
    assert theirs.json() == {"status": "success", "data": {}}


async def test_a_setting_that_is_sent_as_null_is_forgotten(asha: Trader) -> None:
    await asha.told("chart", theme="dark", zoom=3)
    await asha.told("chart", theme=None)

    assert (await asha.get("chart")).json()["data"] == {"zoom": 3}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no settings"),
        ({f"s{number}": 1 for number in range(51)}, "more than 50"),
        ({"x" * 51: 1}, "1 to 50 printable characters"),
        ({"": 1}, "1 to 50 printable characters"),
        ({"a\u0000": 1}, "1 to 50 printable characters"),
    ],
)
async def test_settings_that_cannot_be_kept_are_refused(asha: Trader, given: dict[str, Any], said: str) -> None:
    assert said in await asha.refused("chart", 400, **given)
    assert (await asha.get("chart")).json()["data"] == {}


async def test_a_person_may_not_fill_the_disk_with_settings(asha: Trader) -> None:
    for number in range(4):
        await asha.told("chart", **{f"big{number}": "x" * 250_000})

    message = await asha.refused("chart", 400, more="x" * 250_000)

    assert "1024 KiB" in message
    assert len((await asha.get("chart")).json()["data"]) == 4


async def test_a_setting_that_is_nested_too_deeply_breaks_nothing(asha: Trader) -> None:
    for depth in (500, 5_000, 50_000):
        body = f'{{"apikey": "{asha.key}", "deep": {"[" * depth}{"]" * depth}}}'
        answer = await asha.client.post("/api/v1/chart", content=body)
        assert answer.status_code in (200, 400), depth

    assert (await asha.get("chart")).status_code == 200


async def test_characters_that_are_none_come_back_as_they_were(asha: Trader) -> None:
    body = json.dumps({"apikey": asha.key, "half": "\ud83d"})
    await asha.client.post("/api/v1/chart", content=body)

    assert "\\ud83d" in (await asha.get("chart")).text


async def test_a_member_whose_name_is_no_text_is_told_of_without_breaking(asha: Trader) -> None:
    body = json.dumps({"apikey": asha.key, "\ud83d": 1})

    answer = await asha.client.post("/api/v1/ping", content=body)

    assert answer.status_code == 200
    assert "\\ud83d: not known here" in answer.text


# -- long books, and processes that only look ---------------------------------------------------------------------


class LongBook:
    """A broker whose book has thousands of orders, every other one of them ours."""

    def __init__(self, reports: Sequence[BrokerOrder]) -> None:
        self.reports, self.asked = reports, 0

    async def order_book(self) -> Sequence[BrokerOrder]:
        self.asked += 1
        return self.reports


def report(number: int) -> BrokerOrder:
    return BrokerOrder(
        broker_order_id=str(number),
        ref=f"r{number}",
        symbol="RELIANCE",
        exchange="NSE",
        side=Side.BUY,
        quantity=Decimal(1),
        filled=Decimal(1),
        state=BrokerState.FILLED,
        order_type=OrderType.MARKET,
        product=Product.MIS,
        average_price=Decimal("100.05"),
        placed_at=datetime(2026, 11, 20, 6, tzinfo=UTC),
    )


async def test_a_book_of_ten_thousand_orders_asks_once_and_lets_others_have_their_turn(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await asha.order())["orderid"]
    ledger = asha.house.dispatcher.desks[asha.account_id].ledger
    for number in range(0, 10_000, 2):
        ledger.load(replace(ledger.orders[first], id=f"or_{number}", ref=f"r{number}", broker_order_id=str(number)))
    vendor, queries, turns = LongBook([report(number) for number in range(10_000)]), 0, 0

    async def connected(*_: Any) -> LongBook:
        return vendor

    read = asha.house.reader.rows

    async def counted(*asked: Any) -> Any:
        nonlocal queries
        queries += 1
        return await read(*asked)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(asha.house.connections, "of", connected)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asha.house.asgi()), base_url="http://b.test") as client:
        await client.post("/api/v1/ping", json={"apikey": asha.key})
        monkeypatch.setattr(asha.house.reader, "rows", counted)
        beside = asyncio.create_task(others())
        answer = await client.post("/api/v1/orderbook", json={"apikey": asha.key})
        beside.cancel()

    rows = answer.json()["data"]["orders"]
    assert len(rows) == 10_001
    assert sum(row["orderid"].startswith("or_") for row in rows) == 5_001
    assert rows[1]["orderid"] == "1"
    assert vendor.asked == 1
    assert queries < 50, "the house itself looks a few times a second"
    assert turns > 100


@pytest.fixture
async def onlooker(asha: Trader, tmp_path: Path) -> AsyncIterator[Trader]:
    """Asha's account seen by a process that sends no orders."""
    database = f"sqlite:///{tmp_path / 'bridge.db'}"
    settings = Settings(data_dir=tmp_path, database_url=database, market="simulated", always_open=True)
    made = Bridge(settings, dispatch=False)
    await made.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made.asgi()), base_url="http://b.test") as client:
        yield replace(asha, house=made, client=client)
    await made.stop()


async def test_a_process_that_sends_no_orders_shows_the_same_books(asha: Trader, onlooker: Trader) -> None:
    await asha.order(strategy="Breakout")
    await asha.refused("placeorder", 400, **(ORDER | {"quantity": "1000000"}))
    await taken_in(asha)
    await onlooker.house.directory.refresh()

    for path in ("orderbook", "tradebook"):
        assert await onlooker.told(path) == await asha.told(path)
    order_id = (await orders(asha))[0]["orderid"]
    assert await status(onlooker, order_id) == await status(asha, order_id)
    assert (await onlooker.told("openposition", strategy="Breakout", **HERE))["quantity"] == 10
