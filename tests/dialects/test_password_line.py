import pytest

from bridge.domain.intent import Intent, QuantityType
from tests.dialects.asked import asked, only_order, refused


def test_the_first_line_is_the_secret_and_is_not_shown():
    reading = asked("Sesame77\nlong BTCUSD q=0.1")

    assert reading.secret == "Sesame77"
    assert "Sesame77" not in str(reading.to_json())


def test_flat_closes_whatever_quantity_is_sent_along():
    order = only_order("Sesame77\nflat BTCUSD q=0.1")

    assert (order.intent, order.quantity, order.quantity_type) == (Intent.EXIT, None, QuantityType.FULL_POSITION)


def test_a_level_is_points_percent_or_with_a_p_a_price():
    order = only_order("Sesame77\nshort BTCUSD q=5 qt=percent sl=2% tpp=60000.5")

    assert (order.stop_loss.type, order.take_profit[0].type) == ("percent", "price")
    assert order.quantity_type is QuantityType.PERCENT_EQUITY


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("long BTCUSD", "missing_member"),
        ("long BTCUSD q=0", "number_zero"),
        ("long BTCUSD q=1 sl=10 slp=9", "repeated_level"),
        ("long BTCUSD q=1 qt=ounces", "unknown_word"),
        ("long BTCUSD q=1\nshort BTCUSD q=1", "bad_lines"),
    ],
)
def test_what_cannot_be_meant_is_refused(line, code):
    assert refused(f"Sesame77\n{line}")[:2] == ("password_line", code)


def test_two_lines_of_prose_are_no_order():
    assert asked("Hello\nlong time no see").kind == "notify"
