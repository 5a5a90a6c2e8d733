"""How answers become words: only listed codes are final, and no body whatever is taken for a success by accident."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.brokers import declaration
from bridge.brokers.base import BrokerError, Connection, LoginRequired, OutcomeUnknown, Rejected, Unavailable
from bridge.brokers.fakebroker.translate import RULES
from bridge.brokers.families.http import Reply
from bridge.brokers.families.replies import decimal, identifier, optional, rows
from tests.brokers.orders import order

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["status", "data", "order_id"]), inner),
    max_leaves=8,
)


def reply(status: int, body: bytes | str) -> Reply:
    return Reply(status, httpx.Headers(), body.encode() if isinstance(body, str) else body)


def error(code: str, message: str = "no") -> str:
    return f'{{"status":"error","error_type":"{code}","message":"{message}"}}'


def outcome(status: int, body: bytes) -> str:
    """What `place` makes of an answer: `placed:<id>` or the word."""
    tape = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    connection = Connection(
        account_id="a",
        user_id="u",
        credentials={"token": "T"},
        rest_url="http://broker.test",
        services={"transport": tape},
    )
    try:
        return "placed:" + asyncio.run(declaration("fakebroker").connect(connection).place(order())).broker_order_id
    except BrokerError as word:
        return type(word).__name__


@given(status=st.sampled_from([200, 400, 403, 429, 500, 502]), body=st.binary(max_size=60))
def test_no_bytes_are_taken_for_an_order_id(status: int, body: bytes) -> None:
    assert outcome(status, body) == "OutcomeUnknown"


@given(said=JSON)
def test_only_a_success_with_an_id_places_an_order(said: Any) -> None:
    httpx_body = httpx.Response(200, json=said).content
    got = outcome(200, httpx_body)
    if isinstance(said, dict) and said.get("status") == "success" and isinstance(said.get("data"), dict):
        assert got in ("OutcomeUnknown", f"placed:{str(said['data'].get('order_id')).strip()}")
    else:
        assert got == "OutcomeUnknown"


@given(code=st.sampled_from(["MarginException", "TokenException", "RateException"]), status=st.integers(200, 599))
def test_a_listed_code_counts_only_under_its_status(code: str, status: int) -> None:
    listed = {("MarginException", 400): Rejected, ("TokenException", 403): LoginRequired}
    listed[("RateException", 429)] = Unavailable
    with pytest.raises(listed.get((code, status), OutcomeUnknown)):
        RULES.sent(reply(status, error(code)))


@pytest.mark.parametrize(
    "message",
    [
        "Order request timed out",
        "TIMEOUT at the exchange",
        "Timed-out",
        "Please check the order book",
        "check orderbook",
        "Check your order book before placing again",
    ],
)
def test_a_text_that_sends_one_to_the_order_book_is_never_a_refusal(message: str) -> None:
    with pytest.raises(OutcomeUnknown):
        RULES.sent(reply(400, error("InputException", message)))


def test_the_raw_answer_travels_with_the_word() -> None:
    with pytest.raises(Rejected, match="Insufficient funds") as caught:
        RULES.sent(reply(400, error("MarginException", "Insufficient funds")))
    assert (caught.value.code, caught.value.reply) == (
        "MarginException",
        error("MarginException", "Insufficient funds"),
    )


def test_a_refused_read_is_not_a_rejection() -> None:
    with pytest.raises(Unavailable):
        RULES.seen(reply(400, error("InputException")))


def test_an_expired_session_is_named_by_a_read_too() -> None:
    with pytest.raises(LoginRequired):
        RULES.seen(reply(403, error("TokenException")))


def test_numbers_are_exact() -> None:
    body = RULES.seen(reply(200, '{"status":"success","data":0.1000000000000000055}'))
    assert body["data"] == Decimal("0.1000000000000000055")


@pytest.mark.parametrize("value", [None, "", "  ", True, 1.5, Decimal(1), [], {}])
def test_an_id_is_text_or_a_whole_number(value: object) -> None:
    with pytest.raises(TypeError):
        identifier(value)


def test_an_id_may_be_a_number() -> None:
    assert (identifier(240101), identifier(" A1 ")) == ("240101", "A1")


@pytest.mark.parametrize("value", [None, True, 1.5, [], "ten", "NaN", "Infinity", ""])
def test_a_number_is_finite_and_never_a_float(value: object) -> None:
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        decimal(value)


def test_a_member_left_empty_is_none_and_an_object_is_no_list() -> None:
    assert (optional(""), optional(None), optional("1.50")) == (None, None, Decimal("1.50"))
    with pytest.raises(TypeError):
        rows({})
