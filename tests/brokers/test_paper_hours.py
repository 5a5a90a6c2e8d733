"""The square-off time of the dated calendar: after it nothing intraday is opened."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.brokers.base import BrokerState
from bridge.domain.intent import Product
from bridge.market.calendar import CALENDAR
from tests.brokers.paper_bench import SBIN, Bench, order, stop

SQUARE_OFF = datetime(2026, 1, 5, 9, 45, tzinfo=UTC)  # 15:15 in Mumbai
NEXT_MORNING = datetime(2026, 1, 6, 4, 0, tzinfo=UTC)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path, services={"calendar": CALENDAR})
    bench.price(SBIN, 100)
    yield bench
    await bench.close()


async def test_after_the_square_off_time_an_intraday_order_is_refused_in_words(bench: Bench) -> None:
    bench.clock.set(SQUARE_OFF)
    refused = await bench.refused(order("buy", 10))
    assert refused.code == "after_square_off"
    assert "square-off time (15:15 IST)" in str(refused)
    assert (await bench.place(order("buy", 10, product=Product.CNC))).state is BrokerState.FILLED


async def test_what_reduces_a_position_is_taken_and_no_more_than_that(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    bench.clock.set(SQUARE_OFF)
    assert (await bench.refused(order("sell", 11))).code == "after_square_off"
    assert (await bench.place(order("sell", 10))).state is BrokerState.FILLED
    assert (await bench.refused(order("sell", 1))).code == "after_square_off"


async def test_waiting_orders_that_would_open_are_cancelled_and_exits_go_on(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    entry, target = await bench.place(order("buy", 10, price=90)), await bench.place(order("sell", 10, price=110))
    bench.clock.set(SQUARE_OFF)
    assert [await bench.broker.match_now(), await bench.broker.match_now()] == [1, 0]
    assert ((await bench.row(entry)).state, (await bench.row(target)).state) == (
        BrokerState.CANCELLED,
        BrokerState.OPEN,
    )
    bench.price(SBIN, 111)
    await bench.broker.match_now()
    assert (await bench.row(target)).state is BrokerState.FILLED


async def test_a_position_is_closed_though_its_exits_wait_and_these_open_nothing_then(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    target, protection = (
        await bench.place(order("sell", 10, price=110)),
        await bench.place(stop("sell", 10, trigger=95)),
    )
    bench.clock.set(SQUARE_OFF)
    await bench.broker.match_now()
    assert (await bench.place(order("sell", 10))).state is BrokerState.FILLED
    for last in (111, 90):
        bench.price(SBIN, last)
        await bench.broker.match_now()
    assert ((await bench.row(target)).state, (await bench.row(protection)).state) == (
        BrokerState.CANCELLED,
        BrokerState.CANCELLED,
    )
    assert await bench.net() == 0


async def test_the_next_morning_takes_intraday_orders_again(bench: Bench) -> None:
    bench.clock.set(SQUARE_OFF)
    await bench.refused(order("buy", 10))
    bench.clock.set(NEXT_MORNING)
    assert (await bench.place(order("buy", 10))).state is BrokerState.FILLED
