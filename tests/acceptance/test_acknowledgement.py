"""B1 and B2: how soon a sender knows that its alert is on disk, and that "taken" means taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.acceptance import load
from tests.acceptance.accounts import Reckoning, reckon
from tests.acceptance.floor import Took, beside
from tests.acceptance.load import Alerts, Client, Shot
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage

PER_SECOND = 100
BURST = 1_000
NOT_NOW = {429, 503}


@pytest.fixture(scope="module")
def stage(stage_of: Callable[[dict[str, Any]], Stage]) -> Stage:
    return stage_of(FREE)


@pytest.fixture(scope="module")
def alerts() -> Alerts:
    return Alerts("SBIN", "INFY", "TCS", "ITC")


class Sent:
    """Every alert of this module so far, for the books at the end of each test."""

    taken: set[str] = set()


def note(bodies: Sequence[str], shots: Sequence[Shot]) -> None:
    Sent.taken |= {str(json.loads(body)["quantity"]) for body, shot in zip(bodies, shots, strict=True) if shot.status == 202}


async def test_alerts_at_100_a_second_are_acknowledged_at_once(stage: Stage, alerts: Alerts, size: Size) -> None:
    bodies = alerts.take(PER_SECOND * size.steady_s)
    idle = alerts.take(PER_SECOND * min(max(size.steady_s // 4, 1), 10))
    client = Client(stage.port, stage.path("single"))

    shots, floor = await beside(
        client, lambda house: load.steady(house, bodies, PER_SECOND), lambda bare: load.steady(bare, idle, PER_SECOND)
    )

    note(bodies, shots)
    took = Took.of(shots)
    print(f"B1 {took}; {floor}")
    assert {shot.status for shot in shots} == {202}
    assert took.at(0.5) <= floor.allows(20, 0.5)
    assert took.at(0.99) <= floor.allows(250, 0.99)
    assert took.at(1) <= floor.allows(2_500, 1)
    assert_books_agree(stage)


async def test_a_burst_of_1000_alerts_is_answered_in_time_and_nothing_taken_is_lost(
    stage: Stage, alerts: Alerts, size: Size
) -> None:
    for _ in range(size.bursts):
        bodies, idle = alerts.take(BURST), alerts.take(BURST)
        client = Client(stage.port, stage.path("single"))

        shots, floor = await beside(client, lambda house, b=bodies: load.burst(house, b), lambda bare, b=idle: load.burst(bare, b))

        note(bodies, shots)
        took = Took.of(shots)
        print(f"B2 {took}; {floor}")
        assert {shot.status for shot in shots} <= {202} | NOT_NOW
        assert took.at(1) <= floor.allows(2_500, 1)
        assert_books_agree(stage)


def assert_books_agree(stage: Stage) -> None:
    books: Reckoning = reckon(stage, Sent.taken)
    print(books)
    assert books.is_clean()
    assert books.sent == len(Sent.taken)
    assert stage.complaints() == []
