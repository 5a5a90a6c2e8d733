"""A1: alerts keep coming while the program is killed again and again and the broker misbehaves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

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
KNOBS: dict[str, Any] = {"faults": FAULTS, "visibility_lag_s": [0, 3], "latency_s": [0, 0.2]}


async def test_killed_at_random_nothing_is_lost_doubled_or_hidden(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    await _rehearse(rig(1, **KNOBS), sized(80, 1000, 10_000), sized(4, 20, 200))


async def test_killed_at_random_nothing_is_lost_doubled_or_hidden_on_postgres(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_url: str
) -> None:
    await _rehearse(rig(2, database=postgres_url, **KNOBS), sized(60, 1000, 10_000), sized(3, 20, 200))


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
        rig.programs[-1].kill()
        await asyncio.sleep(rig.epoch.real(dice.choice((0, 0, 5))))
        await rig.start()
