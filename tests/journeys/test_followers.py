"""Whoever follows the journal sees every event once, however late and in whatever order transactions commit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from bridge.domain.lifecycle import Provenance
from bridge.kit import schema
from bridge.kit.database import Reader, Transaction, connect
from bridge.orders import journal
from bridge.orders.journal import Cursor

EVENTS = 2  # of each transaction
Seen = list[tuple[int, int, str]]  # txid, seq and the event's name


class Stalled:
    """A transaction that got its numbers early and commits when it is told to. Its events are `name.1`, `name.2`…"""

    def __init__(self, engine: Engine, name: str) -> None:
        self._connection = engine.raw_connection()
        self._tx = Transaction(self._connection.driver_connection, postgres=_is_postgres(engine))
        self._names = (f"{name}.{number}" for number in itertools.count(1))

    def write(self) -> None:
        """Append its next event."""
        payload = {"name": next(self._names)}
        journal.event(self._tx, "test.event", Provenance.POLICY, 0, "us_test", payload)

    def end(self, *, kept: bool) -> None:
        """Commit or roll back."""
        (self._connection.commit if kept else self._connection.rollback)()
        self._connection.close()


class Follower:
    """Follows the journal in bites of `limit` events, from its present end."""

    def __init__(self, engine: Engine, limit: int) -> None:
        self._reader, self._postgres, self._limit = Reader(engine), _is_postgres(engine), limit
        last = self._reader.read("SELECT txid, seq FROM events ORDER BY txid DESC, seq DESC LIMIT 1")
        self._began = self._cursor = Cursor(**last[0]) if last else Cursor()
        self.seen: Seen = []

    def look(self) -> bool:
        """One bite; whether there was anything in it."""
        rows, self._cursor = journal.follow(self._reader, self._cursor, postgres=self._postgres, limit=self._limit)
        self.seen += map(_seen, rows)
        return bool(rows)

    def catch_up(self) -> None:
        """Until nothing is left."""
        while self.look():
            pass

    def truth(self) -> Seen:
        """What has been committed since it began, in the journal's order."""
        rows = self._reader.read(
            "SELECT * FROM events WHERE txid > :txid OR (txid = :txid AND seq > :seq) ORDER BY txid, seq",
            {"txid": self._began.txid, "seq": self._began.seq},
        )
        return list(map(_seen, rows))


def _seen(row: dict[str, object]) -> tuple[int, int, str]:
    return int(str(row["txid"])), int(str(row["seq"])), str(json.loads(str(row["payload"]))["name"])


def _is_postgres(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    yield from _upgraded(postgres_url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    yield from _upgraded(database_url)


def _upgraded(url: str) -> Iterator[Engine]:
    made = connect(url)
    schema.upgrade(made)
    yield made
    made.dispose()


def play(engine: Engine, steps: Sequence[int], rolled_back: frozenset[int], limit: int) -> Follower:
    """Each step is the next event of a transaction, the last one its end; a follower looks after every step."""
    follower = Follower(engine, limit)
    left = dict.fromkeys(steps, EVENTS)
    stalled: dict[int, Stalled] = {}
    for name in steps:
        transaction = stalled.get(name) or stalled.setdefault(name, Stalled(engine, str(name)))
        if left[name]:
            transaction.write()
        else:
            transaction.end(kept=name not in rolled_back)
        left[name] -= 1
        follower.look()
    follower.catch_up()
    return follower


def assert_saw_all_once(follower: Follower, kept: int) -> None:
    assert follower.seen == follower.truth()
    assert follower.seen == sorted(set(follower.seen))
    assert len(follower.seen) == kept * EVENTS


def test_transactions_that_all_stall_are_followed_in_whatever_order_they_commit(postgres: Engine) -> None:
    writes = [number for _ in range(EVENTS) for number in range(4)]
    for ends in itertools.permutations(range(4)):
        follower = play(postgres, [*writes, *ends], rolled_back=frozenset(), limit=3)

        assert_saw_all_once(follower, kept=4)


def test_transactions_that_stall_anywhere_are_followed_without_a_gap(postgres: Engine) -> None:
    steps = st.permutations([number for number in range(4) for _ in range(EVENTS + 1)])

    @settings(max_examples=60, derandomize=True, database=None, deadline=None)
    @given(steps, st.frozensets(st.integers(0, 3), max_size=2), st.integers(1, 5))
    def check(order: Sequence[int], rolled_back: frozenset[int], limit: int) -> None:
        assert_saw_all_once(play(postgres, order, rolled_back, limit), kept=4 - len(rolled_back))

    check()


def test_transactions_one_after_the_other_are_followed_on_every_engine(engine: Engine) -> None:
    """On SQLite there is one writer at a time: a transaction may stall, but no other overtakes it."""
    for order in itertools.permutations(range(4)):
        steps = [number for number in order for _ in range(EVENTS + 1)]
        follower = play(engine, steps, rolled_back=frozenset({1}), limit=2)

        assert_saw_all_once(follower, kept=3)
