"""A7: many dispatchers on one queue, and the lease going from hand to hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.reliability.rig import Program, Rig, free_port
from tests.reliability.sender import mixed

SPEED = 10.0


@pytest.mark.parametrize(("workers", "seed"), [(2, 71), (4, 72), (8, 73), (3, 74), (6, 75)])
async def test_many_dispatchers_send_every_order_once(
    rig: Callable[..., Rig],
    sized: Callable[[Any, Any, Any], Any],
    reliability: str,
    request: pytest.FixtureRequest,
    workers: int,
    seed: int,
) -> None:
    if reliability == "sample" and seed != 72:
        pytest.skip("four dispatchers in the sample")
    for again in range(sized(1, 1, 20)):
        await _rehearse(rig(seed + 100 * again, speed=SPEED), workers, sized(60, 1000, 10_000))


async def test_many_dispatchers_send_every_order_once_on_postgres(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_url: str
) -> None:
    await _rehearse(rig(76, speed=SPEED, database=postgres_url), 4, sized(60, 1000, 10_000))


async def _rehearse(rig: Rig, workers: int, alerts: int) -> None:
    """The holder of a lease is killed a few times on the way, so that all of the others reach for it at once."""
    dice = random.Random(rig.seed)
    await rig.start("--web")
    for _ in range(workers):
        await _dispatch(rig)
    sender = rig.sender()
    sending = asyncio.create_task(sender.send_all(mixed(dice, alerts), gap_real_s=0.01))
    for due in (alerts // 4, alerts // 2):
        await rig.until(lambda due=due: len(sender.sent) > due, 300, f"alert {due}")  # type: ignore[misc]  # bound on purpose
        (await rig.holder("alpha")).kill()
        await _dispatch(rig)
    await sending
    await rig.conclude()


async def _dispatch(rig: Rig) -> Program:
    return await rig.start("--dispatch", port=free_port())
