"""The way in: detection with reasons, pinning, the boundary around dialects, and what holds for all of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

import bridge.dialects as dialects
from bridge.dialects import discover, read
from bridge.dialects.base import Context, Dialect, Message
from bridge.domain.intent import Intent, Kind, OrderIntent, Reading
from bridge.domain.refusal import Refusal

BUY = {"ticker": "AAPL", "action": "buy"}


Only = Callable[..., None]
ReadMessage = Callable[[Message, Context], Reading]


def one_dialect(read_message: ReadMessage, *, name: str = "ours", rank: int = 50, only_with: str = "") -> Dialect:
    """A dialect that takes every message with that text in it."""
    return Dialect(
        name=name,
        title=name,
        rank=rank,
        recognise=lambda message: "it is ours" if only_with in message.text else None,
        read=read_message,
    )


def ordering(name: str, kind: Kind = Kind.ORDER, symbol: str = "AAPL") -> ReadMessage:
    """Reads every message as one buy."""
    order = OrderIntent(intent=Intent.BUY, symbol=symbol)
    return lambda message, context: Reading(dialect=name, kind=kind, orders=(order,))


def broken(*_: object) -> Any:
    raise ZeroDivisionError


def refusal_of(reading: Reading) -> Refusal:
    assert reading.refusal is not None
    return reading.refusal


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Only:
    """Replaces the discovered dialects."""
    return lambda *found: monkeypatch.setattr(dialects, "discover", lambda: found)


def test_a_reading_says_which_dialect_read_it_and_why() -> None:
    reading = read("application/json", json.dumps(BUY))

    assert reading.dialect == "traderspost"
    assert reading.because[0].startswith("read as traderspost because it has ticker and action")


def test_the_content_type_does_not_decide() -> None:
    as_text, as_form = read("text/plain", json.dumps(BUY)), read("application/x-www-form-urlencoded", json.dumps(BUY))

    assert as_text.orders == as_form.orders == read("application/json", json.dumps(BUY)).orders
    assert len(as_text.orders) == 1


def test_form_fields_are_read_like_the_same_json() -> None:
    reading = read("application/x-www-form-urlencoded", b"ticker=AAPL&action=buy&quantity=5")

    assert reading.orders == read("application/json", json.dumps(BUY | {"quantity": "5"})).orders


def test_a_byte_order_mark_and_blanks_around_do_not_matter() -> None:
    reading = read("application/json", b"\xef\xbb\xbf \n" + json.dumps(BUY).encode() + b"\r\n")

    assert reading.orders[0].symbol == "AAPL"


def test_a_pinned_dialect_is_used_without_detection() -> None:
    reading = read("application/json", json.dumps(BUY | {"quantity": 2}), pinned="trade_relay")

    assert reading.dialect == "trade_relay"
    assert reading.because == ("read as trade_relay because the source says so",)


def test_a_pinned_dialect_that_does_not_exist_refuses() -> None:
    assert refusal_of(read("text/plain", "buy AAPL", pinned="klingon")).code == "unknown_dialect"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_message"),
        (b" \n\t", "empty_message"),
        (b"\xff\xfe{", "bad_encoding"),
        (b'{"ticker": "A", "ticker": "B"}', "duplicate_key"),
        (b"ticker=A&ticker=B&action=buy", "duplicate_key"),
        (b'{"a": ' + b"[" * 17 + b"]" * 17 + b"}", "json_too_deep"),
        (b'{"a": ' + b"9" * 40 + b"}", "number_too_long"),
        (b'{"ticker": "A", "action": "buy", "price": Infinity}', "number_nan"),
        (json.dumps({f"k{n}": n for n in range(501)}).encode(), "json_too_many_keys"),
        (json.dumps({"a": "x" * 4097}).encode(), "json_long_string"),
        (b"{'ticker': 'A'}", "malformed_json"),
        (b'{"ticker": "A"} {"ticker": "B"}', "malformed_json"),
    ],
)
def test_a_body_that_breaks_the_bounds_is_refused_by_name(body: Any, code: str) -> None:
    reading = read("application/json", body)

    assert refusal_of(reading).code == code
    assert not reading.orders


def test_a_dialect_that_fails_refuses_only_its_own_alert(only: Only) -> None:
    only(one_dialect(broken, only_with="mine"), one_dialect(ordering("other"), name="other", rank=60))

    refused, unharmed = read("text/plain", "mine"), read("text/plain", "theirs")

    assert (refused.kind, refusal_of(refused).code) == (Kind.INVALID, "dialect_failed")
    assert len(unharmed.orders) == 1


def test_a_dialect_that_fails_to_recognise_does_not_keep_others_from_reading(only: Only) -> None:
    only(replace(one_dialect(broken), recognise=broken), one_dialect(ordering("other"), name="other"))

    assert read("text/plain", "anything").dialect == "other"


def test_what_a_failing_dialect_may_have_wanted_is_not_left_to_a_catch_all(only: Only) -> None:
    only(replace(one_dialect(broken), recognise=broken), one_dialect(ordering("any"), name="any", rank=90))

    reading = read("text/plain", "anything")

    assert refusal_of(reading).code == "dialect_failed"
    assert not reading.orders


@pytest.mark.parametrize("kind", [Kind.NOTIFY, Kind.INVALID, Kind.MALFORMED, Kind.QUERY])
def test_a_kind_that_never_trades_loses_its_orders(only: Only, kind: Any) -> None:
    only(one_dialect(ordering("ours", kind=kind)))

    assert read("text/plain", "anything").orders == ()


def test_no_dialect_can_pass_a_symbol_with_odd_characters(only: Only) -> None:
    only(one_dialect(ordering("ours", symbol="ＡAPL")))

    reading = read("text/plain", "anything")

    assert refusal_of(reading).code == "odd_characters"
    assert "FULLWIDTH LATIN CAPITAL LETTER A" in refusal_of(reading).message


def test_a_placeholder_that_was_not_filled_in_is_named() -> None:
    refusal = refusal_of(read("application/json", json.dumps(BUY | {"interval": "{{interval}}"})))

    assert refusal.code == "unresolved_placeholder"
    assert "interval" in refusal.message
    assert "{{interval}}" in refusal.message


@pytest.mark.parametrize("left", ["{{ticker}}", "%alert_symbol%", "{strategy.order.id}"])
def test_every_way_to_write_a_placeholder_is_refused(left: str) -> None:
    reading = read("application/json", json.dumps({"ticker": left, "action": "buy"}))

    assert refusal_of(reading).code == "unresolved_placeholder"


def test_a_placeholder_in_free_text_does_no_harm() -> None:
    body = BUY | {"extras": {"note": "{{plot_0}}"}, "comment": "{{strategy.order.comment}}"}

    assert read("application/json", json.dumps(body)).refusal is None


def test_numbers_stay_exact() -> None:
    reading = read("application/json", '{"ticker": "X", "action": "buy", "quantity": 0.1000000000000000055511151231}')

    assert reading.orders[0].quantity == Decimal("0.1000000000000000055511151231")


def test_a_repaired_alert_says_what_was_repaired() -> None:
    reading = read("text/plain", "{“ticker”: “AAPL”, “action”: “buy”,}")

    assert reading.repaired
    assert reading.because[1:] == (
        "typographic quotes were read as plain ones",
        "a comma before a closing bracket was dropped",
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"ticker": "AAPL", "action": "buy", "quantity": 1',  # it may have been 10
        '{"ticker": "AAPL", "action": "bu',
        '{"ticker": "AAPL", "action": "buy", "stopLoss": {"percent": 5',
        '{"ticker": "AAPL" "action": "buy"}',
        '{"ticker": "AAPL", "action": "buy"}}',
        "{ticker: AAPL, action: buy}",
    ],
)
def test_damage_that_leaves_a_doubt_is_not_repaired(body: Any) -> None:
    reading = read("text/plain", body)

    assert (reading.kind, refusal_of(reading).code) == (Kind.MALFORMED, "malformed_json")


def test_the_catch_alls_are_asked_last() -> None:
    *particular, last = [dialect.name for dialect in discover()]

    assert particular[-1] == "generic_json"
    assert last == "notify"


def test_names_and_places_of_dialects_are_unique() -> None:
    names = [dialect.name for dialect in discover()]

    assert len(names) == len(set(names))
