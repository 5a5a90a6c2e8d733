"""Identifiers: sortable by time of birth, unguessable, safe in addresses and file names."""

from __future__ import annotations

import base64
import os
import time


def new_id(prefix: str) -> str:
    """`al_…`: 48 bits of milliseconds, then 80 random bits, so that ids sort by birth and cannot be guessed."""
    born = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    # The alphabet of RFC 4648's base32hex sorts as its values do.
    return f"{prefix}_{base64.b32hexencode(born + os.urandom(10))[:26].decode().lower()}"


def new_ref() -> str:
    """An order reference: 10 base32 characters (50 random bits), short enough for the narrowest tag field."""
    return base64.b32encode(os.urandom(7))[:10].decode()
