import pytest

from bridge.domain.intent import Intent, OrderType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    ("word", "intent"),
    [("LE", Intent.ENTER_LONG), ("lx", Intent.EXIT_LONG), ("SE", Intent.ENTER_SHORT), ("sx", Intent.EXIT_SHORT)],
)
def test_the_four_signals(word, intent):
    assert only_order(f"SYMBOL: SBIN\nTYPE: {word}").intent is intent


@pytest.mark.parametrize(
    ("lines", "order_type"),
    [
        ("", OrderType.MARKET),
        ("\nPRICE: 0", OrderType.MARKET),
        ("\nPRICE: 600", OrderType.LIMIT),
        ("\nTRIG: 605", OrderType.STOP),
        ("\nPRICE: 606\nTRIG: 605", OrderType.STOP_LIMIT),
    ],
)
def test_price_and_trigger_make_the_order_type(lines, order_type):
    assert only_order(f"SYMBOL: SBIN\nTYPE: LE{lines}").order_type is order_type


def test_a_pair_of_signals_and_a_second_group_are_orders_in_turn():
    orders = asked("TYPE: LX,SE\nSYMBOL: SBIN\nTYPE: LE\nSYMBOL: TCS").orders

    assert [(order.intent, order.symbol) for order in orders] == [
        (Intent.EXIT_LONG, "SBIN"),
        (Intent.ENTER_SHORT, "SBIN"),
        (Intent.ENTER_LONG, "TCS"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SYMBOL: SBIN\nTYPE: BUY", "unknown_signal_type"),
        ("SYMBOL: SBIN\nTYPE: LE\nSTOP: 4", "unknown_key"),
        ("SYMBOL: SBIN\nTYPE: LE\nSL: four", "bad_number"),
        ("SYMBOL: SBIN\nTYPE: LE\nquickly", "bad_pair"),
    ],
)
def test_a_line_that_is_not_understood_refuses_the_message(text, code):
    assert refused(text)[:2] == ("fyers_api_bridge", code)
