"""Legs of one alert: one after the other, and what a failed one does to the rest."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.brokers.base import BrokerState
from bridge.domain.intent import Intent, Product
from bridge.orders import sending
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import House, buy, leave, sell, wish


async def test_legs_go_out_one_after_the_other(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(buy("INFY", 1), buy("SBIN", 2))
    await house.run(2)
    assert house.states() == ["SENDING", "QUEUED"]

    await house.run(3)

    assert house.states() == ["WORKING", "WORKING"]


@pytest.mark.parametrize(("policy", "second"), [("stop", "NOT_SENT"), ("unwind", "NOT_SENT"), ("continue", "WORKING")])
async def test_what_a_failed_leg_does_to_the_next(open_house: OpenHouse, policy: str, second: str) -> None:
    house = await open_house(basket_policy=policy)
    house.broker.script.append(Act(How.REJECT))
    await house.alert(buy("INFY"), buy("SBIN"))
    await house.run(3)

    assert house.states() == ["REJECTED", second]


async def test_a_basket_that_cannot_be_completed_asks_what_becomes_of_its_filled_legs(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="unwind")
    house.broker.fills_at = Decimal(100)
    house.broker.script.extend([Act(How.ACCEPT), Act(How.REJECT, after_s=5)])
    await house.alert(buy("INFY"), buy("SBIN"), sell("INFY", 3))
    await house.run(20)

    assert house.states() == ["FILLED", "REJECTED", "NOT_SENT"]
    assert "basket_unwind" in house.notices()
    (notice,) = house.rows("SELECT message FROM outbox WHERE kind = 'basket_unwind'")
    assert notice["message"].startswith(
        "A basket could not be completed: BUY 10 SBIN failed. Filled or still working: BUY 10 INFY."
    )


async def test_a_leg_that_fails_before_the_fills_of_the_others_are_known_asks_all_the_same(
    open_house: OpenHouse,
) -> None:
    house = await open_house(basket_policy="unwind")
    house.broker.script.extend([Act(How.ACCEPT), Act(How.REJECT)])
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, sending._Close), 1
    await house.alert(buy("INFY", 1), buy("SBIN", 2), sell("INFY", 3))
    await house.run(10)

    assert house.states() == ["WORKING", "REJECTED", "NOT_SENT"]
    assert house.notices().count("basket_unwind") == 1


async def test_the_last_leg_that_fails_asks_and_so_does_one_that_the_broker_rejects_later(
    open_house: OpenHouse,
) -> None:
    house = await open_house(basket_policy="unwind")
    await house.alert(buy("INFY", 1), buy("SBIN", 2))
    await house.run(3)
    house.broker.end("B0002", BrokerState.REJECTED)
    await house.run(6)

    assert house.states() == ["WORKING", "REJECTED"]
    assert house.notices().count("basket_unwind") == 1


@pytest.mark.parametrize(("policy", "act"), [("stop", How.ACCEPT), ("unwind", How.REJECT)])
async def test_nobody_is_asked_who_did_not_want_it_or_when_nothing_stands(
    open_house: OpenHouse, policy: str, act: How
) -> None:
    house = await open_house(basket_policy=policy)
    house.broker.script.extend([Act(act), Act(How.REJECT)])
    await house.alert(buy("INFY", 1), buy("SBIN", 2))
    await house.run(5)

    assert "basket_unwind" not in house.notices()


async def test_a_sell_that_opens_waits_for_the_answers_of_the_buys_and_they_for_nobody(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="buys_first")
    house.broker.script.extend([Act(How.ACCEPT, after_s=3), Act(How.REJECT, after_s=5)])
    await house.alert(buy("INFY", 1), buy("SBIN", 2), sell("NIFTY27JAN26FUT", 65))
    await house.run(4)
    assert house.states() == ["WORKING", "SENDING", "QUEUED"]

    await house.run(3)

    assert house.states() == ["WORKING", "REJECTED", "WORKING"]


async def test_a_sell_that_opens_is_not_sent_while_nobody_knows_of_a_buy(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="buys_first", entry_max_age_s=5)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY", 1), sell("SBIN", 2))
    await house.run(8)

    assert house.states()[1] == "NOT_SENT"
    assert house.orders()[1].message == (
        "It could not be sent in time: a buy of the same basket has not been answered yet."
    )


async def test_a_sell_that_closes_waits_for_no_buy(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="buys_first")
    await house.hold(3, "SBIN")
    house.broker.script.append(Act(How.ACCEPT, after_s=30))
    await house.alert(buy("INFY", 1), sell("SBIN", 3))
    await house.run(4)

    assert {order.symbol: str(order.state) for order in house.orders()[1:]} == {"INFY": "SENDING", "SBIN": "WORKING"}


async def test_both_sides_of_one_lane_go_in_their_own_order(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="buys_first")
    house.broker.fills_at = Decimal(100)
    await house.hold(3)
    await house.alert(buy("INFY", 1), sell("INFY", 10), sell("SBIN", 1))
    await house.run(10)

    assert house.states() == ["FILLED"] * 4
    assert house.position() == -6


async def test_a_leg_waits_for_one_that_waits_for_its_position(house: House) -> None:
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(leave("INFY"), buy("SBIN"))
    await house.run(2)
    assert [str(order.state) for order in house.orders() if order.symbol == "SBIN"] == ["QUEUED"]

    await house.run(4)

    assert sorted(house.states()) == ["FILLED", "WORKING", "WORKING"]


async def test_a_leg_that_closes_goes_out_whatever_becomes_of_the_others(open_house: OpenHouse) -> None:
    house = await open_house(direction="long", quantity_max=Decimal(20))
    await house.hold(10)
    house.broker.fills_at = Decimal(100)

    await house.alert(sell("INFY", 10), buy("SBIN", 500))  # a sell that can only close, and a leg above the limit
    await house.run(5)

    assert house.position("INFY") == 0
    assert [row["code"] for row in house.intents()[1:]] == [None, "quantity_above_limit"]


async def test_a_leg_whose_position_is_not_there_stops_no_other(house: House) -> None:
    await house.alert(leave("INFY"), buy("SBIN"))
    await house.run(3)

    assert [row["code"] for row in house.intents()] == ["nothing_to_do", None]
    assert house.states() == ["WORKING"]


async def test_a_leg_that_waits_for_an_unknown_one_ends_with_its_deadline(house: House) -> None:
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY"), wish(Intent.TARGET_POSITION, "SBIN", target_position=Decimal(5)), buy("SBIN"))
    await house.run(72)
    assert house.states()[-1] == "NOT_SENT"

    await house.run(
        240
    )  # a target may be a way out, so it waits as long as an exit, until the first leg is proved lost

    assert house.intents()[1]["code"] == "basket_stopped"


async def test_a_leg_that_waits_for_its_position_does_not_wait_for_ever_for_the_leg_before_it(
    open_house: OpenHouse,
) -> None:
    house = await open_house(exit_max_age_s=20)
    await house.hold(10, "SBIN")
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY"), leave("SBIN"))
    await house.run(30)

    last = house.intents()[-1]
    assert (last["state"], last["code"]) == ("EXPIRED", "deadline_passed")
    assert last["message"] == "The leg before it was not accepted in time."
    assert "intent_refused" in house.notices()


async def test_a_leg_waits_for_one_whose_position_is_held_in_another_product(house: House) -> None:
    house.broker.fills_at = Decimal(100)
    await house.alert(buy("INFY", 10, product=Product.CNC))
    await house.run(3)
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(leave("INFY"), buy("SBIN"))
    await house.run(2)
    assert [str(order.state) for order in house.orders() if order.symbol == "SBIN"] == ["QUEUED"]

    await house.run(4)

    assert [order.symbol for order in sorted(house.orders(), key=lambda o: o.sent_at or 0)] == ["INFY", "INFY", "SBIN"]


async def test_a_leg_does_not_wait_for_one_that_was_overtaken_before_its_hour_came(house: House) -> None:
    await house.alert(buy("INFY", 1, delay_s=Decimal(60), close_opposite=True), buy("SBIN", 1))
    await house.run(1)
    await house.alert(leave("INFY"))
    await house.run(2)

    assert house.states() == ["WORKING"]
