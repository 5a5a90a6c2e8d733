"""The SQL that the books share; names of tables and columns are our own, values always parameters."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

from bridge.brokers.paper.records import WORKING

WORKING_SQL = "state IN (" + ", ".join(f"'{state.value}'" for state in sorted(WORKING)) + ")"
OF_KEY = "account_id = :account_id AND exchange = :exchange AND symbol = :symbol"
OF_PRODUCT = f"{OF_KEY} AND product = :product"
CLAIMS = (
    "SELECT id, side, quantity, filled, unit_margin FROM paper_orders "  # noqa: S608
    f"WHERE {OF_PRODUCT} AND {WORKING_SQL} AND id <> :id ORDER BY seq"
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
UPDATE_ORDER = (
    f"UPDATE paper_orders SET {', '.join(f'{name} = :{name}' for name in _CHANGES)} "  # noqa: S608
    "WHERE account_id = :account_id AND id = :id"
)


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
    keys = " AND ".join(f"{column.name} = :{column.name}" for column in table.primary_key)
    return f"DELETE FROM {table.name} WHERE {keys}"  # noqa: S608


def _insert_sql(table: sa.Table, columns: tuple[str, ...]) -> str:
    values = ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608
