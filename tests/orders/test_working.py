"""Intents about orders that are at the broker: what may be changed, and by whom it is asked again."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import Window
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ANN, STRATEGY, House, buy, leave, wish

D = Decimal


def entry(quantity: int = 1, price: int = 90) -> OrderIntent:
    """A buy that waits below the market."""
    return buy("INFY", quantity, order_type=OrderType.LIMIT, price=D(price))


def way_out(quantity: int, price: int = 110) -> OrderIntent:
    """An exit that waits above the market."""
    return wish(Intent.EXIT_LONG, "INFY", quantity, order_type=OrderType.LIMIT, price=D(price))


async def change(house: House, **changes: Any) -> None:
    """Change the newest order."""
    order_id = house.orders()[-1].id
    await house.alert(wish(Intent.MODIFY_ORDER, "INFY", order_id=order_id, **changes), kind=Kind.MODIFY)
    await house.run(2)


# -- a change of an exit ---------------------------------------------------------------------------------------------------


async def test_changing_a_resting_exit_cannot_make_it_larger_than_the_position(open_house: OpenHouse) -> None:
    house = await open_house(direction="long", quantity_max=D(20))
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    await change(house, quantity=D(100))
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
    await change(house, quantity=D(wanted))

    assert house.orders()[-1].quantity == changed


async def test_what_an_exit_has_filled_is_not_counted_twice(house: House) -> None:
    await house.hold(10)
    await house.alert(way_out(6))
    await house.run(2)
    house.broker.fill("B0002", 4)
    await house.run(6)
    await change(house, quantity=D(10))

    assert house.orders()[-1].quantity == 10


async def test_an_exit_larger_than_the_position_may_still_be_made_smaller(house: House) -> None:
    await house.hold(10)
    await house.alert(way_out(10))
    await house.run(2)
    house.desk.ledger.held.clear()
    await change(house, quantity=D(4))

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
    await change(house, **changes)

    assert (house.intents()[-1]["code"], house.sent("modify")) == ("daily_loss_reached", 0)
    assert (house.orders()[-1].quantity, house.orders()[-1].price) == (1, 90)


async def test_an_entry_may_be_made_smaller_after_the_days_loss_limit(open_house: OpenHouse) -> None:
    house = await open_house(daily_loss_max=D(50))
    await house.alert(entry(5))
    await house.run(2)
    lose(house)
    await change(house, quantity=D(2))

    assert house.orders()[-1].quantity == 2


async def test_an_entry_is_not_enlarged_outside_the_strategys_hours(open_house: OpenHouse) -> None:
    house = await open_house(window=Window(end=time(10, 0)))
    await house.alert(entry())
    await house.run(2)
    house.clock.set(house.clock.now().replace(hour=4, minute=31))  # 10:01 there
    await change(house, quantity=D(2))

    assert house.orders()[-1].quantity == 1
    assert house.intents()[-1]["code"] == "outside_window"


async def test_a_change_needs_none_of_the_allowance_that_its_order_used(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=1)
    await house.alert(entry())
    await house.run(2)
    await change(house, price=D(95))

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


# -- what may stop a change, and what comes of it --------------------------------------------------------------------------


async def test_a_switch_thrown_by_another_process_stops_a_change_but_no_cancel(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    memory = house.process.directory.snapshot
    house.stop_trading()
    house.process.directory.snapshot = memory
    house.process.life.seen = lambda _point: setattr(house.process.directory, "snapshot", memory)
    await change(house, quantity=D(2))
    assert (house.intents()[-1]["code"], house.sent("modify")) == ("stopped", 0)

    await house.ask(house.process.control.cancel(house.order().id, ANN))
    await house.run(5)

    assert house.states() == ["CANCELLED"]


async def test_a_change_that_was_made_but_could_not_be_stored_at_once_is_stored_later(house: House) -> None:
    await house.alert(entry())
    await house.run(2)
    store_fails(house, times=3)
    await change(house, price=D(91))
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
    await change(house, price=D(91))

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
