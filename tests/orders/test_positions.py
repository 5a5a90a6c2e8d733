"""What a position makes of an intent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.intent import Intent, OrderIntent, PositionClaim, QuantityType, Side
from bridge.orders.planning import Step
from tests.orders.plans import D, against, refusal_of, refused, step_of
from tests.support.house import FUTURE, buy, leave, sell, wish

LONG, SHORT = Intent.ENTER_LONG, Intent.ENTER_SHORT


def target(number: Any) -> OrderIntent:
    return wish(Intent.TARGET_POSITION, target_position=D(number))


@pytest.mark.parametrize(
    ("intent", "held", "side", "quantity", "reduces", "opens"),
    [
        (leave(), 10, "sell", 10, True, 0),
        (leave(), -10, "buy", 10, True, 0),
        (leave(quantity=4), 10, "sell", 4, True, 0),
        (leave(quantity=40), 10, "sell", 10, True, 0),
        (leave(quantity=50, quantity_type=QuantityType.PERCENT_POSITION), -10, "buy", 5, True, 0),
        (leave(quantity=1, quantity_type=QuantityType.FULL_POSITION), 10, "sell", 10, True, 0),
        (wish(Intent.EXIT_LONG), 10, "sell", 10, True, 0),
        (wish(Intent.EXIT_SHORT), -10, "buy", 10, True, 0),
        (target(25), 10, "buy", 15, False, 15),
        (target(4), 10, "sell", 6, True, 0),
        (target(0), 10, "sell", 10, True, 0),
        (target(-5), 10, "sell", 15, False, 5),
        (target(5), 0, "buy", 5, False, 5),
        (wish(Intent.REVERSE), 10, "sell", 20, False, 10),
        (wish(Intent.REVERSE, quantity=3), -10, "buy", 13, False, 3),
        (wish(Intent.REVERSE, quantity=3), 0, "buy", 3, False, 3),
        (wish(Intent.REVERSE, side=Side.SELL, quantity=3), 0, "sell", 3, False, 3),
        (wish(Intent.ADD, quantity=5), -10, "sell", 5, False, 5),
        (wish(Intent.ADD, quantity=5), 10, "buy", 5, False, 5),
        (buy(quantity=5, close_opposite=True), -10, "buy", 15, False, 5),
        (buy(quantity=5, close_opposite=True), 10, "buy", 5, False, 5),
        (buy(quantity=50, quantity_type=QuantityType.PERCENT_POSITION), 10, "buy", 5, False, 5),
        (sell(quantity=1, quantity_type=QuantityType.FULL_POSITION), 10, "sell", 10, True, 0),
        (sell(quantity=1000, quantity_type=QuantityType.PERCENT_EQUITY), 10, "sell", 1000, False, 990),
    ],
)
def test_a_position_decides_the_order(
    intent: OrderIntent, held: int, side: str, quantity: int, reduces: bool, opens: int
) -> None:
    step = step_of(intent, held)

    assert (step.side.value, step.quantity, step.reduces, step.opens) == (side, quantity, reduces, opens)


@pytest.mark.parametrize(
    ("intent", "held"),
    [
        (leave(), 0),
        (wish(Intent.EXIT_LONG), -10),
        (wish(Intent.EXIT_SHORT), 10),
        (target(10), 10),
        (wish(Intent.FLATTEN), 0),
    ],
)
def test_there_may_be_nothing_to_do(intent: OrderIntent, held: int) -> None:
    assert against(intent, held) is None


def test_a_reversal_to_a_stated_position_goes_there() -> None:
    after: dict[str, Any] = {"position_after": PositionClaim(side="short", size=D(7))}
    flat: dict[str, Any] = {"position_after": PositionClaim(side="flat", size=D(0))}

    assert step_of(wish(Intent.REVERSE, **after), 10).quantity == 17
    assert step_of(wish(Intent.REVERSE, **flat), 10).quantity == 10
    assert step_of(wish(Intent.REVERSE, **after), 0, multiplier=2).quantity == 14


def test_targets_and_exits_are_scaled_like_entries() -> None:
    assert step_of(target(3), 0, multiplier="1.5").quantity == 4
    assert step_of(target(-3), 0, multiplier="1.5").quantity == 4
    assert step_of(leave(quantity=3), 10, multiplier="1.5").quantity == 4
    assert step_of(leave("NIFTY27JAN26FUT", quantity=1, quantity_type=QuantityType.LOTS), 130, FUTURE).quantity == 65
    setting = leave("NIFTY27JAN26FUT", quantity=1, quantity_type=QuantityType.SETTING)
    assert step_of(setting, 130, FUTURE, number_unit=QuantityType.LOTS).quantity == 65


def test_what_cannot_be_sized_against_a_position_is_refused() -> None:
    assert refusal_of(wish(Intent.ADD, quantity=5), 0) == "nothing_to_add_to"
    assert refusal_of(leave(quantity=5, quantity_type=QuantityType.CASH), 10) == "size_unit_unknown"
    assert refusal_of(wish(Intent.TARGET_POSITION), 0) == "target_missing"
    assert refusal_of(leave(quantity=0), 10) == "quantity_zero"


@pytest.mark.parametrize("intent", [Intent.SET_VARIABLE, Intent.MODIFY_POSITION])
def test_what_no_order_can_do_is_refused_by_name(intent: Intent) -> None:
    assert refused(wish(intent)) == f"{intent.value}_unsupported"


QUANTITIES = st.integers(-500, 500)


@given(
    st.sampled_from([Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN]),
    QUANTITIES,
    st.none() | st.integers(0, 900),
    st.sampled_from([QuantityType.UNITS, QuantityType.PERCENT_POSITION, QuantityType.DEFAULT]),
)
def test_no_way_out_ever_crosses_zero(verb: Intent, held: int, size: int | None, unit: QuantityType) -> None:
    step = against(wish(verb, "INFY", size, quantity_type=unit), held)

    if isinstance(step, Step):
        after = held + step.side.sign * step.quantity
        assert step.reduces
        assert abs(after) < abs(held)
        assert after * held >= 0


@given(QUANTITIES, QUANTITIES)
def test_a_target_is_reached_exactly(held: int, wanted: int) -> None:
    step = against(target(wanted), held)

    moved = step.side.sign * step.quantity if isinstance(step, Step) else 0
    assert held + moved == wanted
