"""What brokers report later, in whatever order and however often, and what it makes of holdings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.brokers.base import BrokerOrder, BrokerState
from bridge.domain.intent import OrderType, Side
from bridge.domain.lifecycle import Provenance
from bridge.orders import updates
from bridge.orders.holdings import Held, Ledger, after_fill, repriced
from bridge.orders.records import OrderRecord
from tests.support.brokers import Act, How
from tests.support.house import INFY, House, buy, leave
from tests.support.oracle import Oracle

D = Decimal


async def working(house: House) -> BrokerOrder:
    await house.alert(buy("INFY", 10))
    await house.run(1)
    return house.broker.orders["B0001"].row


async def report(house: House, row: BrokerOrder, **changes: object) -> list[BrokerOrder]:
    return await house.desk.updates.apply([replace(row, **changes)], Provenance.STREAM)  # type: ignore[arg-type]


def partly(filled: int, price: int) -> dict[str, object]:
    return {"state": BrokerState.PARTIALLY_FILLED, "filled": D(filled), "average_price": D(price)}


async def test_the_same_report_counts_once(house: House) -> None:
    row = await working(house)
    for _ in range(3):
        await report(house, row, **partly(4, 100))

    assert house.position() == 4
    assert len(house.rows("SELECT * FROM fills")) == 1


async def test_cumulative_fills_are_booked_at_their_own_price(house: House) -> None:
    row = await working(house)
    await report(house, row, **partly(4, 100))
    await report(house, row, state=BrokerState.FILLED, filled=D(10), average_price=D(106))

    fills = [(D(row["quantity"]), D(row["price"])) for row in house.rows("SELECT * FROM fills ORDER BY id")]
    assert fills == [(4, 100), (6, 110)]
    (held,) = house.rows("SELECT * FROM positions")
    assert D(held["average_price"]) == 106


HISTORY: list[dict[str, Any]] = [
    partly(3, 100),
    partly(7, 100),
    {"state": BrokerState.OPEN},
    {"state": BrokerState.CANCELLED, "filled": D(7)},
]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
async def test_reports_in_any_order_come_to_the_same_end(house: House, order: tuple[int, ...]) -> None:
    oracle = Oracle(house)
    row = await working(house)
    for place in order:
        await report(house, row, **HISTORY[place])
    house.broker.change("B0001", filled=D(7), state=BrokerState.CANCELLED)

    assert (house.states(), house.order().filled, house.position()) == (["CANCELLED"], 7, 7)
    assert oracle.judge() == []
    oracle.close()


async def test_orders_that_are_not_ours_come_back(house: House) -> None:
    row = await working(house)
    theirs = replace(row, broker_order_id="X1", ref=None)

    assert await house.desk.updates.apply([row, theirs], Provenance.BOOK) == [theirs]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (BrokerState.CANCELLED, "order_cancelled"),
        (BrokerState.REJECTED, "order_rejected"),
        (BrokerState.EXPIRED, "order_expired"),
        (BrokerState.FILLED, "order_filled"),
    ],
)
async def test_every_end_is_told(house: House, state: BrokerState, kind: str) -> None:
    row = await working(house)
    await report(house, row, state=state, message="by the exchange")

    assert house.notices() == [kind]
    assert house.order().message == "by the exchange"


async def test_a_report_about_an_order_that_is_being_sent_waits_for_its_reply(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=5))
    await house.alert(buy())
    await house.run(1)
    await report(house, house.broker.orders["B0001"].row, **partly(4, 100))
    assert (house.states(), house.position()) == (["SENDING"], 0)

    await house.run(5)
    assert house.states() == ["WORKING"]


async def test_our_order_that_shows_up_before_we_sent_it_is_an_alarm(house: House) -> None:
    await house.run(0.5)
    house.desk.lease.renewed -= 100
    await house.alert(buy())
    order = house.order()
    row = BrokerOrder(
        broker_order_id="B9",
        ref=order.ref,
        symbol="INFY",
        exchange="NSE",
        side=order.side,
        quantity=order.quantity,
        filled=D(0),
        state=BrokerState.OPEN,
        order_type=order.order_type,
        product=order.product,
    )
    await house.desk.updates.apply([row], Provenance.BOOK)
    await house.run(3)

    assert (house.states(), house.sent()) == (["WORKING"], 0)
    assert house.notices() == ["late_evidence"]


async def test_a_broker_that_numbers_from_one_every_day_does_not_confuse_the_days(house: House) -> None:
    await working(house)
    house.broker.fill("B0001")
    await house.run(6)
    house.clock.advance(86_400)  # Tuesday morning
    await house.run(2)
    yesterday = house.broker.orders.pop("B0001")
    assert yesterday.row.state is BrokerState.FILLED
    house.broker._ids = iter([1])  # type: ignore[assignment]
    house.broker.script.append(Act(How.PLACED_UNKNOWN))
    await house.alert(buy("INFY", 3))
    await house.run(5)

    assert house.states() == ["FILLED", "WORKING"]
    assert [order.broker_order_id for order in house.orders()] == ["B0001", "B0001"]


# -- rows that do not say everything ---------------------------------------------------------------------------------------


FILLED_UNPRICED: dict[str, Any] = {"state": BrokerState.FILLED, "filled": D(10), "average_price": None}


async def test_a_price_that_the_book_gives_later_than_the_fill_is_booked(house: House) -> None:
    row = await working(house)
    await report(house, row, **FILLED_UNPRICED)
    assert house.position() == 10  # at once, whatever it cost
    for _ in range(2):
        await report(house, row, state=BrokerState.FILLED, filled=D(10), average_price=D(100))

    (held,) = house.rows("SELECT * FROM positions")
    assert D(held["average_price"]) == 100
    assert house.desk.ledger.holding(house.order().lane) == Held(D(10), D(100), D(0))
    assert house.order().average_price == 100
    assert len(house.rows("SELECT * FROM fills")) == 2
    assert [row["message"] for row in house.rows("SELECT message FROM outbox")] == ["Filled: BUY 10 INFY."]


async def test_a_way_out_without_a_price_has_earned_nothing_until_its_price_is_known(house: House) -> None:
    await house.hold(10)
    await house.alert(leave())
    await house.run(1)
    row = house.broker.orders["B0002"].row
    await report(house, row, **FILLED_UNPRICED)
    assert house.desk.ledger.holding(house.orders()[1].lane).realised == 0

    await report(house, row, state=BrokerState.FILLED, filled=D(10), average_price=D(107))

    assert house.desk.ledger.holding(house.orders()[1].lane) == Held(D(0), D(0), D(70))
    fills = house.rows("SELECT * FROM fills ORDER BY id")
    assert sum(D(fill["realised"]) for fill in fills) == 70  # what the day's loss is counted from


async def test_an_old_report_does_not_bring_an_old_price_back(house: House) -> None:
    row = await working(house)
    await report(house, row, **partly(6, 106))
    await report(house, row, **partly(4, 100))

    assert house.order().average_price == 106


async def test_fills_after_one_without_a_price_are_booked_so_that_the_money_adds_up(house: House) -> None:
    await house.alert(buy("INFY", 10, order_type=OrderType.LIMIT, price=D(90)))
    await house.run(1)
    row = house.broker.orders["B0001"].row
    await report(house, row, state=BrokerState.PARTIALLY_FILLED, filled=D(4), average_price=None)
    assert house.order().average_price == 90
    await report(house, row, state=BrokerState.FILLED, filled=D(10), average_price=D(88))

    assert house.desk.ledger.holding(house.order().lane).average_price == 88


@pytest.mark.parametrize(("state", "ours"), [(BrokerState.REJECTED, "REJECTED"), (BrokerState.CANCELLED, "CANCELLED")])
async def test_an_end_whose_row_names_no_quantity_is_no_fill(house: House, state: BrokerState, ours: str) -> None:
    row = await working(house)
    await report(house, row, state=state, quantity=D(0))

    assert (house.states(), house.position(), house.order().quantity) == ([ours], 0, 10)


# -- holdings -----------------------------------------------------------------------------------------------------------------

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("held", "side", "quantity", "price", "after"),
    [
        (Held(), BUY, 10, 100, Held(D(10), D(100), D(0))),
        (Held(D(10), D(100)), BUY, 10, 110, Held(D(20), D(105), D(0))),
        (Held(D(10), D(100)), SELL, 4, 110, Held(D(6), D(100), D(40))),
        (Held(D(10), D(100)), SELL, 10, 90, Held(D(0), D(0), D(-100))),
        (Held(D(10), D(100)), SELL, 15, 110, Held(D(-5), D(110), D(100))),
        (Held(D(-10), D(100)), BUY, 4, 90, Held(D(-6), D(100), D(40))),
        (Held(D(-10), D(100), D(7)), BUY, 25, 110, Held(D(15), D(110), D(-93))),
        (Held(D(-10), D(100)), SELL, 10, 110, Held(D(-20), D(105), D(0))),
    ],
)
def test_a_fill_changes_the_holding(held: Held, side: Side, quantity: int, price: int, after: Held) -> None:
    assert after_fill(held, side, D(quantity), D(price)) == after


@pytest.mark.parametrize(
    ("held", "side", "quantity", "by", "after"),
    [
        (Held(D(10), D(0)), BUY, 10, 100, Held(D(10), D(100), D(0))),
        (Held(D(20), D(50)), BUY, 10, 100, Held(D(20), D(100), D(0))),  # half of what is held
        (Held(D(4), D(0), D(600)), BUY, 10, 100, Held(D(4), D(100), D(0))),  # six were sold again
        (Held(), SELL, 10, 7, Held(D(0), D(0), D(70))),
        (Held(D(-5), D(0), D(-1000)), SELL, 15, 100, Held(D(-5), D(100), D(0))),  # ten closed, five opened
        (Held(D(6), D(100)), SELL, 4, -5, Held(D(6), D(100), D(-20))),
    ],
)
def test_a_price_that_comes_late_corrects_the_holding(
    held: Held, side: Side, quantity: int, by: int, after: Held
) -> None:
    assert repriced(held, side, D(quantity), D(by)) == after


FILLS = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(50, 150)), max_size=12)


@given(FILLS)
def test_money_is_neither_made_nor_lost_by_booking(fills: list[tuple[Side, int, int]]) -> None:
    """What was realised and what is still held account for every rupee paid and received."""
    held, cash = Held(), D(0)
    for side, quantity, price in fills:
        held = after_fill(held, side, D(quantity), D(price))
        cash -= side.sign * quantity * price
    assert abs(held.realised - (cash + held.quantity * held.average_price)) < D("0.000001")


def test_a_ledger_finds_orders_by_every_name() -> None:
    ledger = Ledger()

    assert ledger.find("B1", None) is None
    assert ledger.find("B1", "NOBODY") is None
    assert ledger.holding(("NSE", "INFY", "MIS", "st")) == Held()
    assert ledger.of_basket("al_nobody") == []
    assert ledger.open_in((INFY.exchange, INFY.symbol, "MIS", "st")) == []


async def test_a_ledger_prefers_our_reference_to_the_brokers_number(house: House) -> None:
    await working(house)
    order = house.order()
    ledger = house.desk.ledger

    assert ledger.find("B0001", None) == ledger.orders[order.id]
    assert ledger.find("B7777", order.ref) == ledger.orders[order.id]
    assert ledger.find("B7777", None) is None


async def test_our_order_is_found_at_the_end_of_a_long_book(house: House) -> None:
    row = await working(house)
    others = [replace(row, broker_order_id=f"X{number}", ref=None) for number in range(450)]
    filled = replace(row, state=BrokerState.FILLED, filled=D(10), average_price=D(100))

    external = await house.desk.updates.apply([*others, filled], Provenance.BOOK)

    assert external == others
    assert (house.states(), house.position()) == (["FILLED"], 10)


async def test_a_book_that_says_nothing_new_is_not_looked_into_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_into: list[str] = []
    says_more = updates._says_more

    def counted(order: OrderRecord, row: BrokerOrder) -> bool:
        looked_into.append(row.broker_order_id)
        return says_more(order, row)

    await house.alert(buy("INFY", 10, order_type=OrderType.LIMIT, price=D(90)))
    await house.alert(buy("SBIN", 10, order_type=OrderType.LIMIT, price=D(90)))
    await house.run(5)
    monkeypatch.setattr(updates, "_says_more", counted)
    await house.run(60)
    assert looked_into == []

    house.broker.fill("B0001", 4, 90)
    await house.run(10)

    assert set(looked_into) == {"B0001"}
    assert house.position() == 4
