"""The situation a candidate is checked in: allowances, losses, order of alerts, instruments."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest

from bridge.accounts.model import Feed, StrategySettings, SymbolMapping
from bridge.domain.intent import Intent, Product
from bridge.domain.refusal import Refusal
from bridge.kit.clock import micros
from bridge.kit.database import Reader, Row, StorageUnavailable
from bridge.orders.allowances import Uses
from tests.orders.conftest import OpenHouse
from tests.support.clock import IdleClock
from tests.support.house import ACCOUNT, FUTURE, INFY, STRATEGY, House, buy, leave, sell, wish

D = Decimal


def test_a_minutes_orders_are_forgotten_after_a_minute_and_a_days_are_not() -> None:
    clock = IdleClock()
    uses = Uses(clock)
    uses.add("st", "2026-01-05", 2)
    clock.advance(61)
    uses.add("st", "2026-01-05")

    use = uses.of("st", "2026-01-05")
    assert (use.last_minute, use.today) == (1, 3)
    assert uses.of("st", "2026-01-06").today == 0


def test_what_was_counted_and_not_kept_is_taken_back() -> None:
    uses = Uses(IdleClock())
    uses.add("st", "2026-01-05", 3)
    uses.take_back("st", "2026-01-05", 2)

    assert (uses.of("st", "2026-01-05").last_minute, uses.of("st", "2026-01-05").today) == (1, 1)


async def test_the_days_count_survives_a_restart(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=2)
    await house.alert(buy("INFY"))
    await house.alert(buy("SBIN"))
    await house.crash()
    await house.start()

    assert (await house.alert(buy())).content["code"] == "strategy_orders_per_day"


async def test_losses_count_what_was_closed_and_what_is_still_open(house: House) -> None:
    losses = house.process.survey.losses
    await house.hold(10, price=100)
    house.market.set_price("NSE:INFY", 93)
    house.process.survey._read_losses()
    assert (losses.of(STRATEGY), losses.of(ACCOUNT), losses.of("st_other")) == (70, 70, 0)

    house.broker.fills_at = D(95)
    await house.alert(sell("INFY", 10))
    await house.run(5)
    house.process.survey._read_losses()
    assert losses.of(STRATEGY) == 50


async def test_a_fill_that_is_committed_after_a_later_one_counts(house: House) -> None:
    losses, day = house.process.survey.losses, micros(house.clock.now().replace(hour=0, minute=0, second=0))
    fill = {"strategy_id": STRATEGY, "account_id": ACCOUNT, "realised": "-10"}
    seen: list[Row] = [{"id": 11, **fill}]

    class Committed:
        def read(self, statement: str, row: Row | None = None) -> list[Row]:
            return [found for found in seen if found["id"] > row["seen_to"]] if row else []

    reader = cast(Reader, Committed())
    losses.read(reader, day, lambda *_: None)
    seen.insert(0, {"id": 10, **fill})  # its number was handed out before
    for _ in range(2):
        losses.read(reader, day, lambda *_: None)

    assert losses.of(STRATEGY) == 20


async def test_losses_are_followed_again_after_a_moment_without_database(house: House) -> None:
    survey, loop, read = house.process.survey, asyncio.get_running_loop(), asyncio.Event()
    problems = [StorageUnavailable("locked")]

    def read_losses() -> None:
        if problems:
            raise problems.pop()
        loop.call_soon_threadsafe(read.set)

    survey._read_losses = read_losses  # type: ignore[method-assign]
    following = asyncio.create_task(survey.follow())
    while not read.is_set() and not following.done():
        await house.run(1)

    assert not following.done()
    following.cancel()


async def test_profits_are_no_losses(house: House) -> None:
    await house.hold(10, price=100)
    house.market.set_price("NSE:INFY", 120)
    house.process.survey._read_losses()

    assert house.process.survey.losses.of(STRATEGY) == 0


async def test_a_position_without_a_price_counts_nothing(house: House) -> None:
    await house.hold(10, price=100)
    house.market.forget_price("NSE:INFY")
    house.process.survey._read_losses()

    assert house.process.survey.losses.of(STRATEGY) == 0


async def test_yesterdays_losses_are_forgotten(house: House) -> None:
    await house.hold(10, price=100)
    house.broker.fills_at = D(95)
    await house.alert(leave())
    await house.run(5)
    house.process.survey._read_losses()
    assert house.process.survey.losses.of(STRATEGY) == 50

    house.clock.set(house.clock.now() + timedelta(days=1))
    house.process.survey._read_losses()
    assert house.process.survey.losses.of(STRATEGY) == 0


async def test_the_daily_loss_stops_entries_and_lets_exits_go(open_house: OpenHouse) -> None:
    house = await open_house(daily_loss_max=D(50))
    await house.hold(10, price=100)
    house.market.set_price("NSE:INFY", 95)
    house.process.survey._read_losses()

    refused = await house.alert(buy("SBIN"))
    await house.alert(leave("INFY"))
    await house.run(1)

    assert refused.content["code"] == "daily_loss_reached"
    assert [order.side for order in house.orders()] == ["buy", "sell"]


def mapped(house: House, symbol: str | None, **settings: object) -> object:
    survey = house.process.survey
    strategy = survey.directory.snapshot.strategies[STRATEGY]
    changed = StrategySettings(**{"accounts": (Feed(account_id=ACCOUNT),), **settings})

    found = survey.mapped(
        replace(strategy, settings=changed), wish(Intent.BUY, symbol, exchange=None), house.clock.now()
    )
    return found.code if isinstance(found, Refusal) else (found.instrument.key, found.quantity, found.product)


async def test_symbols_are_found_as_the_strategy_maps_them(house: House) -> None:
    line = SymbolMapping(exchange="NSE", symbol="SBIN", quantity=D(5), product=Product.CNC)
    gone = SymbolMapping(exchange="NSE", symbol="GONE")

    assert mapped(house, "bank", symbols={"Bank": line}) == ("NSE:SBIN", 5, Product.CNC)
    assert mapped(house, None, symbols={"Bank": line}) == ("NSE:SBIN", 5, Product.CNC)  # the only one it trades
    assert mapped(house, None, symbols={"Bank": line, "Old": gone}) == "symbol_missing"
    assert mapped(house, "old", symbols={"Old": gone}) == "symbol_unknown"
    assert mapped(house, "INFY", any_symbol=True) == ("NSE:INFY", None, None)


async def test_a_day_is_over_after_its_last_session(house: House) -> None:
    survey, now = house.process.survey, house.clock.now()

    assert not survey.day_is_over("NSE", "INFY", now)
    assert not survey.day_is_over("NSE", "GONE", now)
    house.clock.set(now.replace(hour=12))
    assert survey.day_is_over("NSE", "INFY", now)


async def test_only_intraday_products_have_a_square_off(house: House) -> None:
    house.clock.set(house.clock.now().replace(hour=9, minute=55))

    sentence = house.process.survey.square_off_passed(INFY, Product.MIS)
    assert sentence is not None
    assert sentence.startswith("Intraday positions in INFY are closed at ")
    assert house.process.survey.square_off_passed(FUTURE, Product.NRML) is None


async def test_spellings_are_remembered_for_a_minute_and_not_for_ever(house: House) -> None:
    survey = house.process.survey
    for number in range(5005):
        mapped(house, f"X{number}", any_symbol=True)

    assert 0 < len(survey._resolved) <= 5001


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_clock_that_is_set_holds_entries_for_a_minute_and_no_exits(house: House, minutes: int) -> None:
    await house.hold(10)
    house.broker.fills_at = Decimal(100)
    survey = house.process.survey
    survey._watch_clock()
    house.clock.set(house.clock.now() + timedelta(minutes=minutes))
    survey._watch_clock()

    refused = await house.alert(buy("SBIN"))
    await house.alert(leave())
    await house.run(5)
    assert refused.content["code"] == "clock_jumped"
    assert house.position() == 0

    await house.run(60)
    assert (await house.alert(buy("SBIN"))).status == 202


async def test_a_clock_that_is_corrected_by_seconds_holds_nothing(house: House) -> None:
    survey = house.process.survey
    house.clock.set(house.clock.now() + timedelta(seconds=5))
    survey._watch_clock()

    assert (await house.alert(buy())).status == 202
