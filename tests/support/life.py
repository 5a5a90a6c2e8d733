"""A process that can die inside a test: everything it may touch asks first whether it still lives."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Engine

from bridge.kit.clock import Clock
from bridge.kit.database import Reader, Row, StorageUnavailable, Transaction, Writer, _Item

T = TypeVar("T")


class Killed(BaseException):
    """SIGKILL, as far as one can have it without losing the test: no handler for `Exception` sees it."""


class Life:
    """Whether a process lives, and the fail-point at whose n-th passage it dies."""

    def __init__(self) -> None:
        self.alive = True
        self.passed: Counter[str] = Counter()
        self.seen: Callable[[str], None] = lambda _name: None
        self._death: tuple[str, int] | None = None

    def dies_at(self, point: str, passage: int = 1) -> None:
        """Die at the n-th passage from now."""
        self._death = (point, self.passed[point] + passage)

    def lives_on(self) -> None:
        """Forget the arranged death."""
        self._death = None

    def reach(self, name: str) -> None:
        """What `failpoints.reach` does in this process."""
        self.check()
        self.passed[name] += 1
        self.seen(name)
        if self._death == (name, self.passed[name]):
            self.alive = False
        self.check()

    def check(self) -> None:
        """Raise `Killed` in the dead."""
        if not self.alive:
            raise Killed

    async def go_on(self) -> None:
        """The dead go no further: they stand here until they are cleared away."""
        if not self.alive:
            await asyncio.get_running_loop().create_future()


class MortalClock:
    """A clock that no dead process reads."""

    def __init__(self, clock: Clock, life: Life) -> None:
        self._clock = clock
        self._life = life

    def now(self) -> datetime:
        """Wall time."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, if alive before and after."""
        await self._life.go_on()
        await self._clock.sleep(seconds)
        await self._life.go_on()


class DirectWriter(Writer):
    """The real writer without its thread: work commits in the caller's, so that a test has one order of events.

    `fails` and `forgets` count works of `faulty` still to go wrong: the first is not committed, the second is committed, but
    the caller hears that it was not (a connection lost during COMMIT).
    """

    def __init__(self, engine: Engine, life: Life | None = None) -> None:
        super().__init__(engine)
        self._life = life or Life()
        self.fails = 0
        self.forgets = 0
        self.faulty: Callable[[Any, bool], bool] = lambda _work, _urgent: True
        self.before: Callable[[Any], None] = lambda _work: None

    def run(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> Awaitable[T]:
        """As the real one."""
        return self._run(work, urgent)

    async def _run(self, work: Callable[[Transaction], T], urgent: bool) -> T:
        await asyncio.sleep(0)
        await self._life.go_on()
        self.before(work)
        faulty = self.faulty(work, urgent)
        if faulty and self.fails:
            self.fails -= 1
            raise StorageUnavailable("database is locked")
        future = self.submit(work, urgent=urgent)
        if faulty and self.forgets:
            self.forgets -= 1
            raise StorageUnavailable("server closed the connection unexpectedly")
        await asyncio.sleep(0)
        await self._life.go_on()
        return future.result()

    def submit(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> Future[T]:
        """Commit now."""
        future: Future[T] = Future()
        self._commit([_Item(work, urgent, future)])
        return future


class DirectReader(Reader):
    """The real reader's questions without its threads and pool. `broken` makes it fail as a database that is away does."""

    def __init__(self, engine: Engine, life: Life | None = None) -> None:
        super().__init__(engine)
        self._life = life or Life()
        self._connection: sqlite3.Connection | None = None
        self.broken: Exception | None = None

    def read(self, statement: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query now."""
        if self._connection is None:
            raw = self._engine.raw_connection()
            self._connection = cast(sqlite3.Connection, raw.driver_connection)
            raw.detach()
        found = self._connection.execute(statement, row or {})
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found]

    async def rows(self, statement: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query."""
        await asyncio.sleep(0)
        await self._life.go_on()
        if self.broken is not None:
            raise self.broken
        return self.read(statement, row)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
