"""Secrets out of bodies before they are kept. The sender's own secret first, then whatever is named like one."""

from __future__ import annotations

import re

MASK = "***"
_NAMED = re.compile(
    r"""(?P<name>["']?\b(?:api[_-]?key|api[_-]?secret|apikey|secret|passphrase|password|passwd|auth[_-]?key|auth[_-]?token|"""
    r"""email[_-]?token|signal[_-]?token|access[_-]?token|token|pin)\b["']?\s*[:=]\s*)"""
    r"""(?P<quote>["']?)(?P<value>[^"'\s,;&}\]]{1,512})(?P=quote)""",
    re.IGNORECASE,
)
_SHORTEST = 4  # masking a shorter secret wherever it occurs would blank prices and quantities


def mask(body: str, secret: str | None) -> str:
    """The body as it may be kept and shown."""
    if secret and len(secret) >= _SHORTEST:
        body = body.replace(secret, MASK)
    return _NAMED.sub(rf"\g<name>\g<quote>{MASK}\g<quote>", body)
