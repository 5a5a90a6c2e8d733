"""Identifiers: sortable by time of birth, unguessable, safe in addresses and file names."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32
_REF_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648: every broker's tag field takes it


def _base32(number: int, length: int, alphabet: str) -> str:
    return "".join(alphabet[(number >> (5 * place)) & 31] for place in range(length - 1, -1, -1))


def new_id(prefix: str) -> str:
    """`al_…`: 10 characters of milliseconds, then 80 random bits, so that ids sort by birth and cannot be guessed."""
    stamp = _base32(time.time_ns() // 1_000_000, 10, _ALPHABET)
    return f"{prefix}_{stamp}{_base32(secrets.randbits(80), 16, _ALPHABET)}"


def new_ref() -> str:
    """An order reference: 10 base32 characters (50 random bits), short enough for the narrowest tag field."""
    return _base32(secrets.randbits(50), 10, _REF_ALPHABET)
