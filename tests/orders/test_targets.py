"""A target of zero that opens where nothing is held, as OpenAlgo's smart orders mean it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.domain.intent import Intent, OrderIntent, OrderType, QuantityType, Side
from bridge.domain.lifecycle import IntentState
from bridge.orders.planning import OPENS_WHEN_FLAT
from tests.orders.conftest import OpenHouse
from tests.orders.plans import D, against, planned, refusal_of, step_of
from tests.support.house import House, wish

BUY, SELL = Side.BUY, Side.SELL


def smart(target: int, side: Side = BUY, quantity: int = 7) -> OrderIntent:
    return wish(
        Intent.TARGET_POSITION,
        "INFY",
        side=side,
        quantity=D(quantity),
        quantity_type=QuantityType.UNITS,
        order_type=OrderType.MARKET,
        target_position=D(target),
        extras={OPENS_WHEN_FLAT: True} if target == 0 else {},
    )


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("quantity", [0, 7])
@pytest.mark.parametrize(
    ("target", "held", "does", "units", "reduces", "opens"),
    [
        (0, 10, SELL, 10, True, 0),
        (0, -10, BUY, 10, True, 0),
        (10, 0, BUY, 10, False, 10),
        (-10, 0, SELL, 10, False, 10),
        (10, 4, BUY, 6, False, 6),
        (4, 10, SELL, 6, True, 0),
        (-10, -4, SELL, 6, False, 6),
        (-4, -10, BUY, 6, True, 0),
        (10, -4, BUY, 14, False, 10),
        (-10, 4, SELL, 14, False, 10),
    ],
)
def test_a_target_is_reached_from_wherever_the_position_is_and_the_request_has_no_say(
    side: Side, quantity: int, target: int, held: int, does: Side, units: int, reduces: bool, opens: int
) -> None:
    step = step_of(smart(target, side, quantity), held)

    assert (step.side, step.quantity, step.reduces, step.opens) == (does, units, reduces, opens)


@pytest.mark.parametrize("at", [10, -10])
def test_a_target_that_is_held_asks_for_nothing(at: int) -> None:
    assert against(smart(at), at) is None


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_target_of_zero_while_flat_is_the_order_that_the_request_describes(side: Side) -> None:
    step = step_of(smart(0, side), 0)

    assert (step.side, step.quantity, step.reduces, step.opens) == (side, 7, False, 7)


def test_a_target_of_zero_while_flat_without_a_quantity_asks_for_nothing() -> None:
    assert against(smart(0, quantity=0), 0) is None


def test_a_quantity_that_comes_to_nothing_is_refused_rather_than_called_done() -> None:
    assert refusal_of(smart(0, quantity=1), 0, multiplier="0.1") == "quantity_zero"


def test_it_is_not_taken_for_an_exit_before_the_position_is_known() -> None:
    assert not planned(smart(0)).reduces
    assert planned(wish(Intent.TARGET_POSITION, target_position=D(0))).reduces


async def test_what_opens_must_pass_as_an_entry(open_house: OpenHouse) -> None:
    house = await open_house(quantity_max=Decimal(5))
    await house.alert(smart(0))
    await house.run(2)

    (intent,) = house.intents()
    assert (intent["state"], intent["code"]) == (IntentState.REFUSED, "quantity_above_limit")
    assert house.orders() == []


async def test_what_closes_goes_out_past_the_limits_of_entries(open_house: OpenHouse) -> None:
    house = await open_house(quantity_max=Decimal(5))
    await house.hold(4)
    await house.hold(4)
    house.broker.fills_at = Decimal(100)
    await house.alert(smart(0))
    await house.run(5)

    assert house.position() == 0
    assert (house.orders()[-1].reduces, house.orders()[-1].quantity) == (True, 8)


async def test_a_strategy_that_only_buys_does_not_sell_short_by_it(open_house: OpenHouse) -> None:
    house = await open_house(direction="long")
    await house.alert(smart(0, SELL))
    await house.run(2)

    assert house.intents()[-1]["code"] == "direction_not_allowed"


async def test_two_of_them_at_once_open_once_and_close(house: House) -> None:
    house.broker.fills_at = Decimal(100)
    await house.alert(smart(0))
    await house.alert(smart(0))
    await house.run(8)

    assert [(order.side, order.quantity) for order in house.orders()] == [(BUY, 7), (SELL, 7)]
    assert house.position() == 0
