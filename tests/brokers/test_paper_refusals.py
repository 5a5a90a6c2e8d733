"""What the paper broker refuses: every code of its list is provoked here, with the words a trader reads."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from bridge.brokers.base import BrokerState, OrderRequest, Rejected, Unsupported
from bridge.brokers.paper.rules import REFUSALS
from bridge.brokers.paper.settings import PaperSettings
from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderType, Product, TimeInForce
from tests.brokers.paper_bench import CALL, COIN, FUTURE, INDEX, SBIN, Bench, order, stop


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    bench.price(SBIN, 100)
    bench.price(FUTURE, 26000)
    yield bench
    await bench.close()


REFUSED = {
    "not_tradable": (order("buy", 1, replace(INDEX, exchange="NSE")), "is an index"),
    "contract_expired": (order("buy", 65, replace(FUTURE, expiry=date(2026, 1, 4))), "expired on 2026-01-04"),
    "product_not_allowed": (order("buy", 1, product=Product.NRML), "NRML is not allowed in cash equity"),
    "quantity_invalid": (order("buy", 0), "above zero"),
    "not_whole_lots": (order("buy", 100, FUTURE, product=Product.NRML), "lot size 65"),
    "quantity_above_freeze": (order("buy", 1820, FUTURE), "freeze quantity 1755"),
    "price_missing": (order("buy", 1, order_type=OrderType.LIMIT), "needs a price"),
    "off_tick": (order("buy", 1, price="99.97"), "tick size 0.05"),
    "trigger_beyond_limit": (stop("buy", 1, trigger=102, price=101), "cannot be above the limit price 101"),
    "trigger_passed": (stop("sell", 1, trigger=101), "cannot be above the last traded price 100"),
    "no_quote": (order("buy", "0.1", COIN), "no price for CRYPTO:BTCUSDT"),
    "value_too_large": (order("buy", 10**14), "value is above"),
    "insufficient_margin": (order("buy", 10**6), "required margin INR 20000000.00, available INR 10000000.00"),
    "insufficient_holdings": (order("sell", 1, product=Product.CNC), "SBIN has 0 free to sell"),
}


@pytest.mark.parametrize("code", REFUSED)
async def test_a_refused_order_says_why_and_stands_in_the_book_as_rejected(bench: Bench, code: str) -> None:
    request, words = REFUSED[code]
    refused = await bench.refused(request)
    (row,) = await bench.broker.order_book()
    assert (refused.code, row.state, row.ref) == (code, BrokerState.REJECTED, request.ref)
    assert words in str(refused)
    assert row.message == str(refused)
    assert await bench.available() == 10_000_000


async def test_more_ways_to_be_refused(bench: Bench) -> None:
    assert (await bench.refused(order("buy", 65, FUTURE, product=Product.CNC))).code == "product_not_allowed"
    assert (await bench.refused(order("buy", "1.5"))).code == "not_whole_lots"
    assert (await bench.refused(order("buy", -1))).code == "quantity_invalid"
    assert (await bench.refused(order("buy", 1, price=0))).code == "price_missing"
    assert (await bench.refused(stop("buy", 1, trigger="101.01"))).code == "off_tick"
    assert (await bench.refused(stop("sell", 1, trigger=98, price=99))).code == "trigger_beyond_limit"
    assert (await bench.refused(stop("buy", 1, trigger=99))).code == "trigger_passed"


@pytest.mark.parametrize(
    "monstrous",
    [
        order("buy", 10**29, COIN, price=1),
        order("buy", 10**29, FUTURE, price=26000),
        order("buy", 1, price=10**30),
        order("buy", "0.1", COIN, price=10**30),
        stop("buy", 1, trigger=10**30),
    ],
)
async def test_figures_beyond_all_counting_are_refused_and_break_nothing(bench: Bench, monstrous: OrderRequest) -> None:
    assert (await bench.refused(monstrous)).code in ("quantity_invalid", "value_too_large")


async def test_the_same_ref_is_refused_and_never_doubles(bench: Bench) -> None:
    request = order("buy", 10)
    await bench.broker.place(request)
    refused = await bench.refused(request)
    assert refused.code == "duplicate_ref"
    assert len(await bench.broker.order_book()) == 1
    assert await bench.net() == 10


async def test_a_ref_that_was_rejected_is_used_up_too(bench: Bench) -> None:
    request = order("buy", 0)
    await bench.refused(request)
    assert (await bench.refused(replace(request, quantity=Decimal(1)))).code == "duplicate_ref"


@dataclass
class Door:
    """A calendar that a test opens and shuts."""

    open: bool = True

    def is_open(self, instrument: Instrument, moment: datetime) -> bool:
        return self.open

    def sentence(self, instrument: Instrument, moment: datetime) -> str:
        return "NSE opens Tue 6 Jan 09:15 IST"

    def trading_date(self, exchange: str, moment: datetime) -> date:
        return moment.date()

    def square_off_time(self, instrument: Instrument, day: date) -> datetime | None:
        return None


async def test_a_closed_market_takes_no_orders_and_fills_none(tmp_path: Path) -> None:
    door = Door()
    bench = Bench(tmp_path, services={"calendar": door})
    bench.price(SBIN, 100)
    resting = await bench.place(order("buy", 10, price=99))
    door.open = False
    refused = await bench.refused(order("buy", 10))
    bench.price(SBIN, 98)
    assert (refused.code, "NSE opens Tue 6 Jan" in str(refused)) == ("market_closed", True)
    assert (await bench.broker.match_now(), (await bench.row(resting)).filled) == (0, 0)
    await bench.close()


Act = Callable[[Bench, str], Awaitable[None]]
ACTS: list[Act] = [
    lambda bench, order_id: bench.broker.cancel(order_id),
    lambda bench, order_id: bench.broker.modify(order_id, order("buy", 10, price=98)),
]


@pytest.mark.parametrize("act", ACTS)
async def test_an_unknown_order_cannot_be_changed(bench: Bench, act: Act) -> None:
    with pytest.raises(Rejected) as caught:
        await act(bench, "pp_nobody")
    assert caught.value.code == "order_not_found"


@pytest.mark.parametrize("act", ACTS)
async def test_a_finished_order_cannot_be_changed(bench: Bench, act: Act) -> None:
    filled = await bench.place(order("buy", 10))
    with pytest.raises(Rejected, match="it is filled") as caught:
        await act(bench, filled.broker_order_id)
    assert caught.value.code == "order_not_working"


async def test_another_account_cannot_touch_an_order(bench: Bench) -> None:
    mine = await bench.place(order("buy", 10, price=99))
    stranger = bench.open("other")
    with pytest.raises(Rejected) as caught:
        await stranger.cancel(mine.broker_order_id)
    assert caught.value.code == "order_not_found"
    assert (await stranger.order_book(), await stranger.positions()) == ([], [])
    await stranger.close()


async def test_a_modification_changes_figures_not_the_order_itself(bench: Bench) -> None:
    mine = await bench.place(order("buy", 10, price=99))
    for other in (order("sell", 10, price=99), order("buy", 10, price=99, product=Product.CNC)):
        with pytest.raises(Rejected) as caught:
            await bench.broker.modify(mine.broker_order_id, other)
        assert caught.value.code == "modify_not_allowed"


async def test_a_refused_modification_leaves_the_order_as_it_was(bench: Bench) -> None:
    mine = await bench.place(order("buy", 10, price=99))
    with pytest.raises(Rejected) as caught:
        await bench.broker.modify(mine.broker_order_id, order("buy", 10**6, price=99))
    assert caught.value.code == "insufficient_margin"
    assert await bench.row(mine) == mine
    assert await bench.available() == 10_000_000 - 198


def test_every_code_of_the_list_has_its_test_here() -> None:
    elsewhere = {"duplicate_ref", "market_closed", "order_not_found", "order_not_working", "modify_not_allowed"}
    in_test_paper_triggers = {"trigger_legs", "trigger_expiry", "trigger_not_found", "trigger_not_active"}
    in_test_paper_hours = {"after_square_off"}
    assert set(REFUSED) | elsewhere | in_test_paper_triggers | in_test_paper_hours == REFUSALS


@pytest.mark.parametrize(
    "unsayable",
    [
        order("buy", 1, order_type=OrderType.TRAILING_STOP),
        order("buy", 1, time_in_force=TimeInForce.OPG),
        order("buy", 1, replace(CALL, exchange="EUREX")),
    ],
)
async def test_what_it_has_no_words_for_leaves_no_trace(bench: Bench, unsayable: OrderRequest) -> None:
    with pytest.raises(Unsupported):
        await bench.broker.place(unsayable)
    assert await bench.broker.order_book() == []


def test_the_readme_names_every_refusal_and_every_setting() -> None:
    readme = (files("bridge.brokers.paper") / "README.md").read_text(encoding="utf-8")
    assert [name for name in (*REFUSALS, *PaperSettings.model_fields) if f"`{name}`" not in readme] == []
