import pytest

from bridge.domain.intent import Intent, OrderType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    ("action", "order_type"),
    [
        ("BUY", OrderType.MARKET),
        ("buylimit", OrderType.LIMIT),
        ("BUYSTOP", OrderType.STOP),
        ("BUYSTOPLIMIT", OrderType.STOP_LIMIT),
    ],
)
def test_the_price_is_a_limit_or_a_trigger_as_the_action_says(action, order_type):
    order = only_order(f"{action}, EURUSD, VOL=1, PRICE=1.1, STOPLIMITPRICE=1.2")

    assert order.order_type is order_type
    assert (order.price is not None) == (order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT))
    assert (order.trigger_price is not None) == (order_type in (OrderType.STOP, OrderType.STOP_LIMIT))


def test_levels_without_a_type_are_left_to_the_settings():
    assert only_order("BUY, EURUSD, VOL=1, SL=20").stop_loss.type == "setting"


def test_modify_with_a_price_moves_an_order_and_without_one_a_position():
    assert only_order("MODIFY, EURUSD, PRICE=1.1").intent is Intent.MODIFY_ORDER
    assert only_order("MODIFY, EURUSD, SL=20, TPSLType=PIPS").intent is Intent.MODIFY_POSITION


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("VOL=1, RISK=1, SL=5", "duplicate_volume"),
        ("RISK=1", "missing_stop_loss"),
        ("VOL=1, TPSLType=INCHES", "unknown_word"),
        ("VOL=1,5", "bad_pair"),
    ],
)
def test_a_doubtful_size_or_unit_is_refused(rest, code):
    assert refused(f"SELL, EURUSD, {rest}")[:2] == ("tradewzrd", code)


def test_a_sentence_with_commas_is_no_order():
    assert asked("Sell, they say, when others are greedy").kind == "notify"
