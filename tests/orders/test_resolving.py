"""Intents that depend on what the account holds or has working."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.brokers.base import Unavailable
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, Product, QuantityType
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ANN, STRATEGY, House, buy, leave, wish

D = Decimal


def limit(quantity: int = 10, price: int = 90, symbol: str = "INFY") -> OrderIntent:
    return buy(symbol, quantity, order_type=OrderType.LIMIT, price=D(price))


def to(number: int, symbol: str = "INFY") -> OrderIntent:
    return wish(Intent.TARGET_POSITION, symbol, target_position=D(number))


@pytest.mark.parametrize("held", [10, -10])
async def test_an_exit_closes_what_is_held_and_no_more(house: House, held: int) -> None:
    await house.hold(held)
    house.broker.fills_at = D(105)
    await house.alert(leave())
    await house.run(8)

    assert house.position() == 0
    assert house.orders()[-1].quantity == 10
    (row,) = house.rows("SELECT realised FROM positions")
    assert D(row["realised"]) == (50 if held > 0 else -50)


async def test_an_exit_of_nothing_ends_quietly(house: House) -> None:
    await house.alert(leave())
    await house.run(1)

    (intent,) = house.intents()
    assert (intent["state"], intent["code"], intent["result"]) == ("DONE", "nothing_to_do", "none")
    assert intent["message"] == "The strategy holds no INFY that this could close."
    assert house.notices() == []


async def test_a_target_that_is_reached_ends_quietly(house: House) -> None:
    await house.hold(10)
    await house.alert(to(10))
    await house.run(1)

    assert house.intents()[-1]["message"] == "The strategy holds 10 INFY already; nothing had to be done."


async def test_two_exits_at_once_close_once(house: House) -> None:
    await house.hold(10)
    await house.alert(leave())
    await house.alert(leave())
    await house.run(3)
    house.broker.fill("B0002")
    await house.run(10)

    assert (house.position(), house.sent()) == (0, 2)


async def test_a_partial_exit_leaves_what_resting_exits_may_still_close(house: House) -> None:
    await house.hold(10)
    await house.alert(
        leave("INFY", quantity=D(8), quantity_type=QuantityType.UNITS, order_type=OrderType.LIMIT, price=D(120))
    )
    await house.run(2)
    await house.alert(leave("INFY", quantity=D(5), quantity_type=QuantityType.UNITS))
    await house.run(2)

    assert [order.quantity for order in house.orders()] == [10, 8, 2]


async def test_a_full_exit_takes_resting_orders_along(house: House) -> None:
    await house.hold(10)
    await house.alert(limit())
    await house.run(2)
    house.broker.fills_at = D(100)
    await house.alert(leave())
    await house.run(10)

    assert house.states() == ["FILLED", "CANCELLED", "FILLED"]
    assert house.position() == 0


async def test_a_full_exit_waits_for_a_cancel_that_filled_instead(house: House) -> None:
    """The order that was to be cancelled fills in the last moment: what it bought is closed too."""
    await house.hold(10)
    await house.alert(limit())
    await house.run(2)
    house.broker.cancels.append(Act(How.REJECT))
    house.broker.fill("B0002", price=90)
    house.broker.fills_at = D(100)
    await house.alert(leave())
    await house.run(10)

    assert [order.quantity for order in house.orders()] == [10, 10, 20]
    assert house.position() == 0


async def test_an_exit_behind_an_unknown_order_is_held_and_goes_out_when_it_is_found(house: House) -> None:
    await house.hold(10)
    house.broker.lag_s, house.broker.fills_at = 30, D(100)
    house.broker.script.append(Act(How.PLACED_UNKNOWN))
    await house.alert(buy("INFY", 5))
    await house.alert(leave())
    await house.run(5)
    assert house.intents()[-1]["state"] == "HELD"

    house.broker.lag_s = 0
    await house.run(60)

    assert (house.position(), house.orders()[-1].quantity) == (0, 15)


async def test_an_exit_that_could_not_be_certain_in_time_expires_and_is_told(open_house: OpenHouse) -> None:
    house = await open_house(exit_max_age_s=20)
    await house.hold(10)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY", 5))
    await house.alert(leave())
    await house.run(30)

    intent = house.intents()[-1]
    assert (intent["state"], intent["code"]) == ("EXPIRED", "deadline_passed")
    assert house.notices()[-1] == "intent_refused"


async def test_a_reversal_that_may_not_open_still_closes(open_house: OpenHouse) -> None:
    house = await open_house(direction="long")
    await house.hold(10)
    await house.alert(wish(Intent.REVERSE))
    await house.run(2)

    order = house.orders()[-1]
    assert (order.side, order.quantity, order.reduces) == ("sell", 10, True)


async def test_what_may_neither_open_nor_close_is_refused(open_house: OpenHouse) -> None:
    house = await open_house(quantity_max=D(5))
    await house.alert(to(50))
    await house.run(1)

    assert house.intents()[-1]["code"] == "quantity_above_limit"


async def test_a_share_of_the_account_is_sized_by_its_funds(house: House) -> None:
    await house.run(1)
    await house.alert(buy("INFY", 10, quantity_type=QuantityType.PERCENT_EQUITY))
    await house.run(1)

    assert house.order().quantity == 100


async def test_a_share_of_unknown_funds_waits_until_they_are_known(house: House) -> None:
    known, house.desk.book.funds = house.desk.book.funds, None
    await house.alert(buy("INFY", 10, quantity_type=QuantityType.PERCENT_EQUITY))
    assert house.orders() == []

    house.desk.book.funds = known
    house.desk.pulse()
    await house.run(1)

    assert house.order().quantity > 0


async def test_what_left_the_list_meanwhile_is_refused(house: House) -> None:
    await house.hold(10)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    await house.alert(leave())
    house.market.instrument = lambda *_: None  # type: ignore[method-assign]
    await house.run(2)

    assert house.intents()[-1]["code"] == "symbol_unknown"


async def test_an_intent_of_a_strategy_that_is_gone_is_refused(house: House) -> None:
    await house.hold(10)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    await house.alert(leave())
    house._write(lambda tx: tx.execute("DELETE FROM strategies"))
    await house.run(2)

    assert house.intents()[-1]["code"] == "strategy_gone"


@pytest.mark.parametrize(("wanted", "left"), [(leave(), 0), (to(30), 11)])
async def test_an_owner_who_was_switched_off_meanwhile_closes_but_opens_nothing(
    house: House, wanted: OrderIntent, left: int
) -> None:
    await house.hold(10)
    house.broker.fills_at = D(100)
    house.broker.script.append(Act(How.ACCEPT, after_s=2))
    await house.alert(buy("INFY", 1))
    await house.alert(wanted)  # waits for the order before it
    house.change("users", ANN.id, disabled=1)
    await house.run(10)

    assert house.position() == left
    assert house.intents()[-1]["code"] == (None if left == 0 else "user_may_not_trade")


async def test_allowances_hold_for_what_the_position_decides(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=1)
    await house.alert(to(5))
    await house.alert(to(9))
    await house.run(2)
    house.broker.fill("B0001")
    await house.run(8)

    assert house.intents()[-1]["code"] == "strategy_orders_per_day"


async def test_every_slice_counts(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=2)
    await house.alert(wish(Intent.TARGET_POSITION, "INFY", target_position=D(10), split_size=D(4)))
    await house.run(2)
    assert len(house.orders()) == 3

    answer = await house.alert(buy("SBIN", 1))

    assert answer.content["code"] == "strategy_orders_per_day"


async def test_what_could_not_be_planned_used_no_allowance(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=1)
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: "Resolver._plan" in getattr(work, "__qualname__", ""), 1
    await house.alert(to(5))
    await house.run(5)

    assert house.states() == ["WORKING"]


# -- over everything a strategy holds ----------------------------------------------------------------------------------------------


async def test_closing_everything_closes_each_instrument_of_that_strategy(house: House) -> None:
    settings = house.process.directory.snapshot.strategies[STRATEGY].settings
    house.add_strategy("st_other", settings)
    await house.hold(10)
    await house.hold(-4, "SBIN")
    house.broker.fills_at = D(100)
    await house.alert(buy("INFY", 3), strategy="st_other")
    await house.run(3)
    await house.alert(leave(None, scope="all"))
    await house.run(10)

    assert (house.position("INFY"), house.position("SBIN")) == (3, 0)
    assert [row["state"] for row in house.intents()[-3:]] == ["DONE"] * 3


async def test_closing_everything_of_nothing_says_so(house: House) -> None:
    await house.alert(leave(None, scope="all"))
    await house.run(1)

    (intent,) = house.intents()
    assert (intent["state"], intent["result"], intent["message"]) == ("DONE", "none", "nothing is held or working")


# -- where the position is -------------------------------------------------------------------------------------------------


async def hold_as(house: House, **by_product: int) -> None:
    """Hold INFY under products other than the usual one."""
    house.broker.fills_at = D(100)
    for product, quantity in by_product.items():
        await house.alert(buy("INFY", quantity, product=Product(product)))
    await house.run(3)


async def test_an_exit_goes_where_the_position_is(house: House) -> None:
    await hold_as(house, CNC=10)
    await house.alert(leave())
    await house.run(5)

    assert [(order.side, order.product) for order in house.orders()] == [("buy", "CNC"), ("sell", "CNC")]
    assert house.position() == 0


async def test_an_exit_closes_an_instrument_that_is_held_under_several_products(house: House) -> None:
    await hold_as(house, CNC=10, NRML=5)
    await house.alert(leave())
    await house.run(5)

    closed = [(order.product, order.quantity) for order in house.orders() if order.side == "sell"]
    assert sorted(closed) == [("CNC", 10), ("NRML", 5)]
    assert house.position() == 0


async def test_a_target_for_an_instrument_that_is_held_under_several_products_must_say_which(house: House) -> None:
    await hold_as(house, CNC=10, NRML=5)
    await house.alert(to(20))
    await house.run(3)

    assert house.intents()[-1]["code"] == "product_ambiguous"
    assert house.intents()[-1]["message"].startswith("INFY is held as CNC and NRML.")
    assert house.position() == 15


# -- what is not known -----------------------------------------------------------------------------------------------------


async def test_a_share_of_funds_that_never_become_known_is_refused(open_house: OpenHouse) -> None:
    house = await open_house(entry_max_age_s=20, started=False)
    house.broker.funds_problem = Unavailable("connection refused")
    await house.process.start()
    await house.alert(buy(quantity=D(10), quantity_type=QuantityType.PERCENT_AVAILABLE))
    await house.run(30)

    assert house.orders() == []
    assert [(intent["state"], intent["code"]) for intent in house.intents()] == [("REFUSED", "funds_unknown")]


@pytest.mark.parametrize("verb", [Intent.EXIT, Intent.EXIT_LONG])
async def test_a_distance_from_a_price_that_is_gone_meanwhile_is_refused(house: House, verb: Intent) -> None:
    """The side of a bare exit is decided by the position, so its price is too."""
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=2))
    await house.alert(buy("INFY", 1))
    below = Level(type="percent", value=D(1))
    await house.alert(wish(verb, "INFY", order_type=OrderType.LIMIT, price_offset=below))
    house.market.forget_price("NSE:INFY")
    house.broker.fill("B0002")
    await house.run(10)

    assert house.intents()[-1]["code"] == "price_unknown"
    assert house.position() == 11
