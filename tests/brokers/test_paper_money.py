"""Margin, positions, results and costs of the paper account."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.brokers.base import BrokerPosition, BrokerState, OrderRequest, Unavailable
from bridge.brokers.paper.costs import CostRates, cost_table
from bridge.domain.instrument import InstrumentKind
from bridge.domain.intent import Product, Side
from tests.brokers.paper_bench import CALL, COIN, FUTURE, SBIN, Bench, depth, order, stop

LAKH = Decimal(100_000)


async def opened(path: Path, **settings: Any) -> Bench:
    bench = Bench(path, settings={"match_every_s": 0, "capital": "100000", **settings})
    for instrument, price in ((SBIN, 100), (FUTURE, 26000), (CALL, 200), (COIN, 90000)):
        bench.price(instrument, price)
    return bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = await opened(tmp_path)
    yield bench
    await bench.close()


async def the_position(bench: Bench) -> BrokerPosition:
    (found,) = await bench.broker.positions()
    return found


async def test_a_new_account_has_a_crore(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    funds = await bench.broker.funds()
    assert (funds.available, funds.capital, funds.currency) == (10_000_000, 10_000_000, "INR")
    await bench.close()


@pytest.mark.parametrize(
    ("asked", "margin"),
    [
        (order("buy", 100), 2000),  # five times
        (order("sell", 100), 2000),
        (order("buy", 100, product=Product.CNC), 10000),
        (order("buy", 65, CALL), 13000),  # the premium
        (order("sell", 65, CALL, price=200), 65 * (200 + 26000 * Decimal("0.15"))),
        (order("buy", 100, price=90), 1800),  # working: at its limit
        (stop("buy", 100, trigger=110), 2200),
        (stop("buy", 100, trigger=110, price=111), 2220),
    ],
)
async def test_margin_is_price_times_quantity_through_the_leverage_of_its_class(
    tmp_path: Path, asked: OrderRequest, margin: Decimal
) -> None:
    bench = await opened(tmp_path, capital="1000000")
    await bench.broker.place(asked)
    assert await bench.available() == 1_000_000 - margin
    await bench.close()


async def test_a_future_needs_a_tenth(tmp_path: Path) -> None:
    bench = await opened(tmp_path, capital="1000000")
    await bench.broker.place(order("buy", 65, FUTURE, product=Product.NRML))
    assert await bench.available() == 1_000_000 - 169_000
    await bench.close()


async def test_leverage_is_the_owners_to_choose(tmp_path: Path) -> None:
    bench = await opened(tmp_path, leverage={"equity_mis": 1})
    await bench.broker.place(order("buy", 100))
    assert await bench.available() == 90_000
    await bench.close()


async def test_cancelling_gives_the_margin_back(bench: Bench) -> None:
    resting = await bench.place(order("buy", 100, price=90))
    await bench.broker.cancel(resting.broker_order_id)
    assert await bench.available() == LAKH


async def test_filling_turns_blocked_margin_into_the_positions(bench: Bench) -> None:
    await bench.place(order("buy", 100, price=90))
    bench.price(SBIN, 89)
    await bench.broker.match_now()
    assert await bench.available() == LAKH - 1800


async def test_modifying_blocks_for_the_new_figures(bench: Bench) -> None:
    resting = await bench.place(order("buy", 100, price=90))
    await bench.broker.modify(resting.broker_order_id, order("buy", 200, price=80))
    assert await bench.available() == LAKH - 3200


async def test_an_exit_needs_no_margin_even_when_all_is_used(bench: Bench) -> None:
    await bench.place(order("buy", 5000))
    assert await bench.available() == 0
    assert (await bench.place(stop("sell", 5000, trigger=99))).state is BrokerState.TRIGGER_PENDING
    assert await bench.available() == 0


async def test_a_second_exit_counts_as_what_it_would_open(bench: Bench) -> None:
    await bench.place(order("buy", 5000))
    await bench.place(stop("sell", 5000, trigger=99))
    refused = await bench.refused(order("sell", 5000, price=110))  # both filled would be 5000 short at 110
    assert refused.code == "insufficient_margin"


async def test_a_stop_and_a_target_block_only_what_the_target_is_dearer(bench: Bench) -> None:
    await bench.place(order("buy", 100))
    await bench.place(stop("sell", 100, trigger=98))
    await bench.place(order("sell", 100, price=110))
    assert await bench.available() == LAKH - 2000 - 200


async def test_of_two_orders_on_both_sides_only_the_dearer_blocks(bench: Bench) -> None:
    await bench.place(order("buy", 100, price=90))
    await bench.place(order("sell", 100, price=110))
    assert await bench.available() == LAKH - 2200


async def test_a_reversal_needs_margin_for_the_far_side_only(bench: Bench) -> None:
    await bench.place(order("buy", 4000))
    await bench.place(order("sell", 8000))
    assert await bench.net() == -4000
    assert await bench.available() == LAKH - 80_000


async def test_a_losing_exit_is_never_refused(bench: Bench) -> None:
    await bench.place(order("buy", 5000))
    bench.price(SBIN, 70)
    await bench.place(order("sell", 5000))
    funds = await bench.broker.funds()
    assert (funds.available, funds.realised) == (-50_000, -150_000)


async def test_an_average_moves_when_a_position_grows_and_stays_when_it_shrinks(bench: Bench) -> None:
    await bench.place(order("buy", 100))
    bench.price(SBIN, 103)
    await bench.place(order("buy", 50))
    assert (await the_position(bench)).average_price == 101
    await bench.place(order("sell", 30))
    position = await the_position(bench)
    assert (position.quantity, position.average_price, position.realised) == (120, 101, 60)
    assert (position.last_price, position.unrealised) == (103, 240)


async def test_a_short_earns_when_the_price_falls(bench: Bench) -> None:
    await bench.place(order("sell", 100))
    bench.price(SBIN, 95)
    assert (await the_position(bench)).unrealised == 500
    await bench.place(order("buy", 100))
    funds = await bench.broker.funds()
    assert (funds.realised, funds.available, funds.unrealised) == (500, LAKH + 500, 0)


async def test_turning_around_realises_the_old_side_and_opens_the_new_at_its_own_price(bench: Bench) -> None:
    await bench.place(order("buy", 100))
    bench.price(SBIN, 110)
    await bench.place(order("sell", 150))
    position = await the_position(bench)
    assert (position.quantity, position.average_price, position.realised) == (-50, 110, 1000)


async def test_products_of_one_instrument_are_different_positions(bench: Bench) -> None:
    await bench.place(order("buy", 10))
    await bench.place(order("buy", 20, product=Product.CNC))
    assert (await bench.net(), await bench.net(product=Product.CNC)) == (10, 20)


async def test_thirds_of_a_price_leave_nothing_behind(bench: Bench) -> None:
    for price, quantity in ((100, 1), ("100.05", 2), ("100.35", 4)):
        bench.price(SBIN, price)
        await bench.place(order("buy", quantity))
    for _ in range(7):
        await bench.place(order("sell", 1))
    funds = await bench.broker.funds()
    assert (funds.realised, funds.used_margin) == (Decimal("0.95"), 0)


async def test_a_coin_may_be_divided_and_has_a_pocket_of_its_own_currency(bench: Bench) -> None:
    await bench.place(order("buy", "0.00012345", COIN))
    assert await bench.net(COIN) == Decimal("0.00012345")
    assert await bench.available() == LAKH
    coins = await bench.broker.funds("USDT")
    assert (coins.currency, coins.used_margin) == ("USDT", Decimal("11.1105"))


async def test_a_pocket_nobody_used_has_no_funds_to_show(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        await bench.broker.funds("EUR")


async def test_what_funds_say_adds_up(bench: Bench) -> None:
    await bench.place(order("buy", 100))
    bench.price(SBIN, 104)
    await bench.place(order("sell", 40))
    await bench.place(order("sell", 500, price=120))
    funds = await bench.broker.funds()
    assert funds.available + funds.used_margin == funds.capital + funds.realised
    assert (funds.realised, funds.unrealised) == (160, 240)


async def test_indian_costs_are_taken_from_the_results(tmp_path: Path) -> None:
    bench = await opened(tmp_path, costs="india")
    await bench.place(order("buy", 1000))
    bought = await bench.broker.funds()
    # brokerage 20 (0.03 % would be 30), exchange 2.97, regulator 0.1, GST 18 % of these, stamp 3
    assert -bought.realised == Decimal("20") + Decimal("2.97") + Decimal("0.1") + Decimal("4.1526") + Decimal("3")
    await bench.place(order("sell", 1000))
    sold = await bench.broker.funds()
    assert bought.realised - sold.realised == Decimal("27.2226") + Decimal("25")
    assert sold.available == sold.capital + sold.realised
    await bench.close()


def test_brokerage_is_capped_an_order_however_often_it_fills() -> None:
    rates = CostRates(brokerage_percent=Decimal(1), brokerage_cap=Decimal(20))
    assert [rates.of(Side.BUY, Decimal(value)) for value in (1000, 2000, 50000)] == [10, 20, 20]


async def test_an_order_that_fills_in_two_parts_pays_one_brokerage(tmp_path: Path) -> None:
    flat = {"equity_intraday": {"brokerage_percent": 1, "brokerage_cap": 20}}
    bench = await opened(tmp_path, costs=flat, partial_fills=True)
    bench.price(SBIN, 100, depth=depth({99: 1}, {100: 40}))
    await bench.broker.place(order("buy", 70))
    bench.price(SBIN, 100, depth=depth({99: 1}, {100: 30}))
    await bench.broker.match_now()
    assert (len(await bench.broker.trades()), (await bench.broker.funds()).realised) == (2, -20)
    await bench.close()


def test_taxes_follow_the_day_of_the_trade() -> None:
    tables = [cost_table("india", "INR", day) for day in (date(2026, 3, 31), date(2026, 4, 1))]
    rates = [table.rates(InstrumentKind.OPTION, Product.NRML).tax_sell_percent for table in tables]
    assert rates == [Decimal("0.1"), Decimal("0.15")]


def test_indian_costs_do_not_touch_dollars() -> None:
    rates = cost_table("india", "USD", date(2026, 4, 1)).rates(InstrumentKind.EQUITY, Product.CNC)
    assert rates.of(Side.SELL, Decimal(1000)) == 0


async def test_a_delivery_sale_takes_todays_purchase_first(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=Product.CNC))
    bench.price(SBIN, 110)
    await bench.place(order("sell", 10, product=Product.CNC))
    assert (await bench.broker.funds()).realised == 100
    assert (await bench.refused(order("sell", 1, product=Product.CNC))).code == "insufficient_holdings"


async def test_stock_that_an_order_already_sells_is_not_free(bench: Bench) -> None:
    await bench.place(order("buy", 10, product=Product.CNC))
    await bench.place(order("sell", 6, product=Product.CNC, price=120))
    assert (await bench.refused(order("sell", 5, product=Product.CNC, price=130))).code == "insufficient_holdings"
    assert (await bench.place(order("sell", 4, product=Product.CNC, price=130))).state is BrokerState.OPEN


async def test_freeing_margin_is_allowed_when_the_account_is_under_water(bench: Bench) -> None:
    await bench.place(order("buy", 4990))
    resting = await bench.place(order("buy", 10, price=90))
    bench.price(SBIN, 60)
    await bench.place(order("sell", 4990))
    under_water = await bench.available()
    await bench.broker.modify(resting.broker_order_id, order("buy", 5, price=50))
    assert under_water < await bench.available() < 0
