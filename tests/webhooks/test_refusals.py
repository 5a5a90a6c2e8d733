"""What the door turned away is counted, in numbers that nobody outside can make many."""

from __future__ import annotations

from datetime import timedelta

from bridge.webhooks.refusals import Refusals
from tests.support.clock import FakeClock
from tests.webhooks.door import PATH, Door


async def test_each_refusal_is_counted_under_its_source_and_reason() -> None:
    clock = FakeClock()
    refusals = Refusals(clock)
    door = Door(refusals=refusals)
    await door.post("x" * 70_000)
    await door.post(headers={"content-encoding": "gzip"})
    await door.post(headers={"content-encoding": "gzip"})
    await door.post(path=PATH[:-1])

    assert [line[1:] for line in refusals.lines()] == [
        ("so_7w3kq9", "coding_not_supported", 2),
        ("so_7w3kq9", "too_large", 1),
        (None, "not_found", 1),
    ]


async def test_what_was_let_in_is_not_counted_whatever_became_of_it() -> None:
    refusals = Refusals(FakeClock())
    door = Door(refusals=refusals)
    await door.post()

    assert refusals.lines() == []


async def test_strangers_make_three_numbers_at_most_however_many_addresses_they_try() -> None:
    refusals = Refusals(FakeClock())
    door = Door(refusals=refusals)
    for number in range(60):
        await door.post(path=f"/hook/guess{number}/x", peer=f"198.51.100.{number % 2}")
        await door.post(method="GET", path=f"/hook/guess{number}/x")

    found = refusals.lines()
    assert {(source, code) for _, source, code, _ in found} == {
        (None, "not_found"),
        (None, "too_many_wrong_addresses"),
        (None, "method_not_allowed"),
    }
    assert sum(number for *_, number in found) == 120


def test_days_are_the_exchanges_and_only_seven_are_kept() -> None:
    clock = FakeClock()
    refusals = Refusals(clock)
    for _ in range(10):
        refusals.count(None, "not_found")
        clock.advance(timedelta(days=1).total_seconds())

    days = [day for day, *_ in refusals.lines()]
    assert len(days) == 7
    assert days == sorted(days, reverse=True)
    assert days[0] - days[-1] == timedelta(days=6)
