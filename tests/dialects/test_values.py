"""Numbers, words and symbols: plain ones are read, doubtful ones refused with a code of their own."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values
from bridge.domain.intent import Side
from bridge.domain.refusal import Refusal


def refusal(call: Callable[..., Any], *arguments: Any) -> Refusal:
    with pytest.raises(Unreadable) as caught:
        call(*arguments)
    return caught.value.refusal


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("10", 10), (" 0.05 ", "0.05"), ("+3", 3), ("-2.5", "-2.5"), (".5", "0.5"), (7, 7), (Decimal("1.20"), "1.2")],
)
def test_a_plain_number_is_read(sent: Any, meant: Any) -> None:
    assert values.number(sent, "price") == Decimal(meant)


def test_a_json_number_may_be_as_tiny_as_javascript_writes_it() -> None:
    assert values.number(Decimal("1e-7"), "price") == Decimal("0.0000001")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("ten", "bad_number"),
        (True, "bad_number"),
        ([1], "bad_number"),
        ("0x10", "bad_number"),
        ("1_000", "bad_number"),
        ("１０", "bad_number"),
        ("1 000", "bad_number"),
        ("1,5", "number_comma"),
        ("1,000.50", "number_comma"),
        ("1e5", "number_exponent"),
        ("1E-5", "number_exponent"),
        (Decimal("1e5"), "number_exponent"),
        ("NaN", "number_nan"),
        ("-Infinity", "number_nan"),
        ("9" * 60, "number_too_long"),
        ("{{close}}", "unresolved_placeholder"),
        (None, "missing_member"),
        ("  ", "missing_member"),
    ],
)
def test_a_doubtful_number_is_refused_by_its_own_code(sent: Any, code: str) -> None:
    found = refusal(values.number, sent, "quantity")

    assert found.code == code
    assert found.message.startswith("quantity:")


def test_the_refusal_quotes_what_was_sent() -> None:
    assert refusal(values.number, "ten", "quantity").message == 'quantity: expected a number, was "ten"'


def test_zero_is_unused_for_some_and_refused_for_others() -> None:
    assert values.unless_zero("0.00", "tp") is None
    assert values.optional_positive("", "tp") is None
    assert refusal(values.positive, "0", "quantity").code == "number_zero"
    assert refusal(values.unless_zero, "-1", "tp").code == "number_negative"


def test_an_amount_says_whether_it_is_a_percentage() -> None:
    assert values.amount("50%", "size") == (Decimal(50), True)
    assert values.amount("0.1", "size") == (Decimal("0.1"), False)
    assert refusal(values.amount, "-5%", "size").code == "number_negative"


@pytest.mark.parametrize("sent", ["buy", "BUY", " Long ", "b", "bullish"])
def test_words_for_buying(sent: Any) -> None:
    assert values.side(sent, "side") is Side.BUY


def test_a_word_that_is_no_side_is_refused() -> None:
    assert refusal(values.side, "up", "side").code == "unknown_side"


@pytest.mark.parametrize(("sent", "meant"), [(True, True), ("true", True), ("0", False), ("No", False)])
def test_booleans_may_be_words(sent: Any, meant: Any) -> None:
    assert values.boolean(sent, "test") is meant


def test_a_boolean_that_is_neither_is_refused() -> None:
    assert refusal(values.boolean, "maybe", "test").code == "bad_boolean"


@pytest.mark.parametrize(
    "sent",
    ["AAPL", "BTC/USDT", "NASDAQ:AAPL", "M&M", "ES1!", "SPY 240510C68", "BRK.B", "^NSEI", "BTCUSDT.P", "NQ MAR26"],
)
def test_symbols_as_markets_write_them(sent: Any) -> None:
    assert values.symbol(sent) == sent


@pytest.mark.parametrize(
    ("sent", "called"),
    [
        ("АAPL", "CYRILLIC CAPITAL LETTER A"),
        ("AA\u200bPL", "ZERO WIDTH SPACE"),
        ("ＡAPL", "FULLWIDTH LATIN CAPITAL LETTER A"),
        ("AAPL１", "FULLWIDTH DIGIT ONE"),
        ("A\u0301APL", "COMBINING ACUTE ACCENT"),
        ("A\x00B", "U+0000"),
        ("A;DROP", "SEMICOLON"),
    ],
)
def test_a_character_that_no_symbol_has_is_named(sent: Any, called: str) -> None:
    found = refusal(values.symbol, sent)

    assert found.code == "odd_characters"
    assert called in found.message


def test_a_symbol_that_is_too_long_is_refused() -> None:
    assert refusal(values.symbol, "A" * 65).code == "bad_symbol"
