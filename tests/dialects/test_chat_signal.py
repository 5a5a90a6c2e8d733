from decimal import Decimal

import pytest

from bridge.domain.intent import Intent, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused

LONG = "#BTC/USDT\nEntry: 100\nTargets: 110, 120\nStop: 90"


@pytest.mark.parametrize("pair", ["#BTC/USDT", "BTC/USDT", "$BTC /USDT", "#BTCUSDT", "BTCUSDT.P"])
def test_the_pair_stands_with_or_without_hash_and_slash(pair):
    order = only_order(LONG.replace("#BTC/USDT", pair))

    assert order.symbol.replace("/", "").removesuffix(".P") == "BTCUSDT"


def test_without_a_word_the_side_follows_from_the_prices():
    assert only_order(LONG).intent is Intent.ENTER_LONG
    assert only_order("BTC/USDT Entry 100 Targets 90 80 Stop 110").intent is Intent.ENTER_SHORT


@pytest.mark.parametrize(
    "text",
    [
        "#BTC/USDT SHORT\nEntry: 100\nTargets: 110\nStop: 90",
        "#BTC/USDT\nEntry: 100\nTargets: 110\nStop: 105",
        "#BTC/USDT LONG\nEntry: 100\nTargets: 110\nStop: 101",
    ],
)
def test_prices_that_contradict_the_side_or_each_other_are_refused(text):
    assert refused(text)[:2] == ("chat_signal", "ambiguous_side")


@pytest.mark.parametrize(
    "targets",
    [
        "Targets: 1) 110 2) 120",
        "TP1: 110\nTP2: 120",
        "Target 1 - 110\nTarget 2 - 120",
        "Take-Profit: 110 - 120",
        "Sell 110 120",
    ],
)
def test_ordinals_are_no_prices(targets):
    order = only_order(f"#BTC/USDT\nEntry: 100\n{targets}\nStop: 90")

    assert [level.value for level in order.take_profit] == [110, 120]


def test_two_entries_are_told_and_a_zone_is_a_range():
    assert only_order(LONG.replace("100", "95-100")).extras == {"entries": [95, 100]}
    assert only_order(LONG.replace("Entry: 100", "Buy zone 95-100")).extras == {"entry_zone": {"from": 95, "to": 100}}


def test_above_is_a_breakout_and_current_price_the_market():
    breakout = only_order(LONG.replace("Entry: 100", "Enter above 100"))

    assert (breakout.order_type, breakout.trigger_price) == (OrderType.STOP, 100)
    assert only_order(LONG.replace("100", "current price")).order_type is OrderType.MARKET


@pytest.mark.parametrize(
    ("line", "times", "mode"),
    [("Leverage: Isolated (10X)", 10, "isolated"), ("Lev x5", 5, None), ("Leverage Cross 20x", 20, "cross")],
)
def test_leverage_and_margin_mode(line, times, mode):
    order = only_order(f"{LONG}\n{line}")

    assert (order.leverage, order.margin_mode) == (times, mode)


@pytest.mark.parametrize(
    ("line", "percent", "unit"),
    [
        ("Amount per trade 5%", "5", QuantityType.PERCENT_EQUITY),
        ("Invest up to 2.5% of your portfolio", "2.5", QuantityType.PERCENT_EQUITY),
        ("Amount: 1.0% Risk", "1.0", QuantityType.RISK_PERCENT),
        ("RM: 10.0%", "10.0", QuantityType.RISK_PERCENT),
    ],
)
def test_the_amount_is_a_share_of_the_portfolio_or_the_risk(line, percent, unit):
    order = only_order(f"{LONG}\n{line}")

    assert (order.quantity, order.quantity_type) == (Decimal(percent), unit)


def test_whole_satoshis_are_only_read_in_bitcoin_pairs():
    assert only_order("ADA/BTC Buy 900 Sell 1000 Stop 800").price == Decimal("0.000009")
    assert only_order("ADA/USDT Buy 900 Sell 1000 Stop 800").price == 900


def test_a_comma_in_a_price_is_not_guessed():
    assert refused(LONG.replace("100", "64,500"))[1] == "number_comma"


def test_news_about_a_pair_are_no_signal():
    assert asked("BTC/USDT: analysts see no entry of institutions, and nobody dares to name a target.").kind == "notify"
