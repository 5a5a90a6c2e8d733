"""A6: a process that sends stands still in the middle of its work; another takes over, but only after killing it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable
from typing import Any

from tests.reliability.rig import Program, Rig
from tests.reliability.sender import mixed

SPEED = 5.0
LEASE_S = 5.0
TAKEN_OVER_WITHIN_S = 30.0
FAULTS = {"accept_then_hold": 0.03, "slow": 0.3}


async def test_a_stalled_sender_is_killed_before_another_takes_over(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    await _rehearse(rig(61, speed=SPEED, faults=FAULTS), sized(3, 20, 500))


async def _rehearse(rig: Rig, stalls: int) -> None:
    dice = random.Random(rig.seed)
    await rig.start("--web")
    senders = [await rig.dispatcher() for _ in range(2)]
    sending = asyncio.create_task(rig.sender().send_all(mixed(dice, 30 * stalls), gap_real_s=0.05))
    for _ in range(stalls):
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        await _stall(rig, await rig.holder(dice.choice(("alpha", "beta"))), dice.uniform(1, 120))
        senders = [each for each in senders if each.status is None]
        senders += [await rig.dispatcher() for _ in range(2 - len(senders))]
    await sending
    await rig.conclude()


async def _stall(rig: Rig, victim: Program, stalled_s: float) -> None:
    """Stop it for so long. Well beyond its lease it must be dead, and the account in other hands."""
    victim.signal(signal.SIGSTOP)
    if stalled_s <= 2 * LEASE_S:
        await asyncio.sleep(rig.epoch.real(stalled_s))
    else:
        within = rig.epoch.real(max(stalled_s, TAKEN_OVER_WITHIN_S))
        await rig.until(lambda: victim.status is not None, within + 1, f"a stall of {stalled_s:.0f} s to be ended")
    victim.signal(signal.SIGCONT)
