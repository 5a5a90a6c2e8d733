import pytest

from bridge.domain.intent import Kind, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused

SIGNAL = "EXCHANGE=BINANCE;SYMBOL=BTCUSD;SIGNAL=BUY"


@pytest.mark.parametrize(
    ("volume", "unit"),
    [
        ("0.1", QuantityType.BASE),
        ("100q", QuantityType.QUOTE),
        ("2%", QuantityType.PERCENT_EQUITY),
        ("12a%", QuantityType.PERCENT_AVAILABLE),
        ("10s%", QuantityType.PERCENT_AVAILABLE),
        ("10t%", QuantityType.PERCENT_AVAILABLE),
    ],
)
def test_the_volume_says_of_what_it_is_a_share(volume, unit):
    assert only_order(f"{SIGNAL};VOLUME={volume}").quantity_type is unit


def test_lines_and_semicolons_mean_the_same():
    assert only_order(SIGNAL) == only_order(SIGNAL.replace(";", "\n"))


def test_a_price_is_absolute_a_distance_or_a_percentage_of_the_current_one():
    assert only_order(f"{SIGNAL};PRICE=42000").price == 42000
    assert only_order(f"{SIGNAL};PRICE=-10d").price_offset.value == -10
    assert only_order(f"{SIGNAL};PRICE=-5%").price_offset.type == "percent"


def test_targets_are_numbered_and_stops_have_no_sign():
    order = only_order(f"{SIGNAL};TAKE_PROFIT_PRICE_2=60000;TAKE_PROFIT_PRICE_1=50000;STOP_PRICE=-5%")

    assert [level.value for level in order.take_profit] == [50000, 60000]
    assert (order.stop_loss.type, order.stop_loss.value) == ("percent", 5)


def test_the_price_of_a_stop_order_is_its_trigger():
    order = only_order(f"{SIGNAL};ORDER_TYPE=STOP;STOP_PRICE=50000")

    assert (order.order_type, order.trigger_price, order.stop_loss) == (OrderType.STOP, 50000, None)


def test_a_cancel_can_be_narrowed_to_a_side_and_a_tag():
    reading = asked("SYMBOL=BTCUSD;SIGNAL=CANCEL;PARAM_SIDE=sell;TAG=grid")

    assert reading.kind is Kind.CANCEL
    assert reading.orders[0].filter == {"side": "sell", "tag": "grid"}


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("VOLUME=2x", "bad_number"),
        ("VOLUME=0", "number_zero"),
        ("ORDER_TYPE=STOP", "missing_stop_price"),
        ("ORDER_TYPE=MAYBE", "unknown_order_type"),
        ("VOLUM=1", "unknown_key"),
        ("SIGNAL=SELL", "repeated_key"),
    ],
)
def test_a_doubtful_signal_is_refused(rest, code):
    assert refused(f"{SIGNAL};{rest}")[:2] == ("octobot", code)
