from decimal import Decimal

import pytest

from bridge.domain.intent import Intent, Kind, OrderType, QuantityType, TimeInForce
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize("separator", ["\n", "|", " | "])
def test_commands_stand_on_lines_or_between_bars_and_a_part_without_equals_is_a_title(separator):
    commands = ("My title", "e=bybit s=BTCUSD c=position b=long", "e=bybit s=BTCUSD b=short q=1")
    reading = asked(separator.join(commands))

    assert [order.intent for order in reading.orders] == [Intent.EXIT_LONG, Intent.ENTER_SHORT]


def test_a_lone_delay_belongs_to_the_next_command():
    reading = asked("c=order b=long s=BTCUSD\ndelay=3\nb=long q=1 s=BTCUSD")

    assert [order.delay_s for order in reading.orders] == [None, Decimal(3)]


def test_exits_behind_an_ampersand_belong_to_the_order():
    order = only_order("s=BTCUSD b=long q=2 t=market & tp=1% q=25% & tp=2% q=75% & sl=-1% & ts=0.5%")

    assert [(level.value, level.portion_percent) for level in order.take_profit] == [(1, 25), (2, 75)]
    assert (order.stop_loss.value, order.trailing.distance) == (1, Decimal("0.5"))


def test_another_order_behind_an_ampersand_shares_the_symbol():
    first, second = asked("e=bybit s=BTCUSD b=long q=2 & b=short q=1 fp=70000").orders

    assert (first.symbol, second.symbol, second.exchange) == ("BTCUSD", "BTCUSD", "bybit")


def test_a_disabled_command_among_others_is_left_out():
    reading = asked("s=BTCUSD b=long q=1 d=1\ns=ETHUSD b=long q=1")

    assert [order.symbol for order in reading.orders] == ["ETHUSD"]
    assert reading.dry_run is None


def test_without_a_symbol_the_chart_supplies_it():
    order = only_order("b=short q=3%")

    assert (order.symbol, order.symbol_from, order.quantity_type) == (None, "chart", QuantityType.PERCENT_EQUITY)


@pytest.mark.parametrize(
    ("kind", "order_type", "validity"),
    [
        ("market", OrderType.MARKET, None),
        ("post", OrderType.LIMIT, None),
        ("fok", OrderType.LIMIT, TimeInForce.FOK),
        ("ioc", OrderType.LIMIT, TimeInForce.IOC),
    ],
)
def test_the_type_says_how_the_order_meets_the_market(kind, order_type, validity):
    order = only_order(f"s=BTCUSD b=buy q=1 t={kind}")

    assert (order.order_type, order.time_in_force) == (order_type, validity)


def test_cancelling_alone_is_a_cancel():
    assert asked("s=BTCUSD c=order").kind is Kind.CANCEL


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("s=BTCUSD b=long q=1-5", "random_quantity"),
        ("s=BTCUSD b=long q=1 q=2", "repeated_key"),
        ("s=BTCUSD b=long qq=1", "unknown_key"),
        ("s=BTCUSD b=long q=1 p=1% fp=5", "repeated_price"),
        ("s=BTCUSD b=long q=1 now", "bad_pair"),
        ("s=BTCUSD b=lng q=1", "unknown_side"),
        ("s=BTCUSD b=long q=1 t=someday", "unknown_order_type"),
        ("s=BTCUSD b=all q=1", "missing_side"),
        ("s=BTCUSD b=long q=1 & sl=1% & fsl=5", "repeated_level"),
    ],
)
def test_a_doubtful_command_is_refused_and_not_half_obeyed(text, code):
    assert refused(text)[:2] == ("autoview", code)
