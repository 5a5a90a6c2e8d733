"""What a desk takes from the tables, and what it lets go of again."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import AccountSettings
from bridge.brokers.base import BrokerOrder, BrokerState, Unavailable
from bridge.domain.intent import Intent, OrderType, Product, Side
from bridge.domain.lifecycle import Provenance
from bridge.orders import metrics
from bridge.orders.holdings import Ledger
from bridge.orders.inbox import TIDY_EVERY_S
from bridge.orders.records import OrderRecord
from tests.orders.conftest import OpenHouse
from tests.support.brokers import EVERYTHING, Act, How
from tests.support.house import ACCOUNT, House, buy, leave, wish


async def next_day(house: House) -> None:
    """The same hour of the next day, and long enough for the desk to tidy up."""
    house.clock.set(house.clock.now() + timedelta(days=1))
    await house.run(TIDY_EVERY_S + 2)


def known(house: House) -> list[str]:
    """The orders in the desk's memory."""
    return [order.id for order in house.desk.ledger.orders.values()]


# -- rows that cannot be read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["settings", "payload", "plan"])
async def test_an_intent_that_cannot_be_read_does_not_stop_its_account(open_house: OpenHouse, column: str) -> None:
    house = await open_house(started=False)
    await house.alert(leave())
    house.process.writer.submit(lambda tx: tx.execute(f"UPDATE intents SET {column} = '{{\"unheard\": 1}}'"))
    await house.process.start()
    await house.run(3)
    await house.alert(buy("SBIN", 1))
    await house.run(3)

    assert house.states() == ["WORKING"]


async def test_an_intent_that_cannot_be_read_is_ended_by_name_once(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    await house.alert(leave())
    house.process.writer.submit(lambda tx: tx.execute("UPDATE intents SET plan = '[]'"))
    await house.process.start()
    await house.run(5)

    (intent,) = house.intents()
    assert (intent["state"], intent["code"]) == ("REFUSED", "unreadable")
    (notice,) = house.rows("SELECT * FROM outbox")
    assert (notice["kind"], notice["severity"]) == ("intent_unreadable", "critical")
    assert notice["message"].startswith("What an alert asked for INFY was stored by another version")
    (event,) = house.rows("SELECT * FROM events WHERE type = 'intent.refused'")
    assert event["intent_id"] == intent["id"]


# -- the day in memory -----------------------------------------------------------------------------------------------------


async def test_yesterdays_order_is_not_moved_by_a_strangers_order_with_the_same_number(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=replace(EVERYTHING, ref_echo=False))
    await house.hold(10)
    first = house.order()
    house.broker.orders.clear()
    await next_day(house)
    stranger = BrokerOrder(
        broker_order_id=first.broker_order_id or "",
        ref=None,
        symbol="INFY",
        exchange="NSE",
        side=Side.BUY,
        quantity=Decimal(25),
        filled=Decimal(25),
        state=BrokerState.FILLED,
        order_type=OrderType.MARKET,
        product=Product.MIS,
        average_price=Decimal(100),
    )
    assert await house.desk.updates.apply([stranger], Provenance.BOOK) == [stranger]
    assert house.position() == 10


async def test_what_ended_on_an_earlier_day_is_forgotten_and_what_is_open_is_not(house: House) -> None:
    await house.hold(10)
    await house.alert(buy("SBIN", 1, order_type=OrderType.LIMIT, price=Decimal(90)))
    await house.run(TIDY_EVERY_S + 2)
    assert len(known(house)) == 2  # of the day itself, nothing

    await next_day(house)

    filled, open_order = house.orders()
    assert known(house) == [open_order.id]
    assert house.desk.ledger.find("B0001", filled.ref) is None
    assert house.desk.ledger.holding(filled.lane).quantity == 10


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_day_with_an_order_that_is_sought_stays_whole(open_house: OpenHouse, restarted: bool) -> None:
    """Of two alike, the filled one must still be known as ours: it would be taken for the other one, and filled twice."""
    house = await open_house(capabilities=replace(EVERYTHING, ref_echo=False))
    await house.hold(10)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY", 10))
    await house.run(1)
    house.broker.book_problem = Unavailable("its back office is closed")
    await house.run(650)
    await next_day(house)
    if restarted:
        await house.crash()
        await house.start()
        await house.run(60)

    assert house.states() == ["FILLED", "PARKED"]
    assert set(known(house)) == {order.id for order in house.orders()}
    assert house.position() == 10


async def test_a_number_that_the_broker_gave_twice_means_the_later_order(house: House) -> None:
    """Yesterday's order still rests when the broker begins to number anew; a change of it is no claim to today's."""
    await house.alert(buy("SBIN", 1, order_type=OrderType.LIMIT, price=Decimal(90)))
    await house.run(2)
    resting = house.order()
    ledger = house.desk.ledger
    today = replace(resting, id="or_today", ref="TODAY", trading_date="2026-01-06")
    for order in (today, replace(resting, pending_op="cancel")):
        ledger.put(order)
    assert ledger.find(resting.broker_order_id or "", None) == today

    ledger.forget(today)

    assert ledger.find("B0001", "TODAY") is None


async def test_a_desk_that_is_opened_again_counts_no_order_twice(house: House) -> None:
    def counted() -> float:
        return float(metrics.ORDERS.labels("FILLED")._value.get())

    await house.hold(10)
    before = counted()
    house.change("accounts", ACCOUNT, settings=AccountSettings(orders_per_second=1).model_dump_json())
    await house.run(3)

    assert len(known(house)) == 1
    assert counted() == before


async def test_after_a_restart_only_the_day_and_what_is_open_are_loaded(house: House) -> None:
    await house.hold(10)
    await house.alert(buy("SBIN", 1, order_type=OrderType.LIMIT, price=Decimal(90)))
    await next_day(house)
    await house.hold(5)
    await house.crash()
    await house.start()

    _yesterday, resting, today = house.orders()
    assert set(known(house)) == {resting.id, today.id}


async def test_a_long_day_is_loaded_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.orders.inbox.PIECE", 3)
    for _ in range(10):
        await house.hold(1)
    await house.crash()
    await house.start()

    assert len(known(house)) == 10


async def test_weeks_of_trading_leave_nothing_behind_but_what_is_held(house: House) -> None:
    house.broker.fills_at = Decimal(100)
    for _ in range(3):
        await house.alert(buy("INFY", 1), buy("SBIN", 1))
        await house.run(60)
        await house.alert(leave("INFY"))
        await house.run(60)
        house.broker.orders.clear()
        await next_day(house)
    desk = house.desk
    ledger = desk.ledger
    left = (desk.inbox._taken, desk._lanes, desk._unresolved, desk.gate._due, ledger._baskets, ledger._open)
    assert [len(each) for each in left] == [0] * 6
    assert [len(each) for each in (ledger.orders, ledger.by_ref, ledger.by_broker_id)] == [0] * 3
    assert {lane[1] for lane in ledger.held} == {"SBIN"}


async def test_what_was_brought_once_is_not_brought_again_while_it_is_worked_on(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=5))
    await house.alert(buy("INFY", 1))
    await house.alert(wish(Intent.EXIT, "INFY"))
    await house.run(30)

    assert house.sent() == 1
    assert [row["code"] for row in house.intents()][1:] == [None]


async def test_what_a_days_orders_share_is_kept_once(house: House) -> None:
    await house.hold(1)
    await house.hold(1)
    first, second = house.orders()
    for name in ("trading_date", "user_id", "account_id", "strategy_id", "exchange", "symbol", "quantity", "filled"):
        assert getattr(first, name) is getattr(second, name)


async def test_an_order_of_the_day_takes_little_more_than_a_kilobyte_of_memory(house: House) -> None:
    """40,000 of them must fit into the 50 MB that a large journal may add."""
    await house.hold(1)
    (row,) = house.rows("SELECT * FROM orders")
    names = ("id", "ref", "intent_id", "alert_id", "broker_order_id")
    ledger = Ledger()
    tracemalloc.start()
    for number in range(2000):
        ledger.put(OrderRecord.of(row | {name: f"{name[:2]}_{number:026}" for name in names}))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used / 2000 < 1200


async def test_what_waited_for_a_desk_is_taken_in_the_order_it_came(open_house: OpenHouse) -> None:
    """An entry is planned at once, its exit waits for the position: read from two tables, they are still one queue."""
    house = await open_house(started=False)
    house.broker.fills_at = Decimal(100)
    await house.alert(buy("INFY", 10))
    await house.run(0.1)
    await house.alert(leave())
    await house.process.start()
    await house.run(10)

    assert [order.side for order in house.orders()] == ["buy", "sell"]
    assert house.position() == 0


async def test_an_exit_and_its_entry_that_come_during_a_look_are_seen_together(open_house: OpenHouse) -> None:
    house = await open_house()
    house.broker.fills_at = Decimal(100)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    reader = house.process.reader
    rows, waiting = reader.rows, True

    async def stored_meanwhile(statement: str, row: Any = None) -> Any:
        nonlocal waiting
        found = await rows(statement, row)
        if waiting and statement.startswith("SELECT id FROM orders"):
            waiting = False
            await house.process.pipeline.submit(house.arrival(buy("INFY", 10)))
            await house.process.pipeline.submit(house.arrival(leave()))
        return found

    await house.run(0.5)
    await house.alert(leave("SBIN"))
    reader.rows = stored_meanwhile  # type: ignore[method-assign]
    await house.run(10)

    assert house.position() == 0
    assert [order.side for order in house.orders()] == ["buy", "sell"]
