"""Whatever arrives: no exception, no order out of a message that must not trade, no negative size."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bridge.dialects
from bridge.dialects import read
from bridge.dialects.base import Context
from bridge.domain.intent import Kind, Reading

EXAMPLES = [
    json.loads(path.read_text(encoding="utf-8"))["body"]
    for path in sorted(Path(bridge.dialects.__file__).parent.glob("*/examples/*.json"))
]


def objects(bodies: list[str]) -> Iterator[Any]:
    """The examples that are undamaged JSON."""
    for body in bodies:
        try:
            value = json.loads(body)
        except ValueError:
            continue
        if isinstance(value, dict) or (isinstance(value, list) and all(isinstance(part, dict) for part in value)):
            yield value


OBJECTS = list(objects(EXAMPLES))
FRAGMENTS = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', "'", "=", ";", "|", "\n", "%", "{{close}}", "１", "\u200b"]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**20),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.sampled_from(["NaN", "1e5", "-5", "1,5", "{{close}}", "50%", "buy", "long", "flat"]),
)
FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MODES = st.sampled_from([None, "LONG", "SHORT", "BOTH"])


def judged(reading: Reading) -> Reading:
    if reading.refusal or reading.kind in (Kind.NOTIFY, Kind.INVALID, Kind.MALFORMED, Kind.QUERY):
        assert reading.orders == ()
    if reading.kind is Kind.INVALID:
        assert reading.refusal
    for order in reading.orders:
        for figure in (order.quantity, order.price, order.trigger_price):
            assert figure is None or (figure.is_finite() and figure >= 0)
    json.dumps(reading.to_json())
    return reading


@FAST
@given(st.binary(max_size=300))
def test_random_bytes_never_raise(body: Any) -> None:
    judged(read("application/json", body))


@FAST
@given(st.text(max_size=300), st.sampled_from(["text/plain", "application/json", "application/x-www-form-urlencoded"]))
def test_random_text_never_raises(body: Any, content_type: str) -> None:
    judged(read(content_type, body))


@FAST
@given(st.recursive(ODD, lambda inner: st.dictionaries(st.text(max_size=6), inner) | st.lists(inner), max_leaves=20))
def test_random_json_never_trades(value: Any) -> None:
    assert not judged(read("application/json", json.dumps(value))).orders


@FAST
@given(st.sampled_from(EXAMPLES), st.data(), MODES)
def test_an_example_with_a_piece_changed_never_raises(body: Any, data: st.DataObject, mode: str | None) -> None:
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 12)))
    changed = body[:start] + data.draw(FRAGMENTS) + body[end:]

    judged(read("text/plain", changed, context=Context(trading_mode=mode)))


@FAST
@given(st.sampled_from(OBJECTS), st.data())
def test_an_object_with_an_odd_member_never_fails_its_dialect(value: Any, data: st.DataObject) -> None:
    part = value[0] if isinstance(value, list) else value
    name = data.draw(st.sampled_from(sorted(part)))
    changed = part | {name: data.draw(ODD)}

    reading = judged(read("application/json", json.dumps([changed] if isinstance(value, list) else changed)))

    assert reading.refusal is None or reading.refusal.code != "dialect_failed"


@FAST
@given(st.sampled_from(OBJECTS), st.data())
def test_an_object_without_a_member_never_fails_its_dialect(value: Any, data: st.DataObject) -> None:
    part = value[0] if isinstance(value, list) else value
    name = data.draw(st.sampled_from(sorted(part)))
    changed = {kept: part[kept] for kept in part if kept != name}

    reading = judged(read("application/json", json.dumps([changed] if isinstance(value, list) else changed)))

    assert reading.refusal is None or reading.refusal.code != "dialect_failed"


@pytest.mark.parametrize("odd", [None, True, 0, "", "x", [], {}, [1], {"a": 1}, "9" * 50], ids=repr)
def test_no_member_of_any_example_can_make_a_dialect_fail(odd: Any) -> None:
    failed = []
    for value in OBJECTS:
        part = value[0] if isinstance(value, list) else value
        for name in part:
            changed = part | {name: odd}
            reading = judged(read("application/json", json.dumps([changed] if isinstance(value, list) else changed)))
            if reading.refusal and reading.refusal.code == "dialect_failed":
                failed.append((reading.refusal.message, name))

    assert failed == []


@pytest.mark.parametrize(
    "piece",
    ["{", "[", '{"', '\\"', ",", "a=b&", "a=b,", "BUY AAPL\n", "{{", "%a", "“", ": ", "1 ", "tp 1 ", "\n", "=", "|"],
)
def test_64_kib_of_one_piece_come_to_an_end(piece: str) -> None:
    body = (piece * 65536)[:65536]

    assert not judged(read("text/plain", body)).orders


@FAST
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=Decimal("0.000001"), max_value=10**9))
def test_a_size_arrives_exactly_as_sent(quantity: Decimal) -> None:
    body = {"ticker": "AAPL", "action": "buy", "quantity": f"{quantity:f}"}

    assert read("application/json", json.dumps(body)).orders[0].quantity == quantity
