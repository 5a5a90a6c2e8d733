"""Time as a port, so that tests can move it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Wall time for records and deadlines, monotonic time for intervals."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    async def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A clock that runs `speed` times as fast: the whole program in a hurry, for rehearsals of hours in minutes."""

    def __init__(self, speed: float, origin: datetime | None = None) -> None:
        self.speed = speed
        self._start = time.monotonic()
        self._origin = origin or datetime.now(UTC)

    def now(self) -> datetime:
        """Wall time, started at `origin`."""
        return self._origin + timedelta(seconds=(time.monotonic() - self._start) * self.speed)

    def monotonic(self) -> float:
        """Scaled seconds since some origin."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many scaled seconds."""
        await asyncio.sleep(seconds / self.speed)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, the form in which every table keeps time."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(stamp: int) -> datetime:
    """The moment that `micros` wrote."""
    return _EPOCH + timedelta(microseconds=stamp)


def known_zone(name: str) -> str:
    """The name of a time zone that there is. Raises `ValueError` for any other."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as problem:
        raise ValueError(f"there is no time zone {name!r}; write one like Asia/Kolkata") from problem


async def wait_for(event: asyncio.Event, seconds: float, clock: Clock) -> bool:
    """Wait until the event is set or so many of the clock's seconds went by; whether it was set."""
    if event.is_set() or seconds <= 0:
        return event.is_set()
    tasks = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    return event.is_set()


class Drift:
    """Watches whether somebody sets the wall clock, by holding it against the one that cannot be set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._steady = clock.now(), clock.monotonic()

    def jumped(self) -> float:
        """Seconds by which the wall clock moved on its own since the last question; negative when it was put back."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        jump = (wall - self._wall).total_seconds() - (steady - self._steady)
        self._wall, self._steady = wall, steady
        return jump
