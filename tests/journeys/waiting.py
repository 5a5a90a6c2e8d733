"""Waiting for something to become true, never for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY_S = 0.03


def until(found: Callable[[], T], what: str, *, now: Callable[[], object] = str, seconds: float = 30.0) -> T:
    """What `found` returns once that is true. Fails with `what`, and with what `now` says, when it never is."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what} {now()}"
        time.sleep(LOOK_EVERY_S)
    return value
