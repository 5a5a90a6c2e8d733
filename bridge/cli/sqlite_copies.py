"""Copies of a SQLite database: one made while it is in use, one put in its place while it is not."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.accounts.service import Accounts
from bridge.kit import schema
from bridge.kit.clock import Clock
from bridge.kit.database import Writer, connect
from bridge.kit.vault import Vault


class CopyRefused(Exception):
    """The copy was not made or not put back; the message says why."""


def back_up(database: Path, target: Path) -> None:
    """A copy of the database as it stands, good while others write. It appears whole or not at all, for its owner's eyes."""
    if not database.exists():
        raise CopyRefused(f"there is no {database} yet")
    if target.exists():
        raise CopyRefused(f"{target} is there already")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    _copy(database, part)
    os.replace(part, target)


def put_back(backup: Path, database: Path, vault: Vault, clock: Clock, by: str) -> Path | None:
    """Replace the database by the backup, all trading stopped in it; where the old one was kept, None when there was none.
    Raises `CopyRefused`."""
    _must_be_sound(backup)
    _must_be_alone(database)
    staged = database.with_name(f"{database.name}.restoring")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _copy(backup, staged)
    _stop_everything(staged, f"restored from {backup.name}", vault, clock, by)
    kept = _set_aside(database, clock) if database.exists() else None
    os.replace(staged, database)
    return kept


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no companions that could be forgotten
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _must_be_sound(backup: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            lines = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            connection.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as problem:
        raise CopyRefused(f"{backup} is no backup of this program: {problem}") from problem
    if lines != ["ok"]:
        raise CopyRefused(f"{backup} is damaged: {'; '.join(lines)}")


def _stop_everything(database: Path, reason: str, vault: Vault, clock: Clock, by: str) -> None:
    """What traded after the backup was made is not in it: nothing may trade before a person has compared."""
    engine = connect(f"sqlite:///{database}")
    writer = Writer(engine)
    try:
        schema.upgrade(engine)
        asyncio.run(Accounts(writer, vault, clock).throw_switch("global", "", stopped=True, reason=reason, by=by))
    finally:
        writer.close()
        engine.dispose()


def _set_aside(database: Path, clock: Clock) -> Path:
    """Give the old database another name. Asks again whether anybody has opened it since."""
    _must_be_alone(database)
    kept = database.with_name(f"{database.name}.replaced-{clock.now():%Y%m%d-%H%M%S}")
    for ending in ("-wal", "-shm", ""):  # left over only when the old database is too damaged to be closed properly
        part = database.with_name(database.name + ending)
        if part.exists():
            os.replace(part, kept.with_name(kept.name + ending))
    return kept


def _must_be_alone(database: Path) -> None:
    """Every process that has a database open in WAL mode holds a lock on it; this asks for all of it."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError as problem:
        # One too damaged to be opened is alone: nobody else can use it either.
        if "locked" in str(problem):
            raise CopyRefused(f"{database} is in use: stop every bridge process first") from problem
