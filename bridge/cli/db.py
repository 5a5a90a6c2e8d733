"""`bridge db`: upgrade, back up, restore and check the database."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy.engine import Engine

from bridge.cli import journal_check, sqlite_copies
from bridge.cli.house import connected, operator
from bridge.cli.output import entry, json_option, listing
from bridge.kit import schema
from bridge.kit.clock import SystemClock
from bridge.kit.database import Reader
from bridge.kit.vault import Vault


@click.group()
def group() -> None:
    """The database."""


@group.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the tables to what this version needs. Every start does it too."""
    with connected() as (_, engine):
        before = schema.current(engine)
        schema.upgrade(engine)
        entry({"before": before, "now": schema.current(engine)}, as_json)


@group.command()
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default a new one in `backups`.")
@json_option
def backup(out: Path | None, as_json: bool) -> None:
    """Copy a SQLite database while it is in use. The key file is not in it: keep a copy of that elsewhere."""
    clock = SystemClock()
    with connected() as (settings, engine):
        database = _file(engine, "pg_dump --format=custom --file=bridge.dump")
        target = out or settings.data_dir / "backups" / f"bridge-{clock.now():%Y%m%d-%H%M%S}.db"
        try:
            sqlite_copies.back_up(database, target)
        except sqlite_copies.CopyRefused as problem:
            raise click.ClickException(str(problem)) from problem
        entry({"backup": str(target), "bytes": target.stat().st_size}, as_json)


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def restore(file: Path, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of a SQLite database that nobody uses. The old one is kept under another name.

    All trading is stopped afterwards: what was sent since the backup is not in it. Compare with your brokers, then
    `bridge panic --release`.
    """
    with connected() as (settings, engine):
        database = _file(engine, "pg_restore --clean --if-exists --dbname=… bridge.dump")
        engine.dispose()
        if not yes:
            click.confirm(f"Replace {database} by {file}?", abort=True)
        try:
            kept = sqlite_copies.put_back(file, database, Vault.open(settings.keys), SystemClock(), operator())
        except sqlite_copies.CopyRefused as problem:
            raise click.ClickException(str(problem)) from problem
        entry({"restored": str(file), "old_database": str(kept) if kept else None, "trading": "stopped"}, as_json)


@group.command()
@click.option("--quick", is_flag=True, help="Leave out what reads the whole file.")
@json_option
def check(quick: bool, as_json: bool) -> None:
    """Look for damage: pages, references, version, and the newest orders against their journal."""
    with connected() as (_, engine):
        findings = schema.check(engine, thorough=not quick)
        if schema.is_current(engine):
            findings.append(journal_check.check(Reader(engine)))
        rows = [
            {"checked": found.name, "ok": not found.problem, "problem": found.problem or None} for found in findings
        ]
        listing(rows, as_json, "Nothing to check.")
        if any(found.problem for found in findings):
            raise click.exceptions.Exit(1)


def _file(engine: Engine, instead: str) -> Path:
    """The SQLite database's file; PostgreSQL has better tools of its own."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        raise click.ClickException(f"this is for SQLite; for PostgreSQL use its own tool: {instead}")
    return Path(engine.url.database)
