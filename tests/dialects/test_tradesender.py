import pytest

from bridge.domain.intent import Intent, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused


def test_order_case_and_separators_do_not_matter():
    first = only_order("action=Buy, symbol=EURUSD, price=market, size=1")
    second = only_order("SIZE:1; Price:MARKET; symbol:EURUSD; Action:buy")

    assert first == second


@pytest.mark.parametrize(
    ("size", "unit"),
    [("2", QuantityType.LOTS), ("0.5%", QuantityType.PERCENT_EQUITY), ("1000$", QuantityType.CASH)],
)
def test_a_size_is_lots_percent_of_the_account_or_money(size, unit):
    assert only_order(f"action=sell,symbol=EURUSD,price=market,size={size}").quantity_type is unit


@pytest.mark.parametrize(("level", "kind"), [("1.0950", "price"), ("40", "points"), ("1%", "percent")])
def test_a_level_near_the_entry_is_a_price_and_a_small_number_is_points(level, kind):
    assert only_order(f"action=sell,symbol=EURUSD,price=1.0850,size=1,sl={level}").stop_loss.type == kind


def test_a_key_of_another_action_is_ignored_as_documented_and_said_so():
    reading = asked("action=close, symbol=EURUSD, comment=x, ticket=5")

    assert reading.orders[0].filter == {"ticket": "5"}
    assert asked("action=buy,symbol=EURUSD,price=market,size=1,colour=red").because[-1].startswith('"colour"')


def test_close_without_any_filter_closes_everything():
    order = only_order("Action=Close")

    assert (order.intent, order.scope, order.order_type) == (Intent.FLATTEN, "all", OrderType.MARKET)


@pytest.mark.parametrize("missing", ["symbol", "price", "size"])
def test_each_mandatory_key_is_missed_by_name(missing):
    parts = {"action": "buy", "symbol": "EURUSD", "price": "market", "size": "1"}
    parts.pop(missing)

    dialect, code, message = refused(",".join(f"{key}={value}" for key, value in parts.items()))

    assert (dialect, code) == ("tradesender", "missing_member")
    assert message.startswith(missing)


def test_more_than_512_characters_are_refused():
    assert refused("action=buy,symbol=A,price=market,size=1,comment=" + "x" * 500)[1] == "message_too_long"
