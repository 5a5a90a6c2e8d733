import pytest

from bridge.domain.intent import QuantityType
from tests.dialects.asked import asked, only_order, refused


def test_trades_between_commas_stay_in_order():
    symbols = [order.symbol for order in asked("NIFTY250417P23000 sell 2, NIFTY250417C23500 buy 2").orders]

    assert symbols == ["NIFTY250417P23000", "NIFTY250417C23500"]


@pytest.mark.parametrize(
    ("ticker", "kind", "unit"),
    [
        ("INFY", "equity", QuantityType.UNITS),
        ("M&M", "equity", QuantityType.UNITS),
        ("INFY1!", "future", QuantityType.SETTING),
        ("NIFTY250417C23000", "option", QuantityType.SETTING),
    ],
)
def test_only_shares_are_surely_counted_in_units(ticker, kind, unit):
    order = only_order(f"{ticker} buy 3")

    assert (order.instrument.kind, order.quantity_type) == (kind, unit)


@pytest.mark.parametrize(
    ("text", "code"),
    [("NIFTY251340C23000 buy 1", "bad_expiry"), ("INFY buy 1.5.1", "bad_number"), ("INFY sell 1, ", None)],
)
def test_an_impossible_contract_or_number_is_refused(text, code):
    if code is None:
        assert len(asked(text).orders) == 1
    else:
        assert refused(text)[:2] == ("algotest", code)


def test_a_hundred_and_one_trades_are_too_many_for_one_message():
    assert refused("INFY buy 1," * 101)[1] == "too_many_orders"


def test_a_person_who_will_buy_5_is_no_ticker():
    assert asked("I buy 5 bottles of milk").kind == "notify"
