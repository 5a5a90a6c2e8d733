"""Intraday positions are closed before the market does, once, and never beyond zero."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal

import pytest

from bridge.accounts.model import Feed, StrategySettings, SymbolMapping, Window
from bridge.domain.intent import OrderType
from bridge.orders.squareoff import SquareOff
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, FUTURE, STRATEGY, House, buy

D = Decimal


@pytest.fixture
def square_off(house: House) -> Iterator[SquareOff]:
    made = of(house)
    yield made
    made.stop()


def of(house: House) -> SquareOff:
    process = house.process
    return SquareOff(process.pipeline, process.survey, process.reader, process.clock)


def at(house: House, hour: int, minute: int, second: int = 0) -> datetime:
    """That time in Mumbai, today; the house's clock stands there."""
    minutes = hour * 60 + minute - 330
    moment = house.clock.now().replace(hour=minutes // 60, minute=minutes % 60, second=second, microsecond=0)
    house.clock.set(moment)
    return moment


async def closed(house: House) -> None:
    house.broker.fills_at = D(100)
    await house.run(10)


async def test_before_the_hour_nothing_is_closed(house: House, square_off: SquareOff) -> None:
    await house.hold(10)
    at(house, 15, 0)
    await square_off.look()
    await closed(house)

    assert house.position() == 10


async def test_when_the_hour_has_come_intraday_positions_are_closed_once(house: House, square_off: SquareOff) -> None:
    await house.hold(10)
    await house.hold(-4, "SBIN")
    house.broker.fills_at = D(100)
    at(house, 15, 20)
    for _ in range(3):
        await square_off.look()
    await asyncio.gather(square_off.look(), of(house).look())
    await closed(house)

    assert (house.position("INFY"), house.position("SBIN")) == (0, 0)
    assert house.sent() == 4


async def test_what_is_held_is_closed_although_its_name_has_come_to_mean_another_contract(
    house: House, square_off: SquareOff
) -> None:
    await house.hold(10)
    moved_on = SymbolMapping(exchange="NFO", symbol=FUTURE.symbol)
    settings = StrategySettings(symbols={"INFY": moved_on}, accounts=(Feed(account_id=ACCOUNT),))
    house.change("strategies", STRATEGY, settings=settings.model_dump_json())
    at(house, 15, 20)
    await square_off.look()
    await closed(house)

    assert house.position("INFY") == 0


async def test_a_restart_closes_nothing_a_second_time(house: House, square_off: SquareOff) -> None:
    await house.hold(10)
    at(house, 15, 20)
    await square_off.look()
    await house.run(1)
    await house.crash()
    await house.start()
    await of(house).look()
    await closed(house)

    assert (
        house.sent(),
        [row["status"] for row in house.rows("SELECT status FROM alerts WHERE dialect = 'square_off'")],
    ) == (
        2,
        ["accepted", "duplicate"],
    )


async def test_delivery_positions_are_left_alone(open_house: OpenHouse) -> None:
    house = await open_house(product="CNC")
    await house.hold(10)
    at(house, 15, 20)
    await of(house).look()
    await closed(house)

    assert house.position() == 10


async def test_entries_that_still_wait_are_dropped_and_working_ones_cancelled(
    house: House, square_off: SquareOff
) -> None:
    await house.hold(10)
    at(house, 15, 10)
    await house.alert(buy("INFY", 5, order_type=OrderType.LIMIT, price=D(90)))
    await house.run(1)
    await square_off.look()
    at(house, 15, 20)
    await square_off.look()
    await closed(house)

    assert house.states() == ["FILLED", "CANCELLED", "FILLED"]
    assert house.position() == 0


async def test_a_strategy_may_close_earlier_than_the_exchange(open_house: OpenHouse) -> None:
    house = await open_house(window=Window(square_off=time(14, 0)))
    await house.hold(10)
    at(house, 14, 0, 1)  # jobs are never quite on time
    await of(house).close_strategy(STRATEGY)
    await closed(house)

    assert house.position() == 0


async def test_a_strategys_own_hour_that_was_missed_is_made_up_for(open_house: OpenHouse) -> None:
    house = await open_house(window=Window(square_off=time(14, 0)))
    await house.hold(10)
    square_off = of(house)
    at(house, 13, 59)
    await square_off.look()
    await closed(house)
    assert house.position() == 10

    writer = house.process.writer
    at(house, 14, 0, 1)
    writer.faulty, writer.fails = lambda work, _: type(work).__name__ == "Accept", 1
    await square_off.close_strategy(STRATEGY)  # the database was away
    for _ in range(2):
        await square_off.look()
    await closed(house)

    assert house.position() == 0
    assert len(house.rows("SELECT id FROM alerts WHERE dialect = 'square_off'")) == 1


async def test_a_strategy_that_is_gone_has_nothing_to_close(house: House, square_off: SquareOff) -> None:
    await square_off.close_strategy("st_gone")

    assert house.rows("SELECT * FROM alerts") == []


async def test_what_was_not_stored_is_tried_again(house: House, square_off: SquareOff) -> None:
    await house.hold(10)
    at(house, 15, 20)
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: type(work).__name__ == "Accept", 1
    await square_off.look()
    assert house.rows("SELECT * FROM alerts WHERE dialect = 'square_off'") == []

    await square_off.look()
    await closed(house)

    assert house.position() == 0


async def test_a_square_off_that_is_refused_is_told_once_and_runs_when_nothing_is_in_its_way(
    house: House, square_off: SquareOff
) -> None:
    await house.hold(10)
    at(house, 15, 20)
    house.stop_trading()
    for _ in range(3):
        await square_off.look()
    refused = house.rows("SELECT status FROM alerts WHERE dialect = 'square_off'")
    assert [row["status"] for row in refused] == ["refused"]
    assert house.notices().count("alert_refused") == 1

    house.stop_trading(stopped=False)
    await square_off.look()
    await closed(house)

    assert house.position() == 0


async def test_positions_of_instruments_or_strategies_that_are_gone_are_passed_over(
    house: House, square_off: SquareOff
) -> None:
    await house.hold(10)
    at(house, 15, 20)
    house.market.instrument = lambda *_: None  # type: ignore[method-assign]
    await square_off.look()

    assert house.rows("SELECT * FROM alerts WHERE dialect = 'square_off'") == []


async def test_jobs_follow_the_strategies_settings(open_house: OpenHouse) -> None:
    house = await open_house(window=Window(square_off=time(14, 0)))
    made = of(house)
    made.start()
    scheduler = made._scheduler
    assert {job.id for job in scheduler.get_jobs()} == {"look", STRATEGY}

    settings = StrategySettings(any_symbol=True)
    house.change("strategies", STRATEGY, settings=settings.model_dump_json())
    await made.look()
    assert {job.id for job in scheduler.get_jobs()} == {"look"}

    made.stop()
    await asyncio.sleep(0)
    assert not scheduler.running
