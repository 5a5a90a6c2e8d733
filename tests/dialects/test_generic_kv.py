import pytest

from bridge.domain.intent import Intent, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize("separator", ["\n", "; ", ", ", " "])
def test_any_separator_will_do(separator):
    order = only_order(separator.join(["ticker=BTCUSDT", "side=Long", "Entry=64000", "TP1=66000", "SL=63000"]))

    assert (order.intent, order.symbol) == (Intent.ENTER_LONG, "BTCUSDT")
    assert (order.take_profit[0].type, order.stop_loss.type) == ("price", "price")


def test_the_entry_is_the_price_at_the_alert_unless_a_limit_is_asked_for():
    assert only_order("symbol=A;side=buy;price=5").order_type is OrderType.DEFAULT
    assert only_order("symbol=A;side=buy;price=5;type=limit").price == 5


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("qty", QuantityType.UNITS),
        ("Contracts", QuantityType.UNITS),
        ("lot_size", QuantityType.LOTS),
        ("cash", QuantityType.CASH),
    ],
)
def test_the_synonym_says_what_the_size_counts(key, unit):
    assert only_order(f"symbol=A;side=sell;{key}=3").quantity_type is unit


def test_a_level_far_from_any_price_is_left_to_the_settings():
    assert only_order("long symbol=EURUSD sl=100 lots=1").stop_loss.type == "setting"


def test_bare_words_may_lead_the_pairs():
    order = only_order("EURUSD short sl=100 lots=0.2")

    assert (order.symbol, order.intent) == ("EURUSD", Intent.ENTER_SHORT)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("symbol=A;side=buy;qty=1;mood=good", "unknown_key"),
        ("symbol=A;side=maybe;qty=1", "unknown_side"),
        ("symbol=A;side=buy;qty=1;size=2", "repeated_key"),
        ("symbol=A;side=buy;qty=1;lots=2", "duplicate_quantity"),
        ("symbol=A;side=buy;qty=5%", "ambiguous_quantity"),
        ("symbol=A;side=buy;qty=1,5", "number_comma"),
        ("symbol=A;side=buy;type=stop", "missing_stop_price"),
        ("symbol=A;side=buy;type=iceberg", "unknown_order_type"),
        ("long EURUSD quickly sl=100", "unknown_words"),
        ("EURUSD LONG 5 1.1", "unknown_words"),
    ],
)
def test_what_is_not_understood_is_refused_and_not_guessed(text, code):
    assert refused(text)[:2] == ("generic_kv", code)


@pytest.mark.parametrize(
    "text",
    [
        "NASDAQ:AAPL, price = 189.84, volume = 41250",
        "AAPL CLOSE 180.5",
        "Strategy: order buy @ 10 filled on AAPL. New strategy position is 10",
        "Long story short: volume = 5 times the average and the symbol is AAPL",
    ],
)
def test_figures_without_an_order_are_only_told(text):
    assert asked(text).kind == "notify"
