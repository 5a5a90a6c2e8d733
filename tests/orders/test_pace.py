"""Never more orders in any second than the account may send."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bridge.orders.pace import Pace
from tests.support.clock import IdleClock


async def test_places_are_taken_at_once_up_to_the_limit() -> None:
    clock = IdleClock()
    pace = Pace(2, clock)

    assert await pace.take("NSE", clock.monotonic())
    assert await pace.take("NSE", clock.monotonic())
    assert not await pace.take("NSE", clock.monotonic())
    assert await pace.take("NFO", clock.monotonic())  # each exchange has its own


async def test_a_place_is_free_a_second_after_the_answer() -> None:
    clock = IdleClock()
    pace = Pace(1, clock)
    await pace.take("NSE", clock.monotonic())
    clock.advance(0.4)
    pace.give_back("NSE", used=True)
    asked = clock.monotonic()

    waiting = asyncio.create_task(pace.take("NSE", asked + 5))
    await clock.run(0.9)
    assert not waiting.done()
    await clock.run(0.2)

    assert waiting.result()


async def test_a_place_that_was_not_used_is_free_at_once() -> None:
    clock = IdleClock()
    pace = Pace(1, clock)
    await pace.take("NSE", clock.monotonic())
    pace.give_back("NSE", used=False)

    assert pace.wait_s("NSE") == 0


async def test_who_cannot_wait_long_enough_is_told_so_before_waiting() -> None:
    clock = IdleClock()
    pace = Pace(1, clock)
    pace.remember("NSE", 1)

    assert not await pace.take("NSE", clock.monotonic() + 0.5)
    assert pace.wait_s("NSE") == 1.0


async def test_while_every_place_is_out_there_is_a_look_again_soon() -> None:
    clock = IdleClock()
    pace = Pace(1, clock)
    await pace.take("NSE", clock.monotonic())
    waiting = asyncio.create_task(pace.take("NSE", clock.monotonic() + 10))
    await clock.run(3)
    pace.give_back("NSE", used=False)
    await clock.run(0.1)

    assert waiting.result()


async def test_an_account_without_a_limit_never_waits() -> None:
    clock = IdleClock()
    pace = Pace(None, clock)

    for _ in range(100):
        assert await pace.take("NSE", clock.monotonic())
        pace.give_back("NSE", used=True)


@given(st.integers(1, 5), st.lists(st.tuples(st.floats(0, 1.5), st.floats(0, 2)), min_size=1, max_size=25))
def test_no_second_at_the_broker_sees_more_than_the_limit(limit: int, orders: list[tuple[float, float]]) -> None:
    """Whenever orders come and however long each takes; the broker gets each somewhere between taking and giving back."""
    clock = IdleClock()
    pace = Pace(limit, clock)
    spans: list[tuple[float, float]] = []

    async def one(answer_s: float) -> None:
        await pace.take("NSE", float("inf"))
        taken = clock.monotonic()
        await clock.sleep(answer_s)
        spans.append((taken, clock.monotonic()))
        pace.give_back("NSE", used=True)

    async def burst() -> None:
        tasks = []
        for gap_s, answer_s in orders:
            await clock.run(gap_s)
            tasks.append(asyncio.create_task(one(answer_s)))
        await clock.run(200)
        await asyncio.gather(*tasks)

    asyncio.run(burst())
    for arrivals in ([begin for begin, _ in spans], [end for _, end in spans]):
        for start in arrivals:
            assert sum(start <= at < start + 1 - 1e-9 for at in arrivals) <= limit
