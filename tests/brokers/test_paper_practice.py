"""What only practice money can do: estimate its margin, show each instrument's result, and begin anew."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.brokers.base import (
    Broker,
    BrokerState,
    MarginBroker,
    MarginEstimate,
    OrderRequest,
    PracticeBroker,
    Rejected,
    TriggerBroker,
    TriggerState,
    Unavailable,
    Unsupported,
)
from bridge.brokers.paper.adapter import PaperBroker
from bridge.domain.intent import Product
from tests.brokers.paper_bench import CALL, COIN, FUTURE, SBIN, Bench, gtt, leg, order, stop

NRML, CNC = Product.NRML, Product.CNC


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    for instrument, price in ((SBIN, 100), (FUTURE, 26000), (CALL, 200), (COIN, 90000)):
        bench.price(instrument, price)
    yield bench
    await bench.close()


def test_the_adapter_is_what_its_capabilities_say(bench: Bench) -> None:
    as_broker: Broker = bench.broker
    as_others: tuple[TriggerBroker, MarginBroker, PracticeBroker] = (bench.broker,) * 3
    can = PaperBroker.capabilities
    assert (can.gtt, can.margin_estimate, can.paper) == (True, True, True)
    assert {as_broker, *as_others} == {bench.broker}


@pytest.mark.parametrize(
    "asked",
    [
        order("buy", 100),
        order("sell", 100),
        order("buy", 100, product=CNC),
        order("buy", 65, FUTURE, product=NRML),
        order("buy", 65, CALL, product=NRML),
        order("sell", 65, CALL, product=NRML),
        order("buy", 100, price=90),
        stop("sell", 100, trigger=95),
    ],
)
async def test_an_estimate_is_what_placing_blocks(bench: Bench, asked: OrderRequest) -> None:
    estimate = await bench.broker.margin([asked])
    assert await bench.available() == 10_000_000
    await bench.broker.place(asked)
    assert (await bench.broker.funds()).used_margin == estimate.total > 0


async def test_span_and_exposure_are_what_derivatives_need(bench: Bench) -> None:
    written = await bench.broker.margin([order("sell", 65, CALL, product=NRML)])
    assert written == MarginEstimate(
        total=65 * (200 + Decimal(3900)), span=65 * Decimal(3580), exposure=65 * Decimal(520)
    )
    future = await bench.broker.margin([order("sell", 65, FUTURE, product=NRML)])
    assert (future.total, future.exposure) == (169_000, 33_800)
    for paid in (order("buy", 65, CALL), order("buy", 10)):
        assert (await bench.broker.margin([paid])).span == 0


async def test_several_orders_are_estimated_together(bench: Bench) -> None:
    both_sides = [order("buy", 100, price=90), order("sell", 100, price=110)]
    assert (await bench.broker.margin(both_sides)).total == 2200
    assert (await bench.broker.margin([*both_sides, order("buy", 65, FUTURE)])).total == 171_200
    assert await bench.broker.margin([]) == MarginEstimate(total=Decimal(0), span=Decimal(0), exposure=Decimal(0))


async def test_what_closes_needs_nothing_and_pays_for_nothing_else(bench: Bench) -> None:
    await bench.place(order("buy", 65, FUTURE))
    closing = order("sell", 65, FUTURE)
    assert (await bench.broker.margin([closing])).total == 0
    assert (await bench.broker.margin([closing, order("buy", 100)])).total == 2000


async def test_an_estimate_may_be_beyond_what_there_is_but_not_of_what_nobody_takes(bench: Bench) -> None:
    assert (await bench.broker.margin([order("buy", 10**6)])).total == 20_000_000
    with pytest.raises(Rejected) as caught:
        await bench.broker.margin([order("buy", 10), order("buy", 10, product=NRML)])
    assert caught.value.code == "product_not_allowed"
    with pytest.raises(Unsupported):
        await bench.broker.margin([order("buy", 10), order("buy", 1, COIN)])


async def test_each_instrument_has_its_result_of_the_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={"match_every_s": 0, "costs": {"futures": {"exchange_percent": "0.01"}}})
    for instrument, price in ((SBIN, 100), (FUTURE, 26000)):
        bench.price(instrument, price)
    await bench.place(order("buy", 20))
    await bench.place(order("buy", 10, product=CNC))
    await bench.place(order("buy", 65, FUTURE))
    bench.price(SBIN, 103)
    await bench.place(order("sell", 5))
    future, stock = await bench.broker.results()
    assert (stock.symbol, stock.realised, stock.unrealised, stock.costs) == ("SBIN", 15, 75, 0)
    assert (future.symbol, future.realised, future.unrealised, future.costs) == (FUTURE.symbol, 0, 0, 169)
    funds = await bench.broker.funds()
    assert (funds.realised, funds.unrealised) == (15 - 169, 75)
    await bench.close()


async def test_what_was_held_before_counts_what_it_would_bring(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    bench.clock.advance(86_400)
    bench.price(SBIN, 98)
    (stock,) = await bench.broker.results()
    assert (stock.realised, stock.unrealised, stock.costs) == (0, -20, 0)


async def test_a_reset_empties_the_books_restores_the_capital_and_is_counted(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=CNC))
    await bench.place(order("buy", "0.1", COIN))
    bench.clock.advance(86_400)
    await bench.place(order("buy", 65, FUTURE))
    bench.price(FUTURE, 25000)
    await bench.place(order("sell", 65, FUTURE))
    await bench.keep(gtt("buy", 10, leg(95)))
    await bench.broker.reset()
    funds = await bench.broker.funds()
    assert (funds.available, funds.capital, funds.used_margin, funds.realised) == (10_000_000, 10_000_000, 0, 0)
    assert (funds.resets, funds.reset_at, funds.began_with) == (1, bench.clock.now(), 10_000_000)
    books = [bench.broker.order_book(), bench.broker.trades(), bench.broker.positions(), bench.broker.holdings()]
    assert [await each for each in (*books, bench.broker.results())] == [[]] * 5
    with pytest.raises(Unavailable):
        await bench.broker.funds("USDT")


async def test_what_worked_at_a_reset_is_shown_as_cancelled_and_somebody_is_told(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    resting = await bench.place(order("buy", 10, price=90))
    waiting = await bench.keep(gtt("buy", 10, leg(95)))
    over = await bench.keep(gtt("buy", 10, leg(95)))
    await bench.broker.cancel_trigger(over.trigger_id)
    bench.updates.clear()
    await bench.broker.reset()
    await bench.clock.settle()
    (row,) = await bench.broker.order_book()
    assert (row.broker_order_id, row.state) == (resting.broker_order_id, BrokerState.CANCELLED)
    assert (row.message, bench.updates) == ("The account was reset", ["acc"])
    (ended,) = await bench.broker.triggers()
    assert (ended.trigger_id, ended.state) == (waiting.trigger_id, TriggerState.CANCELLED)
    bench.price(SBIN, 80)
    assert await bench.broker.match_now() == 0


async def test_a_reset_leaves_other_accounts_alone(bench: Bench) -> None:
    stranger = bench.open("other")
    await stranger.place(order("buy", 10, price=90))
    await stranger.place_trigger(gtt("buy", 10, leg(95)))
    await stranger.place(order("buy", 10))
    await bench.broker.reset()
    assert (len(await stranger.order_book()), len(await stranger.positions()), len(await stranger.triggers())) == (
        2,
        1,
        1,
    )
    assert (await stranger.funds()).resets == 0
    await stranger.close()


async def test_a_reset_takes_the_capital_of_the_settings_as_they_are_now(bench: Bench) -> None:
    await bench.broker.warm()
    bench.settings["capital"] = 500_000
    richer = bench.open()
    assert (await richer.funds()).capital == 10_000_000
    await richer.reset()
    assert ((await richer.funds()).capital, (await richer.funds()).began_with) == (500_000, 500_000)
    await richer.close()


async def test_what_the_account_began_with_stays_while_results_become_capital(bench: Bench) -> None:
    await bench.place(order("buy", 65, FUTURE))
    bench.price(FUTURE, 26100)
    await bench.place(order("sell", 65, FUTURE))
    bench.clock.advance(86_400)
    funds = await bench.broker.funds()
    assert (funds.began_with, funds.capital, funds.resets, funds.reset_at) == (10_000_000, 10_006_500, 0, None)
