"""Who sends for an account: one process at a time, and the one before it is dead before anyone takes over."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import psutil
import pytest

from bridge.orders import lease as leases_module
from bridge.orders.lease import EXPIRES_AFTER_S, REMOTE_EXPIRES_AFTER_S, Holder, Lease, Leases, holds
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, House


@pytest.fixture
async def empty(open_house: OpenHouse) -> House:
    return await open_house(started=False)


def leases(house: House, me: Holder | None = None) -> Leases:
    """Those of one more process."""
    made = Leases(house.process.writer, house.process.reader, house.clock)
    made._me = me or Holder.me()
    return made


@pytest.fixture
async def other() -> AsyncIterator[Holder]:
    """Another living process of this machine."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    yield Holder(Holder.me().host, process.pid, psutil.Process(process.pid).create_time())
    if process.returncode is None:
        process.kill()
    await process.wait()


ELSEWHERE = Holder("another machine", 7, 1.0)


async def test_the_first_to_ask_gets_the_lease(empty: House) -> None:
    lease = await leases(empty).acquire(ACCOUNT)

    assert lease is not None
    assert lease.fence == 1
    assert empty.process.writer.submit(lambda tx: holds(tx, lease)).result()


async def test_a_restart_takes_over_at_once_under_a_higher_fence(empty: House) -> None:
    first = await leases(empty).acquire(ACCOUNT)
    second = await leases(empty).acquire(ACCOUNT)

    assert first is not None
    assert second is not None
    assert (first.fence, second.fence) == (1, 2)
    assert not empty.process.writer.submit(lambda tx: holds(tx, first)).result()
    assert not await leases(empty).renew(first)
    assert await leases(empty).renew(second)


async def test_a_living_holder_is_left_in_peace_while_it_renews(empty: House, other: Holder) -> None:
    theirs, ours = leases(empty, other), leases(empty)
    lease = await theirs.acquire(ACCOUNT)
    assert lease is not None
    for _ in range(10):
        empty.clock.advance(1)
        assert await theirs.renew(lease)
        assert await ours.acquire(ACCOUNT) is None

    assert other.process() is not None


async def test_a_holder_that_stopped_renewing_is_killed_before_its_lease_is_taken(empty: House, other: Holder) -> None:
    await leases(empty, other).acquire(ACCOUNT)
    ours = leases(empty)
    assert await ours.acquire(ACCOUNT) is None
    empty.clock.advance(EXPIRES_AFTER_S + 0.1)

    taken = await ours.acquire(ACCOUNT)

    assert taken is not None
    assert other.process() is None


async def test_a_jump_of_the_wall_clock_kills_nobody(empty: House, other: Holder) -> None:
    await leases(empty, other).acquire(ACCOUNT)
    ours = leases(empty)
    await ours.acquire(ACCOUNT)
    empty.clock.set(empty.clock.now().replace(year=2027))

    assert await ours.acquire(ACCOUNT) is None
    assert other.process() is not None


async def test_a_dead_holder_of_this_machine_is_replaced_at_once(empty: House, other: Holder) -> None:
    await leases(empty, other).acquire(ACCOUNT)
    psutil.Process(other.pid).kill()
    await asyncio.to_thread(psutil.wait_procs, [psutil.Process(other.pid)], 10)

    assert await leases(empty).acquire(ACCOUNT) is not None


async def test_a_reused_process_number_is_not_mistaken_for_the_holder(empty: House, other: Holder) -> None:
    await leases(empty, replace(other, started=other.started - 100)).acquire(ACCOUNT)

    assert await leases(empty).acquire(ACCOUNT) is not None
    assert other.process() is not None


async def test_a_holder_that_may_not_be_killed_keeps_its_lease(
    empty: House, other: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: psutil.Process) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil.Process, "kill", forbidden)
    await leases(empty, other).acquire(ACCOUNT)
    ours = leases(empty)
    await ours.acquire(ACCOUNT)
    empty.clock.advance(EXPIRES_AFTER_S + 0.1)

    assert await ours.acquire(ACCOUNT) is None


async def test_a_holder_that_ends_while_it_is_killed_is_dead(
    empty: House, other: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(process: psutil.Process) -> None:
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, "kill", gone)

    assert leases_module._kill(psutil.Process(other.pid))


async def test_a_holder_elsewhere_is_waited_out(empty: House) -> None:
    await leases(empty, ELSEWHERE).acquire(ACCOUNT)
    ours = leases(empty)
    assert await ours.acquire(ACCOUNT) is None
    empty.clock.advance(REMOTE_EXPIRES_AFTER_S - 1)
    assert await ours.acquire(ACCOUNT) is None
    empty.clock.advance(1.1)

    assert await ours.acquire(ACCOUNT) is not None


async def test_a_lease_that_was_given_back_is_free(empty: House) -> None:
    theirs = leases(empty, ELSEWHERE)
    lease = await theirs.acquire(ACCOUNT)
    assert lease is not None
    await theirs.release(lease)

    assert await leases(empty).acquire(ACCOUNT) is not None


async def test_of_two_that_ask_at_once_one_gets_it(empty: House) -> None:
    theirs, ours = leases(empty, ELSEWHERE), leases(empty)

    taken = await asyncio.gather(theirs.acquire(ACCOUNT), ours.acquire(ACCOUNT))

    assert sum(lease is not None for lease in taken) == 1


async def test_a_lease_is_only_good_for_four_seconds_after_its_renewal(empty: House) -> None:
    lease = Lease(ACCOUNT, 1, empty.clock.monotonic())
    empty.clock.advance(3.9)
    assert lease.valid(empty.clock)
    empty.clock.advance(0.1)
    assert not lease.valid(empty.clock)
