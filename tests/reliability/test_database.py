"""A10: the database is locked, or its server throws everybody out, in the middle of the load."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.reliability.rig import Rig
from tests.reliability.sender import Sender, mixed

BACK_WITHIN_REAL_S = 30.0


def _statuses(rig: Rig) -> set[int | None]:
    return {each.status for sender in rig.senders for sent in sender.sent for each in sent.tries}


async def test_a_lock_of_ten_seconds_is_answered_with_503_and_loses_nothing(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    rehearsal = rig(101, speed=2.0)
    await rehearsal.start()
    count, held_s = sized((100, 3.0), (1000, 10.0), (1500, 10.0))
    sender = rehearsal.sender()
    alerts = mixed(random.Random(101), count)
    sending = asyncio.create_task(sender.send_all(alerts, gap_real_s=held_s / count, at_once=500))
    await rehearsal.until(lambda: len(sender.sent) > count // 10, 30, "the load to begin")
    with closing(sqlite3.connect(rehearsal.home / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(held_s)
        other.execute("ROLLBACK")
    await sending
    await rehearsal.conclude()
    assert _statuses(rehearsal) == {202, 503}, f"seed 101: {_statuses(rehearsal)}"


async def test_backends_that_are_thrown_out_lose_nothing(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_url: str
) -> None:
    await _through_outages(rig(102, database=postgres_url), sized(3, 15, 50), _throw_out)


async def test_a_server_that_crashes_and_recovers_loses_nothing(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_server: str
) -> None:
    # A database of its own: the fixture's would lose the connection that it keeps open to drop it.
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE crashing TEMPLATE template0")
    database = sa.make_url(postgres_server).set(database="crashing").render_as_string(hide_password=False)
    rehearsal = rig(103, database=database)
    try:
        await _through_outages(rehearsal, sized(1, 5, 20), _crash)
    finally:
        rehearsal.close()
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute("DROP DATABASE crashing WITH (FORCE)")


async def _through_outages(rig: Rig, outages: int, break_it: Callable[[str], None]) -> None:
    """Load, an outage, and the next one only when alerts are taken again."""
    assert rig.database is not None
    dice = random.Random(rig.seed)
    await rig.start()
    sender = rig.sender()
    sending = asyncio.create_task(sender.send_all(mixed(dice, 20 * outages), gap_real_s=0.03))
    for number in range(outages):
        await asyncio.sleep(dice.uniform(0.1, 0.4))
        break_it(rig.database)
        await asyncio.wait_for(_until_taken(sender, dice, f"after-{number}"), BACK_WITHIN_REAL_S)
    await sending
    await rig.conclude()


async def _until_taken(sender: Sender, dice: random.Random, prefix: str) -> None:
    """New alerts, until one of them is taken."""
    for attempt in itertools.count():
        if (await sender.send(mixed(dice, 1, prefix=f"{prefix}-{attempt}-")[0])).taken:
            return


def _throw_out(database: str) -> None:
    """Every connection but this one is ended by the server, whatever it was doing."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _crash(database: str) -> None:
    """One backend dies by SIGKILL: the server drops all others, throws its memory away and recovers from its log."""
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(database, autocommit=True) as victim,
        psycopg.connect(database, autocommit=True) as witness,
    ):
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        while True:  # until the server has noticed; an alert taken before that would say nothing
            witness.execute("SELECT 1")
