"""What the writer does with the troubles that only a server has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bridge.kit.database import Conflict, Locked, Reader, StorageUnavailable, Transaction, Writer, connect

PLACES = "SELECT name, taken FROM places ORDER BY name"


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = connect(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE places (name TEXT PRIMARY KEY, taken INTEGER NOT NULL)"))
        connection.execute(sa.text("INSERT INTO places VALUES ('a', 0), ('b', 0)"))
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = Writer(engine)
    yield writer
    writer.close()


def take(name: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("UPDATE places SET taken = taken + 1 WHERE name = :name", {"name": name})


def test_a_row_that_somebody_else_keeps_locked_stops_only_the_work_that_needs_it(
    engine: Engine, writer: Writer, postgres_url: str
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def holds_the_thread(_: Transaction) -> None:
        entered.set()
        go_on.wait(10)

    with psycopg.connect(postgres_url) as stalled:
        stalled.execute("SELECT 1 FROM places WHERE name = 'a' FOR UPDATE")
        writer.submit(holds_the_thread)
        entered.wait(10)
        works = [writer.submit(take("b")), writer.submit(take("a"))]  # one batch
        go_on.set()
        assert works[0].result(20) == 1
        with pytest.raises(Locked):
            works[1].result(20)

    assert writer.submit(take("a")).result(20) == 1
    assert Reader(engine).read(PLACES) == [{"name": "a", "taken": 1}, {"name": "b", "taken": 1}]


def test_who_has_to_give_way_did_nothing_and_is_told_to_come_again(writer: Writer) -> None:
    def gives_way(tx: Transaction) -> None:
        take("a")(tx)
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    with pytest.raises(StorageUnavailable):
        writer.submit(gives_way).result(20)

    assert writer.submit(lambda tx: tx.rows(PLACES)).result(20) == [
        {"name": "a", "taken": 0},
        {"name": "b", "taken": 0},
    ]


@pytest.mark.parametrize(
    "problem",
    [psycopg.errors.CannotConnectNow, psycopg.errors.TooManyConnections, psycopg.errors.ReadOnlySqlTransaction],
)
def test_each_of_the_servers_words_for_being_away_is_unavailable(writer: Writer, problem: type[Exception]) -> None:
    def fails(_: Transaction) -> None:
        raise problem("not now")

    with pytest.raises(StorageUnavailable):
        writer.submit(fails).result(20)


def test_a_row_that_is_there_already_is_a_conflict_and_no_outage(writer: Writer) -> None:
    with pytest.raises(Conflict):
        writer.submit(lambda tx: tx.execute("INSERT INTO places VALUES ('a', 0)")).result(20)


def test_a_connection_waits_for_nobody_for_ever_and_an_address_may_say_otherwise(postgres_url: str) -> None:
    asked = sa.make_url(postgres_url).update_query_dict({"options": "-c lock_timeout=77"})
    for url, timeout in ((postgres_url, "2s"), (asked.render_as_string(hide_password=False), "77ms")):
        engine = connect(url)
        assert Reader(engine).read("SHOW lock_timeout") == [{"lock_timeout": timeout}]
        engine.dispose()
