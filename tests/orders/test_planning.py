"""From an intent to orders: sides, scans and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import Feed, StrategySettings
from bridge.domain.intent import Intent, Level, OrderType, Product, Side
from bridge.orders.planning import candidate
from bridge.orders.situation import Candidate, Standing
from bridge.orders.sizing import Mapped
from tests.orders.plans import D, money, planned, refused
from tests.support.house import FUTURE, INFY, buy, sell, wish

LONG, SHORT = Intent.ENTER_LONG, Intent.ENTER_SHORT


# -- sides and ways out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Intent.BUY, Intent.ENTER_LONG, Intent.START_DEAL])
def test_verbs_of_buying_buy(verb: Intent) -> None:
    made = planned(wish(verb, "INFY", 10))

    assert (made.side, made.quantity, made.reduces, made.needs_position) == (Side.BUY, 10, False, False)


@pytest.mark.parametrize("verb", [Intent.SELL, Intent.ENTER_SHORT])
def test_verbs_of_selling_sell(verb: Intent) -> None:
    assert planned(wish(verb, "INFY", 10)).side is Side.SELL


@pytest.mark.parametrize("verb", [Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN])
def test_ways_out_wait_for_the_position_and_go_to_market(verb: Intent) -> None:
    made = planned(wish(verb), order_type=OrderType.LIMIT)

    assert made.reduces
    assert made.needs_position
    assert made.quantity is None
    assert made.order_type is OrderType.MARKET
    assert made.notes[-1] == "decided by the position"


@pytest.mark.parametrize(("direction", "verb"), [("long", Intent.SELL), ("short", Intent.BUY)])
def test_the_other_side_of_a_one_sided_strategy_is_its_way_out(direction: str, verb: Intent) -> None:
    assert planned(wish(verb, "INFY", 10), direction=direction).reduces


def test_a_two_sided_strategy_opens_on_both_sides() -> None:
    assert not planned(sell()).reduces


def test_a_target_of_nothing_is_a_way_out() -> None:
    assert planned(wish(Intent.TARGET_POSITION, target_position=D(0))).reduces
    assert not planned(wish(Intent.TARGET_POSITION, target_position=D(5))).reduces


def test_reduce_only_is_a_way_out() -> None:
    assert planned(sell(reduce_only=True)).reduces


@pytest.mark.parametrize("verb", [Intent.CANCEL_ORDERS, Intent.MODIFY_ORDER])
def test_working_orders_are_the_desks_to_find(verb: Intent) -> None:
    made = planned(wish(verb))

    assert made.needs_position
    assert not made.is_entry


def test_an_order_that_closes_the_opposite_first_waits_for_the_position_unless_there_is_none() -> None:
    intent = buy(close_opposite=True)
    mapped, settings, feed = Mapped(INFY), StrategySettings(), Feed(account_id="ac")

    unsure = candidate(intent, mapped, settings, feed, money())
    flat = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(0), certain=True))
    busy = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(0), certain=False))
    short = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(-5), certain=True))

    assert all(isinstance(found, Candidate) for found in (unsure, flat, busy, short))
    assert [found.needs_position for found in (unsure, flat, busy, short) if isinstance(found, Candidate)] == [
        True,
        False,
        False,  # what is on its way goes the same way
        True,
    ]


def test_a_plain_order_waits_for_its_desk_only_where_it_may_close_something() -> None:
    mapped, settings, feed = Mapped(INFY), StrategySettings(), Feed(account_id="ac")

    def waits(standing: Standing | None) -> bool:
        made = candidate(buy(), mapped, settings, feed, money(), lambda *_: standing)
        assert isinstance(made, Candidate)
        return made.needs_position

    assert not waits(None)
    assert not waits(Standing(D(5), certain=False))
    assert waits(Standing(D(-5), certain=True))
    assert waits(Standing(D(0), certain=False, moving=frozenset({Side.SELL})))


# -- scans ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scan_side", "side", "reduces"),
    [
        ("buy", Side.BUY, False),
        ("sell", Side.SELL, False),
        ("exit_long", Side.SELL, True),
        ("exit_short", Side.BUY, True),
    ],
)
def test_a_scan_takes_its_side_from_the_strategy(scan_side: str, side: Side, reduces: bool) -> None:
    hit = wish(Intent.SCAN_HIT, "INFY", trigger_price=D(101))

    made = planned(hit, scan_side=scan_side)

    assert (made.side, made.reduces) == (side, reduces)
    assert made.intent.signal_price == 101
    assert made.trigger_price is None


def test_a_scan_takes_its_side_from_its_keyword_where_the_strategy_says_so() -> None:
    hit = wish(Intent.SCAN_HIT, "INFY", extras={"keyword_action": "enter_short"})

    assert planned(hit, scan_side="keyword").side is Side.SELL


def test_a_scan_without_a_side_is_refused() -> None:
    assert refused(wish(Intent.SCAN_HIT)) == "scan_side_missing"
    assert refused(wish(Intent.SCAN_HIT), scan_side="keyword") == "scan_side_missing"


# -- prices -----------------------------------------------------------------------------------------------------------------


def test_products_come_from_the_message_then_the_symbol_then_the_strategy_then_the_instrument() -> None:
    assert planned(buy(product=Product.NRML), mapped_product=Product.CNC).product is Product.NRML
    assert planned(buy(), mapped_product=Product.CNC, product=Product.NRML).product is Product.CNC
    assert planned(buy(), product=Product.CNC).product is Product.CNC
    assert planned(buy()).product is Product.MIS
    assert planned(buy(), FUTURE).product is Product.NRML


def test_a_market_order_drops_prices_it_has_no_use_for() -> None:
    made = planned(buy(order_type=OrderType.MARKET, price=D(99), trigger_price=D(98)))

    assert (made.price, made.trigger_price) == (None, None)


@pytest.mark.parametrize(
    ("levels", "implied"),
    [
        ({"price": D(99)}, OrderType.LIMIT),
        ({"trigger_price": D(101)}, OrderType.STOP),
        ({"price": D(102), "trigger_price": D(101)}, OrderType.STOP_LIMIT),
        ({}, OrderType.MARKET),
    ],
)
def test_a_price_without_a_type_says_the_type(levels: dict[str, Any], implied: OrderType) -> None:
    assert planned(buy(**levels)).order_type is implied


def test_limits_and_stops_keep_the_price_they_need() -> None:
    levels: dict[str, Any] = {"price": D(99), "trigger_price": D(98)}

    limit = planned(buy(order_type=OrderType.LIMIT, **levels))
    stop = planned(buy(order_type=OrderType.STOP, **levels))
    both = planned(buy(order_type=OrderType.STOP_LIMIT, **levels))

    assert (limit.price, limit.trigger_price) == (99, None)
    assert (stop.price, stop.trigger_price) == (None, 98)
    assert (both.price, both.trigger_price) == (99, 98)


@pytest.mark.parametrize(
    ("offset", "bought", "sold"),
    [
        (D(2), 98, 102),
        (Level(type="percent", value=D(3)), 97, 103),
        (Level(type="points", value=D(10)), D("99.5"), D("100.5")),
        (Level(type="price", value=D(91)), 91, 91),
        (D("0.07"), D("99.95"), D("100.05")),
    ],
)
def test_a_distance_waits_on_the_better_side_and_on_the_tick(
    offset: Level | Decimal, bought: Decimal, sold: Decimal
) -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "price_offset": offset}

    assert planned(wish(LONG, "INFY", 1, **limit)).price == bought
    assert planned(wish(SHORT, "INFY", 1, **limit)).price == sold


def test_a_stops_distance_lies_on_the_far_side() -> None:
    stop: dict[str, Any] = {"order_type": OrderType.STOP, "price_offset": D(2)}

    assert planned(wish(LONG, "INFY", 1, **stop)).trigger_price == 102
    assert planned(wish(SHORT, "INFY", 1, **stop)).trigger_price == 98


def test_a_sender_who_says_the_side_also_says_the_sign() -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT}

    assert planned(buy(price_offset=D(2), **limit)).price == 102
    assert planned(buy(price_offset=D(-2), **limit)).price == 98
    assert planned(wish(LONG, "INFY", 1, entry=Level(type="offset", value=D(2), signed=True), **limit)).price == 102


def test_a_price_that_was_said_beats_a_distance() -> None:
    assert planned(buy(order_type=OrderType.LIMIT, price=D(90), price_offset=D(2))).price == 90


def test_a_distance_needs_a_price_and_a_unit() -> None:
    assert refused(wish(LONG, "INFY", 1, order_type=OrderType.LIMIT, price_offset=D(2)), price=None) == "price_unknown"
    pips = Level(type="pips", value=D(2))
    assert refused(buy(order_type=OrderType.LIMIT, entry=pips)) == "pips_unknown"
    assert refused(buy(order_type=OrderType.LIMIT, entry=Level(type="offset"))) == "price_unit_unknown"
