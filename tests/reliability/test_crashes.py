"""A1: alerts keep coming while the program is killed or stopped again and again and the broker misbehaves."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tests.reliability.rig import Rig
from tests.reliability.sender import Sender, mixed

FAULTS = {
    "accept_then_drop": 0.02,
    "accept_then_reset": 0.01,
    "accept_then_hold": 0.01,
    "drop_request": 0.02,
    "http_500": 0.02,
    "html_page": 0.01,
    "timeout_400": 0.01,
    "timeout_400_placed": 0.02,
    "late_accept": 0.01,
    "refuse_margin": 0.02,
    "refuse_rate": 0.02,
}
KILLED_SHARE = 0.6  # the others are asked to stop, under full load
KNOBS: dict[str, Any] = {"faults": FAULTS, "visibility_lag_s": [0, 3], "latency_s": [0, 0.2]}


async def test_killed_at_random_nothing_is_lost_doubled_or_hidden(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    await _rehearse(rig(1, **KNOBS), sized(80, 1000, 10_000), sized(4, 20, 200))


async def test_killed_at_random_nothing_is_lost_doubled_or_hidden_on_postgres(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_url: str
) -> None:
    await _rehearse(rig(2, database=postgres_url, **KNOBS), sized(60, 1000, 10_000), sized(3, 20, 200))


async def test_settings_that_change_under_load_close_the_desk_without_loss(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    """Other limits of an account end its desk in the middle of what it sends, and another begins."""
    rehearsal = rig(3, **KNOBS)
    alerts = sized(60, 300, 3000)
    await rehearsal.start()
    sender = rehearsal.sender()
    sending = asyncio.create_task(sender.send_all(mixed(random.Random(3), alerts), gap_real_s=0.02))
    for due in range(alerts // 8, alerts, alerts // 8):
        await rehearsal.until(lambda due=due: len(sender.sent) > due, 120, f"alert {due}")  # type: ignore[misc]  # bound on purpose
        _change_limits(rehearsal, in_flight_max=8 + due % 2)
    await sending
    await rehearsal.conclude()


def _change_limits(rig: Rig, **limits: Any) -> None:
    """As a person would on the account's page: new settings, and every process is told to read them."""
    with rig.engine.begin() as connection:
        for account in rig.made["accounts"].values():
            row = {"id": account}
            before = connection.scalar(sa.text("SELECT settings FROM accounts WHERE id = :id"), row)
            row["settings"] = json.dumps(json.loads(str(before)) | limits)
            connection.execute(sa.text("UPDATE accounts SET settings = :settings WHERE id = :id"), row)
        connection.execute(sa.text("UPDATE revision SET number = number + 1"))


async def _rehearse(rig: Rig, alerts: int, kills: int) -> None:
    dice = random.Random(rig.seed)
    await rig.start()
    sender = rig.sender()
    sending = asyncio.create_task(sender.send_all(mixed(dice, alerts), gap_real_s=0.02))
    await _kill_again_and_again(rig, sender, dice, alerts, kills)
    await sending
    await rig.conclude()


async def _kill_again_and_again(rig: Rig, sender: Sender, dice: random.Random, alerts: int, kills: int) -> None:
    """Each kill comes after a random share of the alerts, and a little later still."""
    for due in sorted(dice.randrange(alerts) for _ in range(kills)):
        await rig.until(lambda due=due: len(sender.sent) > due, 120, f"alert {due}")  # type: ignore[misc]  # bound on purpose
        await asyncio.sleep(dice.uniform(0, 0.1))
        end = rig.programs[-1].kill if dice.random() < KILLED_SHARE else rig.programs[-1].stop
        await asyncio.to_thread(end)
        await asyncio.sleep(rig.epoch.real(dice.choice((0, 0, 5))))
        await rig.start()
