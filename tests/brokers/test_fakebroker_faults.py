"""The adapter against the simulated broker over a real socket: every fault, its word, and never a second sending."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.brokers.base import (
    Broker,
    BrokerState,
    LoginRequired,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    Unsupported,
)
from bridge.domain.intent import OrderType, Side, TimeInForce
from tests.brokers.orders import order
from tests.brokers.rehearsal import connected, eventually, listens, word_for
from tests.fakebroker.client import FakeBrokerProcess
from tests.fakebroker.replies import BAD_REPLIES


def test_there_are_bad_replies_enough() -> None:
    assert len(BAD_REPLIES) >= 40


@pytest.mark.parametrize("placed", [True, False], ids=["placed", "not-placed"])
@pytest.mark.parametrize("reply", list(BAD_REPLIES))
async def test_a_bad_reply_is_unknown_and_nothing_is_sent_twice(
    reply: str, placed: bool, vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    await adapter.check_login()  # the connection is a kept one, where libraries like to try again
    vendor.set(faults=[{"do": reply, "placed": placed}])
    wanted = order()
    assert await word_for(adapter, wanted) == "OutcomeUnknown"
    assert len(vendor.sent(wanted.ref)) == 1
    assert [row["tag"] for row in vendor.book(token)] == [wanted.ref] * placed


@pytest.mark.parametrize("call", ["modify", "cancel"])
@pytest.mark.parametrize("reply", ["drop", "reset", "http_500", "html_page", "empty", "redirect_307", "json_null"])
async def test_a_bad_reply_to_a_change_is_unknown_and_not_sent_twice(
    call: str, reply: str, vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    vendor.set(fill="rest")
    wanted = order()
    placed = await adapter.place(wanted)
    vendor.set(faults=[{"do": reply, "route": call}])
    with pytest.raises(OutcomeUnknown):
        await (
            adapter.cancel(placed.broker_order_id)
            if call == "cancel"
            else adapter.modify(placed.broker_order_id, wanted)
        )
    mine = [row for row in vendor.ledger("request") if row["account"] == token]
    assert len(mine) == 2


@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        ("drop_request", 0),
        ("accept_then_drop", 1),
        ("accept_then_reset", 1),
        ("accept_then_hold", 1),
        ("never_answer", 0),
        ("timeout_400", 0),
        ("timeout_400_placed", 1),
        ("partial_slices", 2),
    ],
)
async def test_a_fault_of_an_order_is_unknown_whether_it_was_placed_or_not(
    fault: str, placed: int, vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    vendor.set(faults={fault: 1})
    wanted = order(quantity=Decimal(3))
    assert await word_for(adapter, wanted) == "OutcomeUnknown"
    assert len(vendor.sent(wanted.ref)) == 1
    assert len(vendor.book(token)) == placed


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("refuse_margin", "Rejected"),
        ("refuse_holding", "Rejected"),
        ("refuse_input", "Rejected"),
        ("refuse_permission", "Rejected"),
        ("refuse_token", "LoginRequired"),
        ("refuse_rate", "Unavailable"),
    ],
)
async def test_a_listed_refusal_has_its_word(fault: str, word: str, vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(faults={fault: 1})
    assert await word_for(adapter, order()) == word


async def test_a_request_delivered_after_we_gave_up_shows_up_later(
    vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    vendor.set(faults=[{"do": "late_accept", "hold_s": 10}])
    wanted = order()
    assert await word_for(adapter, wanted) == "OutcomeUnknown"
    assert await eventually(lambda: len(vendor.book(token)) == 1)
    (asked,) = vendor.sent(wanted.ref)
    assert vendor.ledger("accepted")[-1]["clock"] - asked["clock"] >= 10


async def test_a_slow_answer_within_the_timeout_is_an_answer(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(latency_s=[2, 4])
    wanted = order()
    assert await word_for(adapter, wanted) == "placed"
    (asked,) = vendor.sent(wanted.ref)
    assert vendor.ledger("accepted")[-1]["clock"] - asked["clock"] >= 2


async def test_refused_connections_are_unavailable_and_pass(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(refuse_connections_for_s=10)
    assert await word_for(adapter, order()) == "Unavailable"
    assert await eventually(lambda: listens(vendor))
    assert await word_for(adapter, order()) == "placed"


async def test_a_dead_broker_is_unavailable_and_its_successor_knows_the_book(fakebroker: FakeBrokerProcess) -> None:
    adapter = connected(fakebroker.url, "T")
    await adapter.place(order())
    before = await adapter.order_book()
    fakebroker.kill()
    assert await word_for(adapter, order()) in ("Unavailable", "OutcomeUnknown")  # the kept connection may look alive
    assert await word_for(adapter, order()) == "Unavailable"
    fakebroker.start()
    assert await adapter.order_book() == before
    await adapter.close()


async def test_a_rate_above_the_limit_is_stopped_at_the_gateway(fakebroker: FakeBrokerProcess) -> None:
    adapter = connected(fakebroker.url, "T")
    fakebroker.set(rate_limit=2)
    await adapter.check_login()  # three orders in a second of this broker, whose clock is not in a hurry
    words = [await word_for(adapter, order()) for _ in range(3)]
    assert words == ["placed", "placed", "Unavailable"]
    assert len(fakebroker.book("T")) == 2
    await adapter.close()


# ---- the books


READS = ("order_book", "trades", "positions", "holdings", "funds", "check_login")
ROUTE = {"order_book": "orders", "check_login": "session"}
A_LIST = {"trades", "positions", "holdings"}  # whose whole and good answer is what `data_list` says


@pytest.mark.parametrize("read", READS)
async def test_a_bad_reply_to_a_read_is_never_an_empty_answer(
    read: str, vendor: FakeBrokerProcess, adapter: Broker
) -> None:
    for reply in set(BAD_REPLIES) - ({"data_list"} if read in A_LIST else set()):
        vendor.set(faults=[{"do": reply, "route": ROUTE.get(read, read)}])
        with pytest.raises(Unavailable):
            await getattr(adapter, read)()


@pytest.mark.parametrize("fault", ["book_error", "book_cut"])
async def test_a_book_that_does_not_add_up_is_not_a_book(
    fault: str, vendor: FakeBrokerProcess, adapter: Broker
) -> None:
    await adapter.place(order())
    vendor.set(faults={fault: 1})
    with pytest.raises(Unavailable):
        await adapter.order_book()


async def test_a_page_kept_from_us_is_noticed(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    for _ in range(5):
        await adapter.place(order())
    vendor.set(page_size=2, faults={"book_lost_page": 1})
    with pytest.raises(Unavailable, match="2 rows of 5"):
        await adapter.order_book()


async def test_a_book_of_many_pages_is_read_whole(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    wanted = [order() for _ in range(7)]
    for each in wanted:
        await adapter.place(each)
    vendor.set(page_size=3)
    assert [each.ref for each in await adapter.order_book()] == [each.ref for each in wanted]


async def test_an_order_is_seen_only_after_the_lag(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(visibility_lag_s=10)
    await adapter.place(order())
    accepted = vendor.ledger("accepted")[-1]
    assert accepted["visible_at"] - accepted["clock"] == pytest.approx(10, abs=0.1)
    async with asyncio.timeout(5):
        while not (await adapter.order_book() and await adapter.positions()):
            pass  # each look waits for its answers
    assert datetime.fromisoformat(vendor.set()["clock"]).timestamp() >= accepted["visible_at"]


async def test_without_tag_echo_the_book_has_no_refs(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(tag_echo=False)
    await adapter.place(order())
    assert [each.ref for each in await adapter.order_book()] == [None]


@pytest.mark.parametrize("style", ["error", "empty"])
async def test_an_expired_session_takes_no_order_and_says_so(
    style: str, vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    await adapter.place(order())
    vendor.set(session_expires_in_s=0, session_style=style)
    with pytest.raises(LoginRequired):
        await adapter.check_login()
    assert await word_for(adapter, order()) == "LoginRequired"
    assert len(vendor.book(token)) == 1


async def test_an_expired_session_may_show_an_empty_book(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    await adapter.place(order())
    vendor.set(session_expired=True, session_style="empty")
    assert await adapter.order_book() == []


async def test_a_clock_that_is_off_shows_in_order_times(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(clock_offset_s=3600)
    await adapter.place(order())
    (seen,) = await adapter.order_book()
    accepted = vendor.ledger("accepted")[-1]
    assert seen.placed_at is not None
    assert seen.placed_at.timestamp() - accepted["clock"] == pytest.approx(3600, abs=0.001)


# ---- the market


async def test_every_figure_comes_back_exact(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    await adapter.place(order(price=Decimal("99.95"), quantity=Decimal("0.001")))
    (seen,) = await adapter.order_book()
    assert (seen.price, seen.quantity, seen.filled) == (Decimal("99.95"), Decimal("0.001"), Decimal("0.001"))


async def test_a_stop_waits_for_its_trigger(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    stop = order(order_type=OrderType.STOP, side=Side.SELL, price=None, trigger_price=Decimal(95))
    await adapter.place(stop)
    assert [each.state for each in await adapter.order_book()] == [BrokerState.TRIGGER_PENDING]
    vendor.set(prices={"SBIN": 94.5})
    (seen,) = await adapter.order_book()
    assert (seen.state, seen.average_price) == (BrokerState.FILLED, Decimal("94.5"))


async def test_a_partial_fill_is_partial(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(fill={"mode": "partial", "fraction": 0.3})
    await adapter.place(order())
    (seen,) = await adapter.order_book()
    assert (seen.state, seen.filled) == (BrokerState.PARTIALLY_FILLED, Decimal(3))


async def test_an_order_the_exchange_rejects_is_taken_first(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(fill={"SBIN": {"mode": "reject", "message": "RMS: circuit limit"}})
    await adapter.place(order())
    (seen,) = await adapter.order_book()
    assert (seen.state, seen.message) == (BrokerState.REJECTED, "RMS: circuit limit")


async def test_an_order_is_changed_and_cancelled(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(fill="rest")
    placed = await adapter.place(order())
    await adapter.modify(placed.broker_order_id, order(quantity=Decimal(20), price=Decimal(98)))
    await adapter.cancel(placed.broker_order_id)
    (seen,) = await adapter.order_book()
    assert (seen.state, seen.quantity, seen.price) == (BrokerState.CANCELLED, Decimal(20), Decimal(98))
    with pytest.raises(Rejected, match="CANCELLED"):
        await adapter.cancel(placed.broker_order_id)


async def test_a_position_is_the_sum_of_its_fills(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    await adapter.place(order(price=Decimal(100)))
    await adapter.place(order(price=Decimal(110)))
    await adapter.place(order(price=Decimal(120), side=Side.SELL, quantity=Decimal(5)))
    (held,) = await adapter.positions()
    assert (held.quantity, held.average_price, held.realised) == (Decimal(15), Decimal(105), Decimal(75))
    assert len(await adapter.trades()) == 3
    assert (await adapter.funds()).realised == Decimal(75)


async def test_an_order_this_wire_has_no_word_for_is_not_sent(
    vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    with pytest.raises(Unsupported):
        await adapter.place(order(time_in_force=TimeInForce.GTC))
    with pytest.raises(Unsupported):
        await adapter.place(order(order_type=OrderType.TRAILING_STOP))
    assert [row for row in vendor.ledger("request") if row["account"] == token] == []


def test_an_account_may_say_what_its_broker_can_do(vendor: FakeBrokerProcess) -> None:
    adapter: Any = connected(vendor.url, "T", ref_echo=False, visibility_lag_max_s=600, orders_per_second=None)
    can = adapter.capabilities
    assert (can.ref_echo, can.visibility_lag_max_s, can.orders_per_second) == (False, 600, None)


def test_an_account_without_a_token_must_log_in() -> None:
    with pytest.raises(LoginRequired):
        connected("http://broker.test", "")
