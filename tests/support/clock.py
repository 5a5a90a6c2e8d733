"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

MONDAY_MORNING = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)  # 09:30 in Mumbai, markets open
_ROUNDS = 25  # of the event loop: enough for what a sleeper wakes to come to rest
_SPINNING = 10_000


class FakeClock:
    """`bridge.kit.clock.Clock` in the hands of a test."""

    def __init__(self, now: datetime = MONDAY_MORNING) -> None:
        self._now = now
        self._monotonic = 1000.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that only `advance` moves."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many are waiting."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def set(self, now: datetime) -> None:
        """Jump the wall clock alone, as an operator or NTP may."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Move both clocks on; sleepers that are due run at the test's next `await`."""
        until = self._monotonic + seconds
        self._move_to(until)
        while self._sleepers and self._sleepers[0][0] <= until:
            self._wake_first()

    async def run(self, seconds: float) -> None:
        """Move on from sleeper to sleeper, letting each do its work and sleep again: for loops that wait for ever."""
        until = self._monotonic + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._move_to(self._sleepers[0][0])
            self._wake_first()
            await self.settle()
        self._move_to(until)

    async def settle(self) -> None:
        """Let everything run that can run without time passing."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    def _move_to(self, monotonic: float) -> None:
        self._now += timedelta(seconds=max(0.0, monotonic - self._monotonic))
        self._monotonic = max(self._monotonic, monotonic)

    def _wake_first(self) -> None:
        _, _, woken = heapq.heappop(self._sleepers)
        if not woken.done():
            woken.set_result(None)


class IdleClock(FakeClock):
    """A clock for programs without threads or sockets: settled is when the event loop has nothing left to run."""

    async def settle(self) -> None:
        """Let everything run that can run without time passing; fails when that never ends."""
        ready = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009 - no public way to see it
        for _ in range(_SPINNING):
            await asyncio.sleep(0)
            if not ready:
                return
        raise AssertionError("the program goes round and round without time passing")
