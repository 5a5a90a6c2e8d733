"""B1 to B4: how soon a sender is answered, how soon an order is on its way, and that no limit is ever passed."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import pytest

from bridge.cli.benching.load import Shot
from tests.acceptance import load
from tests.acceptance.books import Books, numbers
from tests.acceptance.floor import Floor, Took, beside
from tests.acceptance.load import Alerts, Load
from tests.acceptance.program import Lane
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage

Tell = Callable[[str], None]

TAKEN, NOT_NOW = 202, {429, 503}
STEADY = 100  # alerts a second
BURST = 1_000
EXCHANGE_LIMIT = 10  # orders in any second, per account and segment
OVERLOAD = 3 * EXCHANGE_LIMIT
# The house looks at the deadline before the first byte, the broker at its clock after the last one.
ON_THE_WIRE_S = 0.25


def max_age_s(size: Size) -> int:
    """So short that orders grow too old while they wait for their turn."""
    return min(max(size.throttled_s // 4, 2), 60)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, size: Size) -> Iterator[Stage]:
    limited = {"orders_per_second": EXCHANGE_LIMIT, "in_flight_max": 64}
    hasty = Lane(limited, {"entry_max_age_s": max_age_s(size)})
    plan = {"free": FREE, "idle": FREE, "limited": Lane(limited), "first": hasty, "second": hasty}
    with Stage(tmp_path_factory.mktemp("stage"), plan) as made:
        yield made


@pytest.fixture(scope="module")
def alerts() -> Alerts:
    return Alerts()


@pytest.fixture(scope="module")
def books(stage: Stage, alerts: Alerts) -> Books:
    """Empty but for the alerts with which each lane was warmed up, as a house that runs since the morning is."""
    made = Books(stage)
    for lane, exchange in product(stage.made.paths, ("NSE", "BSE")):
        bodies = alerts.take(4, exchange)
        made.note(bodies, asyncio.run(load.one_by_one(stage.client(lane), bodies, 0)))
    made.agree([])
    return made


@dataclass(frozen=True, slots=True)
class Course:
    """The house and its books, and the bare server beside it."""

    stage: Stage
    bare_port: int
    alerts: Alerts
    books: Books
    tell: Tell

    async def run(self, lane: str, how: Load, bodies: Sequence[str], short: Sequence[str]) -> tuple[list[Shot], Floor]:
        """Send the alerts, and the shorter list to the bare server; what senders were told is in the books."""
        shots, floor = await beside(self.bare_port, self.stage.client(lane), how, bodies, short)
        self.books.note(bodies, shots)
        return shots, floor

    async def first_bytes(
        self, lane: str, how: Load, bodies: Sequence[str], short: Sequence[str]
    ) -> tuple[Took, Floor]:
        """From each alert's leaving the sender to its order's arrival at the broker: there must be one for each."""
        shots, floor = await self.run(lane, how, bodies, short)
        assert self.books.agree(bodies).sent == len(bodies)
        return waits(self.stage, bodies, shots), floor


@pytest.fixture
def course(stage: Stage, bare_port: int, alerts: Alerts, books: Books, tell: Tell) -> Course:
    return Course(stage, bare_port, alerts, books, tell)


async def test_alerts_at_100_a_second_are_acknowledged_at_once(course: Course, size: Size) -> None:
    bodies = course.alerts.take(STEADY * size.steady_s)
    short = bodies[: STEADY * min(max(size.steady_s // 4, 1), 10)]

    shots, floor = await course.run("free", partial(load.steady, per_second=STEADY), bodies, short)

    took = Took.of(shots)
    course.tell(f"B1 {took}; {floor}; {course.books.agree(bodies)}")
    assert {shot.status for shot in shots} == {TAKEN}
    assert took.at(0.5) <= floor.allows(20, 0.5)
    assert took.at(0.99) <= floor.allows(250, 0.99)
    assert took.at(1) < floor.allows(2_500, 1)


async def test_a_burst_of_1000_alerts_is_answered_in_time_and_nothing_taken_is_lost(course: Course, size: Size) -> None:
    for _ in range(size.bursts):
        bodies = course.alerts.take(BURST)

        shots, floor = await course.run("free", load.burst, bodies, bodies)

        took, statuses = Took.of(shots), {shot.status for shot in shots}
        course.tell(f"B2 {took}; {floor}; {course.books.agree(bodies)}")
        assert {TAKEN} <= statuses <= {TAKEN} | NOT_NOW
        assert took.at(1) < floor.allows(2_500, 1)


async def test_an_order_leaves_an_idle_house_at_once(course: Course, size: Size) -> None:
    bodies = course.alerts.take(size.one_by_one)

    took, floor = await course.first_bytes("idle", partial(load.one_by_one, pause_s=0.01), bodies, bodies[:100])

    course.tell(f"B3 idle {took}; {floor}")
    assert took.at(0.99) <= floor.allows(150, 0.99)


async def test_orders_at_8_a_second_leave_at_once(course: Course, size: Size) -> None:
    bodies = course.alerts.take(8 * size.paced_s)

    took, floor = await course.first_bytes("limited", partial(load.steady, per_second=8), bodies, bodies[:16])

    course.tell(f"B3 at 8/s {took}; {floor}")
    assert took.at(0.99) <= floor.allows(500, 0.99)


async def test_at_three_times_the_load_no_second_sees_too_many_orders_and_none_is_late(
    stage: Stage, alerts: Alerts, books: Books, size: Size, tell: Tell
) -> None:
    lanes = list(product(("first", "second"), ("NSE", "BSE")))
    asked = [alerts.take(OVERLOAD * size.throttled_s, exchange) for _, exchange in lanes]
    everything = [body for bodies in asked for body in bodies]

    answered = await asyncio.gather(
        *(
            load.steady(stage.client(account), bodies, OVERLOAD)
            for (account, _), bodies in zip(lanes, asked, strict=True)
        )
    )

    shots = [shot for some in answered for shot in some]
    books.note(everything, shots)
    found = books.agree(everything, max_age_s(size) + 60)
    most = {lane: most_in_any_second(moments) for lane, moments in arrivals(stage).items() if lane in lanes}
    late = lateness(stage)
    tell(f"B4 {found}; most in a second {most}; after the deadline {late[-1]} s")
    assert {shot.status for shot in shots} == {TAKEN}
    assert set(found.ended) == {"deadline_passed"}  # the load really was too much
    assert most.keys() == set(lanes)
    assert max(most.values()) <= EXCHANGE_LIMIT
    assert late[-1] <= ON_THE_WIRE_S


def waits(stage: Stage, bodies: Sequence[str], shots: Sequence[Shot]) -> Took:
    """From an alert's leaving the sender to its order's arrival at the broker."""
    # the broker notes the time of day, the sender counts on the clock that never jumps
    between = time.time() - time.monotonic()
    arrived = {str(row["body"]["quantity"]): row["at"] - between for row in stage.broker.sent()}
    said = zip(numbers(bodies), shots, strict=True)
    return Took(tuple((arrived[number] - shot.left) * 1000 for number, shot in said))


def arrivals(stage: Stage) -> Mapping[tuple[str, str], Sequence[float]]:
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
