"""Secrets out of bodies before they are kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.orders.masking import MASK, mask


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"apiKey": "abc123", "qty": 5}', '{"apiKey": "***", "qty": 5}'),
        ('{"auth-token":"abc123"}', '{"auth-token":"***"}'),
        ("api_secret=abc123&symbol=INFY", "api_secret=***&symbol=INFY"),
        ("password: abc123, buy", "password: ***, buy"),
        ("{'pin': '1234'}", "{'pin': '***'}"),
        ('{"token": 123456}', '{"token": ***}'),
    ],
)
def test_what_is_named_like_a_secret_is_masked(body: str, kept: str) -> None:
    assert mask(body, None) == kept


@pytest.mark.parametrize("body", ["buy INFY", '{"tokens": [1]}', '{"symbol": "PIN"}', '{"spinner": "x"}', ""])
def test_everything_else_stays(body: str) -> None:
    assert mask(body, None) == body


def test_the_senders_own_secret_is_masked_wherever_it_stands() -> None:
    assert mask('{"k": "s3cret!", "note": "s3cret! again"}', "s3cret!") == '{"k": "***", "note": "*** again"}'


def test_a_very_short_secret_does_not_blank_prices() -> None:
    assert mask('{"price": 101}', "101") == '{"price": 101}'


SECRETS = st.text(min_size=6, max_size=40).filter(lambda text: text not in json.dumps({"secret": MASK}))


@given(SECRETS, st.booleans())
@example("00000\\", False)
def test_no_secret_is_left_in_a_body(secret: str, ascii_only: bool) -> None:
    body = json.dumps({"symbol": "INFY", "secret": secret}, ensure_ascii=ascii_only)

    kept = mask(body, secret)

    assert secret not in kept
    assert json.dumps(secret, ensure_ascii=ascii_only)[1:-1] not in kept
    assert json.loads(kept) == {"symbol": "INFY", "secret": MASK}
