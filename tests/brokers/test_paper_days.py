"""The turn of the day: validity, delivery, expiry, and results that become capital."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.brokers.base import BrokerState
from bridge.domain.intent import Product, TimeInForce
from tests.brokers.paper_bench import CALL, FUTURE, INDEX, SBIN, Bench, order

CNC, NRML = Product.CNC, Product.NRML
NEXT_MORNING = datetime(2026, 1, 6, 4, 0, tzinfo=UTC)
AFTER_EXPIRY = datetime(2026, 1, 28, 4, 0, tzinfo=UTC)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    for instrument, price in ((SBIN, 100), (FUTURE, 26000), (CALL, 200), (INDEX, 26000)):
        bench.price(instrument, price)
    yield bench
    await bench.close()


async def test_a_day_order_expires_overnight_and_gives_its_margin_back(bench: Bench) -> None:
    resting = await bench.place(order("buy", 100, price=90))
    bench.clock.set(NEXT_MORNING)
    expired = await bench.row(resting)
    assert expired.state is BrokerState.EXPIRED
    assert await bench.available() == 10_000_000


async def test_a_gtc_order_works_on_the_next_day(bench: Bench) -> None:
    resting = await bench.place(order("buy", 100, price=90, time_in_force=TimeInForce.GTC))
    bench.clock.set(NEXT_MORNING)
    bench.price(SBIN, 89)
    await bench.broker.match_now()
    assert (await bench.row(resting)).state is BrokerState.FILLED


async def test_yesterdays_finished_orders_and_trades_leave_the_books_of_the_day(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    bench.clock.set(NEXT_MORNING)
    assert (await bench.broker.order_book(), await bench.broker.trades()) == ([], [])


async def test_delivery_arrives_as_a_holding_on_the_next_day(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    assert await bench.broker.holdings() == []
    bench.clock.set(NEXT_MORNING)
    (held,) = await bench.broker.holdings()
    assert (held.symbol, held.quantity, held.average_price, held.last_price) == ("SBIN", 10, 100, 100)
    assert await bench.broker.positions() == []
    assert await bench.available() == 10_000_000 - 1000


async def test_settling_twice_delivers_once(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    for _ in range(2):
        await bench.broker.settle(date(2026, 1, 6))
    (held,) = await bench.broker.holdings()
    assert held.quantity == 10


async def test_a_purchase_of_today_is_not_delivered_today_by_a_restart(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    reopened = bench.open()
    await reopened.settle(date(2026, 1, 5))
    assert (await reopened.holdings(), len(await reopened.positions())) == ([], 1)
    await reopened.close()


async def test_deliveries_add_up_and_a_sale_from_the_holding_realises_against_its_mean(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    bench.clock.set(NEXT_MORNING)
    bench.price(SBIN, 110)
    await bench.place(order("buy", 10, product=CNC))
    await bench.place(order("sell", 15, product=CNC))  # ten of today, five of the holding
    (held,) = await bench.broker.holdings()
    assert (held.quantity, held.average_price) == (5, 100)
    assert (await bench.broker.funds()).realised == 50
    assert await bench.available() == 10_000_000 + 50 - 500


async def test_a_holding_sold_out_is_gone_and_its_money_back(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    bench.clock.set(NEXT_MORNING)
    await bench.place(order("sell", 10, product=CNC))
    assert (await bench.broker.holdings(), await bench.available()) == ([], 10_000_000)


async def test_a_carried_future_keeps_its_average_and_yesterdays_result_becomes_capital(bench: Bench) -> None:
    await bench.place(order("buy", 130, FUTURE, product=NRML))
    bench.price(FUTURE, 26100)
    await bench.place(order("sell", 65, FUTURE, product=NRML))
    bench.clock.set(NEXT_MORNING)
    funds = await bench.broker.funds()
    (carried,) = await bench.broker.positions()
    assert (funds.capital, funds.realised) == (10_000_000 + 6500, 0)
    assert (carried.quantity, carried.average_price, carried.realised) == (65, 26000, 0)


@pytest.mark.parametrize(("spot", "result"), [(26300, 6500), (25900, -13000)])
async def test_an_expired_option_ends_at_what_exercising_gives(bench: Bench, spot: int, result: int) -> None:
    await bench.place(order("buy", 65, CALL, product=NRML))
    bench.market.forget_price(CALL.key)
    bench.price(INDEX, spot)
    bench.clock.set(AFTER_EXPIRY)
    assert await bench.broker.positions() == []
    assert await bench.available() == 10_000_000 + result
    (closing,) = await bench.broker.trades()
    assert (closing.broker_order_id, closing.quantity) == ("", 65)


async def test_a_written_option_pays_what_exercising_costs(bench: Bench) -> None:
    await bench.place(order("sell", 65, CALL, product=NRML))
    bench.market.forget_price(CALL.key)
    bench.price(INDEX, 26500)
    bench.clock.set(AFTER_EXPIRY)
    assert await bench.available() == 10_000_000 - 65 * 300


async def test_a_future_ends_at_its_last_price(bench: Bench) -> None:
    await bench.place(order("sell", 65, FUTURE, product=NRML))
    bench.price(FUTURE, 25900)
    bench.clock.set(AFTER_EXPIRY)
    assert await bench.available() == 10_000_000 + 6500


async def test_an_order_for_an_expired_contract_expires_even_when_good_till_cancelled(bench: Bench) -> None:
    resting = await bench.place(order("buy", 65, FUTURE, product=NRML, price=25000, time_in_force=TimeInForce.GTC))
    bench.clock.set(AFTER_EXPIRY)
    assert (await bench.row(resting)).state is BrokerState.EXPIRED


async def test_a_contract_nobody_has_a_price_for_ends_at_its_cost(bench: Bench) -> None:
    await bench.place(order("buy", 65, CALL, product=NRML))
    bench.market.forget_price(CALL.key)
    bench.market.forget_price(INDEX.key)
    bench.clock.set(AFTER_EXPIRY)
    assert (await bench.broker.positions(), await bench.available()) == ([], Decimal(10_000_000))


async def test_the_night_passes_while_nobody_asks_and_while_orders_work(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={})
    bench.price(SBIN, 100)
    await bench.place(order("buy", 10, price=99))
    bench.clock.set(NEXT_MORNING)
    await bench.told()
    (expired,) = await bench.broker.order_book()
    assert expired.state is BrokerState.EXPIRED
    await bench.close()


async def test_a_clock_that_jumps_back_turns_nothing_back(bench: Bench) -> None:
    bench.clock.set(NEXT_MORNING)
    await bench.place(order("buy", 10, product=CNC))
    bench.clock.set(NEXT_MORNING.replace(day=5))
    assert (await bench.net(product=CNC), await bench.broker.holdings()) == (10, [])


async def test_a_zone_decides_where_the_day_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={"match_every_s": 0, "zone": "UTC"})
    bench.price(SBIN, 100)
    resting = await bench.place(order("buy", 10, price=90))
    bench.clock.set(datetime(2026, 1, 5, 20, 0, tzinfo=UTC))  # the sixth, in Mumbai
    assert (await bench.row(resting)).state is BrokerState.OPEN
    await bench.close()
