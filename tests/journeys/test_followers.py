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
COMMIT, ROLLBACK = "commit", "rollback"
Step = tuple[int, str]  # which transaction, and the event it writes or how it ends


class Stalled:
    """A transaction that has its numbers and takes its time."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._tx = Transaction(self._connection.driver_connection, postgres=engine.dialect.name == "postgresql")

    def write(self, name: str) -> None:
        """Append an event of that name."""
        journal.event(self._tx, "test.event", Provenance.POLICY, 0, "us_test", {"name": name})

    def end(self, how: str) -> None:
        """Commit or roll back."""
        (self._connection.commit if how == COMMIT else self._connection.rollback)()
        self._connection.close()


class Follower:
    """Reads the journal in small bites, from where it begins."""

    def __init__(self, engine: Engine, limit: int) -> None:
        self._reader, self._limit = Reader(engine), limit
        self._postgres = engine.dialect.name == "postgresql"
        self._cursor = Cursor()
        self.look_until_done()
        self.seen: list[tuple[int, int, str]] = []

    def look(self) -> int:
        """One bite; how much was in it."""
        rows, self._cursor = journal.follow(self._reader, self._cursor, postgres=self._postgres, limit=self._limit)
        self.seen += [(row["txid"], row["seq"], json.loads(row["payload"])["name"]) for row in rows]
        return len(rows)

    def look_until_done(self) -> None:
        """Everything there is."""
        self.seen = []
        while self.look():
            pass


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    schema.upgrade(made)
    yield made
    made.dispose()
