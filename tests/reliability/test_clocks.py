"""A8: the program's wall clock jumps or drifts under load. What counts is true time, which only the rehearsal knows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.reliability.clock import Shift
from tests.reliability.judge import Finding, broken_by_any_clock, duplicate, ghost, hidden, lost, wrong
from tests.reliability.ledgers import Ledgers
from tests.reliability.rig import Rig
from tests.reliability.sender import mixed

HOUR_S, DAY_S = 3600.0, 86_400.0
ENTRY_MAX_AGE_S, EXIT_MAX_AGE_S = 60.0, 300.0
FAULTS = {"accept_then_drop": 0.05, "drop_request": 0.03, "slow": 0.3}


def late_by_true_time(ledgers: Ledgers) -> Iterator[Finding]:
    """Requests that reached the broker later than their age allows after the sender was told "accepted"."""
    orders = ledgers.journal.by("orders", "alert_id")
    arrived = {request["tag"]: request["clock"] for request in ledgers.placements}
    for sent in ledgers.sent:
        if sent.taken is None:
            continue
        for order in orders.get(str(sent.taken.content.get("alert_id")), ()):
            limit = EXIT_MAX_AGE_S if order["reduces"] else ENTRY_MAX_AGE_S
            age = arrived.get(order["ref"], 0) - sent.tries[-1].at
            if age > limit + 2 + 0.25 * ledgers.speed:
                yield Finding("LATE", f"{order['ref']} reached the broker {age:.1f} s after {sent.key} was sent")


async def test_a_clock_that_jumps_or_drifts_makes_nothing_late_or_double(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    await _rehearse(rig(81, faults=FAULTS), sized(5, 10, 100))


async def _rehearse(rig: Rig, jumps: int) -> None:
    dice = random.Random(rig.seed)
    shift = Shift(rig.folder / "shift")
    await rig.start("--shift", str(shift.path))
    sending = asyncio.create_task(rig.sender().send_all(mixed(dice, 12 * jumps), gap_real_s=0.05))
    for number in range(jumps):
        await asyncio.sleep(0.3)
        hours = (HOUR_S, -HOUR_S, DAY_S, -DAY_S, 0.0)[number % 5]
        shift.set(hours, drift=0.0 if hours else dice.uniform(-0.01, 0.01))
        if dice.random() < 0.3:  # a restart in the middle of it
            rig.programs[-1].kill()
            await rig.start("--shift", str(shift.path))
    await sending
    await rig.conclude(judges=(lost, duplicate, ghost, wrong, late_by_true_time, hidden, broken_by_any_clock))
