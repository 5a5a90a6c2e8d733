"""B3 and B4: how soon an order is on its way, and that no second sees more of them than the exchange allows."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import pytest

from bridge.cli.benching.load import Client, Shot
from tests.acceptance import load
from tests.acceptance.books import Books
from tests.acceptance.conftest import Stages
from tests.acceptance.floor import Took, beside
from tests.acceptance.load import Alerts
from tests.acceptance.program import Plan
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage

EXCHANGE_LIMIT = 10  # orders in any second, per account and segment
OVERLOAD = 3 * EXCHANGE_LIMIT


async def test_an_order_leaves_an_idle_house_at_once(stages: Stages, size: Size) -> None:
    stage = stages(Plan(FREE))
    alerts, books = Alerts("SBIN", "INFY"), Books(stage)
    bodies = alerts.take(size.one_by_one)
    singly = partial(load.one_by_one, pause_s=0.01)

    shots, floor = await beside(Client(stage.port, stage.paths["alpha"]), singly, bodies, bodies[:100])

    books.note(bodies, shots)
    assert books.agree().sent == len(bodies)
    took = waits(stage, bodies, shots)
    print(f"B3 idle {took}; {floor}")
    assert took.at(0.99) <= floor.allows(150, 0.99)


async def test_orders_at_8_a_second_leave_at_once(stages: Stages, size: Size) -> None:
    stage = stages(Plan({"orders_per_second": EXCHANGE_LIMIT}))
    alerts, books = Alerts("SBIN", "INFY"), Books(stage)
    bodies = alerts.take(8 * size.paced_s)
    at_rate = partial(load.steady, per_second=8)

    shots, floor = await beside(Client(stage.port, stage.paths["alpha"]), at_rate, bodies, bodies[: 8 * 2])

    books.note(bodies, shots)
    assert books.agree().sent == len(bodies)
    took = waits(stage, bodies, shots)
    print(f"B3 at 8/s {took}; {floor}")
    assert took.at(0.99) <= floor.allows(500, 0.99)


async def test_at_three_times_the_load_no_second_sees_too_many_orders_and_none_is_late(
    stages: Stages, size: Size
) -> None:
    max_age_s = min(max(size.throttled_s // 4, 2), 60)
    rules = {"entry_max_age_s": max_age_s}
    stage = stages(Plan({"orders_per_second": EXCHANGE_LIMIT, "in_flight_max": 64}, {"alpha": rules, "beta": rules}))
    alerts, books = Alerts("SBIN"), Books(stage)
    lanes = [(account, exchange) for account in ("alpha", "beta") for exchange in ("NSE", "BSE")]
    asked = [alerts.take(OVERLOAD * size.throttled_s, exchange=exchange) for _, exchange in lanes]

    clients = [Client(stage.port, stage.paths[account]) for account, _ in lanes]
    answered = await asyncio.gather(*(load.steady(c, bodies, OVERLOAD) for c, bodies in zip(clients, asked, strict=True)))

    for bodies, shots in zip(asked, answered, strict=True):
        books.note(bodies, shots)
        assert {shot.status for shot in shots} == {202}
    found = books.agree(max_age_s + 30)
    arrivals = arrivals_by_lane(stage)
    most = {lane: most_in_any_second(moments) for lane, moments in arrivals.items()}
    late = lateness(stage)
    print(f"B4 {found}; most in a second {most}; after the deadline {late[-5:]}")
    assert set(found.ended) == {"deadline_passed"}  # the load really was too much
    assert most.keys() == set(lanes)
    assert max(most.values()) <= EXCHANGE_LIMIT
    assert late[-1] <= 0


def waits(stage: Stage, bodies: Sequence[str], shots: Sequence[Shot]) -> Took:
    """From an alert's leaving the sender to its order's arrival at the broker."""
    # the broker notes the time of day, the sender counts on the clock that never jumps
    between = time.time() - time.monotonic()
    arrived = {str(row["body"]["quantity"]): row["at"] - between for row in stage.broker.sent()}
    said = zip(bodies, shots, strict=True)
    return Took(tuple((arrived[str(json.loads(body)["quantity"])] - shot.left) * 1000 for body, shot in said))


def arrivals_by_lane(stage: Stage) -> Mapping[tuple[str, str], Sequence[float]]:
    """When orders came to the broker, in seconds, by account and exchange."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in stage.broker.sent():
        found[row["account"], row["body"]["exchange"]].append(row["at"])
    return found


def lateness(stage: Stage) -> list[float]:
    """Seconds by which orders came to the broker after their deadline, negative before it; sorted."""
    deadlines = {row["ref"]: row["deadline"] / 1e6 for row in stage.rows("SELECT ref, deadline FROM orders")}
    return sorted(round(row["at"] - deadlines[row["body"]["tag"]], 3) for row in stage.broker.sent())


def most_in_any_second(moments: Sequence[float]) -> int:
    """The largest number of moments inside one second, wherever it begins."""
    ordered, first, most = sorted(moments), 0, 0
    for place, moment in enumerate(ordered):
        while moment - ordered[first] >= 1:
            first += 1
        most = max(most, place - first + 1)
    return most


@pytest.mark.parametrize(("moments", "most"), [([], 0), ([0, 0.5, 0.99, 1.0], 3), ([0, 1, 2], 1), ([5, 5, 5], 3)])
def test_a_second_may_begin_anywhere(moments: list[float], most: int) -> None:
    assert most_in_any_second(moments) == most
