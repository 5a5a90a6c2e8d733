"""Intents about orders that are at the broker: which are cancelled, what may be changed, and what comes of it."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import AccountSettings, StrategySettings, Window
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType
from bridge.orders.operations import RESTATED
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ANN, STRATEGY, House, buy, leave, sell, wish

D = Decimal


def entry(quantity: int = 1, price: int = 90, symbol: str = "INFY") -> OrderIntent:
    """A buy that waits below the market."""
    return buy(symbol, quantity, order_type=OrderType.LIMIT, price=D(price))


def way_out(quantity: int, price: int = 110) -> OrderIntent:
    """An exit that waits above the market."""
    return wish(Intent.EXIT_LONG, "INFY", quantity, order_type=OrderType.LIMIT, price=D(price))


def change(order_id: str, **members: Any) -> OrderIntent:
    return wish(Intent.MODIFY_ORDER, "INFY", order_id=order_id, **members)


async def change_newest(house: House, **members: Any) -> None:
    await house.alert(change(house.orders()[-1].id, **members), kind=Kind.MODIFY)
    await house.run(2)


# -- which orders are cancelled --------------------------------------------------------------------------------------------


async def test_cancelling_everything_leaves_positions_alone(house: House) -> None:
    await house.hold(10)
    await house.alert(entry(10))
    await house.alert(entry(10, symbol="SBIN"))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, None, scope="all"))
    await house.run(5)

    assert house.states() == ["FILLED", "CANCELLED", "CANCELLED"]
    assert house.intents()[-1]["message"] == "2 working orders: cancel asked"


@pytest.mark.parametrize(("filtered", "left"), [({"side": "buy"}, ["sell"]), ({"side": "sell"}, ["buy"]), ({}, [])])
async def test_cancelling_one_symbols_orders_may_name_a_side(
    house: House, filtered: dict[str, str], left: list[str]
) -> None:
    await house.alert(entry(10))
    await house.alert(sell("INFY", 5, order_type=OrderType.LIMIT, price=D(120)))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, "INFY", filter=filtered))
    await house.run(5)

    assert [order.side for order in house.orders() if order.state == "WORKING"] == left


async def test_cancelling_may_name_a_type_of_order(house: House) -> None:
    await house.alert(entry(10))
    await house.alert(buy("INFY", 5, order_type=OrderType.STOP, trigger_price=D(120)))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, "INFY", filter={"order_type": "stop"}))
    await house.run(5)

    assert house.states() == ["WORKING", "CANCELLED"]


async def test_a_cancel_for_what_the_same_alert_placed_leaves_earlier_orders_alone(house: House) -> None:
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(entry(5), wish(Intent.CANCEL_ORDERS, "INFY", filter={"opened_by": "this message"}))
    await house.run(5)

    assert [(order.quantity, order.state) for order in house.orders()] == [(10, "WORKING"), (5, "NOT_SENT")]


@pytest.mark.parametrize("filtered", [{"tag": "A"}, {"side": "buy", "zone_id": "7"}])
async def test_a_cancel_for_orders_nobody_can_tell_apart_cancels_nothing(
    house: House, filtered: dict[str, str]
) -> None:
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, "INFY", filter=filtered))
    await house.run(5)

    assert house.states() == ["WORKING"]
    assert house.intents()[-1]["code"] == "cancel_filter_unsupported"


async def test_cancelling_where_nothing_works_says_so(house: House) -> None:
    await house.alert(wish(Intent.CANCEL_ORDERS, "INFY"))
    await house.run(1)

    assert house.intents()[0]["message"] == "no working orders to cancel"


async def test_an_alert_may_cancel_one_order_by_its_number(house: House) -> None:
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, None, order_id=house.order().id))
    await house.alert(wish(Intent.CANCEL_ORDERS, None, order_id="or_nobody"))
    await house.run(5)

    assert house.states() == ["CANCELLED"]
    assert house.intents()[-1]["message"] == "No order of this strategy is called or_nobody."


async def test_an_alert_cancels_by_name_only_what_its_own_strategy_sent(house: House) -> None:
    accounts = house.process.directory.snapshot.strategies[STRATEGY].settings.accounts
    house.add_strategy("st_other", StrategySettings(any_symbol=True, accounts=accounts))
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(wish(Intent.CANCEL_ORDERS, None, order_id=house.order().id), strategy="st_other")
    await house.run(3)

    assert (house.states(), house.sent("cancel")) == (["WORKING"], 0)


# -- a change -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "ref", "broker_order_id"])
async def test_an_alert_may_change_a_working_order_by_any_of_its_names(house: House, name: str) -> None:
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(change(getattr(house.order(), name), price=D(95), quantity=D(7)))
    await house.run(2)

    order = house.order()
    assert (order.price, order.quantity, order.pending_op) == (95, 7, None)
    assert house.broker.orders["B0001"].row.price == 95
    assert house.intents()[-1]["message"] == "Changed: BUY 7 INFY."


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"price": D("95.01")}, "price_off_tick"),
        ({"quantity": D(51)}, "quantity_above_limit"),
        ({"quantity": D("1.5")}, "quantity_fraction"),
    ],
)
async def test_a_changed_order_must_pass_what_a_new_one_would(
    open_house: OpenHouse, members: dict[str, object], code: str
) -> None:
    house = await open_house(quantity_max=D(50))
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(change(house.order().id, **members))
    await house.run(2)

    assert house.intents()[-1]["code"] == code
    assert house.sent("modify") == 0


async def test_a_change_that_the_broker_refuses_is_told_and_changes_nothing(house: House) -> None:
    await house.alert(entry(10))
    await house.run(2)
    house.broker.cancels.append(Act(How.REJECT, message="too late"))
    await house.alert(change(house.order().id, price=D(95)))
    await house.run(2)

    assert (house.order().price, house.order().pending_op) == (90, None)
    assert house.intents()[-1]["message"] == "too late"


@pytest.mark.parametrize("taken", [True, False])
async def test_a_change_with_unknown_outcome_ends_as_the_book_shows_it(house: House, taken: bool) -> None:
    await house.alert(entry(10))
    await house.run(2)
    house.broker.cancels.append(Act(How.PLACED_UNKNOWN if taken else How.LOST_UNKNOWN))
    await house.alert(change(house.order().id, quantity=D(4)))
    await house.run(1)
    assert house.order().pending_op == "modify"
    house.broker.fill("B0001", price=90)
    await house.run(20)

    assert house.position() == (4 if taken else 10)
    assert house.states() == ["FILLED"]


async def test_only_a_working_order_of_that_strategy_can_be_changed(house: House) -> None:
    settings = StrategySettings(
        any_symbol=True, accounts=house.process.directory.snapshot.strategies[STRATEGY].settings.accounts
    )
    house.add_strategy("st_other", settings)
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(change(house.order().id, price=D(95)), strategy="st_other")
    await house.run(2)
    assert house.intents()[-1]["code"] == "order_unknown"

    house.broker.cancels.append(Act(How.LOST_UNKNOWN))
    await house.alert(wish(Intent.CANCEL_ORDERS, "INFY"))
    await house.run(1)
    await house.alert(change(house.order().id, price=D(95)))
    await house.run(1)

    assert house.intents()[-1]["message"] == "BUY 10 INFY cannot be changed now."


async def test_an_order_whose_instrument_is_gone_cannot_be_changed(house: House) -> None:
    await house.alert(entry(10))
    await house.run(2)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    await house.alert(change(house.order().id, price=D(95)))
    house.market.instrument = lambda *_: None  # type: ignore[method-assign]
    await house.run(2)

    assert house.intents()[-1]["code"] == "symbol_unknown"


async def test_an_account_may_limit_the_worth_of_a_change(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(order_value_max=D(1000)))
    await house.alert(entry(10))
    await house.run(2)
    await house.alert(change(house.order().id, quantity=D(12)))
    await house.run(2)

    assert house.intents()[-1]["code"] == "value_above_limit"


# -- a change of an exit ---------------------------------------------------------------------------------------------------


async def test_changing_a_resting_exit_cannot_make_it_larger_than_the_position(open_house: OpenHouse) -> None:
    house = await open_house(direction="long", quantity_max=D(20))
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    await change_newest(house, quantity=D(100))
    house.broker.fill("B0002")
    await house.run(10)

    assert house.position() == 0
    refused = house.intents()[-1]
    assert refused["code"] == "exit_above_position"
    assert refused["message"] == "100 INFY would be more than this exit can close; the strategy holds 10."


@pytest.mark.parametrize(("wanted", "changed"), [(6, 6), (7, 4)])
async def test_a_resting_exit_may_grow_to_what_other_exits_leave(house: House, wanted: int, changed: int) -> None:
    """Ten held, four on their way out by another order."""
    await house.hold(10)
    await house.alert(way_out(4, 120))
    await house.alert(way_out(4))
    await house.run(2)
    await change_newest(house, quantity=D(wanted))

    assert house.orders()[-1].quantity == changed


async def test_what_an_exit_has_filled_is_not_counted_twice(house: House) -> None:
    await house.hold(10)
    await house.alert(way_out(6))
    await house.run(2)
    house.broker.fill("B0002", 4)
    await house.run(6)
    await change_newest(house, quantity=D(10))

    assert house.orders()[-1].quantity == 10


async def test_an_exit_larger_than_the_position_may_still_be_made_smaller(house: House) -> None:
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    house.desk.ledger.held.clear()
    await change_newest(house, quantity=D(4))

    assert house.orders()[-1].quantity == 4


# -- a change of an entry --------------------------------------------------------------------------------------------------


def lose(house: House) -> None:
    house.process.survey.losses._realised[STRATEGY] = D(-60)


@pytest.mark.parametrize("changes", [{"quantity": D(500)}, {"price": D(99)}])
async def test_an_entry_cannot_be_enlarged_or_moved_after_the_days_loss_limit(
    open_house: OpenHouse, changes: dict[str, Decimal]
) -> None:
    house = await open_house(daily_loss_max=D(50))
    await house.alert(entry())
    await house.run(2)
    lose(house)
    assert (await house.alert(buy("SBIN", 1))).content["code"] == "daily_loss_reached"
    await change_newest(house, **changes)

    assert (house.intents()[-1]["code"], house.sent("modify")) == ("daily_loss_reached", 0)
    assert (house.orders()[-1].quantity, house.orders()[-1].price) == (1, 90)


async def test_an_entry_may_be_made_smaller_after_the_days_loss_limit(open_house: OpenHouse) -> None:
    house = await open_house(daily_loss_max=D(50))
    await house.alert(entry(5))
    await house.run(2)
    lose(house)
    await change_newest(house, quantity=D(2))

    assert house.orders()[-1].quantity == 2


async def test_an_entry_is_not_enlarged_outside_the_strategys_hours(open_house: OpenHouse) -> None:
    house = await open_house(window=Window(end=time(10, 0)))
    await house.alert(entry())
    await house.run(2)
    house.clock.set(house.clock.now().replace(hour=4, minute=31))  # 10:01 there
    await change_newest(house, quantity=D(2))

    assert house.orders()[-1].quantity == 1
    assert house.intents()[-1]["code"] == "outside_window"


async def test_a_change_needs_none_of_the_allowance_that_its_order_used(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=1)
    await house.alert(entry())
    await house.run(2)
    await change_newest(house, price=D(95))

    assert house.orders()[-1].price == 95


async def test_a_change_that_waited_too_long_opens_nothing_more(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    await house.alert(wish(Intent.MODIFY_ORDER, "INFY", order_id=house.order().id, quantity=D(2)), kind=Kind.MODIFY)
    house.clock.advance(61)
    await house.run(5)

    assert house.intents()[-1]["code"] == "alert_too_old"
    assert house.order().quantity == 1


@pytest.mark.parametrize(
    ("kind", "prices", "stored"),
    [
        (OrderType.MARKET, {}, (None, None)),
        (OrderType.STOP, {"trigger_price": D(105)}, (None, D(105))),
        (OrderType.STOP_LIMIT, {"price": D(106), "trigger_price": D(105)}, (D(106), D(105))),
    ],
)
async def test_a_change_that_states_every_term_may_change_the_type(
    house: House, kind: OrderType, prices: dict[str, Decimal], stored: tuple[Decimal | None, Decimal | None]
) -> None:
    await house.alert(entry())
    await house.run(2)

    await change_newest(house, order_type=kind, extras={RESTATED: True}, **prices)

    order = house.order()
    assert (order.order_type, (order.price, order.trigger_price)) == (kind, stored)
    assert house.sent("modify") == 1


async def test_the_type_in_any_other_change_means_nothing(house: House) -> None:
    await house.alert(entry())
    await house.run(2)

    await change_newest(house, order_type=OrderType.MARKET, price=D(91))

    assert (house.order().order_type, house.order().price) == (OrderType.LIMIT, 91)


async def test_another_type_is_judged_as_the_entry_that_it_is(open_house: OpenHouse) -> None:
    house = await open_house(value_max=D(95))
    await house.alert(entry())
    await house.run(2)
    assert house.states() == ["WORKING"]

    await change_newest(house, order_type=OrderType.MARKET, extras={RESTATED: True})

    assert (house.intents()[-1]["code"], house.sent("modify")) == ("value_above_limit", 0)


async def test_an_order_cannot_be_made_smaller_than_what_is_filled(house: House) -> None:
    await house.alert(entry(10))
    await house.run(2)
    house.broker.fill("B0001", 4)
    await house.run(6)

    await change_newest(house, quantity=D(4))

    assert (house.intents()[-1]["code"], house.sent("modify")) == ("quantity_filled_already", 0)


async def test_only_where_the_whole_account_is_meant_are_other_strategies_orders_cancelled(house: House) -> None:
    house.add_strategy("st_other", house.process.directory.snapshot.strategies[STRATEGY].settings)
    await house.alert(entry(symbol="SBIN"), strategy="st_other")
    await house.alert(entry())
    await house.run(2)

    await house.alert(wish(Intent.CANCEL_ORDERS, None, scope="all"), kind=Kind.CANCEL)
    await house.run(3)
    assert house.states() == ["WORKING", "CANCELLED"]

    await house.alert(wish(Intent.CANCEL_ORDERS, None, scope="account"), kind=Kind.CANCEL)
    await house.run(3)
    assert house.states() == ["CANCELLED", "CANCELLED"]


async def test_only_where_the_whole_account_is_meant_are_other_strategies_positions_closed(house: House) -> None:
    house.add_strategy("st_other", house.process.directory.snapshot.strategies[STRATEGY].settings)
    house.broker.fills_at = D(100)
    await house.alert(buy("SBIN", 3), strategy="st_other")
    await house.alert(buy("INFY", 2))
    await house.run(3)

    await house.alert(wish(Intent.FLATTEN, None, scope="all"), kind=Kind.FLATTEN)
    await house.run(5)
    assert [(order.symbol, order.quantity) for order in house.orders() if order.reduces] == [("INFY", 2)]

    await house.alert(wish(Intent.FLATTEN, None, scope="account"), kind=Kind.FLATTEN)
    await house.run(5)
    closed = [order for order in house.orders() if order.reduces]
    assert [(order.symbol, order.quantity, order.strategy_id) for order in closed] == [
        ("INFY", 2, STRATEGY),
        ("SBIN", 3, "st_other"),
    ]


# -- what may stop a change, and what comes of it --------------------------------------------------------------------------


async def test_a_switch_thrown_by_another_process_stops_a_change_but_no_cancel(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    memory = house.process.directory.snapshot
    house.stop_trading()
    house.process.directory.snapshot = memory
    house.process.life.seen = lambda _point: setattr(house.process.directory, "snapshot", memory)
    await change_newest(house, quantity=D(2))
    assert (house.intents()[-1]["code"], house.sent("modify")) == ("stopped", 0)

    await house.ask(house.process.control.cancel(house.order().id, ANN))
    await house.run(5)

    assert house.states() == ["CANCELLED"]


async def test_a_change_that_was_made_but_could_not_be_stored_at_once_is_stored_later(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    store_fails(house, times=3)
    await change_newest(house, price=D(91))
    await house.run(3)

    (attempt,) = house.rows("SELECT * FROM attempts WHERE operation = 'modify'")
    assert (attempt["outcome"], house.sent("modify")) == ("ACCEPTED", 1)
    assert house.intents()[-1]["state"] == "DONE"
    assert house.order().price == 91


async def test_a_cancel_that_was_refused_but_could_not_be_stored_at_once_is_stored_later(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    house.broker.cancels.append(Act(How.REJECT, message="too late"))
    store_fails(house, times=3)
    await house.ask(house.process.control.cancel(house.order().id, ANN))
    await house.run(5)

    (attempt,) = house.rows("SELECT * FROM attempts WHERE operation = 'cancel'")
    assert (attempt["outcome"], house.order().pending_op) == ("REFUSED", None)
    assert house.intents()[-1]["message"] == "The broker refused: “too late”."


def store_fails(house: House, times: int) -> None:
    """The database is away when the answer to a cancel or change is to be stored."""
    writer = house.process.writer
    writer.faulty = lambda work, _: "Operations._close" in getattr(work, "__qualname__", "")
    writer.fails = times


@pytest.mark.parametrize("how", [How.PLACED_UNKNOWN, How.BUG])
async def test_a_change_of_which_nobody_knows_whether_it_was_made_is_not_called_refused(house: House, how: How) -> None:
    await house.alert(entry())
    await house.run(2)
    house.broker.cancels.append(Act(how))
    await change_newest(house, price=D(91))

    told = house.intents()[-1]
    assert told["code"] == "modify_unknown"
    assert told["message"].startswith("Nobody knows yet whether the broker changed BUY 1 INFY (")
    await house.run(20)
    assert house.order().pending_op is None


async def test_a_cancel_that_did_not_reach_the_broker_is_told_as_that(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    house.broker.cancels.append(Act(How.UNAVAILABLE))
    await house.ask(house.process.control.cancel(house.order().id, ANN))
    await house.run(2)

    said = house.intents()[-1]["message"]
    assert said == "The cancel did not reach the broker (“read timeout”). BUY 1 INFY is still open and can still fill."
    assert house.order().pending_op is None


# -- a cancel that an exit asks for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [How.LOST_UNKNOWN, How.UNAVAILABLE, How.REJECT])
async def test_an_exit_asks_again_for_a_cancel_that_was_lost_or_refused(house: House, how: How) -> None:
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    house.broker.cancels.append(Act(how))
    house.broker.fills_at = D(100)
    await house.alert(leave())
    await house.run(60)

    assert house.position() == 0
    assert house.sent("cancel") == 2


async def test_a_broker_that_keeps_refusing_a_cancel_is_not_asked_all_the_time(house: House) -> None:
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    house.broker.cancels.extend([Act(How.REJECT)] * 100)
    await house.alert(leave())
    await house.run(60)

    assert 5 <= house.sent("cancel") <= 7
