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
from dataclasses import dataclass
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
    """Nothing was committed: the database is locked, full or away. The sender may try again."""


class Locked(StorageUnavailable):
    """Another program held SQLite's write lock for longer than `BUSY_TIMEOUT_S`, so it is certain that nothing was done."""


class Conflict(Exception):
    """A row contradicts another one that is there already; nothing was committed."""


def dumps(value: Any) -> str:
    """JSON text for a column; decimals as strings, so that they come back exact."""
    return json.dumps(value, default=_as_text, separators=(",", ":"), ensure_ascii=False)


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


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
    return sa.create_engine(address, pool_pre_ping=True, pool_size=4)


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


@dataclass(frozen=True, slots=True)
class _Item:
    """A work handed in, and who waits for it."""

    work: Work
    future: Future[Any]
    urgent: bool


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
        Raises `StorageUnavailable`, or what the work raised."""
        return asyncio.wrap_future(self.submit(work, urgent=urgent))

    def submit(self, work: Callable[[Transaction], T], *, urgent: bool = False) -> Future[T]:
        """`run` for callers without an event loop."""
        future: Future[T] = Future()
        try:
            if self._reserve is not None and not urgent and not self._reserve.accepting():
                raise StorageUnavailable("the disk is nearly full")
            if self._queue.qsize() >= self._queue_size and not urgent:
                raise StorageUnavailable("the writer is too far behind")
            # From here on the caller may go away, the work may not: a commit is never half asked for.
            future.set_running_or_notify_cancel()
            self._queue.put(_Item(work, future, urgent))
        except StorageUnavailable as problem:
            future.set_exception(problem)
        return future

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
        for _ in range(self._queue.qsize()):
            item = self._queue.get_nowait()
            if item is None:
                ended = True
            elif item.urgent:
                self._queue.put(item)
            else:
                item.future.set_exception(_named(problem))
        return ended

    def _commit(self, batch: list[_Item]) -> None:
        if not batch:
            return
        try:
            results = self._together([item.work for item in batch])
        except Exception as problem:  # noqa: BLE001 - whatever it is belongs to one of the works: find which
            self._rollback()
            self._settle_apart(batch, problem)
            return
        for item, result in zip(batch, results, strict=True):
            item.future.set_result(result)

    def _together(self, works: list[Work]) -> list[Any]:
        connection = self._open()
        self._begin(connection)
        transaction = Transaction(connection, postgres=self._postgres)
        results = [work(transaction) for work in works]
        connection.execute("COMMIT")
        return results

    def _settle_apart(self, batch: list[_Item], problem: Exception) -> None:
        """One work of the batch failed: each gets its own transaction, so that it fails alone."""
        if _is_outage(problem):
            self._outage = problem
        if len(batch) == 1 or _is_outage(problem):
            for item in batch:
                if not item.urgent:
                    item.future.set_exception(_named(problem))
            for item in batch:
                if item.urgent:
                    self._urgently(item, problem)
            return
        for item in batch:
            self._commit([item])

    def _urgently(self, item: _Item, problem: Exception) -> None:
        if not (self._reserve is not None and _is_full(problem) and self._reserve.release()):
            item.future.set_exception(_named(problem))
            return
        try:
            item.future.set_result(self._together([item.work])[0])
        except Exception as again:  # noqa: BLE001 - handed to the caller, who knows what it means
            self._rollback()
            item.future.set_exception(_named(again))

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
            connection.close()


def _is_outage(problem: Exception) -> bool:
    """The database itself is in trouble, as opposed to one work's row."""
    if isinstance(problem, sqlite3.OperationalError):
        return not str(problem).startswith(("no such", "near "))
    return isinstance(problem, OSError) or type(problem).__name__ in (
        "OperationalError",
        "InterfaceError",
        "AdminShutdown",
    )


def _is_locked(problem: Exception) -> bool:
    return isinstance(problem, sqlite3.OperationalError) and "locked" in str(problem)


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
        except sa.exc.OperationalError as problem:
            raise StorageUnavailable(str(problem.orig)) from problem

    async def rows(self, statement: str, row: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query off the event loop."""
        return await asyncio.to_thread(self.read, statement, row)

    async def row(self, statement: str, row: Mapping[str, Any] | None = None) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(statement, row)
        return found[0] if found else None
