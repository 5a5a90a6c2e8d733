"""The simulated broker's own time: wall clock and waits, `speed` times as fast as the machine's."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from email.utils import formatdate

Span = float | int | list[float]  # seconds, or [least, most] to draw from


class Pace:
    """A clock that starts at `origin` (seconds since 1970) and a sleep that agrees with it."""

    def __init__(self, speed: float = 1.0, origin: float | None = None) -> None:
        self.speed = speed
        self.set(time.time() if origin is None else origin)

    def set(self, now: float) -> None:
        """From here on the clock reads on from `now`."""
        self._origin, self._start = now, time.monotonic()

    def now(self) -> float:
        """Broker seconds since 1970."""
        return self._origin + (time.monotonic() - self._start) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many broker seconds."""
        if seconds > 0:
            await asyncio.sleep(seconds / self.speed)


def draw(span: Span, dice: random.Random) -> float:
    """One value of a span."""
    if isinstance(span, list):
        return dice.uniform(span[0], span[1])
    return float(span)


def iso(moment: float) -> str:
    """`2026-01-05T03:45:00.123456+00:00`."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def http_date(moment: float) -> bytes:
    """The `Date` header's form."""
    return formatdate(moment, usegmt=True).encode()
