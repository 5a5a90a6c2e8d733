"""The way out: what closes a position goes out, closes what was meant, and nothing else does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.model import Feed, StrategySettings, SymbolMapping
from bridge.domain.intent import (
    Intent,
    Level,
    OrderIntent,
    OrderType,
    Product,
    QuantityType,
    Side,
)
from bridge.market.rules import FreezeLimit
from bridge.orders import checks
from bridge.orders.planning import Step, against_position, candidate
from bridge.orders.situation import Candidate
from bridge.orders.sizing import Mapped
from tests.orders.conftest import OpenHouse
from tests.orders.meaning import FUNDS_NOT_KNOWN, KEY, OPENALGO, SETTINGS, at, outcome, own, tell, trading
from tests.support.house import ACCOUNT, FUTURE, STRATEGY, House, buy, leave, sell, wish


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The usual house, trading."""
    return await trading(open_house)


# -- the way out is never shut by what only holds for the way in --------------------------------------------------------

PLAIN = {"symbol": "INFY", "action": "sell", "quantity": 5}
TRADERSPOST = {"ticker": "INFY", "action": "sell", "quantity": 5, "sentiment": "short"}
SMART = OPENALGO | {"action": "SELL", "position_size": "-5"}
LESS = OPENALGO | {"action": "BUY", "position_size": "2"}
TURN = {"symbol": "INFY", "side": "sell", "size": "10", "positionSize": "-5"}
TURN |= {"marketPosition": "short", "prevMarketPosition": "long"}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param(PLAIN, 0, id="plain sell"),
        pytest.param(TRADERSPOST, 0, id="sell, short afterwards"),
        pytest.param(SMART, 0, id="target on the other side"),
        pytest.param(LESS, 2, id="smaller target"),
        pytest.param(TURN, 0, id="reversal"),
    ],
)
async def test_when_entries_are_used_up_what_closes_still_goes_out(
    open_house: OpenHouse, body: dict[str, Any], left: int
) -> None:
    house = await trading(open_house, orders_per_day=1)
    await own(house, 5)

    await tell(house, body)

    assert house.position() == left


async def test_when_the_days_loss_is_reached_a_plain_sell_still_closes(open_house: OpenHouse) -> None:
    house = await trading(open_house, daily_loss_max=Decimal(100))
    await own(house, 5)
    house.process.survey.losses._open = {house.source().strategy_id: Decimal(-150)}

    await tell(house, PLAIN)

    assert house.position() == 0


@pytest.mark.parametrize(
    "way_out", [leave(), wish(Intent.FLATTEN, None, scope="all"), sell("INFY", 10)], ids=lambda wish: wish.intent.value
)
async def test_a_position_in_a_symbol_that_left_the_strategys_list_can_be_closed(
    house: House, way_out: OrderIntent
) -> None:
    await house.hold(10)
    line = SymbolMapping(exchange="NSE", symbol="SBIN")
    narrow = StrategySettings(symbols={"SBIN": line}, accounts=(Feed(account_id=ACCOUNT),))
    house.change("strategies", STRATEGY, settings=narrow.model_dump_json())

    refused = await house.alert(buy("INFY", 1))
    await house.alert(way_out)
    await house.run(5)

    assert refused.content["code"] == "symbol_not_allowed"
    assert house.position() == 0


@pytest.mark.parametrize("direction", ["both", "long"])
async def test_a_market_order_as_large_as_the_position_takes_its_resting_exit_along(
    open_house: OpenHouse, direction: str
) -> None:
    house = await trading(open_house, direction=direction)
    await house.hold(10)
    await house.alert(wish(Intent.EXIT_LONG, "INFY", 10, order_type=OrderType.LIMIT, price=Decimal(110)))
    await house.run(2)

    await house.alert(sell("INFY", 10))
    await house.run(5)

    assert house.states() == ["FILLED", "CANCELLED", "FILLED"]
    assert house.position() == 0


async def test_a_smaller_market_order_leaves_the_resting_exit_working(house: House) -> None:
    await house.hold(10)
    await house.alert(wish(Intent.EXIT_LONG, "INFY", 6, order_type=OrderType.LIMIT, price=Decimal(110)))
    await house.run(2)

    await house.alert(sell("INFY", 4))
    await house.run(5)

    assert house.states() == ["FILLED", "WORKING", "FILLED"]
    assert house.position() == 6


@pytest.mark.parametrize("may_slice", [True, False])
async def test_a_position_of_many_slices_is_closed_in_as_many_as_it_takes(house: House, may_slice: bool) -> None:
    for _ in range(2):
        await house.alert(buy(FUTURE.symbol, 65 * 250, exchange="NFO"))
        await house.run(5)
    figure = FreezeLimit(Decimal(1800), may_slice, "of a test", "Above 1800 it freezes.")
    house.process.survey.freeze = lambda instrument: figure  # type: ignore[method-assign]

    await house.alert(leave(FUTURE.symbol, exchange="NFO"))
    await house.run(10)

    ways_out = [order for order in house.orders() if order.side is Side.SELL]
    assert sum(order.quantity for order in ways_out) == 65 * 500
    assert len(ways_out) > checks.SLICES_MAX
    assert house.position(FUTURE.symbol) == 0


async def test_a_reversal_with_a_target_on_it_closes_even_where_targets_are_refused(open_house: OpenHouse) -> None:
    house = await trading(open_house, attached_exits="refuse")
    await own(house, 5)

    await house.alert(
        wish(Intent.REVERSE, "INFY", side=Side.SELL, take_profit=(Level(type="percent", value=Decimal(1)),))
    )
    await house.run(3)

    assert house.position() == 0


async def test_a_reversal_too_old_to_enter_on_still_closes(house: House) -> None:
    await own(house, 5)

    await tell(house, TURN | {"timestamp": at(house, -100)})

    assert house.position() == 0


@pytest.mark.parametrize("settings", [{"direction": "long"}, {"quantity_max": Decimal(10)}], ids=str)
async def test_a_closing_leg_goes_out_when_the_opening_leg_is_refused(
    open_house: OpenHouse, settings: dict[str, Any]
) -> None:
    house = await trading(open_house, **settings)
    await own(house, 5)

    await tell(house, "60123456789,closelongopenshort,INFY,vol_lots=50")

    assert house.position() == 0


@pytest.mark.parametrize(
    "replacing",
    [
        "60123456789,cancellongbuylimit,INFY,entry_price=91,vol_lots=2",
        "K(INFY) {\n cancel(which=all);\n limit(side=buy, amount=2, offset=@91);\n}\n#bot",
    ],
)
async def test_cancel_and_place_cancels_what_was_there_and_not_what_it_places(house: House, replacing: str) -> None:
    await house.alert(buy("INFY", 2, order_type=OrderType.LIMIT, price=Decimal(90)))
    await house.run(3)

    await tell(house, replacing, seconds=20)

    assert [(order.price, str(order.state)) for order in house.orders()] == [(90, "CANCELLED"), (91, "WORKING")]


async def test_half_of_the_position_counts_what_a_resting_exit_still_holds(house: House) -> None:
    await own(house, 10)
    await house.alert(
        leave(
            "INFY",
            quantity=Decimal(5),
            quantity_type=QuantityType.UNITS,
            order_type=OrderType.LIMIT,
            price=Decimal(200),
        )
    )
    await house.run(3)

    await house.alert(leave("INFY", quantity=Decimal(50), quantity_type=QuantityType.PERCENT_POSITION))
    await house.run(3)

    assert house.position() == 5


# -- exits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("product", ["CNC", "NRML"])
async def test_an_exit_that_names_no_product_closes_what_the_strategy_holds(house: House, product: str) -> None:
    await tell(house, OPENALGO | {"product": product})

    await tell(house, {"ticker": "INFY", "action": "exit"})

    assert house.position() == 0


async def test_a_sell_in_a_long_only_strategy_closes_what_was_bought_as_another_product(open_house: OpenHouse) -> None:
    house = await trading(open_house, direction="long")
    await tell(house, OPENALGO | {"product": "CNC"})

    await tell(house, {"symbol": "INFY", "action": "sell"})

    assert house.position() == 0


async def test_an_exit_finds_the_position_after_the_strategy_was_given_another_product(open_house: OpenHouse) -> None:
    house = await trading(open_house, product=Product.CNC)
    await own(house, 10)
    settings = StrategySettings(any_symbol=True, accounts=(Feed(account_id=ACCOUNT),), product=Product.MIS)
    house.change("strategies", house.source().strategy_id, settings=settings.model_dump_json())

    await tell(house, {"ticker": "INFY", "action": "exit"})

    assert house.position() == 0


@pytest.mark.parametrize(
    "flat_after",
    [
        {"strategy": {"position_size": 0, "order_action": "sell", "order_contracts": 0.25}},
        {
            "strategy": {
                "order": {"action": "sell", "contracts": 1},
                "current_position": "flat",
                "prev_position": "long",
            }
        },
    ],
)
async def test_when_the_sender_is_flat_afterwards_so_are_we(house: House, flat_after: dict[str, Any]) -> None:
    await own(house, 10, "BTCUSDT")

    await tell(house, {"ticker": "BTCUSDT", **flat_after})

    assert house.position("BTCUSDT") == 0


async def test_an_exit_with_a_bare_number_closes_that_many(house: House) -> None:
    await own(house, 5)

    await house.alert(leave("INFY", quantity=Decimal(2)))
    await house.run(3)

    assert house.position() == 3


@pytest.mark.parametrize("quantity", ["0", "-3"])
async def test_an_exit_of_nothing_or_less_is_refused(house: House, quantity: str) -> None:
    await own(house, 5)

    await house.alert(leave("INFY", quantity=Decimal(quantity), quantity_type=QuantityType.UNITS))
    await house.run(3)

    assert (house.position(), outcome(house)[0]) == (5, "quantity_zero")


async def test_half_of_a_single_lot_is_refused_with_a_sentence_about_the_lot(house: House) -> None:
    await own(house, 65, FUTURE.symbol)

    half = {"quantity": Decimal(50), "quantity_type": QuantityType.PERCENT_POSITION, "exchange": None}
    await house.alert(leave(FUTURE.symbol, **half))
    await house.run(3)

    code, sentence = outcome(house)
    assert house.position(FUTURE.symbol) == 65
    assert code not in ("", "nothing_to_do")
    assert "lot" in sentence


async def test_an_exit_for_the_other_side_does_not_call_a_short_flat(house: House) -> None:
    await own(house, -10, "BTCUSDT")

    await tell(house, {"ticker": "BTCUSDT", "strategy": {"position_size": 0, "order_action": "sell"}})

    assert house.position("BTCUSDT") == -10
    assert "holds -10 BTCUSDT already" not in outcome(house)[1]


async def test_a_traderspost_exit_may_leave_the_resting_orders_working(house: House) -> None:
    await own(house, 5)
    await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 5, "orderType": "limit", "limitPrice": 90})

    await tell(house, {"ticker": "INFY", "action": "exit", "cancel": False})

    assert house.states() == ["FILLED", "WORKING", "FILLED"]


async def test_an_entry_may_first_cancel_what_is_resting(house: House) -> None:
    await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 5, "orderType": "limit", "limitPrice": 90})

    await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 7, "cancel": True})
    await house.run(10)

    assert house.states() == ["CANCELLED", "FILLED"]
    assert house.position() == 7


async def test_an_exit_calls_off_the_delayed_entry_before_it(house: House) -> None:
    await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 5, "delay": 20})

    await tell(house, {"ticker": "INFY", "action": "exit"})
    await house.run(40)

    assert (house.sent(), house.position()) == (0, 0)


FEEDS = st.sampled_from(["1", "0.5", "3"]).map(lambda m: Feed(account_id=ACCOUNT, multiplier=Decimal(m)))
EXITS = st.sampled_from([Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN])


@given(
    verb=EXITS,
    held=st.integers(-5, 5).map(lambda lots: Decimal(lots * 65)),
    quantity=st.none() | st.decimals(-500, 500, places=1),
    unit=st.sampled_from(list(QuantityType)),
    feed=FEEDS,
)
def test_no_exit_ever_enlarges_or_turns_a_position(
    verb: Intent, held: Decimal, quantity: Decimal | None, unit: QuantityType, feed: Feed
) -> None:
    mapped = Mapped(FUTURE)
    asked = OrderIntent(intent=verb, symbol=FUTURE.symbol, quantity=quantity, quantity_type=unit)
    decided = candidate(asked, mapped, SETTINGS, feed, FUNDS_NOT_KNOWN)
    assert isinstance(decided, Candidate)

    step = against_position(decided, held, SETTINGS, feed, FUNDS_NOT_KNOWN, mapped)

    if isinstance(step, Step):
        left = held + step.side.sign * step.quantity
        assert step.reduces
        assert abs(left) < abs(held)
        assert left * held >= 0


# -- orders that are working ----------------------------------------------------------------------------------------


async def test_cancelling_an_order_that_is_not_there_is_refused(house: House) -> None:
    await tell(house, {"apikey": KEY, "strategy": "x", "orderid": "1000000123665912"})

    assert outcome(house)[0] == "order_unknown"


async def test_an_alert_cancels_no_order_of_another_strategy(house: House) -> None:
    await house.alert(buy("INFY", 1, order_type=OrderType.LIMIT, price=Decimal(90)))
    house.add_strategy("st_other", StrategySettings(any_symbol=True, accounts=(Feed(account_id=ACCOUNT),)))
    await house.run(3)

    body = {"apikey": KEY, "strategy": "x", "orderid": house.order().id}
    await house.alert(body=json.dumps(body), read=False, strategy="st_other")
    await house.run(10)

    assert house.states() == ["WORKING"]


async def test_a_resting_entry_replaces_the_one_before_it(house: House) -> None:
    await tell(house, "signal=armlong,symbol=INFY,qty=10,limit_price=90")

    await tell(house, "signal=armlong,symbol=INFY,qty=10,limit_price=91", seconds=20)

    assert house.states() == ["CANCELLED", "WORKING"]
