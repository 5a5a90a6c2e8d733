"""The SQL that the books share; names of tables and columns are our own, values always parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa

from bridge.brokers.base import TriggerState
from bridge.brokers.paper.records import WORKING
from bridge.brokers.paper.tables import (
    paper_holdings,
    paper_orders,
    paper_pockets,
    paper_positions,
    paper_trades,
    paper_triggers,
)

WORKING_SQL = "state IN (" + ", ".join(f"'{state.value}'" for state in sorted(WORKING)) + ")"
ACTIVE_SQL = f"state = '{TriggerState.ACTIVE.value}'"
OF_ACCOUNT = "account_id = :account_id"
OF_KEY = f"{OF_ACCOUNT} AND exchange = :exchange AND symbol = :symbol"
OF_PRODUCT = f"{OF_KEY} AND product = :product"


def select_sql(table: sa.Table, where: str = OF_ACCOUNT, columns: str = "*", order: str = "") -> str:
    """Read rows."""
    ordered = ("ORDER BY", order) if order else ()
    return " ".join(("SELECT", columns, "FROM", table.name, "WHERE", where, *ordered))


CLAIMS = select_sql(
    paper_orders,
    f"{OF_PRODUCT} AND {WORKING_SQL} AND id <> :id",
    columns="id, side, quantity, filled, unit_margin",
    order="seq",
)


def _delete_sql(table: sa.Table, where: str) -> str:
    return " ".join(("DELETE FROM", table.name, "WHERE", where))


TRIGGER_CLAIMS = select_sql(
    paper_triggers,
    f"{OF_PRODUCT} AND {ACTIVE_SQL} AND id <> :id",
    columns="id, side, quantity, unit_margin",
    order="seq",
)

_CHANGES = [
    "quantity",
    "order_type",
    "price",
    "trigger_price",
    "time_in_force",
    "protection",
    "triggered",
    "resting_last",
    "unit_margin",
    "filled",
    "value",
    "state",
    "code",
    "message",
    "updated_at",
]
_PLACED_NOTHING_THAT_WORKS = "order_id IS NULL OR order_id NOT IN (SELECT id FROM paper_orders)"
# What a reset takes away: before it has ended what works, and after.
FORGET_OVER = (
    _delete_sql(paper_orders, f"{OF_ACCOUNT} AND NOT {WORKING_SQL}"),
    _delete_sql(paper_trades, OF_ACCOUNT),
    _delete_sql(paper_triggers, f"{OF_ACCOUNT} AND NOT {ACTIVE_SQL} AND ({_PLACED_NOTHING_THAT_WORKS})"),
)
CANCEL_TRIGGERS = " ".join(
    (
        "UPDATE paper_triggers SET state =",
        f"'{TriggerState.CANCELLED.value}', message = :message, updated_at = :now",
        "WHERE",
        OF_ACCOUNT,
        "AND",
        ACTIVE_SQL,
    )
)
FORGET_ALL = tuple(_delete_sql(table, OF_ACCOUNT) for table in (paper_positions, paper_holdings, paper_pockets))

_TRIGGER_CHANGES = [
    column.name
    for column in paper_triggers.columns
    if column.name not in ("seq", "id", "ref", "user_id", "account_id", "exchange", "symbol", "side", "placed_at")
]


def _update_sql(table: sa.Table, names: Sequence[str]) -> str:
    changes = ", ".join(f"{name} = :{name}" for name in names)
    return " ".join(("UPDATE", table.name, "SET", changes, "WHERE", OF_ACCOUNT, "AND id = :id"))


UPDATE_ORDER = _update_sql(paper_orders, _CHANGES)
UPDATE_TRIGGER = _update_sql(paper_triggers, _TRIGGER_CHANGES)


@cache
def upsert_sql(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Write a row, or write it over."""
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return f"{_insert_sql(table, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


@cache
def insert_missing_sql(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Write a row unless it is there."""
    return f"{_insert_sql(table, columns)} ON CONFLICT DO NOTHING"


@cache
def delete_sql(table: sa.Table) -> str:
    """Take a row away by its key."""
    return _delete_sql(table, " AND ".join(f"{column.name} = :{column.name}" for column in table.primary_key))


def _insert_sql(table: sa.Table, columns: tuple[str, ...]) -> str:
    values = ", ".join(f":{name}" for name in columns)
    return " ".join(("INSERT INTO", table.name, f"({', '.join(columns)})", f"VALUES ({values})"))
