"""The three accounts of what happened: the sender's, the program's journal, the broker's."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from bridge.kit.database import Reader
from tests.fakebroker.book import Book, Order

Row = dict[str, Any]
TABLES = ("alerts", "intents", "orders", "attempts", "fills", "positions", "events", "outbox")


@dataclass(frozen=True, slots=True)
class Wish:
    """One order that an alert asks for. `at_most`: what the account holds decides how much of it, if any."""

    account: str
    symbol: str
    side: str
    quantity: Decimal
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """One delivery: when (rehearsal time), and what came back; status None when nothing did."""

    at: float
    status: int | None
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Sent:
    """One alert of the sender, by the id it gave it."""

    key: str
    strategy: str
    body: str
    wishes: tuple[Wish, ...]
    tries: list[Try] = field(default_factory=list)

    @property
    def taken(self) -> Try | None:
        """The answer that promised something."""
        return next((each for each in self.tries if each.status is not None and each.status < 300), None)


@dataclass(frozen=True)
class Journal:
    """Every row the program has kept, by table."""

    alerts: Sequence[Row] = ()
    intents: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    attempts: Sequence[Row] = ()
    fills: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    events: Sequence[Row] = ()
    outbox: Sequence[Row] = ()

    @classmethod
    def read(cls, reader: Reader) -> Journal:
        """As it stands now."""
        keys = {"events": "seq", "attempts": "id", "fills": "id", "outbox": "id"}
        found = {}
        for table in TABLES:
            found[table] = reader.read(f"SELECT * FROM {table}" + (f" ORDER BY {keys[table]}" if table in keys else ""))
        return cls(**found)

    @cached_property
    def order_by_ref(self) -> dict[str, Row]:
        """Orders by what their brokers call our reference."""
        return {row["ref"]: row for row in self.orders}

    def by(self, table: str, column: str) -> dict[str, list[Row]]:
        """A table's rows, grouped."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in getattr(self, table):
            groups[row[column]].append(row)
        return groups


@dataclass(frozen=True)
class Ledgers:
    """All three. `accounts` names the broker's account of each of ours; `speed` is that of the rehearsal's clock."""

    sent: Sequence[Sent] = ()
    journal: Journal = field(default_factory=Journal)
    broker: Sequence[Row] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    speed: float = 1.0

    @cached_property
    def book(self) -> dict[str, Order]:
        """The broker's orders by its own ids."""
        return Book(self.broker).orders

    @cached_property
    def accepted(self) -> dict[str, list[str]]:
        """Tag → broker order ids that came over the wire."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.broker:
            if row["event"] == "accepted" and row["source"] == "api":
                found[row["tag"]].append(row["order_id"])
        return found

    @cached_property
    def placements(self) -> list[Row]:
        """Order requests as they arrived; `refused` is the error type if the broker refused that one."""
        refused = {row["n"]: row["type"] for row in self.broker if row["event"] == "refused"}
        posts = [row for row in self.broker if row["event"] == "request" and row["method"] == "POST"]
        return [{**row, "tag": _tag(row), "refused": refused.get(row["n"])} for row in posts]


def _tag(row: Row) -> str:
    return str(row["body"].get("tag", "")) if isinstance(row["body"], dict) else ""


def payload(event: Row) -> Row:
    """What an event says."""
    return dict(json.loads(event["payload"]))
