"""The version of the database's tables: what it is, what it should be, and the way there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

HEAD = "0006"  # the newest script in bridge/migrations/versions; alembic is imported only when a database has another
SCRIPTS = Path(__file__).resolve().parents[1] / "migrations"
_LOCK = 0x627269646765  # "bridge": the PostgreSQL advisory lock under which one process at a time upgrades
_SHOWN = 10


class SchemaTooNew(Exception):
    """The database was written by a newer version of the program; the message says what to do."""


def current(engine: Engine) -> str | None:
    """The version the tables have, None for an empty database."""
    with engine.connect() as connection:
        return _version(connection)


def is_current(engine: Engine) -> bool:
    """Whether the tables are as this program knows them."""
    return current(engine) == HEAD


def upgrade(engine: Engine) -> bool:
    """Bring the tables to `HEAD`, all or nothing; whether there was anything to do. Any number of processes may call this at
    once. Raises `SchemaTooNew`."""
    if is_current(engine):
        return False
    with engine.begin() as connection:
        _wait_for_turn(connection)
        if _version(connection) == HEAD:
            return False
        _run_scripts(connection)
    return True


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    else:
        # The driver opens no transaction for DDL by itself: without this, half a script could stay behind.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _run_scripts(connection: Connection) -> None:
    from alembic import command  # costs more than the rest of a start together
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as problem:
        raise SchemaTooNew(
            f"the database has version {_version(connection)}, this program knows {HEAD}: start the newer program,"
            " or restore a backup from before the upgrade"
        ) from problem


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `problem` says what is wrong and what to do; empty when all is well."""

    name: str
    problem: str = ""


def check(engine: Engine, *, thorough: bool = True) -> list[Finding]:
    """Looks for damage: the version of the tables, and on SQLite pages and references (PostgreSQL watches its own).
    `thorough` also compares every index with its table: seconds where the quick look takes a fraction of one."""
    found = current(engine)
    version = "" if found == HEAD else f"the tables have version {found}, the program knows {HEAD}: bridge db upgrade"
    findings = [Finding("schema version", version)]
    if engine.dialect.name == "sqlite":
        findings += [_pages(engine, thorough), _references(engine)]
    return findings


def _pages(engine: Engine, thorough: bool) -> Finding:
    pragma = "integrity_check" if thorough else "quick_check"
    with engine.connect() as connection:
        lines = list(connection.exec_driver_sql(f"PRAGMA {pragma}({_SHOWN})").scalars())
    if lines == ["ok"]:
        return Finding("pages")
    return Finding("pages", f"the file is damaged ({'; '.join(map(str, lines))}): bridge db restore a backup")


def _references(engine: Engine) -> Finding:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    if not rows:
        return Finding("references")
    tables = ", ".join(sorted({str(row[0]) for row in rows}))
    return Finding("references", f"rows of {tables} name rows that are not there: bridge db restore a backup")
