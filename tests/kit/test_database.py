"""The writer that commits in groups, and the readers beside it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bridge.domain.intent import Side
from bridge.kit.database import (
    Conflict,
    Locked,
    Reader,
    StorageUnavailable,
    Transaction,
    Writer,
    _driver_sql,
    connect,
    dumps,
)

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, unique=True),
    sa.Column("size", sa.Integer, nullable=False, server_default="7"),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'deep' / 'x.db'}")
    things.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = Writer(engine)
    yield writer
    writer.close()


@pytest.fixture
def reader(engine: Engine) -> Reader:
    return Reader(engine)


def add(name: str) -> Any:
    return lambda tx: tx.insert(things, {"name": name})


def names(reader: Reader) -> list[str]:
    return [row["name"] for row in reader.read("SELECT name FROM things ORDER BY id")]


class Gate:
    """Keeps the writer's thread busy until it is opened."""

    def __init__(self, writer: Writer) -> None:
        self._open, self.reached = threading.Event(), threading.Event()
        self.done = writer.submit(self._wait)

    def _wait(self, _: Transaction) -> None:
        self.reached.set()
        self._open.wait(10)

    def open(self) -> None:
        self._open.set()
        self.done.result(10)


async def test_what_was_awaited_is_on_disk(writer: Writer, reader: Reader) -> None:
    assert await writer.run(lambda tx: (add("a")(tx), 42)[1]) == 42
    assert await reader.rows("SELECT * FROM things") == [{"id": 1, "name": "a", "size": 7}]
    assert await reader.row("SELECT name FROM things WHERE id = :id", {"id": 1}) == {"name": "a"}
    assert await reader.row("SELECT name FROM things WHERE id = 99") is None


def test_a_commit_is_forced_to_the_disk(writer: Writer) -> None:
    def pragmas(tx: Transaction) -> list[Any]:
        return [tx.rows(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]

    found = [next(iter(rows[0].values())) for rows in writer.submit(pragmas).result()]

    assert found == ["wal", 2, 1]


def test_statements_see_their_own_transaction(writer: Writer) -> None:
    def work(tx: Transaction) -> tuple[int, Any, list[Any]]:
        tx.insert_many(things, [{"name": "a"}, {"name": "b"}])
        tx.insert_many(things, [])
        touched = tx.execute("UPDATE things SET size = :size", {"size": 3})
        return touched, tx.row("SELECT * FROM things WHERE name = 'z'"), tx.rows("SELECT size FROM things")

    assert writer.submit(work).result() == (2, None, [{"size": 3}, {"size": 3}])


def test_what_comes_together_is_committed_together(writer: Writer, engine: Engine, reader: Reader) -> None:
    gate = Gate(writer)
    gate.reached.wait(10)
    statements: list[str] = []
    raw = writer._connection
    raw.set_trace_callback(statements.append)
    works = [writer.submit(add(f"n{number}")) for number in range(50)]
    assert writer.backlog == 50
    gate.open()
    for work in works:
        work.result(10)

    assert len(names(reader)) == 50
    assert statements.count("COMMIT") == 2  # the gate's, and one for all the others


def test_one_that_fails_fails_alone(writer: Writer, reader: Reader) -> None:
    def broken(_: Transaction) -> None:
        raise LookupError("not there")

    gate = Gate(writer)
    works = [writer.submit(add("a")), writer.submit(broken), writer.submit(add("a")), writer.submit(add("b"))]
    gate.open()

    with pytest.raises(LookupError):
        works[1].result(10)
    with pytest.raises(Conflict):
        works[2].result(10)
    works[3].result(10)
    assert names(reader) == ["a", "b"]


async def test_a_caller_who_goes_away_does_not_take_the_writer_along(writer: Writer, reader: Reader) -> None:
    gate = Gate(writer)
    task = asyncio.ensure_future(writer.run(add("a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(gate.open)

    await asyncio.wait_for(asyncio.ensure_future(writer.run(add("b"))), 10)
    assert names(reader) == ["a", "b"]


def test_a_locked_database_is_unavailable_and_then_works_again(writer: Writer, engine: Engine, reader: Reader) -> None:
    add_one = writer.submit(add("a"))
    add_one.result(10)
    writer._connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    locked = [writer.submit(add("b")), writer.submit(add("c"), urgent=True)]
    for work in locked:
        with pytest.raises(StorageUnavailable, match="locked"):
            work.result(10)
    other.execute("ROLLBACK")
    other.close()

    writer.submit(add("d")).result(10)
    assert names(reader) == ["a", "d"]


def test_who_waited_through_a_time_out_does_not_wait_for_a_second_one(writer: Writer, engine: Engine) -> None:
    writer.submit(add("a")).result(10)
    writer._connection.execute("PRAGMA busy_timeout = 300")
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = writer.submit(add("b"))
    while writer.backlog:
        pass
    later = [writer.submit(add(f"c{number}")) for number in range(5)]
    with pytest.raises(StorageUnavailable):
        first.result(10)
    for work in later:
        with pytest.raises(StorageUnavailable):
            work.result(0.25)
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def held(writer: Writer, engine: Engine) -> Iterator[None]:
    """Another program has the write lock; this one waits 20 ms for it."""
    writer.submit(lambda tx: None).result(10)
    writer._connection.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_behind_a_lock_it_is_certain_that_nothing_was_done(writer: Writer, engine: Engine, reader: Reader) -> None:
    with held(writer, engine):
        works = [writer.submit(add("a")), writer.submit(add("b"), urgent=True)]
        for work in works:
            with pytest.raises(Locked, match="locked"):
                work.result(10)

    assert names(reader) == []


def test_a_writer_that_is_closed_behind_a_lock_answers_everybody_first(writer: Writer, engine: Engine) -> None:
    with held(writer, engine):
        works = [writer.submit(add("a")), writer.submit(add("b"), urgent=True), writer.submit(add("c"))]
        writer.close()

    assert [outcome(work) for work in works] == ["Locked"] * 3


def test_a_writer_too_far_behind_takes_only_what_is_urgent(engine: Engine, reader: Reader) -> None:
    writer = Writer(engine, queue_size=1)
    gate = Gate(writer)
    gate.reached.wait(10)
    kept = writer.submit(add("a"))
    with pytest.raises(StorageUnavailable, match="too far behind"):
        writer.submit(add("b")).result(10)
    urgent = writer.submit(add("c"), urgent=True)
    gate.open()
    kept.result(10)
    urgent.result(10)

    assert names(reader) == ["a", "c"]
    writer.close()


def test_closing_finishes_what_was_handed_in(engine: Engine, reader: Reader) -> None:
    writer = Writer(engine)
    gate = Gate(writer)
    works = [writer.submit(add(f"n{number}")) for number in range(3)]
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.open()
    closing.join(10)
    writer.close()  # a second time does nothing

    assert all(work.done() for work in works)
    assert len(names(reader)) == 3


class Nearly:
    """A reserve with a ballast of one piece."""

    def __init__(self, *, accepting: bool = True, ballast: bool = True) -> None:
        self._accepting, self._ballast = accepting, ballast

    def accepting(self) -> bool:
        return self._accepting

    def release(self) -> bool:
        released, self._ballast = self._ballast, False
        return released


def full_disk(times: int) -> Any:
    """Work that meets a full disk so many times."""
    left = [times]

    def work(tx: Transaction) -> None:
        if left[0]:
            left[0] -= 1
            raise sqlite3.OperationalError("database or disk is full")
        add("a")(tx)

    return work


def outcome(future: Future[Any]) -> str:
    problem = future.exception(10)
    return type(problem).__name__ if problem else "done"


def test_a_nearly_full_disk_takes_outcomes_and_no_new_alerts(engine: Engine, reader: Reader) -> None:
    writer = Writer(engine, reserve=Nearly(accepting=False))  # type: ignore[arg-type]

    assert outcome(writer.submit(add("a"))) == "StorageUnavailable"
    assert outcome(writer.submit(add("b"), urgent=True)) == "done"
    assert names(reader) == ["b"]
    writer.close()


@pytest.mark.parametrize(
    ("urgent", "ballast", "full_times", "result"),
    [
        (True, True, 1, "done"),
        (True, True, 2, "StorageUnavailable"),
        (True, False, 1, "StorageUnavailable"),
        (False, True, 1, "StorageUnavailable"),
    ],
)
def test_the_ballast_is_burnt_for_outcomes_only(
    engine: Engine, reader: Reader, urgent: bool, ballast: bool, full_times: int, result: str
) -> None:
    writer = Writer(engine, reserve=Nearly(ballast=ballast))  # type: ignore[arg-type]

    assert outcome(writer.submit(full_disk(full_times), urgent=urgent)) == result
    assert names(reader) == (["a"] if result == "done" else [])
    writer.close()


def test_a_slip_in_sql_is_no_outage(writer: Writer) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        writer.submit(lambda tx: tx.execute("DELETE FROM absent")).result(10)


def test_a_connection_that_broke_is_replaced(writer: Writer, reader: Reader) -> None:
    writer.submit(add("a")).result(10)
    writer._connection.close()
    assert outcome(writer.submit(add("b"))) == "ProgrammingError"

    writer.submit(add("c")).result(10)
    assert names(reader) == ["a", "c"]


def test_a_reader_says_that_the_database_is_away(engine: Engine) -> None:
    reader = Reader(engine)
    with pytest.raises(StorageUnavailable):
        reader.read("SELECT * FROM things_that_are_not_there")


def test_addresses_lead_to_their_engine(tmp_path: Path) -> None:
    assert connect("sqlite://").dialect.name == "sqlite"
    server = connect("postgresql://u:p@db.example/bridge")
    assert (server.dialect.name, server.dialect.driver) == ("postgresql", "psycopg")
    server.dispose()


def test_postgres_gets_its_own_placeholders() -> None:
    sql = "SELECT a::text FROM t WHERE b = :b AND c LIKE '5%' AND d = :d_2"

    assert _driver_sql(sql, True) == "SELECT a::text FROM t WHERE b = %(b)s AND c LIKE '5%%' AND d = %(d_2)s"
    assert _driver_sql(sql, False) == sql


def test_json_keeps_decimals_exact() -> None:
    assert (
        dumps({"price": Decimal("1E+3"), "side": Side.BUY, "name": "Ü"}) == '{"price":"1000","side":"buy","name":"Ü"}'
    )
    assert dumps({"at": Path("x")}) == '{"at":"x"}'
