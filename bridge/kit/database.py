"""One database, SQLite or PostgreSQL: a writer thread that commits in groups, and readers beside it.

Everything that must be durable goes through `Writer.run`: a function that gets a `Transaction`. Requests that come at the
same time share one commit, which makes `synchronous=FULL` affordable. Times are integer microseconds,
decimals and JSON are text, flags are 0 or 1, so that a row is the same on every engine.
"""

from __future__ import annotations

import asyncio
import json
import queue
import re
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bridge.kit import disk

metadata = sa.MetaData()
T = TypeVar("T")
Row = dict[str, Any]

BUSY_TIMEOUT_S = 2.0  # below the three seconds in which a sender wants its answer
_BATCH = 256
_NAMED = re.compile(r"(?<![:\w]):(\w+)")


class StorageUnavailable(Exception):
    """Not committed as far as is known: the database is locked, full or away. The sender may try again.

    A connection that broke during its COMMIT leaves open whether that happened: who must know looks again."""


class Locked(StorageUnavailable):
    """Somebody else held what had to be locked for longer than `BUSY_TIMEOUT_S`: it is certain that nothing was done."""


class Conflict(Exception):
    """A row contradicts another one that is there already; nothing was committed."""


def dumps(value: Any) -> str:
    """JSON text for a column; decimals as strings, so that they come back exact."""
    return _JSON.encode(value)


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


_JSON = json.JSONEncoder(default=_as_text, separators=(",", ":"), ensure_ascii=False)


def connect(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`."""
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    address = address.set(drivername="postgresql+psycopg")
    patience = {name: value for name, value in _POSTGRES_PATIENCE.items() if name not in address.query}
    return sa.create_engine(address, pool_pre_ping=True, pool_size=4, connect_args=patience)


# A server that vanished, or a peer that stands still with a row locked, must not hold up the only thread that writes.
_POSTGRES_PATIENCE = {
    "connect_timeout": 3,  # seconds, as are all of these but the last two
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": f"-c lock_timeout={BUSY_TIMEOUT_S * 1000:.0f} -c idle_in_transaction_session_timeout=10000",
}


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


class Transaction:
    """Statements inside one commit. SQL has `:name` parameters; rows go in and come out as dictionaries."""

    def __init__(self, connection: Any, *, postgres: bool) -> None:
        self._cursor = connection.cursor()
        self.postgres = postgres

    def execute(self, sql: str, row: Mapping[str, Any] | None = None) -> int:
        """Run one statement; the number of rows it touched."""
        self._cursor.execute(_driver_sql(sql, self.postgres), row or {})
        return int(self._cursor.rowcount)

    def rows(self, sql: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query."""
        self._cursor.execute(_driver_sql(sql, self.postgres), row or {})
        names = [column[0] for column in self._cursor.description]
        return [dict(zip(names, values, strict=True)) for values in self._cursor.fetchall()]

    def row(self, sql: str, row: Mapping[str, Any] | None = None) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, row)
        return found[0] if found else None

    def insert(self, table: sa.Table, row: Row) -> None:
        """Add one row; members that are missing take the column's default."""
        self._cursor.execute(_driver_sql(_insert_sql(table, tuple(row)), self.postgres), row)

    def insert_many(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Add rows of the same members."""
        if rows:
            self._cursor.executemany(_driver_sql(_insert_sql(table, tuple(rows[0])), self.postgres), rows)


@lru_cache(maxsize=512)
def _driver_sql(sql: str, postgres: bool) -> str:
    return _NAMED.sub(r"%(\1)s", sql.replace("%", "%%")) if postgres else sql


@lru_cache(maxsize=256)
def _insert_sql(table: sa.Table, columns: tuple[str, ...]) -> str:
    values = ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - names are ours


Work = Callable[[Transaction], Any]


class _Item:
    """A work handed in, who waits for it, and what came of it."""

    __slots__ = ("_loop", "_waiter", "problem", "result", "urgent", "work")

    def __init__(self, work: Work, urgent: bool, waiter: Future[Any] | asyncio.Future[Any]) -> None:
        self.work = work
        self.urgent = urgent
        self.result: Any = None
        self.problem: Exception | None = None
        self._waiter = waiter
        self._loop = waiter.get_loop() if isinstance(waiter, asyncio.Future) else None

    @staticmethod
    def answer(items: Sequence[_Item]) -> None:
        """Tell all who wait; each event loop is woken once, however many of its callers get their answer."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
        for item in items:
            if item._loop is None:
                item._tell()
            else:
                by_loop.setdefault(item._loop, []).append(item)
        for loop, told in by_loop.items():
            with suppress(RuntimeError):  # the loop is closed: its callers went away with it
                loop.call_soon_threadsafe(_Item._tell_all, told)

    @staticmethod
    def _tell_all(items: Sequence[_Item]) -> None:
        for item in items:
            item._tell()

    def _tell(self) -> None:
        if self._waiter.cancelled():  # the caller went away; the work is done all the same
            return
        if self.problem is None:
            self._waiter.set_result(self.result)
        else:
            self._waiter.set_exception(self.problem)


class Writer:
    """The one thread of this process that writes. `run` returns when the work is on disk, or raises."""

    def __init__(self, engine: Engine, *, reserve: disk.Reserve | None = None, queue_size: int = 10_000) -> None:
        self._engine = engine
        self._postgres = engine.dialect.name == "postgresql"
        self._reserve = reserve
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._queue_size = queue_size
        self._connection: Any = None
        self._outage: Exception | None = None
        self._thread = threading.Thread(target=self._serve, name="journal-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> Awaitable[T]:
        """Do `work` in a transaction shared with its contemporaries. Work may be run twice (the first time rolled back), so it
        must only touch its transaction. `urgent` work (outcomes of orders already sent) may use the disk's reserve.
        A caller who is cancelled does not stop the work. Raises `StorageUnavailable`, or what the work raised."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._hand_in(_Item(work, urgent, waiter))
        return waiter

    def submit(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> Future[T]:
        """`run` for callers without an event loop."""
        waiter: Future[T] = Future()
        waiter.set_running_or_notify_cancel()
        self._hand_in(_Item(work, urgent, waiter))
        return waiter

    def _hand_in(self, item: _Item) -> None:
        if self._reserve is not None and not item.urgent and not self._reserve.accepting():
            item.problem = StorageUnavailable("the disk is nearly full")
        elif self._queue.qsize() >= self._queue_size and not item.urgent:
            item.problem = StorageUnavailable("the writer is too far behind")
        else:
            self._queue.put(item)
            return
        _Item.answer([item])

    @property
    def backlog(self) -> int:
        """Works that wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what was handed in, then stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _serve(self) -> None:
        ending = False
        while not (ending and self._queue.empty()):
            batch, ended = self._next_batch()
            if batch:
                self._commit(batch)
            if self._outage is not None:
                ended = self._fail_waiting(self._outage) or ended
            ending = ending or ended
        self._drop_connection()

    def _next_batch(self) -> tuple[list[_Item], bool]:
        """What waits, at most a batch of it, and whether the end was asked for behind it."""
        batch: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _BATCH:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _fail_waiting(self, problem: Exception) -> bool:
        """What came while the database did not answer saw the same trouble: nobody waits for a second time-out, and what is
        urgent has its one try together. Whether the end was asked for meanwhile."""
        self._outage = None
        ended = False
        failed = []
        for _ in range(self._queue.qsize()):
            item = self._queue.get_nowait()
            if item is None:
                ended = True
            elif item.urgent:
                self._queue.put(item)
            else:
                item.problem = _named(problem)
                failed.append(item)
        _Item.answer(failed)
        return ended

    def _commit(self, batch: Sequence[_Item]) -> None:
        """Do the works in one transaction; when one fails, each in its own, so that it fails alone. Then tell who waits."""
        if problem := self._try(batch):
            if _is_outage(problem) and not _is_between_two(problem):
                self._outage = problem
                for item in batch:
                    item.problem = self._try_with_reserve(item, problem) if item.urgent else problem
            elif len(batch) == 1:
                batch[0].problem = problem
            else:
                for item in batch:
                    self._commit([item])
                return
            for item in batch:
                item.problem = item.problem and _named(item.problem)
        _Item.answer(batch)

    def _try(self, batch: Sequence[_Item]) -> Exception | None:
        """One transaction; None when it was committed, else what was in the way."""
        try:
            connection = self._open()
            self._begin(connection)
            transaction = Transaction(connection, postgres=self._postgres)
            for item in batch:
                item.result = item.work(transaction)
            connection.execute("COMMIT")
        except Exception as problem:  # noqa: BLE001 - whatever it is, the caller is told and knows what it means
            self._rollback()
            return problem
        return None

    def _try_with_reserve(self, item: _Item, problem: Exception) -> Exception | None:
        """Where the disk is full, what was kept free is given to what is urgent."""
        if self._reserve is not None and _is_full(problem) and self._reserve.release():
            return self._try([item])
        return problem

    def _open(self) -> Any:
        if self._connection is None:
            raw = self._engine.raw_connection()
            connection: Any = raw.driver_connection
            raw.detach()
            if self._postgres:
                connection.rollback()
                connection.autocommit = True
            else:
                connection.isolation_level = None
            self._connection = connection
        return self._connection

    def _begin(self, connection: Any) -> None:
        connection.execute("BEGIN" if self._postgres else "BEGIN IMMEDIATE")

    def _rollback(self) -> None:
        try:
            if self._connection is not None and (self._postgres or self._connection.in_transaction):
                self._connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection that cannot even roll back is thrown away
            self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is given up; that it cannot even be closed must not end the writer
                connection.close()


def _is_outage(problem: Exception) -> bool:
    """The database itself is in trouble, as opposed to one work's row."""
    if isinstance(problem, sqlite3.OperationalError):
        return not str(problem).startswith(("no such", "near "))
    kinds = {kind.__name__ for kind in type(problem).__mro__}  # psycopg has a class for each of the server's codes
    return isinstance(problem, OSError) or not kinds.isdisjoint(_OUTAGES)


_OUTAGES = {"OperationalError", "InterfaceError", "ReadOnlySqlTransaction", "IdleInTransactionSessionTimeout"}


def _is_between_two(problem: Exception) -> bool:
    """PostgreSQL let one of two transactions give way, or wait in vain for a row: the others of its batch are not concerned."""
    code = getattr(problem, "sqlstate", None) or ""
    return code.startswith("40") or code == _LOCK_NOT_AVAILABLE


_LOCK_NOT_AVAILABLE = "55P03"


def _is_locked(problem: Exception) -> bool:
    if isinstance(problem, sqlite3.OperationalError):
        return "locked" in str(problem)
    return getattr(problem, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _is_full(problem: Exception) -> bool:
    return "full" in str(problem) or "No space" in str(problem) or "disk I/O" in str(problem)


def _named(problem: Exception) -> Exception:
    if any(kind.__name__ == "IntegrityError" for kind in type(problem).__mro__):
        return Conflict(str(problem))
    if _is_locked(problem):
        return Locked(str(problem))
    return StorageUnavailable(str(problem)) if _is_outage(problem) else problem


class Reader:
    """Queries beside the writer, each in a thread, so that a page never waits for a commit or stops the loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, statement: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query now, in this thread. `:name` parameters."""
        try:
            with self._engine.connect() as connection:
                return [dict(found) for found in connection.execute(sa.text(statement), row or {}).mappings()]
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError) as problem:
            raise StorageUnavailable(str(problem.orig)) from problem
        except sa.exc.TimeoutError as problem:
            raise StorageUnavailable("every connection is in use") from problem

    async def rows(self, statement: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query off the event loop."""
        return await asyncio.to_thread(self.read, statement, row)

    async def row(self, statement: str, row: Mapping[str, Any] | None = None) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(statement, row)
        return found[0] if found else None
