"""Standing instructions of the paper broker: when they fire, that they fire once, and what they leave behind."""

# mypy: disable-error-code="comparison-overlap"
# A Decimal equals the int it is compared with, whatever their types.

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.brokers.base import BrokerState, Rejected, TriggerKind, TriggerRequest, TriggerState, Unsupported
from bridge.domain.intent import OrderType, Product
from tests.brokers.paper_bench import FUTURE, SBIN, Bench, gtt, leg, order
from tests.brokers.test_paper_refusals import Door

ACTIVE, TRIGGERED, CANCELLED, EXPIRED = TriggerState
CRORE = 10_000_000


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    bench.price(SBIN, 100)
    bench.price(FUTURE, 26000)
    yield bench
    await bench.close()


@pytest.fixture
async def blocking(tmp_path: Path) -> AsyncIterator[Bench]:
    """An account whose triggers block margin from the start."""
    bench = Bench(tmp_path, settings={"match_every_s": 0, "block_trigger_margin": True})
    bench.price(SBIN, 100)
    yield bench
    await bench.close()


async def moved(bench: Bench, last: str) -> None:
    bench.price(SBIN, last)
    await bench.broker.match_now()


async def refused(bench: Bench, request: TriggerRequest) -> Rejected:
    with pytest.raises(Rejected) as caught:
        await bench.broker.place_trigger(request)
    return caught.value


@pytest.mark.parametrize(("trigger", "short_of_it", "there"), [(95, "95.05", "95"), (105, "104.95", "106")])
async def test_a_single_trigger_waits_for_the_price_from_where_it_stood(
    bench: Bench, trigger: int, short_of_it: str, there: str
) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(trigger)))
    await moved(bench, short_of_it)
    assert (await bench.trigger(kept.trigger_id)).state is ACTIVE
    await moved(bench, there)
    assert (await bench.trigger(kept.trigger_id)).state is TRIGGERED
    assert await bench.net(product=Product.CNC) == 10


async def test_the_order_of_a_trigger_is_an_order_of_its_own(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(95, "94.50")))
    await moved(bench, "95")
    fired = await bench.trigger(kept.trigger_id)
    (placed,) = await bench.broker.order_book()
    assert (placed.broker_order_id, placed.ref) == (fired.order_id, kept.trigger_id)
    assert (placed.state, placed.order_type, placed.price) == (BrokerState.OPEN, OrderType.LIMIT, Decimal("94.50"))
    await moved(bench, "94")
    assert (await bench.row(placed)).state is BrokerState.FILLED
    assert await bench.available() == CRORE - 945


async def test_a_trigger_that_fired_does_not_fire_again(bench: Bench) -> None:
    await bench.keep(gtt("buy", 10, leg(95)))
    for last in ("94", "100", "94"):
        await moved(bench, last)
    assert len(await bench.broker.order_book()) == 1


@pytest.mark.parametrize(("last", "bought_at"), [("90", "90"), ("110", "110")])
async def test_the_leg_that_is_reached_ends_the_other(bench: Bench, last: str, bought_at: str) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(105), leg(95)))
    await moved(bench, last)
    await moved(bench, "90")
    await moved(bench, "110")
    (placed,) = await bench.broker.order_book()
    assert placed.average_price == Decimal(bought_at)
    assert ((await bench.trigger(kept.trigger_id)).state, kept.kind) == (TRIGGERED, TriggerKind.OCO)
    assert [each.trigger_price for each in kept.legs] == [95, 105]


async def test_two_processes_that_see_the_same_price_fire_once(bench: Bench) -> None:
    await bench.keep(gtt("buy", 10, leg(95), leg(105)))
    twin = bench.open()
    await twin.warm()
    bench.price(SBIN, 95)
    await asyncio.gather(bench.broker.match_now(), twin.match_now())
    assert (await bench.net(product=Product.CNC), len(await twin.order_book())) == (10, 1)
    await twin.close()


async def test_a_trigger_outlives_the_process(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    successor = bench.open()
    bench.price(SBIN, 95)
    await successor.match_now()
    assert (await bench.trigger(kept.trigger_id)).state is TRIGGERED
    await successor.close()


async def test_the_watch_fires_triggers_by_itself_and_tells_who_listens(tmp_path: Path) -> None:
    bench = Bench(tmp_path, settings={})
    bench.price(SBIN, 100)
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    bench.price(SBIN, 95)
    await bench.told()
    assert (await bench.trigger(kept.trigger_id)).state is TRIGGERED
    assert bench.updates == ["acc"]
    await bench.close()


async def test_a_trigger_that_is_placed_while_the_day_turns_is_not_forgotten(bench: Bench) -> None:
    await bench.broker.warm()
    bench.clock.advance(86_400)
    _, trigger_id = await asyncio.gather(bench.broker.funds(), bench.broker.place_trigger(gtt("buy", 10, leg(95))))
    await moved(bench, "95")
    assert (await bench.trigger(trigger_id)).state is TRIGGERED


async def test_a_sale_of_stock_that_is_gone_is_a_rejected_order_and_somebody_is_told(bench: Bench) -> None:
    kept = await bench.keep(gtt("sell", 10, leg(95)))
    await moved(bench, "95")
    await bench.clock.settle()
    (placed,) = await bench.broker.order_book()
    fired = await bench.trigger(kept.trigger_id)
    assert (placed.state, fired.state, fired.order_id) == (BrokerState.REJECTED, TRIGGERED, placed.broker_order_id)
    assert "0 free to sell" in fired.message
    assert bench.updates == ["acc"]


async def test_nothing_fires_while_the_market_is_closed_but_it_may_be_placed(tmp_path: Path) -> None:
    door = Door(open=False)
    bench = Bench(tmp_path, services={"calendar": door})
    bench.price(SBIN, 100)
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    await moved(bench, "90")
    assert (await bench.trigger(kept.trigger_id)).state is ACTIVE
    door.open = True
    await bench.broker.match_now()
    assert (await bench.trigger(kept.trigger_id)).state is TRIGGERED
    await bench.close()


async def test_a_cancelled_trigger_does_not_fire(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    await bench.broker.cancel_trigger(kept.trigger_id)
    await moved(bench, "90")
    assert (await bench.trigger(kept.trigger_id)).state is CANCELLED
    assert await bench.broker.order_book() == []


async def test_a_modification_replaces_all_figures(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 65, leg(25000), instrument=FUTURE, product=Product.NRML))
    await bench.broker.modify_trigger(
        kept.trigger_id, gtt("buy", 130, leg(27000, 27010), instrument=FUTURE, product=Product.NRML)
    )
    changed = await bench.trigger(kept.trigger_id)
    assert (changed.quantity, changed.legs, changed.ref) == (130, (leg(27000, 27010),), kept.ref)
    bench.price(FUTURE, 24000)
    assert await bench.broker.match_now() == 0
    bench.price(FUTURE, 27000)
    await bench.broker.match_now()
    (placed,) = await bench.broker.order_book()
    assert (placed.quantity, placed.price) == (130, 27010)


@pytest.mark.parametrize(
    "other",
    [
        gtt("sell", 10, leg(95)),
        gtt("buy", 10, leg(95), leg(105)),
        gtt("buy", 65, leg(25000), instrument=FUTURE, product=Product.NRML),
    ],
    ids=["side", "kind", "instrument"],
)
async def test_a_modification_does_not_change_what_it_is(bench: Bench, other: TriggerRequest) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    with pytest.raises(Rejected) as caught:
        await bench.broker.modify_trigger(kept.trigger_id, other)
    assert caught.value.code == "modify_not_allowed"
    assert await bench.trigger(kept.trigger_id) == kept


async def test_it_expires_after_a_year(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 10, leg(95)))
    assert kept.expires_at - kept.created_at == timedelta(days=365)
    bench.clock.advance(365 * 86_400)
    await moved(bench, "90")
    assert (await bench.trigger(kept.trigger_id)).state is EXPIRED
    assert await bench.broker.order_book() == []


async def test_it_expires_when_it_was_asked_to(bench: Bench) -> None:
    soon = bench.clock.now() + timedelta(hours=1)
    kept = await bench.keep(gtt("buy", 10, leg(95), expires_at=soon))
    bench.clock.advance(3600)
    await moved(bench, "90")
    assert (kept.expires_at, (await bench.trigger(kept.trigger_id)).state) == (soon, EXPIRED)


async def test_that_of_a_contract_ends_with_its_last_day(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 65, leg(25000), instrument=FUTURE, product=Product.NRML))
    assert kept.expires_at == datetime(2026, 1, 27, 18, 30, tzinfo=UTC)  # midnight in Mumbai
    bench.clock.set(kept.expires_at)
    assert (await bench.trigger(kept.trigger_id)).state is EXPIRED


async def test_one_that_ended_is_shown_for_a_week(bench: Bench) -> None:
    ended = await bench.keep(gtt("buy", 10, leg(95)))
    await bench.broker.cancel_trigger(ended.trigger_id)
    bench.clock.advance(6 * 86_400)
    assert len(await bench.broker.triggers()) == 1
    bench.clock.advance(2 * 86_400)
    assert await bench.broker.triggers() == []


REFUSED = [
    ("trigger_legs", gtt("buy", 1)),
    ("trigger_legs", gtt("buy", 1, leg(90), leg(95), leg(105))),
    ("product_not_allowed", gtt("buy", 1, leg(95), product=Product.MIS)),
    ("product_not_allowed", gtt("buy", 1, leg(95), product=Product.NRML)),
    ("trigger_passed", gtt("buy", 1, leg(100))),
    ("trigger_passed", gtt("sell", 1, leg(101), leg(105))),
    ("price_missing", gtt("buy", 1, leg(0))),
    ("price_missing", gtt("buy", 1, leg(95, 0))),
    ("off_tick", gtt("buy", 1, leg("95.01"))),
    ("off_tick", gtt("buy", 1, leg(95, "95.01"))),
    ("quantity_invalid", gtt("buy", 0, leg(95))),
    ("not_whole_lots", gtt("buy", 10, leg(25000), instrument=FUTURE, product=Product.NRML)),
    ("trigger_expiry", gtt("buy", 1, leg(95), expires_at=datetime(2027, 1, 6, tzinfo=UTC))),
    ("trigger_expiry", gtt("buy", 1, leg(95), expires_at=datetime(2026, 1, 5, tzinfo=UTC))),
]


@pytest.mark.parametrize(("code", "request_"), REFUSED, ids=[f"{n}-{code}" for n, (code, _) in enumerate(REFUSED)])
async def test_what_is_refused_is_not_kept(bench: Bench, code: str, request_: TriggerRequest) -> None:
    assert (await refused(bench, request_)).code == code
    assert await bench.broker.triggers() == []


async def test_without_a_price_nobody_knows_from_where_it_is_reached(bench: Bench) -> None:
    bench.market.forget_price(SBIN.key)
    assert (await refused(bench, gtt("buy", 1, leg(95, 95)))).code == "no_quote"


async def test_a_ref_is_good_for_one_trigger(bench: Bench) -> None:
    request = gtt("buy", 1, leg(95))
    await bench.keep(request)
    assert (await refused(bench, request)).code == "duplicate_ref"


async def test_a_leg_is_a_limit_or_a_market_order(bench: Bench) -> None:
    with pytest.raises(Unsupported):
        await bench.broker.place_trigger(gtt("buy", 1, replace(leg(95), order_type=OrderType.STOP)))


async def test_an_unknown_and_a_finished_one_cannot_be_changed(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 1, leg(95)))
    await bench.broker.cancel_trigger(kept.trigger_id)
    for trigger_id, code in (("pg_nobody", "trigger_not_found"), (kept.trigger_id, "trigger_not_active")):
        with pytest.raises(Rejected) as cancelling:
            await bench.broker.cancel_trigger(trigger_id)
        with pytest.raises(Rejected) as changing:
            await bench.broker.modify_trigger(trigger_id, gtt("buy", 2, leg(95)))
        assert cancelling.value.code == changing.value.code == code


async def test_another_account_sees_and_touches_nothing(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 1, leg(95)))
    stranger = bench.open("other")
    with pytest.raises(Rejected):
        await stranger.cancel_trigger(kept.trigger_id)
    assert await stranger.triggers() == []
    await stranger.close()


async def test_waiting_blocks_nothing_unless_asked_to(bench: Bench) -> None:
    kept = await bench.keep(gtt("buy", 100, leg(95), leg(105)))
    assert (await bench.available(), kept.blocked) == (CRORE, 0)


async def test_where_asked_to_the_dearer_leg_is_blocked_until_it_ends(blocking: Bench) -> None:
    kept = await blocking.keep(gtt("buy", 100, leg(95), leg(105, 106)))
    assert (await blocking.available(), kept.blocked) == (CRORE - 10_600, 10_600)
    await blocking.broker.modify_trigger(kept.trigger_id, gtt("buy", 50, leg(95), leg(104)))
    assert await blocking.available() == CRORE - 5200
    await blocking.broker.cancel_trigger(kept.trigger_id)
    assert await blocking.available() == CRORE


async def test_blocked_margin_turns_into_that_of_the_order(blocking: Bench) -> None:
    await blocking.keep(gtt("buy", 100, leg(95), leg(105)))
    await moved(blocking, "94")
    assert await blocking.available() == CRORE - 9400


async def test_blocked_margin_is_given_back_by_an_order_that_is_refused(blocking: Bench) -> None:
    await blocking.keep(gtt("buy", 95_000, leg(105)))
    assert await blocking.available() == CRORE - 9_975_000
    await moved(blocking, "110")  # 10,450,000
    (placed,) = await blocking.broker.order_book()
    assert (placed.state, await blocking.available()) == (BrokerState.REJECTED, CRORE)


async def test_a_trigger_that_blocks_must_be_paid_for(blocking: Bench) -> None:
    assert (await refused(blocking, gtt("buy", 100_000, leg(105)))).code == "insufficient_margin"
    kept = await blocking.keep(gtt("buy", 10, leg(105)))
    with pytest.raises(Rejected):
        await blocking.broker.modify_trigger(kept.trigger_id, gtt("buy", 100_000, leg(105)))
    assert await blocking.available() == CRORE - 1050


async def test_stock_that_a_trigger_would_sell_stays_free(blocking: Bench) -> None:
    await blocking.place(order("buy", 10, product=Product.CNC))
    await blocking.keep(gtt("sell", 10, leg(95), leg(110)))
    sold = await blocking.place(order("sell", 10, product=Product.CNC))
    assert sold.state is BrokerState.FILLED
