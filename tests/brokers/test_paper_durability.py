"""Books that outlive the process: reopened, doubled up, interrupted."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.brokers.base import BrokerState, OutcomeUnknown, Rejected, Unavailable
from bridge.brokers.paper.adapter import PaperBroker
from bridge.kit.database import Locked, StorageUnavailable, Writer
from tests.brokers.paper_bench import SBIN, Bench, order, stop
from tests.support.orphans import bound


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    bench.price(SBIN, 100)
    yield bench
    await bench.close()


async def everything(broker: PaperBroker) -> tuple[Any, ...]:
    return (
        await broker.order_book(),
        await broker.trades(),
        await broker.positions(),
        await broker.holdings(),
        await broker.funds(),
    )


async def test_a_second_adapter_on_the_same_file_sees_equal_books(bench: Bench) -> None:
    await bench.place(order("buy", 100))
    await bench.place(stop("sell", 100, trigger=98))
    await bench.place(order("sell", 40))
    await bench.refused(order("buy", 10**6))
    successor = bench.open()
    assert await everything(successor) == await everything(bench.broker)
    await successor.close()


async def test_working_orders_are_matched_by_the_successor(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    successor = bench.open()
    bench.price(SBIN, 98)
    await successor.match_now()
    assert (await bench.row(resting)).state is BrokerState.FILLED
    await successor.close()


async def test_two_processes_that_see_the_same_price_fill_an_order_once(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    twin = bench.open()
    await twin.warm()
    bench.price(SBIN, 98)
    await asyncio.gather(bench.broker.match_now(), twin.match_now())
    assert ((await bench.row(resting)).filled, len(await bench.broker.trades())) == (10, 1)
    await twin.close()


async def test_an_order_that_another_process_ended_is_forgotten(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    twin = bench.open()
    await twin.warm()
    await bench.broker.cancel(resting.broker_order_id)
    bench.price(SBIN, 98)
    assert [await twin.match_now(), await twin.match_now()] == [1, 0]
    assert (await bench.row(resting)).state is BrokerState.CANCELLED
    await twin.close()


async def test_many_orders_at_once_spend_the_same_money_once(bench: Bench) -> None:
    tries = [bench.broker.place(order("buy", 100_000)) for _ in range(8)]  # two million each, of ten
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Rejected) for each in results) == 3
    assert await bench.available() == 0


async def test_the_same_ref_at_once_doubles_nothing(bench: Bench) -> None:
    request = order("buy", 10)
    results = await asyncio.gather(*(bench.broker.place(request) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, Rejected) and each.code == "duplicate_ref" for each in results) == 4
    assert await bench.net() == 10


async def test_a_caller_that_gives_up_leaves_an_order_that_is_matched_all_the_same(bench: Bench) -> None:
    await bench.broker.warm()
    placing = asyncio.create_task(bench.broker.place(order("buy", 10, price=99)))
    await bench.clock.settle()
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)
    await bench.broker.close()  # waits for commits on their way
    bench.price(SBIN, 98)
    await bench.broker.match_now()
    assert [each.state for each in await bench.broker.order_book()] == [BrokerState.FILLED]


class _Refusing:
    """A writer that can be made to fail."""

    def __init__(self, writer: Writer) -> None:
        self.writer: Writer = writer
        self.broken: StorageUnavailable | None = None

    async def run(self, work: Any, *, urgent: bool = False) -> Any:
        if self.broken:
            raise self.broken
        return await self.writer.run(work, urgent=urgent)


@pytest.mark.parametrize(
    ("problem", "word"),
    [(StorageUnavailable("connection lost"), OutcomeUnknown), (Locked("database is locked"), Unavailable)],
    ids=["what may have been committed must be asked for", "behind a lock nothing was placed"],
)
async def test_a_database_that_fails(tmp_path: Path, problem: StorageUnavailable, word: type[Exception]) -> None:
    bench = Bench(tmp_path)
    writer = _Refusing(bench.writers[0])
    bench.services["writer"] = writer
    broker = bench.open()
    bench.price(SBIN, 100)
    await broker.warm()
    writer.broken = problem
    with pytest.raises(word):
        await broker.place(order("buy", 10))
    assert await broker.order_book() == []
    await broker.close()
    await bench.close()


async def test_books_that_cannot_be_opened_took_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    writer = _Refusing(bench.writers[0])
    writer.broken = StorageUnavailable("the disk is full")
    bench.services["writer"] = writer
    broker = bench.open()
    with pytest.raises(Unavailable):
        await broker.place(order("buy", 10))
    await bench.close()


_VICTIM = """
import asyncio, sys
from pathlib import Path
from tests.brokers.paper_bench import SBIN, Bench, order

async def trade():
    bench = Bench(Path(sys.argv[1]))
    bench.price(SBIN, 100)
    while True:
        placed = [bench.broker.place(order(side, 7, price=100)) for side in ("buy", "sell", "buy")]
        for each in await asyncio.gather(*placed):
            print(each.broker_order_id, flush=True)

asyncio.run(trade())
"""


_FIRING_VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.engine import Engine
from tests.brokers.paper_bench import SBIN, Bench, gtt, leg

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def fire():
    bench = Bench(Path(sys.argv[1]))
    bench.price(SBIN, 100)
    await bench.keep(gtt("buy", 10, leg(95), leg(105)))
    if sys.argv[2] == "before the order":
        Book.enter = die
    else:
        Engine._note_trigger = die
    bench.price(SBIN, 95)
    await bench.broker.match_now()

asyncio.run(fire())
"""


def killed_while_firing(path: Path, moment: str) -> int:
    """Let another process keep a trigger on that path, fire it and die at that moment; its exit code."""
    return subprocess.run(bound([sys.executable, "-c", _FIRING_VICTIM, str(path), moment]), check=False).returncode


@pytest.mark.parametrize(("moment", "state"), [("before the order", "active"), ("after the commit", "triggered")])
async def test_a_trigger_killed_while_it_fires_places_one_order_in_all(tmp_path: Path, moment: str, state: str) -> None:
    died = killed_while_firing(tmp_path, moment)
    bench = Bench(tmp_path)
    (left,) = await bench.broker.triggers()
    assert (died, left.state) == (-signal.SIGKILL, state)
    for last in (95, 100, 105):
        bench.price(SBIN, last)
        await bench.broker.match_now()
    (placed,) = await bench.broker.order_book()
    (fired,) = await bench.broker.triggers()
    assert (fired.state, fired.order_id, placed.filled) == ("triggered", placed.broker_order_id, 10)
    await bench.close()


def killed_while_trading(path: Path) -> list[str]:
    """Let another process place orders on that path and kill it; the order ids it had answers for."""
    command = bound([sys.executable, "-c", _VICTIM, str(path)])
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    answered = [victim.stdout.readline().strip() for _ in range(30)]
    os.kill(victim.pid, signal.SIGKILL)
    answered += victim.stdout.read().split()
    victim.stdout.close()
    victim.wait()
    return answered


async def test_a_kill_between_any_two_commits_leaves_every_answered_order_and_whole_books(tmp_path: Path) -> None:
    answered = killed_while_trading(tmp_path)
    bench = Bench(tmp_path)
    book = {each.broker_order_id: each for each in await bench.broker.order_book()}
    assert set(answered) <= set(book)
    assert all(each.state is BrokerState.FILLED for each in book.values())
    assert await bench.net() == sum((each.side.sign * each.filled for each in book.values()), Decimal(0))
    await bench.close()
