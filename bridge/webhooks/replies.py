"""What the door says, ready-made: no reply of its own depends on what was sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.kit.database import dumps
from bridge.orders.arrival import Answer

_FIXED_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response as ASGI sends it. `code` is for the log."""

    status: int
    code: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def reply(status: int, code: str, content: Mapping[str, object], headers: Mapping[str, str]) -> Reply:
    """A JSON response."""
    body = dumps(content).encode()
    own = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
    return Reply(status, code, (*_FIXED_HEADERS, (b"content-length", b"%d" % len(body)), *own), body)


def from_answer(answer: Answer) -> Reply:
    """The pipeline's answer."""
    code = answer.content.get("code") or answer.content.get("status") or ""
    return reply(answer.status, str(code), answer.content, answer.headers)


def refusal(status: int, code: str, message: str, **headers: str) -> Reply:
    """A "no" of the door; header names with underscores."""
    content = {"status": "refused", "code": code, "message": message}
    return reply(status, code, content, {name.replace("_", "-"): value for name, value in headers.items()})


class Refused(Exception):
    """Ends an alert's way with that reply."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(answer.code)
        self.reply = answer


NOT_FOUND = refusal(404, "not_found", "There is nothing at this address. Copy the webhook address again from its page.")
METHOD = refusal(405, "method_not_allowed", "Alerts are sent with POST.", allow="POST")
SENDER = refusal(
    403,
    "sender_not_allowed",
    "This source does not take alerts from your address. Add it to the source's allowed senders; behind a proxy, "
    "name the proxy in BRIDGE_TRUSTED_PROXIES.",
)
CODING = refusal(415, "coding_not_supported", "Send the body as it is, without Content-Encoding.")
MULTIPART = refusal(415, "multipart_not_supported", "Send the alert as the body itself, not as a form with files.")
TOO_LARGE = refusal(413, "too_large", "The body is larger than an alert may be.", connection="close")
TOO_SLOW = refusal(408, "too_slow", "The body did not arrive in time.", connection="close")
BROKEN_OFF = refusal(400, "broken_off", "The body ended early.")
NOT_TEXT = refusal(400, "not_utf8", "The body is not text in UTF-8.")
BAD_KEY = refusal(400, "idempotency_key_invalid", "An idempotency key has 1 to 200 printable ASCII characters.")
SIGNATURES = {
    "signature_missing": "This source takes signed alerts: webhook-id, webhook-timestamp and webhook-signature.",
    "signature_stale": "webhook-timestamp is more than 300 seconds from now. Check the sender's clock.",
    "signature_wrong": "No signature fits the body and this source's signing secret.",
}
UNSIGNED = {
    code: refusal(401, code, message, www_authenticate="StandardWebhooks") for code, message in SIGNATURES.items()
}
OVERLOADED = refusal(503, "overloaded", "Too many alerts at once. Send this one again.", retry_after="1")
NOT_STORED = refusal(
    503, "cannot_store", "The alert could not be stored, so nothing was done. Send it again.", retry_after="2"
)
UNUSABLE = refusal(
    503, "source_unusable", "This source's settings cannot be used. Its owner has to mend them.", retry_after="60"
)
BLOCKED = "too_many_wrong_addresses"
# Only for the log and the counter: a fault of ours is raised, and the application's handler answers it.
FAILED = refusal(500, "internal_error", "Something went wrong here.")


def too_fast(wait_s: float) -> Reply:
    """429, with the whole seconds after which there is room again."""
    seconds = str(max(1, math.ceil(wait_s)))
    return refusal(429, "too_fast", "Too many alerts in a short time. Wait, then send again.", retry_after=seconds)


def blocked(wait_s: float) -> Reply:
    """429 for an address that has guessed too often."""
    seconds = str(max(1, math.ceil(wait_s)))
    return refusal(429, BLOCKED, "Too many alerts to wrong addresses.", retry_after=seconds)
