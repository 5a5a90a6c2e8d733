"""Secrets out of bodies before they are kept: the sender's own, whatever is named like one, and our own addresses."""

from __future__ import annotations

import json
import re

MASK = "***"
_NAMES = (
    r"api[_-]?key|api[_-]?secret|passphrase|password|passwd|auth[_-]?key|authorization|licen[cs]e(?:[_-]?id)?|pin|sig"
    r"|\w*(?:secret|token)"
)
_NAMED = re.compile(
    rf"""(?P<name>["']?\b(?:{_NAMES})\b["']?\s*[:=]\s*)"""
    r"""(?:"(?P<quoted>(?:\\.|[^"\\]){1,512})"|'(?P<single>(?:\\.|[^'\\]){1,512})'|(?P<bare>[^"'\s,;&}\]]{1,512}))""",
    re.IGNORECASE,
)
# `key` alone is too common a word for anything short.
_KEY = re.compile(r"""(?P<name>["']?\bkey\b["']?\s*[:=]\s*["']?)[^"'\s,;&}\]]{8,512}""", re.IGNORECASE)
# Chartink sends our own webhook address along; slashes may be escaped.
_ADDRESS = re.compile(r"(?P<slash>\\?/)hook(?P=slash)[^/\\\s\"'?&]+(?P=slash)[^/\\\s\"'?&]+")
_SHORTEST = 4  # masking a shorter secret wherever it occurs would blank prices and quantities


def mask(body: str, secret: str | None, licence: str | None = None) -> str:
    """The body as it may be kept and shown. A `licence` id is replaced by zeros, so that the message keeps its grammar."""
    if licence:
        body = body.replace(licence, "0" * len(licence))
    if secret and len(secret) >= _SHORTEST:
        forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        for written in sorted(forms, key=len, reverse=True):  # an escaped form begins with the plain one
            body = body.replace(written, MASK)
    elif secret:
        body = re.sub(rf"""(:\s*["']){re.escape(secret)}(["'])""", rf"\g<1>{MASK}\g<2>", body)
    body = _ADDRESS.sub(rf"\g<slash>hook\g<slash>{MASK}\g<slash>{MASK}", body)
    return _KEY.sub(rf"\g<name>{MASK}", _NAMED.sub(_masked, body))


def _masked(found: re.Match[str]) -> str:
    quote = '"' if found["quoted"] is not None else "'" if found["single"] is not None else ""
    return f"{found['name']}{quote}{MASK}{quote}"
