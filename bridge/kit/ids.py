"""Identifiers: sortable by time of birth, unguessable, safe in addresses and file names."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time

_POOL_BYTES = 4096  # a call to the system for each id costs more than all the rest of making one


class _Pool:
    """Random bytes of the system, fetched in bulk; never shared with a forked child, who would make the same ids."""

    def __init__(self) -> None:
        self._bytes = b""
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._empty)

    def _empty(self) -> None:
        self._bytes, self._lock = b"", threading.Lock()

    def take(self, count: int) -> bytes:
        """So many bytes that nobody else got."""
        with self._lock:  # two threads that got the same bytes would make the same id
            if len(self._bytes) < count:
                self._bytes = os.urandom(_POOL_BYTES)
            taken, self._bytes = self._bytes[:count], self._bytes[count:]
            return taken


_pool = _Pool()


def new_id(prefix: str) -> str:
    """`al_…`: 48 bits of milliseconds, then 80 random bits, so that ids sort by birth and cannot be guessed."""
    born = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    # The alphabet of RFC 4648's base32hex sorts as its values do.
    return f"{prefix}_{base64.b32hexencode(born + _pool.take(10))[:26].decode().lower()}"


def new_ref() -> str:
    """An order reference: 10 base32 characters (50 random bits), short enough for the narrowest tag field."""
    return base64.b32encode(_pool.take(7))[:10].decode()


def ref_of(name: str) -> str:
    """The order reference of what somebody else has named: the same one each time."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()[:7])[:10].decode()
