"""A7: many dispatchers on one queue, and the lease going from hand to hand."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.reliability.rig import Rig, free_port
from tests.reliability.sender import mixed

SPEED = 10.0
SPEED_AT_DOORS = 2.0  # a process that its peer finds stalled is killed, and here nobody would replace it


@pytest.mark.parametrize(("workers", "seed"), [(2, 71), (4, 72), (8, 73), (3, 74), (6, 75)])
async def test_many_dispatchers_send_every_order_once(
    rig: Callable[..., Rig],
    sized: Callable[[Any, Any, Any], Any],
    reliability: str,
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
    await _rehearse(rig(76, speed=SPEED, database=postgres_url), 3, sized(30, 1000, 10_000))


async def test_the_same_alert_at_two_doors_at_once_is_taken_once(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    await _at_two_doors(rig(77, speed=SPEED_AT_DOORS), sized(40, 300, 5000))


async def test_the_same_alert_at_two_doors_at_once_is_taken_once_on_postgres(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], postgres_url: str
) -> None:
    await _at_two_doors(rig(78, speed=SPEED_AT_DOORS, database=postgres_url), sized(40, 300, 5000))


async def _at_two_doors(rig: Rig, alerts: int) -> None:
    """Two whole programs on one database; each alert comes to both in the same moment."""
    await rig.start()
    front = rig.sender()
    await rig.start(port=free_port())
    back = rig.sender()
    back.url = rig.programs[-1].url
    made = mixed(random.Random(rig.seed), alerts)
    twins = [dataclasses.replace(each, tries=[]) for each in made]
    await asyncio.gather(front.send_all(made, gap_real_s=0.01), back.send_all(twins, gap_real_s=0.01))
    ledgers = await rig.conclude()
    answers = Counter(each.tries[-1].content["status"] for each in ledgers.sent)
    assert answers == {"accepted": alerts, "duplicate": alerts}, f"seed {rig.seed}: {answers}"


async def _rehearse(rig: Rig, workers: int, alerts: int) -> None:
    """The holder of a lease is killed a few times on the way, so that all of the others reach for it at once."""
    dice = random.Random(rig.seed)
    await rig.start("--web")
    for _ in range(workers):
        await rig.dispatcher()
    sender = rig.sender()
    sending = asyncio.create_task(sender.send_all(mixed(dice, alerts), gap_real_s=0.01))
    for due in (alerts // 4, alerts // 2):
        await rig.until(lambda due=due: len(sender.sent) > due, 300, f"alert {due}")  # type: ignore[misc]  # bound on purpose
        (await rig.holder("alpha")).kill()
        await rig.dispatcher()
    await sending
    await rig.conclude()
