"""The ten mutations of order-lifecycle.md: each breaks the real code on purpose, and the judge must notice.

Every scenario is also run unbroken, where the same judge must be content.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psutil
import pytest

from bridge.accounts.model import AccountSettings
from bridge.brokers.base import Broker, OrderRequest, OutcomeUnknown
from bridge.domain.lifecycle import ENDED_HERE, OrderState, Provenance
from bridge.kit.database import StorageUnavailable, Transaction
from bridge.orders import journal, lease, outcome, recovery, sending
from bridge.orders.lease import EXPIRES_AFTER_S, Holder, Leases
from bridge.orders.outcome import Outcome
from bridge.orders.pipeline import Pipeline
from bridge.orders.updates import Updates
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ACCOUNT, House, Process, buy
from tests.support.life import Killed
from tests.support.oracle import Oracle

Scenario = Callable[[House], Awaitable[list[str]]]
Break = Callable[[pytest.MonkeyPatch], None]


async def _told_and_killed(house: House) -> list[str]:
    oracle = Oracle(house)
    house.process.life.dies_at("accept.before_commit")
    with suppress(Killed):
        await house.alert(buy())
    await house.crash()
    await house.start()
    return _verdict(oracle)


async def _same_alert_twice(house: House) -> list[str]:
    oracle = Oracle(house)
    arrival = house.arrival(buy(), key="the sender's own id")
    await house.send(arrival)
    await house.send(arrival)
    await house.run(5)
    return _verdict(oracle)


async def _two_processes(house: House) -> list[str]:
    """The first one slept while the second took the lease; then an alert reaches the first."""
    oracle = Oracle(house)
    await house.run(0.5)  # between two looks at its lease
    second = Process(house)
    await second.leases.acquire(ACCOUNT)
    house.desk.offer([])
    await house.alert(buy())
    await house.run(0.4)
    found = _verdict(oracle)
    await second.end()
    return found


async def _commit_fails(house: House) -> list[str]:
    oracle = Oracle(house)
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, sending._Open), 1
    await house.alert(buy())
    await house.run(5)
    return _verdict(oracle)


async def _placed_and_timed_out(house: House) -> list[str]:
    """The book shows the order after half a minute, well within the quiet period."""
    oracle = Oracle(house)
    house.broker.lag_s = 45.0
    house.broker.script.append(Act(How.PLACED_UNKNOWN))
    await house.alert(buy())
    found = []
    for _ in range(20):
        await house.run(2)
        found += oracle.judge()
    return [*found, *_verdict(oracle)]


async def _killed_after_sending(house: House) -> list[str]:
    """The book that the next process reads before it sends does not show the order yet."""
    oracle = Oracle(house)
    house.broker.lag_s = 45.0
    house.process.life.dies_at("sending.answered")
    await house.alert(buy())
    await house.run(1)
    await house.crash()
    await house.start()
    oracle.disturbed()
    await house.run(5)
    return _verdict(oracle)


async def _delivered_late(house: House) -> list[str]:
    """The request arrives two minutes after it was given up, when its absence is proved."""
    oracle = Oracle(house)
    house.broker.script.append(Act(How.HELD_UNKNOWN, late_s=120))
    await house.alert(buy())
    await house.run(119)
    assert house.states() == ["NOT_PLACED"]
    await house.run(60)
    return _verdict(oracle)


async def _stalled_holder(house: House) -> list[str]:
    """Another process of this machine holds the lease, and does not renew it."""
    stalled = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    holder = Holder(Holder.me().host, stalled.pid, psutil.Process(stalled.pid).create_time())
    row = {"holder": holder.text()}
    house.process.writer.submit(lambda tx: tx.execute("UPDATE leases SET holder = :holder, fence = fence + 1", row))
    desks = house.process.dispatcher.desks
    await house.run(2)
    assert not desks
    while not desks:
        await house.run(1)
        await asyncio.sleep(0.01)  # a kill takes real time
    living = holder.process() is not None
    if living:
        stalled.kill()
    await stalled.wait()
    return ["INV-16: two living processes send for one account"] if living else []


def _verdict(oracle: Oracle) -> list[str]:
    found = oracle.judge()
    oracle.close()
    return found


# -- the mutations --------------------------------------------------------------------------------------------------------


def ack_before_commit(patch: pytest.MonkeyPatch) -> None:
    commit = Pipeline._commit
    later: list[asyncio.Task[Any]] = []

    async def answer_first(self: Pipeline, case: Any, receipt: Any) -> Any:
        later.append(asyncio.create_task(commit(self, case, receipt)))
        return receipt

    patch.setattr(Pipeline, "_commit", answer_first)


def no_dedupe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(journal, "claim", lambda *_: None)


def no_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lease, "holds", lambda *_: True)


def send_although_the_commit_failed(patch: pytest.MonkeyPatch) -> None:
    send = sending.send

    async def careless(sender: sending.Sender, order: Any, *more: Any) -> Any:
        return await send(replace(sender, writer=_Careless(sender.writer, order)), order, *more)  # type: ignore[arg-type]

    patch.setattr(sending, "send", careless)


class _Careless:
    def __init__(self, writer: Any, order: Any) -> None:
        self._writer = writer
        self._order = order

    async def run(self, work: Any, *, urgent: bool = False) -> Any:
        try:
            return await self._writer.run(work, urgent=urgent)
        except StorageUnavailable:
            return sending.Opened(self._order, 1)


def timeout_is_failed(patch: pytest.MonkeyPatch) -> None:
    classes = tuple((kind, Outcome.REFUSED if kind is OutcomeUnknown else found) for kind, found in outcome.CLASSES)
    patch.setattr(outcome, "CLASSES", classes)


def blind_retry(patch: pytest.MonkeyPatch) -> None:
    place = outcome.place

    async def twice(broker: Broker, request: OrderRequest, sends: int) -> outcome.Result:
        first = await place(broker, request, sends)
        return await place(broker, request, sends) if first.outcome is Outcome.UNKNOWN else first

    patch.setattr(outcome, "place", twice)


def takeover_requeues(patch: pytest.MonkeyPatch) -> None:
    def requeue(tx: Transaction, order: Any, at: int) -> Any:
        return journal.move_order(tx, order, OrderState.QUEUED, Provenance.LOCAL_PROOF, at)

    patch.setattr(recovery, "abandon", requeue)


def takeover_without_killing(patch: pytest.MonkeyPatch) -> None:
    async def free(self: Leases, row: Any) -> bool:
        return self._silence(row) > EXPIRES_AFTER_S

    patch.setattr(Leases, "_is_free", free)


def no_quiet_period(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "QUIET_S", 0.0)


def no_late_evidence_sweep(patch: pytest.MonkeyPatch) -> None:
    link = Updates.link

    async def unless_ended(self: Updates, order: Any, *more: Any, **options: Any) -> None:
        if order.state not in ENDED_HERE:
            await link(self, order, *more, **options)

    patch.setattr(Updates, "link", unless_ended)


MUTATIONS: dict[Break, tuple[Scenario, str]] = {
    ack_before_commit: (_told_and_killed, "LOST"),
    no_dedupe: (_same_alert_twice, "DUPLICATE"),
    no_fence: (_two_processes, "INV-3"),
    send_although_the_commit_failed: (_commit_fails, "INV-3"),
    timeout_is_failed: (_placed_and_timed_out, "INV-6"),
    blind_retry: (_placed_and_timed_out, "INV-1 DUPLICATE"),
    takeover_requeues: (_killed_after_sending, "INV-1 DUPLICATE"),
    takeover_without_killing: (_stalled_holder, "INV-16"),
    no_quiet_period: (_placed_and_timed_out, "INV-6"),
    no_late_evidence_sweep: (_delivered_late, "GHOST"),
}
SCENARIOS = list(dict.fromkeys(scenario for scenario, _ in MUTATIONS.values()))


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Undone after the house is closed."""
    patch = pytest.MonkeyPatch()
    yield patch
    patch.undo()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__.strip("_"))
async def test_the_judge_is_content_with_the_unbroken_code(open_house: OpenHouse, scenario: Scenario) -> None:
    house = await open_house(account=AccountSettings(orders_per_second=3))

    assert await scenario(house) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
async def test_a_mutation_is_noticed(patch: pytest.MonkeyPatch, open_house: OpenHouse, mutation: Break) -> None:
    scenario, broken = MUTATIONS[mutation]
    mutation(patch)
    house = await open_house(account=AccountSettings(orders_per_second=3))

    found = await scenario(house)

    assert any(sentence.startswith(broken) or broken in sentence for sentence in found), found
