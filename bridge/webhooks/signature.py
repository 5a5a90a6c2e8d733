"""Standard Webhooks signatures: proof that the holder of a key sent exactly this body, now.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

from __future__ import annotations

import base64
import hmac
from enum import StrEnum

TOLERANCE_S = 300
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how such keys begin, not one of them
_SHORTEST_KEY = 24  # bytes, by the specification
_MOST_SIGNATURES = 8  # a sender that rotates has two; the rest would only cost time


class Flaw(StrEnum):
    """What is wrong with a signature; the code of the refusal."""

    MISSING = "signature_missing"
    STALE = "signature_stale"
    WRONG = "signature_wrong"


class Verifier:
    """Checks signatures made with one secret."""

    def __init__(self, secret: str) -> None:
        """`secret` is `whsec_…` (base64); raises `ValueError` when it is no such key."""
        try:
            self._key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        except ValueError as problem:
            raise ValueError("a signing secret is whsec_ and base64") from problem
        if len(self._key) < _SHORTEST_KEY:
            raise ValueError(f"a signing secret has at least {_SHORTEST_KEY} bytes, this one has {len(self._key)}")

    def flaw(self, message_id: bytes, timestamp: bytes, signatures: bytes, body: bytes, now: float) -> Flaw | None:
        """What is wrong, or None. The first three are the values of webhook-id, -timestamp and -signature;
        `now` is in seconds since 1970."""
        if not (message_id and timestamp and signatures):
            return Flaw.MISSING
        if not timestamp.isdigit() or len(timestamp) > 12 or abs(now - int(timestamp)) > TOLERANCE_S:
            return Flaw.STALE
        if b"." in message_id:  # it would let somebody move the borders of what was signed
            return Flaw.WRONG
        return None if self._is_signed(b"%b.%b.%b" % (message_id, timestamp, body), signatures) else Flaw.WRONG

    def _is_signed(self, content: bytes, signatures: bytes) -> bool:
        expected = b"v1," + base64.b64encode(hmac.digest(self._key, content, "sha256"))
        return any(hmac.compare_digest(given, expected) for given in signatures.split()[:_MOST_SIGNATURES])
