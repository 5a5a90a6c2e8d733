"""When and at what price paper orders fill."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.brokers.base import BrokerOrder, BrokerState
from bridge.domain.intent import OrderType, TimeInForce
from tests.brokers.paper_bench import SBIN, Bench, depth, order, stop

FILLED, OPEN, PENDING, PARTLY, CANCELLED = (
    BrokerState.FILLED,
    BrokerState.OPEN,
    BrokerState.TRIGGER_PENDING,
    BrokerState.PARTIALLY_FILLED,
    BrokerState.CANCELLED,
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    bench.price(SBIN, 100, bid="99.95", ask="100.05")
    yield bench
    await bench.close()


@pytest.fixture
async def thin(tmp_path: Path) -> AsyncIterator[Bench]:
    """A market that gives no more than its depth."""
    bench = Bench(tmp_path, settings={"match_every_s": 0, "partial_fills": True})
    bench.price(SBIN, 100, bid="99.95", ask="100.05", depth=depth({"99.95": 5, "99.90": 5}, {"100.05": 4, "100.10": 4}))
    yield bench
    await bench.close()


async def moved(bench: Bench, resting: BrokerOrder, last: str) -> BrokerOrder:
    bench.price(SBIN, last)
    await bench.broker.match_now()
    return await bench.row(resting)


async def test_a_market_buy_pays_the_ask_and_a_market_sell_gets_the_bid(bench: Bench) -> None:
    bought = await bench.place(order("buy", 10))
    sold = await bench.place(order("sell", 10))
    assert (bought.state, bought.average_price) == (FILLED, Decimal("100.05"))
    assert (sold.state, sold.average_price) == (FILLED, Decimal("99.95"))


async def test_a_market_order_walks_the_depth_and_pays_its_mean(bench: Bench) -> None:
    bench.price(SBIN, 100, depth=depth({99: 1}, {101: 10, 102: 10}))
    bought = await bench.place(order("buy", 20))
    assert bought.average_price == Decimal("101.5")
    assert [(t.quantity, t.price) for t in await bench.broker.trades()] == [(10, 101), (10, 102)]


async def test_without_partial_fills_the_last_level_gives_the_rest(bench: Bench) -> None:
    bench.price(SBIN, 100, depth=depth({99: 1}, {101: 10, 102: 10}))
    bought = await bench.place(order("buy", 40))
    assert (bought.state, bought.average_price) == (FILLED, Decimal("101.75"))


async def test_a_market_order_beyond_a_thin_depth_goes_on_taking_at_the_next_quote(thin: Bench) -> None:
    started = await thin.place(order("buy", 10))
    assert (started.state, started.filled) == (PARTLY, 8)
    assert await thin.broker.match_now() == 0  # the same depth is not there twice
    thin.price(SBIN, 103, depth=depth({102: 5}, {104: 50}))
    await thin.broker.match_now()
    assert ((await thin.row(started)).state, (await thin.row(started)).average_price) == (FILLED, Decimal("100.86"))


async def test_two_orders_do_not_take_the_same_depth(thin: Bench) -> None:
    first, second = await thin.place(order("buy", 6)), await thin.place(order("buy", 6))
    assert (first.filled, second.filled) == (6, 2)


async def test_a_marketable_limit_takes_better_prices_and_rests_with_what_is_left(thin: Bench) -> None:
    started = await thin.place(order("buy", 10, price="100.05"))
    assert (started.state, started.filled, started.average_price) == (PARTLY, 4, Decimal("100.05"))
    assert (await moved(thin, started, "99")).average_price == Decimal("100.05")


async def test_a_limit_rests_until_touched_and_fills_at_its_limit(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    assert resting.state is OPEN
    filled = await moved(bench, resting, "98.50")
    assert (filled.state, filled.average_price) == (FILLED, Decimal(99))


async def test_a_resting_limit_is_touched_by_a_trade_at_its_price_though_the_spread_is_beyond(bench: Bench) -> None:
    resting = await bench.place(order("sell", 10, price=101))
    bench.price(SBIN, 101, bid="100.90", ask="101.10")
    await bench.broker.match_now()
    assert (await bench.row(resting)).average_price == Decimal(101)


async def test_a_limit_at_the_last_price_waits_for_a_seller(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=100))
    await bench.broker.match_now()
    assert (await bench.row(resting)).state is OPEN
    assert (await moved(bench, resting, "99.95")).state is FILLED


async def test_a_limit_without_a_quote_rests_and_takes_the_first_better_price(bench: Bench) -> None:
    bench.market.forget_price(SBIN.key)
    resting = await bench.place(order("buy", 10, price=99))
    assert resting.state is OPEN
    assert (await moved(bench, resting, "97")).average_price == Decimal(97)


async def test_a_stop_waits_for_the_last_price_and_then_pays_the_market(bench: Bench) -> None:
    waiting = await bench.place(stop("sell", 10, trigger=98))
    assert waiting.state is PENDING
    assert (await moved(bench, waiting, "98.05")).state is PENDING
    fired = await moved(bench, waiting, "97")
    assert (fired.state, fired.average_price) == (FILLED, Decimal(97))


async def test_a_stop_is_not_fired_by_the_spread(bench: Bench) -> None:
    waiting = await bench.place(stop("buy", 10, trigger=102))
    bench.price(SBIN, 100, bid=99, ask=105)
    await bench.broker.match_now()
    assert (await bench.row(waiting)).state is PENDING


async def test_a_stop_limit_that_fires_beyond_its_limit_rests_there(bench: Bench) -> None:
    waiting = await bench.place(stop("buy", 10, trigger=101, price="101.50"))
    jumped = await moved(bench, waiting, "103")
    assert (jumped.state, jumped.filled) == (OPEN, 0)
    assert (await moved(bench, waiting, "101")).average_price == Decimal("101.5")


async def test_a_stop_limit_that_fires_within_its_limit_fills_at_the_better_price(bench: Bench) -> None:
    waiting = await bench.place(stop("buy", 10, trigger=101, price=102))
    assert (await moved(bench, waiting, "101.20")).average_price == Decimal("101.2")


async def test_a_fired_stop_limit_does_not_wait_again_when_the_price_goes_back(bench: Bench) -> None:
    waiting = await bench.place(stop("sell", 10, trigger=99, price="98.90"))
    assert (await moved(bench, waiting, "98")).state is OPEN
    assert (await moved(bench, waiting, "98.90")).state is FILLED


async def test_ioc_takes_what_is_there_and_cancels_the_rest(thin: Bench) -> None:
    done = await thin.place(order("buy", 10, price="100.05", time_in_force=TimeInForce.IOC))
    assert (done.state, done.filled) == (CANCELLED, 4)
    assert "IOC" in done.message


async def test_fok_takes_all_or_nothing(thin: Bench) -> None:
    nothing = await thin.place(order("buy", 10, time_in_force=TimeInForce.FOK))
    everything = await thin.place(order("buy", 8, time_in_force=TimeInForce.FOK))
    assert (nothing.state, nothing.filled) == (CANCELLED, 0)
    assert (everything.state, everything.filled) == (FILLED, 8)


async def test_a_side_without_anybody_fills_nothing(bench: Bench) -> None:
    bench.price(SBIN, 100, bid=100, ask=0)  # at the upper band nobody sells
    waiting = await bench.place(order("buy", 10))
    assert (waiting.state, waiting.filled) == (OPEN, 0)
    assert (await moved(bench, waiting, "99")).average_price == Decimal(99)


async def test_a_feed_without_any_sides_trades_at_the_last_price(bench: Bench) -> None:
    bench.price(SBIN, 100, bid=0, ask=0)
    assert (await bench.place(order("sell", 10))).average_price == Decimal(100)


async def test_market_protection_does_not_buy_beyond_its_percentage(thin: Bench) -> None:
    thin.price(SBIN, 100, depth=depth({99: 5}, {"100.50": 5, 102: 5}))
    bought = await thin.place(order("buy", 10, market_protection_percent=Decimal(1)))
    assert (bought.state, bought.filled, bought.average_price) == (PARTLY, 5, Decimal("100.5"))


async def test_slippage_makes_market_orders_worse_and_leaves_limits_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={"match_every_s": 0, "slippage_percent": "0.12"})
    bench.price(SBIN, 100)
    assert (await bench.place(order("buy", 1))).average_price == Decimal("100.15")  # 100.12, to the next tick
    assert (await bench.place(order("sell", 1))).average_price == Decimal("99.85")
    assert (await bench.place(order("buy", 1, price=100))).average_price == Decimal(100)
    await bench.close()


async def test_a_modified_limit_comes_to_the_market_anew(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    await bench.broker.modify(resting.broker_order_id, order("buy", 5, price=101))
    filled = await bench.row(resting)
    assert (filled.state, filled.quantity, filled.average_price) == (FILLED, 5, Decimal("100.05"))


async def test_a_limit_may_become_a_market_order(bench: Bench) -> None:
    resting = await bench.place(order("sell", 10, price=110))
    await bench.broker.modify(resting.broker_order_id, order("sell", 10))
    filled = await bench.row(resting)
    assert (filled.state, filled.order_type) == (FILLED, OrderType.MARKET)


async def test_a_modified_stop_waits_for_its_new_trigger(bench: Bench) -> None:
    waiting = await bench.place(stop("sell", 10, trigger=98))
    await bench.broker.modify(waiting.broker_order_id, stop("sell", 10, trigger=97))
    assert (await moved(bench, waiting, "97.50")).state is PENDING
    assert (await moved(bench, waiting, "97")).state is FILLED


async def test_a_cancelled_order_fills_no_more(bench: Bench) -> None:
    resting = await bench.place(order("buy", 10, price=99))
    await bench.broker.cancel(resting.broker_order_id)
    assert (await moved(bench, resting, "98")).state is CANCELLED


async def test_cancelling_a_waiting_stop_works_like_any_other(bench: Bench) -> None:
    waiting = await bench.place(stop("sell", 10, trigger=98))
    await bench.broker.cancel(waiting.broker_order_id)
    assert (await moved(bench, waiting, "97")).state is CANCELLED


async def test_the_watch_matches_by_itself_and_tells_who_listens(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={})
    bench.price(SBIN, 100)
    resting = await bench.place(order("buy", 10, price=99))
    bench.price(SBIN, 98)
    await bench.told()
    assert (await bench.row(resting)).state is FILLED
    assert bench.updates == ["acc"]
    await bench.close()


async def test_an_order_that_rests_is_no_news_and_one_that_fills_is(bench: Bench) -> None:
    await bench.place(order("buy", 10, price=99))
    assert bench.updates == []
    await bench.place(order("buy", 10))
    assert bench.updates == ["acc"]
