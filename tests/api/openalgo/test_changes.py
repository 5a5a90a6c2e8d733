"""`modifyorder`, `cancelorder`, `cancelallorder` and `closeposition`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.accounts.model import KeySettings
from bridge.api.openalgo import changes
from bridge.brokers.base import OutcomeUnknown, Rejected
from bridge.orders.records import OrderRecord
from tests.api.openalgo.conftest import ORDER, SCOPES, Trader, trader
from tests.api.openalgo.test_placeorder import state

FAR = {"pricetype": "LIMIT", "price": "100"}  # far below the market: it rests


async def resting(who: Trader, **changes: Any) -> str:
    return str((await who.order(**(FAR | changes)))["orderid"])


def restated(order_id: str, **changes: Any) -> dict[str, Any]:
    return ORDER | FAR | {"orderid": order_id} | changes


async def order_row(who: Trader, order_id: str) -> dict[str, Any]:
    row = await who.house.reader.row("SELECT * FROM orders WHERE id = :id", {"id": order_id})
    assert row is not None
    return dict(row)


async def positions(who: Trader) -> dict[tuple[str, str], str]:
    await who.settled()
    rows = await who.house.reader.rows(
        "SELECT s.name, p.symbol, p.quantity FROM positions p JOIN strategies s ON s.id = p.strategy_id"
        " WHERE p.user_id = :user",
        {"user": who.user_id},
    )
    return {(row["name"], row["symbol"]): row["quantity"] for row in rows}


async def refuse_at_broker(who: Trader, monkeypatch: pytest.MonkeyPatch, call: str, problem: Exception) -> None:
    desk = who.house.dispatcher.desks[who.account_id]

    async def refuse(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(desk.broker, call, refuse)


# -- modifyorder -----------------------------------------------------------------------------------------------------


async def test_an_order_is_changed_when_its_broker_has_changed_it(asha: Trader) -> None:
    order_id = await resting(asha)

    reply = await asha.told("modifyorder", **restated(order_id, quantity="20", price="101"))

    assert reply == {"status": "success", "orderid": order_id}
    row = await order_row(asha, order_id)
    assert (row["quantity"], row["price"], row["state"], row["pending_op"]) == ("20", "101", "WORKING", None)


async def test_an_order_may_get_another_type(asha: Trader) -> None:
    order_id = await resting(asha)

    await asha.told("modifyorder", **restated(order_id, pricetype="MARKET", price="0"))

    await asha.settled()
    row = await order_row(asha, order_id)
    assert (row["order_type"], row["price"], row["state"]) == ("market", None, "FILLED")


async def test_an_order_may_be_named_by_its_brokers_number(asha: Trader) -> None:
    order_id = await resting(asha)
    number = (await order_row(asha, order_id))["broker_order_id"]

    reply = await asha.told("modifyorder", **restated(number, quantity="12"))

    assert reply["orderid"] == order_id
    assert (await order_row(asha, order_id))["quantity"] == "12"


async def test_members_that_do_not_change_may_be_sent_again(asha: Trader) -> None:
    order_id = await resting(asha)

    assert (await asha.told("modifyorder", **restated(order_id)))["orderid"] == order_id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": "INFY"}, "symbol"),
        ({"exchange": "BSE"}, "exchange"),
        ({"action": "SELL"}, "action"),
        ({"product": "CNC"}, "product"),
        ({"pricetype": "SL"}, "trigger_price"),
        ({"price": "0"}, "price"),
        ({"quantity": "0"}, "quantity"),
    ],
)
async def test_a_change_that_means_another_order_is_refused_by_the_member(
    asha: Trader, changes: dict[str, str], field: str
) -> None:
    order_id = await resting(asha)

    message = await asha.refused("modifyorder", 400, **restated(order_id, **changes))

    assert message.startswith("{'" + field + "': [")
    assert (await order_row(asha, order_id))["quantity"] == "10"


async def test_a_symbol_may_be_spelled_as_it_was_when_the_order_was_placed(asha: Trader) -> None:
    name = {"symbol": "NIFTY1!", "exchange": "NFO", "product": "NRML"}
    order_id = await resting(asha, **name, quantity="650", price="10000")
    contract = (await order_row(asha, order_id))["symbol"]
    assert contract != "NIFTY1!"

    for symbol in ("NIFTY1!", contract):
        changed = restated(order_id, **(name | {"symbol": symbol}), quantity="1300", price="10000")
        assert (await asha.told("modifyorder", **changed))["orderid"] == order_id


@pytest.mark.parametrize("member", ["pricetype", "product", "price", "trigger_price", "disclosed_quantity", "orderid"])
async def test_a_change_states_every_term_again(asha: Trader, member: str) -> None:
    body = {name: value for name, value in restated("or_x").items() if name != member}

    message = await asha.refused("modifyorder", 400, **body)

    assert message == "{'" + member + "': ['Missing data for required field.']}"


async def test_an_order_that_is_done_cannot_be_changed(asha: Trader) -> None:
    order_id = (await asha.order())["orderid"]
    await asha.settled()

    message = await asha.refused("modifyorder", 400, **restated(order_id))

    assert message == "BUY 10 RELIANCE cannot be changed: it is filled."


async def test_a_change_that_a_check_refuses_is_not_made(asha: Trader) -> None:
    order_id = await resting(asha)

    answer = await asha.post("modifyorder", **restated(order_id, price="100.013"))

    assert (answer.status_code, answer.json()["reason"]) == (400, "price_off_tick")
    assert (await order_row(asha, order_id))["price"] == "100"


async def test_a_change_that_the_broker_refuses_is_an_error_in_its_words(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await resting(asha)
    await refuse_at_broker(asha, monkeypatch, "modify", Rejected("no more changes today"))

    message = await asha.refused("modifyorder", 400, **restated(order_id, quantity="20"))

    assert message == "no more changes today"
    assert (await order_row(asha, order_id))["quantity"] == "10"


async def test_a_change_of_which_nobody_knows_says_so(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = await resting(asha)
    await refuse_at_broker(asha, monkeypatch, "modify", OutcomeUnknown("timed out"))

    answer = await asha.post("modifyorder", **restated(order_id, quantity="20"))

    assert (answer.status_code, answer.json()["reason"]) == (502, "modify_unknown")


async def test_a_change_with_an_id_is_made_once(asha: Trader) -> None:
    order_id = await resting(asha)

    first = await asha.told("modifyorder", **restated(order_id, quantity="20"), client_order_id="c1")
    again = await asha.told("modifyorder", **restated(order_id, quantity="20"), client_order_id="c1")

    attempts = await asha.house.reader.rows("SELECT order_id FROM attempts WHERE operation = 'modify'")
    assert (first, len(attempts)) == (again, 1)


# -- cancelorder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named_by", ["id", "broker_order_id"])
async def test_an_order_is_cancelled_by_our_id_or_its_brokers(asha: Trader, named_by: str) -> None:
    order_id = await resting(asha)
    name = (await order_row(asha, order_id))[named_by]

    reply = await asha.told("cancelorder", strategy="Python", orderid=name)

    assert reply == {"status": "success", "orderid": order_id}
    assert await state(asha, order_id) == "CANCELLED"


async def test_an_order_is_cancelled_whatever_strategy_the_request_names(asha: Trader) -> None:
    order_id = await resting(asha, strategy="Breakout")

    await asha.told("cancelorder", strategy="Python", orderid=order_id)

    assert await state(asha, order_id) == "CANCELLED"


@pytest.mark.parametrize("path", ["cancelorder", "modifyorder"])
async def test_an_order_that_is_not_there_or_another_persons_is_not_found(
    asha: Trader, ravi: Trader, path: str
) -> None:
    theirs = await resting(ravi)
    number = (await order_row(ravi, theirs))["broker_order_id"]

    for name in ("or_nothing", theirs, number):
        assert "There is no order" in await asha.refused(path, 404, **restated(name))

    assert await state(ravi, theirs) == "WORKING"


async def test_a_cancel_of_an_order_that_is_done_says_so(asha: Trader) -> None:
    order_id = (await asha.order())["orderid"]
    await asha.settled()

    message = await asha.refused("cancelorder", 400, strategy="Python", orderid=order_id)

    assert message == "BUY 10 RELIANCE cannot be cancelled: it is filled."


async def test_a_cancel_that_the_broker_refuses_is_an_error_in_its_words(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await resting(asha)
    await refuse_at_broker(asha, monkeypatch, "cancel", Rejected("too late"))

    message = await asha.refused("cancelorder", 400, strategy="Python", orderid=order_id)

    assert message == "The broker refused: “too late”."
    assert await state(asha, order_id) == "WORKING"


async def test_a_cancel_with_an_id_is_answered_alike(asha: Trader) -> None:
    order_id = await resting(asha)

    first = await asha.told("cancelorder", strategy="Python", orderid=order_id, client_order_id="c1")
    again = await asha.told("cancelorder", strategy="Python", orderid=order_id, client_order_id="c1")

    assert first == again
    await asha.refused("cancelorder", 400, strategy="Python", orderid=order_id)


async def test_an_order_that_waits_for_the_login_is_withdrawn(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = asha.house.dispatcher.desks[asha.account_id]
    waits = asyncio.Event()

    def held_back(_: OrderRecord) -> str:
        waits.set()
        return "the broker login is over"

    monkeypatch.setattr(desk.gate, "obstacle", held_back)
    sent = asyncio.create_task(asha.post("placeorder", **(ORDER | FAR)))
    await waits.wait()
    desk.book.login_lost = True
    (row,) = await asha.house.reader.rows("SELECT id FROM orders WHERE state = 'QUEUED'")

    reply = await asha.told("cancelorder", strategy="Python", orderid=row["id"])

    assert reply["orderid"] == row["id"]
    assert await state(asha, row["id"]) == "NOT_SENT"
    assert (await sent).status_code == 400


async def test_an_order_on_its_way_is_cancelled_when_it_has_arrived(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place, asked, arrives = broker.place, asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        asked.set()
        await arrives.wait()
        return await place(request)

    monkeypatch.setattr(broker, "place", slow)
    sent = asyncio.create_task(asha.order(**FAR))
    await asked.wait()
    (row,) = await asha.house.reader.rows("SELECT id FROM orders WHERE state = 'SENDING'")
    cancelled = asyncio.create_task(asha.told("cancelorder", strategy="Python", orderid=row["id"]))
    arrives.set()

    assert (await cancelled)["orderid"] == (await sent)["orderid"] == row["id"]
    assert await state(asha, row["id"]) == "CANCELLED"


async def test_a_cancel_of_which_nobody_knows_is_not_called_done(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await resting(asha), await resting(asha, symbol="INFY")
    await refuse_at_broker(asha, monkeypatch, "cancel", OutcomeUnknown("timed out"))
    monkeypatch.setattr(changes, "SEEN_WITHIN_S", 0.1)

    one = await asha.told("cancelorder", strategy="Python", orderid=first)
    both = await asha.told("cancelallorder", strategy="Python")

    assert (one["orderid"], one["message"]) == (
        first,
        "The cancel was asked; until the broker shows it, the order can fill.",
    )
    assert (both["canceled_orders"], both["failed_cancellations"]) == ([], [])
    assert both["unconfirmed_cancellations"] == [first, second]


async def test_strangers_orders_are_left_alone_and_told_of(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = await resting(asha)
    desk = asha.house.dispatcher.desks[asha.account_id]
    order_book = desk.broker.order_book
    (ours,) = await order_book()

    async def with_one_by_hand() -> Sequence[Any]:
        return [*await order_book(), replace(ours, broker_order_id="by-hand", ref=None)]

    monkeypatch.setattr(desk.broker, "order_book", with_one_by_hand)
    await desk.book.read()

    one = await asha.refused("cancelorder", 400, strategy="Python", orderid="by-hand")
    mine = await asha.told("cancelallorder", strategy="Other", scope="account")

    assert mine["message"].endswith("Left alone, as they were not placed from here: by-hand.")
    assert one == "The order by-hand was not placed from here, so it is left alone: change it at the broker."
    assert mine["canceled_orders"] == [order_id]


async def test_a_stop_of_all_trading_stops_no_cancel(asha: Trader) -> None:
    order_id, other = await resting(asha), await resting(asha, symbol="INFY")
    user = asha.house.directory.snapshot.users[asha.user_id]
    await asha.house.control.panic("user", asha.user_id, True, "lunch", user)

    await asha.told("cancelorder", strategy="Python", orderid=order_id)
    await asha.told("cancelallorder", strategy="Python")

    assert [await state(asha, each) for each in (order_id, other)] == ["CANCELLED", "CANCELLED"]


# -- cancelallorder --------------------------------------------------------------------------------------------------


async def test_all_orders_of_the_strategy_are_cancelled_and_no_others(asha: Trader) -> None:
    mine = [await resting(asha), await resting(asha, symbol="INFY")]
    other = await resting(asha, strategy="Other")

    reply = await asha.told("cancelallorder", strategy="Python")

    assert sorted(reply["canceled_orders"]) == sorted(mine)
    assert reply["failed_cancellations"] == []
    assert reply["message"] == "Canceled 2 orders. Failed to cancel 0 orders."
    assert await state(asha, other) == "WORKING"


async def test_the_whole_account_is_cancelled_when_the_body_says_so(asha: Trader, ravi: Trader) -> None:
    mine = [await resting(asha), await resting(asha, strategy="Other")]
    theirs = await resting(ravi)

    reply = await asha.told("cancelallorder", strategy="Python", scope="account")

    assert sorted(reply["canceled_orders"]) == sorted(mine)
    assert await state(ravi, theirs) == "WORKING"


async def test_each_order_that_was_not_cancelled_is_named_with_its_reason(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await resting(asha), await resting(asha, symbol="INFY")
    number = (await order_row(asha, first))["broker_order_id"]
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    cancel = broker.cancel

    async def refuse_the_first(broker_order_id: str) -> None:
        if broker_order_id == number:
            raise Rejected("too late")
        await cancel(broker_order_id)

    monkeypatch.setattr(broker, "cancel", refuse_the_first)

    reply = await asha.told("cancelallorder", strategy="Python")

    assert (reply["canceled_orders"], reply["failed_cancellations"]) == ([second], [first])
    assert reply["message"].startswith("Canceled 1 orders. Failed to cancel 1 orders.")
    assert "too late" in reply["message"]


async def test_when_not_one_could_be_cancelled_it_is_an_error(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = await resting(asha)
    await refuse_at_broker(asha, monkeypatch, "cancel", Rejected("too late"))

    answer = await asha.post("cancelallorder", strategy="Python")

    assert (answer.status_code, answer.json()["failed_cancellations"]) == (400, [order_id])


@pytest.mark.parametrize("strategy", ["Python", "Never heard of"])
async def test_nothing_to_cancel_is_a_success_and_makes_no_strategy(asha: Trader, strategy: str) -> None:
    await asha.order()

    reply = await asha.told("cancelallorder", strategy=strategy)

    assert (reply["canceled_orders"], reply["failed_cancellations"]) == ([], [])
    assert [s.name for s in asha.house.directory.snapshot.strategies.values()] == ["Python"]


async def test_a_cancel_of_everything_with_an_id_is_answered_alike_and_spares_what_came_later(asha: Trader) -> None:
    await resting(asha)
    first = await asha.told("cancelallorder", strategy="Python", client_order_id="c1")
    later = await resting(asha)

    again = await asha.told("cancelallorder", strategy="Python", client_order_id="c1")

    assert (first, await state(asha, later)) == (again, "WORKING")


async def test_an_id_belongs_to_one_endpoint(asha: Trader) -> None:
    await asha.order()
    await asha.told("cancelallorder", strategy="Python", client_order_id="c1")

    message = await asha.refused("closeposition", 409, strategy="Python", client_order_id="c1")

    assert "same id" in message


# -- closeposition ---------------------------------------------------------------------------------------------------


async def test_every_position_of_the_strategy_is_closed_and_no_other(asha: Trader) -> None:
    await asha.order()
    await asha.order(symbol="INFY", action="SELL")
    await asha.order(strategy="Other")

    reply = await asha.told("closeposition", strategy="Python")

    assert reply == {
        "status": "success",
        "message": "Closed 2 positions",
        "closed_positions": 2,
        "failed_closures": 0,
    }
    assert await positions(asha) == {("Python", "RELIANCE"): "0", ("Python", "INFY"): "0", ("Other", "RELIANCE"): "10"}


async def test_the_whole_account_is_closed_when_the_body_says_so(asha: Trader, ravi: Trader) -> None:
    await asha.order()
    await asha.order(strategy="Other", quantity="5")
    await ravi.order()

    reply = await asha.told("closeposition", strategy="Python", scope="account")

    assert reply["closed_positions"] == 2
    assert set((await positions(asha)).values()) == {"0"}
    assert await positions(ravi) == {("Python", "RELIANCE"): "10"}


async def test_what_did_not_come_about_from_here_is_left_alone_and_told_of(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asha.order()
    await asha.settled()
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    (shown,) = await broker.positions()

    async def more() -> Sequence[Any]:
        return [type(shown)(**{f: getattr(shown, f) for f in shown.__slots__} | {"quantity": shown.quantity + 3})]

    monkeypatch.setattr(broker, "positions", more)

    reply = await asha.told("closeposition", strategy="Python", scope="account")

    assert reply["message"] == "Closed 1 positions. Left alone, as it did not come about from here: 3 RELIANCE."


@pytest.mark.parametrize("strategy", ["Python", "Never heard of"])
async def test_nothing_open_says_so(asha: Trader, strategy: str) -> None:
    await resting(asha)

    reply = await asha.told("closeposition", strategy=strategy)

    assert reply["message"] == "No open positions to close"
    assert (reply["closed_positions"], reply["failed_closures"]) == (0, 0)


async def test_a_position_that_could_not_be_closed_is_counted_and_named(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asha.order()
    await asha.order(symbol="INFY")
    await asha.settled()
    broker = asha.house.dispatcher.desks[asha.account_id].broker
    place = broker.place

    async def refuse_infy(request: Any) -> Any:
        if request.instrument.symbol == "INFY":
            raise Rejected("circuit limit")
        return await place(request)

    monkeypatch.setattr(broker, "place", refuse_infy)

    reply = await asha.told("closeposition", strategy="Python")
    second = await asha.post("closeposition", strategy="Python")

    assert (reply["closed_positions"], reply["failed_closures"]) == (1, 1)
    assert "INFY: circuit limit" in reply["message"]
    assert (second.status_code, second.json()["failed_closures"]) == (400, 1)


async def test_a_close_with_an_id_is_done_once(asha: Trader) -> None:
    await asha.order()
    first = await asha.told("closeposition", strategy="Python", client_order_id="c1")
    await asha.order()

    again = await asha.told("closeposition", strategy="Python", client_order_id="c1")

    assert first == again
    assert await positions(asha) == {("Python", "RELIANCE"): "10"}


# -- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["modifyorder", "cancelorder", "cancelallorder", "closeposition"])
async def test_a_key_that_asks_first_changes_nothing_by_itself_unless_it_practises(asha: Trader, path: str) -> None:
    order_id = await resting(asha)
    body = restated(order_id, quantity="20")
    asking = KeySettings(order_mode="semi_auto")
    asha.key = await asha.house.accounts.add_key(asha.user_id, "asks", SCOPES, settings=asking)

    assert "not allowed in Semi-Auto mode" in await asha.refused(path, 403, **body)
    assert await state(asha, order_id) == "WORKING"

    practising = KeySettings(order_mode="semi_auto", analyze=True)
    asha.key = await asha.house.accounts.add_key(asha.user_id, "practises", SCOPES, settings=practising)
    assert (await asha.told(path, **body))["mode"] == "analyze"


async def test_cancelling_needs_its_own_scope(asha: Trader) -> None:
    order_id = await resting(asha)
    asha.key = await asha.house.accounts.add_key(asha.user_id, "places only", ("orders:write",))

    assert "orders:cancel" in await asha.refused("cancelorder", 403, strategy="Python", orderid=order_id)
    assert "orders:cancel" in await asha.refused("cancelallorder", 403, strategy="Python")


async def test_an_order_of_another_account_of_the_same_person_is_not_found(asha: Trader) -> None:
    order_id = await resting(asha)
    other = await trader(asha.house, asha.client, "other")
    second = await asha.house.accounts.add_account(asha.user_id, "Second", "paper")
    await asha.house.directory.refresh()
    elsewhere = KeySettings(account_id=second)
    asha.key = await asha.house.accounts.add_key(asha.user_id, "elsewhere", SCOPES, settings=elsewhere)

    for who in (asha, other):
        await who.refused("cancelorder", 404, strategy="Python", orderid=order_id)
