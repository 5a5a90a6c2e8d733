"""B1 and B2: how soon a sender knows that its alert is on disk, and that "taken" means taken."""

from __future__ import annotations

from functools import partial

import pytest

from tests.acceptance import load
from tests.acceptance.books import Books
from tests.acceptance.conftest import Stages
from tests.acceptance.floor import Took, beside
from tests.acceptance.load import Alerts, Client
from tests.acceptance.program import Plan
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage

PER_SECOND = 100
BURST = 1_000
TAKEN, NOT_NOW = 202, {429, 503}


@pytest.fixture(scope="module")
def stage(stages: Stages) -> Stage:
    return stages(Plan(FREE))


@pytest.fixture(scope="module")
def alerts() -> Alerts:
    return Alerts("SBIN", "INFY", "TCS", "ITC")


@pytest.fixture(scope="module")
def books(stage: Stage) -> Books:
    return Books(stage)


async def test_alerts_at_100_a_second_are_acknowledged_at_once(
    stage: Stage, alerts: Alerts, books: Books, size: Size
) -> None:
    bodies = alerts.take(PER_SECOND * size.steady_s)
    short = alerts.take(PER_SECOND * min(max(size.steady_s // 4, 1), 10))
    at_rate = partial(load.steady, per_second=PER_SECOND)

    shots, floor = await beside(Client(stage.port, stage.paths["alpha"]), at_rate, bodies, short)

    books.note(bodies, shots)
    took = Took.of(shots)
    print(f"B1 {took}; {floor}")
    assert {shot.status for shot in shots} == {TAKEN}
    assert books.agree().sent == len(bodies)
    assert took.at(0.5) <= floor.allows(20, 0.5)
    assert took.at(0.99) <= floor.allows(250, 0.99)
    assert took.at(1) <= floor.allows(2_500, 1)


async def test_a_burst_of_1000_alerts_is_answered_in_time_and_nothing_taken_is_lost(
    stage: Stage, alerts: Alerts, books: Books, size: Size
) -> None:
    for _ in range(size.bursts):
        bodies = alerts.take(BURST)

        shots, floor = await beside(Client(stage.port, stage.paths["alpha"]), load.burst, bodies, bodies)

        books.note(bodies, shots)
        took = Took.of(shots)
        print(f"B2 {took}; {floor}; {books.agree()}")
        assert {shot.status for shot in shots} <= {TAKEN} | NOT_NOW
        assert took.at(1) <= floor.allows(2_500, 1)
