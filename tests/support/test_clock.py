"""The clock that tests move."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.support.clock import FakeClock


async def test_both_times_move_together_and_only_when_told() -> None:
    clock = FakeClock()
    now, monotonic = clock.now(), clock.monotonic()
    clock.advance(90)
    assert (clock.now() - now, clock.monotonic() - monotonic) == (timedelta(seconds=90), 90)


async def test_sleepers_wake_in_order_and_not_before_their_time() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await clock.settle()
    clock.advance(2)
    await clock.settle()
    assert (woken, clock.sleepers) == ([1, 2], 1)
    await clock.run(1)
    await asyncio.gather(*tasks)


async def test_a_loop_that_sleeps_for_ever_turns_as_often_as_time_allows() -> None:
    clock, turns = FakeClock(), []

    async def loop() -> None:
        while True:
            await clock.sleep(10)
            turns.append(clock.monotonic())

    task = asyncio.create_task(loop())
    await clock.run(35)
    assert [turn - turns[0] for turn in turns] == [0, 10, 20]
    task.cancel()


async def test_the_wall_clock_can_jump_alone() -> None:
    clock = FakeClock()
    monotonic = clock.monotonic()
    clock.set(clock.now() - timedelta(hours=1))
    assert clock.monotonic() == monotonic
