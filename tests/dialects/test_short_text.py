import pytest

from bridge.domain.intent import Intent, Kind, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    "text",
    ["BUY 10 AAPL", "buy 10 shares of AAPL", "Buy 10 shares AAPL", "buy 10 NASDAQ:AAPL", "long 10 AAPL at market"],
)
def test_the_ways_to_buy_ten_at_market(text):
    order = only_order(text)

    assert (order.symbol, order.quantity, order.order_type, order.intent) == ("AAPL", 10, OrderType.MARKET, Intent.BUY)


@pytest.mark.parametrize(
    "text",
    [
        "buy 10 AAPL limit 180",
        "buy 10 AAPL 180",
        "buy 10 AAPL at 180",
        "sell AAPL now",
        "close AAPL half",
        "BUY 10 AAPL stop",
    ],
)
def test_a_word_that_is_not_understood_never_leaves_a_market_order_behind(text):
    assert refused(text)[:2] == ("short_text", "unknown_words")


@pytest.mark.parametrize(
    "text", ["buy 10,5 AAPL", "buy -1 AAPL", "buy 0 AAPL", "buy 10% AAPL", "buy 1.2.3 AAPL", "buy 10 aapl"]
)
def test_a_doubtful_quantity_or_symbol_is_refused(text):
    assert refused(text)[0] == "short_text"


@pytest.mark.parametrize(
    "text",
    [
        "BUY SIGNAL",
        "Buy the dip",
        "Close below the average",
        "SELL ALL",
        "buy",
        "Exit strategy changed",
        "Short term outlook",
    ],
)
def test_a_headline_that_begins_with_a_verb_is_only_told(text):
    assert asked(text).kind is Kind.NOTIFY


@pytest.mark.parametrize(
    ("text", "kind"), [("close all", Kind.FLATTEN), ("cancel all", Kind.CANCEL), ("KILL", Kind.CONTROL)]
)
def test_single_commands_need_no_symbol(text, kind):
    assert asked(text).kind is kind


def test_the_unit_word_counts():
    assert only_order("sell 2 lots of GOLD").quantity_type is QuantityType.LOTS
    assert only_order("sell 2 contracts ES").quantity_type is QuantityType.CONTRACTS


def test_an_indicator_line_is_an_order_of_the_usual_size_and_its_interval_is_kept():
    reading = asked("BTCUSDT.P, 15m - Sell Signal")

    assert (reading.orders[0].intent, reading.interval) == (Intent.SELL, "15m")
    assert asked("BTCUSDT.P, 15m - UPTREND").kind is Kind.NOTIFY


def test_flattening_the_account_is_not_guessed_from_a_symbol():
    _, code, message = refused("flatten NVDA")

    assert code == "unexpected_symbol"
    assert "close NVDA" in message
