import pytest

from bridge.domain.intent import Intent, OrderType
from tests.dialects.asked import asked, only_order, refused


def test_the_price_is_the_one_at_the_alert_and_never_a_limit():
    order = only_order("AAPL,buy,150.25,10")

    assert (order.order_type, order.price, str(order.signal_price)) == (OrderType.DEFAULT, None, "150.25")


def test_a_close_is_of_that_many_units():
    order = only_order("AAPL, exit, 150.25, 4")

    assert (order.intent, order.quantity) == (Intent.EXIT, 4)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("AAPL,hold,150.25,10", "unknown_action"),
        ("AAPL,buy,150.25,ten", "bad_number"),
        ("AAPL,buy,150.25,0", "number_zero"),
        ("AAPL,buy,cheap,10", "bad_number"),
    ],
)
def test_a_broken_line_is_refused_and_not_read_as_something_else(text, code):
    assert refused(text)[:2] == ("csv_short", code)


def test_a_list_of_words_is_no_order():
    assert asked("Apples, buy, milk, bread").kind == "notify"
