"""Standard Webhooks: the public vector, and everything that must not pass for it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.webhooks.signature import Flaw, Verifier
from tests.webhooks.door import ALERT, SIGNING_SECRET, Door, sign

# From the tests of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = b"msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = b"1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = b"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
NOW = 1614265330.0


def flaw(
    message_id: bytes = MESSAGE_ID,
    timestamp: bytes = TIMESTAMP,
    signatures: bytes = SIGNATURE,
    body: bytes = BODY,
    now: float = NOW,
) -> Flaw | None:
    return Verifier(SECRET).flaw(message_id, timestamp, signatures, body, now)


def test_the_public_vector_is_accepted_with_and_without_the_secrets_prefix() -> None:
    assert flaw() is None
    assert Verifier(SECRET.removeprefix("whsec_")).flaw(MESSAGE_ID, TIMESTAMP, SIGNATURE, BODY, NOW) is None


@pytest.mark.parametrize(
    "signatures",
    [
        b" ".join([OTHER, SIGNATURE]),
        b" ".join([SIGNATURE, OTHER]),
        b" ".join([OTHER, b"v2,x", b"v1a,x", SIGNATURE, b"nonsense"]),
        b"  " + SIGNATURE + b"  ",
    ],
)
def test_one_good_signature_among_several_is_enough(signatures: bytes) -> None:
    assert flaw(signatures=signatures) is None


@pytest.mark.parametrize(
    "signatures",
    [
        OTHER,
        SIGNATURE.removeprefix(b"v1,"),
        SIGNATURE.replace(b"v1,", b"v2,"),
        SIGNATURE.replace(b"v1,", b"V1,"),
        SIGNATURE[:-1],
        SIGNATURE + b"=",
        SIGNATURE.lower(),
        SIGNATURE.replace(b",", b", "),
        b",".join([OTHER, SIGNATURE]),
        b"v1,",
        b" ".join([OTHER] * 8 + [SIGNATURE]),
        b"\xff\x00",
    ],
)
def test_anything_but_the_exact_signature_is_wrong(signatures: bytes) -> None:
    assert flaw(signatures=signatures) is Flaw.WRONG


def test_all_three_headers_are_needed() -> None:
    assert flaw(message_id=b"") is flaw(timestamp=b"") is flaw(signatures=b"") is Flaw.MISSING


@pytest.mark.parametrize(("age", "expected"), [(300, None), (-300, None), (301, Flaw.STALE), (-301, Flaw.STALE)])
def test_a_signature_is_good_for_five_minutes_on_either_side(age: float, expected: Flaw | None) -> None:
    assert flaw(now=NOW + age) is expected


@pytest.mark.parametrize("timestamp", [b"hello", b"-1614265330", b"1614265330.0", b" 1614265330", b"1e9", b"9" * 5000])
def test_a_timestamp_is_whole_seconds(timestamp: bytes) -> None:
    assert flaw(timestamp=timestamp) is Flaw.STALE


def test_the_borders_between_the_signed_parts_cannot_be_moved() -> None:
    signed = sign(f"{int(NOW)}.buy", timestamp=99, message_id="msg", secret=SECRET)
    signatures = signed["webhook-signature"].encode()
    assert flaw(b"msg.99", TIMESTAMP, signatures, b"buy") is Flaw.WRONG


@given(st.binary(max_size=100), st.binary(max_size=20), st.binary(max_size=60), st.binary(max_size=100))
def test_nothing_by_chance_is_a_signature(message_id: bytes, timestamp: bytes, signatures: bytes, body: bytes) -> None:
    assert flaw(message_id, timestamp, signatures, body) is not None


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_no_byte_of_the_body_can_be_changed(place: int, difference: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= difference
    assert flaw(body=bytes(changed)) is Flaw.WRONG


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_short", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_ö"]
)
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="signing secret"):
        Verifier(secret)


# ---- at the door ----


async def test_a_signed_alert_is_let_in_with_its_proof_and_its_id(door: Door) -> None:
    door.require_signatures()
    assert (await door.post_signed()).status_code == 202
    arrival = door.arrivals[0]
    assert (arrival.idempotency_key, arrival.proofs) == ("msg_1", ("signed with the source's key",))


async def test_a_source_that_signs_takes_nothing_unsigned(door: Door) -> None:
    door.require_signatures()
    answers = [
        await door.post(),
        await door.post_signed(webhook_timestamp=str(int(door.clock.now().timestamp()) - 301)),
        await door.post_signed(webhook_id="msg_2"),
        await door.post(ALERT + " ", headers=sign(ALERT, timestamp=int(door.clock.now().timestamp()))),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    codes = [json.loads(answer.text)["code"] for answer in answers]
    assert codes == ["signature_missing", "signature_stale", "signature_wrong", "signature_wrong"]
    assert "www-authenticate" in answers[0].headers
    assert door.arrivals == []


async def test_a_replay_with_another_key_keeps_the_signed_id(door: Door) -> None:
    door.require_signatures()
    await door.post_signed(idempotency_key="fresh")
    assert door.arrivals[0].idempotency_key == "msg_1"


async def test_who_cannot_sign_does_not_use_up_the_rate_of_who_can(door: Door) -> None:
    door.require_signatures()
    for _ in range(100):
        await door.post()
    assert [(await door.post_signed()).status_code for _ in range(31)] == [202] * 30 + [429]


async def test_a_signing_secret_that_cannot_be_read_lets_nobody_in_and_tells_nobody(door: Door) -> None:
    sealed_elsewhere = door.vault.seal(SIGNING_SECRET, "sources.so_other.signing")
    settings = door.source.settings.model_copy(update={"signing_secret": sealed_elsewhere})
    door.change_source(settings=settings)
    with capture_logs() as lines:
        answers = [await door.post(), await door.post_signed()]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [line["event"] for line in lines].count("source_unusable") == 1
    assert SIGNING_SECRET not in str(lines)
