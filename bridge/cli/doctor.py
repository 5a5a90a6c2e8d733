"""`bridge doctor`: looks for what is missing or wrong, and says what to do."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from bridge.cli.broker_calls import prove
from bridge.cli.house import connected, database_sentence, opened, settings_of_this_process
from bridge.cli.output import json_option, listing
from bridge.kit import schema
from bridge.kit.clock import from_micros
from bridge.kit.disk import WATERMARK_BYTES, Reserve
from bridge.kit.settings import Settings
from bridge.kit.vault import KeyFileProblem, Vault

CLOCK_TOLERANCE_S = 2.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_UNSYNCHRONISED = 5  # adjtimex(2): TIME_ERROR
_TIMEX_BYTES = 512  # more than struct timex has on any Linux
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)  # no right clock is before this program


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at: ok, a note, or a problem, with what to do."""

    checked: str
    state: str
    message: str


def _ok(checked: str, message: str) -> Found:
    return Found(checked, "ok", message)


def _note(checked: str, message: str) -> Found:
    return Found(checked, "note", message)


def _problem(checked: str, message: str) -> Found:
    return Found(checked, "problem", message)


@click.command()
@click.option("--offline", is_flag=True, help="Ask no broker.")
@json_option
def command(offline: bool, as_json: bool) -> None:
    """Look for what is missing or wrong, and say what to do. Changes nothing; exit status 1 when there is a problem."""
    found = list(_examined(offline))
    listing([{"state": each.state, "checked": each.checked, "message": each.message} for each in found], as_json, "")
    if any(each.state == "problem" for each in found):
        raise click.exceptions.Exit(1)


def _examined(offline: bool) -> Iterator[Found]:
    try:
        settings = settings_of_this_process()
    except click.ClickException as problem:
        yield _problem("configuration", problem.message)
        return
    for examine in EXAMINATIONS:
        yield from examine(settings)
    stored = list(database(settings))
    stored += keys(settings, in_use=any(each.state == "ok" for each in stored))
    yield from stored
    if all(each.state == "ok" for each in stored):
        yield from records()
        yield from brokers(offline)


def configuration(settings: Settings) -> Iterator[Found]:
    """Is what this installation listens on safe to listen on?"""
    if not _is_loopback(settings.host) and not (settings.public_url or "").startswith("https://"):
        yield _problem(
            "configuration",
            f"BRIDGE_HOST is {settings.host}, open to others: put a TLS proxy in front and set BRIDGE_PUBLIC_URL to its https address",
        )
    elif settings.public_url is None:
        yield _note("configuration", "BRIDGE_PUBLIC_URL is not set: senders outside this machine cannot reach it")
    else:
        yield _ok("configuration", f"senders reach {settings.base_url}")
    if settings.market == "simulated":
        yield _note("configuration", "BRIDGE_MARKET is simulated: prices are made up")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def folder(settings: Settings) -> Iterator[Found]:
    """Can the data directory be written, by us alone, and has its disk room?"""
    place = settings.data_dir
    if not place.exists():
        yield _note("data directory", f"{place.resolve()} is not there yet; the first start makes it")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield _problem("data directory", f"{place.resolve()} cannot be written: chown it to the user that runs bridge")
        return
    free = Reserve(place).free()
    if free < WATERMARK_BYTES:
        yield _problem(
            "disk", f"only {free // 2**20} MB left: new alerts are refused below {WATERMARK_BYTES // 2**20} MB"
        )
    else:
        yield _ok("disk", f"{free // 2**20} MB left in {place.resolve()}")
    if stat.S_IMODE(place.stat().st_mode) & 0o077:
        yield _note("data directory", f"others of this machine can look into it: chmod 700 {place.resolve()}")


def keys(settings: Settings, *, in_use: bool) -> Iterator[Found]:
    """Is the key file there and nobody else's? `in_use`: there is a database that was written with it."""
    if not settings.keys.exists():
        if in_use:  # new ones, which the next start would make, open nothing of what is stored
            yield _problem("key file", f"{settings.keys} is gone, but its database is there: put your copy of it back")
        else:
            yield _note("key file", f"{settings.keys} is not there yet; the first start makes it")
        return
    try:
        Vault.open(settings.keys)
    except (KeyFileProblem, OSError) as problem:
        yield _problem("key file", str(problem))
    else:
        yield _ok("key file", f"{settings.keys}; keep a copy elsewhere, backups do not hold it")


def clock(_settings: Settings) -> Iterator[Found]:
    """Is the time right, as far as this machine knows?"""
    now = datetime.now(UTC)
    if now < _WRITTEN:
        yield _problem("clock", f"it says {now:%Y-%m-%d}: set it, and turn on a time service")
    elif sys.platform == "linux" and _kernel_says_unsynchronised():
        yield _note("clock", "no time service keeps it in step: turn on chrony or systemd-timesyncd")
    else:
        yield _ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _kernel_says_unsynchronised() -> bool:
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))) == _UNSYNCHRONISED


def chrome(_settings: Settings) -> Iterator[Found]:
    """Is there a browser that draws charts?"""
    found = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found and Path(found).exists():
        yield _ok("chrome", found)
    else:
        yield _note("chrome", "not found: chart pictures need it; install chromium, or set BROWSER_PATH")


EXAMINATIONS: tuple[Callable[[Settings], Iterator[Found]], ...] = (configuration, folder, clock, chrome)


def database(settings: Settings) -> Iterator[Found]:
    """Does the database answer, whole, in the version we know?"""
    address = sa.make_url(settings.database)
    shown = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        yield _note("database", f"{shown} is not there yet; the first start makes it")  # looking would make it
        return
    try:
        with connected() as (_, engine):
            yield from _examined_database(engine, shown)
    except click.ClickException as problem:
        yield _problem("database", problem.message)


def _examined_database(engine: Engine, address: str) -> Iterator[Found]:
    try:
        version = schema.current(engine)
        findings = schema.check(engine, thorough=False)
    except DBAPIError as problem:
        yield _problem("database", database_sentence(problem))
        return
    if version is None:
        yield _note("database", f"{address} is empty; the first start fills it")
        return
    wrong = [found for found in findings if found.problem]
    yield from (_problem("database", found.problem) for found in wrong)
    if not wrong:
        yield _ok("database", f"{address}, version {version}")


def records() -> Iterator[Found]:
    """Is anybody there to sign in, and is nothing from the future?"""
    with opened() as house:
        if not house.directory.snapshot.users:
            yield _note("people", "nobody can sign in yet: bridge user add NAME")
        latest = house.reader.read("SELECT MAX(at) AS at FROM events WHERE seq = (SELECT MAX(seq) FROM events)")[0][
            "at"
        ]
        ahead = (from_micros(latest) - house.clock.now()).total_seconds() if latest else 0.0
        if ahead > CLOCK_TOLERANCE_S:
            yield _problem("clock", f"the journal is {ahead:.0f} s ahead of it: the clock was set back, put it right")


def brokers(offline: bool) -> Iterator[Found]:
    """Does every broker let us in?"""
    with opened() as house:
        accounts = [each for each in house.directory.snapshot.accounts.values() if not (each.disabled or each.is_paper)]
        for account in accounts if not offline else []:
            proof = prove(house, account)
            say = _ok if proof.ok else _problem
            yield say(f"account {account.name}", proof.message)
