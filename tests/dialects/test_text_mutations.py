"""Damaged messages end in a reading or in a refusal with a reason, in every text dialect, detected or pinned."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bridge.dialects
from bridge.dialects import discover
from bridge.dialects.base import Context, Message, Unreadable
from bridge.domain.intent import Reading

TEXT_DIALECTS = (
    *("pineconnector", "tradesgnl", "tradewzrd", "tradesender", "password_line", "algotest", "pinebridge"),
    *("crosstrade", "autoview", "alertatron", "instabot", "octobot", "short_text", "pipe_bva"),
    *("fyers_api_bridge", "csv_short", "generic_kv", "chat_signal", "chat_command"),
)
FOLDER = Path(bridge.dialects.__file__).parent
DIALECTS = {dialect.name: dialect for dialect in discover()}
TEXTS = {
    name: [
        json.loads(file.read_text(encoding="utf-8"))["body"] for file in sorted(FOLDER.glob(f"{name}/examples/*.json"))
    ]
    for name in TEXT_DIALECTS
}
SHARDS = st.sampled_from(
    [
        *"=,;|&%@#(){}[]:/\\\"'+-. \n\t0179eExX",
        "1,5",
        "NaN",
        "1e9",
        "-1",
        "0",
        "%%",
        "100%p",
        "{{close}}",
        "é",
        "٣",
        "＝",
        "🔥",
        "\x00",
    ]
)
HOSTILE = (
    *("a(b){" + "m(" * 30_000, "buy|" * 16_000, "a=" * 32_000, "b=long|" * 9_000, "tp" * 3_000, "A/" * 3_000),
    *("{" * 65_000, "#BTC/USDT Entry 1 Stop 2 " * 240, "60123456789,buy,EURUSD," + "a=1," * 15_000),
    *("Password\nlong X " + "q=1 " * 16_000, "SYMBOL: A\nTYPE: LE\n" * 3_000, "INFY buy 1," * 6_000),
)


@st.composite
def damaged(draw, name):
    """An example of the dialect with pieces cut out, doubled or put in."""
    text = draw(st.sampled_from(TEXTS[name]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.one_of(st.just(""), SHARDS, st.just(text[start:end] * 2), st.sampled_from(TEXTS[name])))
        text = text[:start] + piece + text[end:]
    return text.strip() or "x"


def outcome(name, text):
    dialect, message = DIALECTS[name], Message("text/plain", text)
    dialect.recognise(message)
    try:
        return dialect.read(message, Context())
    except Unreadable as fault:
        return fault.refusal


@pytest.mark.parametrize("name", TEXT_DIALECTS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_damaged_message_is_read_or_refused_with_a_sentence(name, data):
    said = outcome(name, data.draw(damaged(name)))

    assert isinstance(said, Reading) or (said.code.isidentifier() and " " in said.message)


@pytest.mark.parametrize("name", TEXT_DIALECTS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=60).map(str.strip).filter(bool))
def test_any_text_at_all_is_read_or_refused_when_the_dialect_is_pinned(name, text):
    said = outcome(name, text)

    assert isinstance(said, Reading) or " " in said.message


@pytest.mark.parametrize("name", TEXT_DIALECTS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_size_or_price_of_a_damaged_message_is_zero_or_negative(name, data):
    said = outcome(name, data.draw(damaged(name)))

    orders = said.orders if isinstance(said, Reading) else ()

    assert all(figure is None or figure > 0 for o in orders for figure in (o.quantity, o.price, o.trigger_price))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
@pytest.mark.parametrize("name", TEXT_DIALECTS)
def test_a_hostile_text_is_refused_and_not_turned_into_thousands_of_orders(name, text):
    said = outcome(name, text)

    assert not isinstance(said, Reading) or len(said.orders) <= 100
