import pytest

from bridge.dialects import read
from bridge.domain.intent import Intent, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    ("signal", "intent"),
    [
        *[(word, Intent.EXIT_LONG) for word in ("closelong", "closealllong", "exitlong")],
        *[(word, Intent.EXIT_SHORT) for word in ("closeshort", "closeallshort", "exitshort")],
        *[(word, Intent.EXIT) for word in ("close", "closeall", "exit")],
    ],
)
def test_every_word_for_leaving_closes_that_side_of_the_symbol(signal, intent):
    assert only_order(f"signal={signal},symbol=EURUSD").intent is intent


def test_the_entry_price_is_only_the_price_at_the_signal():
    order = only_order("signal=long,symbol=EURUSD,qty=1000,entry_price=1.1")

    assert (order.order_type, order.price, order.quantity_type) == (OrderType.MARKET, None, QuantityType.BASE)
    assert str(order.signal_price) == "1.1"


def test_the_same_keys_as_json_mean_the_same():
    body = '{"signal": "closelong", "symbol": "EURUSD", "secret": "s3cr3t"}'

    assert read("application/json", body).orders == asked("signal=closelong,symbol=EURUSD,secret=s3cr3t").orders


def test_a_cancel_reaches_only_the_order_of_its_zone():
    order = only_order("signal=cancellong,symbol=EURUSD,zone_id=7,zone_src=OB")

    assert (order.filter, order.tag) == ({"side": "buy", "zone_id": "7"}, "7/OB")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("signal=long,symbol=EURUSD,qty=1,size=1", "duplicate_volume"),
        ("signal=long,symbol=EURUSD,sl_price=1,sl_pips=20", "repeated_level"),
        ("signal=modify,symbol=EURUSD", "nothing_to_modify"),
        ("signal=armlong,symbol=EURUSD,qty=1", "missing_member"),
        ("signal=perhaps,symbol=EURUSD", "unknown_command"),
    ],
)
def test_what_the_bridge_could_not_obey_is_refused(text, code):
    assert refused(text)[:2] == ("pinebridge", code)
