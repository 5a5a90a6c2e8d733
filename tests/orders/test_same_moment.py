"""What another process changes in the very moment before a commit here: the table is right, and memory follows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.domain.intent import Intent, OrderIntent, OrderType
from bridge.orders.recovery import Decision
from tests.support.brokers import Act, How
from tests.support.house import House, Process, buy, leave, wish

D = Decimal


def just_before(house: House, committing: str, change: str | Decision) -> None:
    """Another process commits this once, immediately before the work of that name is done here."""
    writer = house.process.writer
    waiting = [change if isinstance(change, Decision) else lambda tx: tx.execute(change)]

    def before(work: Any) -> None:
        if committing in getattr(work, "__qualname__", type(work).__qualname__) and waiting:
            writer.submit(waiting.pop()).result()

    writer.before = before


def limit(price: int = 90) -> OrderIntent:
    return buy("INFY", 10, order_type=OrderType.LIMIT, price=D(price))


def cancel(house: House) -> OrderIntent:
    return wish(Intent.CANCEL_ORDERS, None, order_id=house.order().id)


async def test_an_order_left_in_sending_that_has_ended_meanwhile_is_not_given_up(house: House) -> None:
    writer = house.process.writer
    writer.faulty, writer.forgets = lambda work, _: type(work).__name__ == "_Open", 1
    just_before(house, "_abandon", "UPDATE orders SET state = 'NOT_SENT' WHERE state = 'SENDING'")
    await house.alert(buy())
    await house.run(3)

    assert (house.states(), house.sent(), house.notices()) == (["NOT_SENT"], 0, [])


async def test_what_a_person_decided_is_not_parked(house: House) -> None:
    house.broker.script.append(Act(How.PLACED_UNKNOWN))
    house.broker.lag_s = 10_000
    await house.alert(buy())
    await house.run(1)
    house.broker.book_problem = OSError("no answer")
    just_before(house, "_Conclusion", Decision(house.order(), "B0001", "Ann", 1))
    await house.run(620)

    assert house.states() == ["WORKING"]
    assert house.notices() == ["order_unknown"]


async def test_an_order_that_ended_meanwhile_is_not_asked_to_be_cancelled(house: House) -> None:
    await house.alert(limit())
    await house.run(2)
    just_before(house, "Operations._open", "UPDATE orders SET state = 'FILLED', filled = quantity")
    await house.alert(cancel(house))
    await house.run(1)

    assert house.sent("cancel") == 0
    assert house.intents()[-1]["message"] == "The order changed in the same moment; look again."


async def test_an_order_that_ended_meanwhile_is_not_changed(house: House) -> None:
    await house.alert(limit())
    await house.run(2)
    just_before(house, "Operations._open", "UPDATE orders SET state = 'FILLED', filled = quantity")
    await house.alert(wish(Intent.MODIFY_ORDER, "INFY", order_id=house.order().id, price=D(95)))
    await house.run(1)

    assert house.sent("modify") == 0
    assert house.intents()[-1]["message"] == "BUY 10 INFY changed in the same moment."


async def test_nothing_is_cancelled_by_who_lost_the_lease(house: House) -> None:
    await house.alert(limit())
    await house.run(2)
    just_before(house, "Operations._open", "UPDATE leases SET fence = fence + 1, holder = '[\"elsewhere\", 7, 1.0]'")
    await house.alert(cancel(house))
    await house.run(3)

    assert (house.states(), house.sent("cancel")) == (["WORKING"], 0)
    assert house.intents()[-1]["state"] == "RECEIVED"  # for the process that has the lease


async def test_a_cancel_that_the_book_shows_meanwhile_is_not_called_undone(house: House) -> None:
    await house.alert(limit())
    await house.run(2)
    house.broker.cancels.append(Act(How.IGNORED))
    await house.alert(cancel(house))
    just_before(house, "Operations._release", "UPDATE orders SET state = 'CANCELLED', pending_op = NULL")
    await house.run(20)

    assert house.states() == ["CANCELLED"]
    undone = "SELECT * FROM events WHERE payload LIKE '%does not show the cancel%'"
    assert house.rows(undone) == []


async def test_an_intent_that_another_process_ended_leads_to_no_order(house: House) -> None:
    await house.hold(10)
    just_before(house, "Resolver._plan", "UPDATE intents SET state = 'EXPIRED' WHERE state = 'RECEIVED'")
    await house.alert(leave())
    await house.run(3)

    assert (house.states(), house.sent()) == (["FILLED"], 1)
    assert house.intents()[-1]["state"] == "EXPIRED"


async def test_an_intent_over_everything_that_another_process_ended_closes_nothing(house: House) -> None:
    await house.hold(10)
    just_before(house, "Resolver._split", "UPDATE intents SET state = 'EXPIRED' WHERE state = 'RECEIVED'")
    await house.alert(leave(None, scope="all"))
    await house.run(3)

    assert (house.position(), house.sent()) == (10, 1)
    assert len(house.intents()) == 2


async def test_entries_of_another_process_that_are_still_queued_at_the_square_off_are_dropped(house: House) -> None:
    """That process does not know what is held, so its entry is an order at once and waits behind what the lane is doing."""
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=4))
    house.broker.fills_at = D(100)
    await house.alert(buy("INFY", 1))
    elsewhere = Process(house)
    await elsewhere.pipeline.submit(house.arrival(wish(Intent.ENTER_SHORT, "INFY", 7)))
    await house.run(2)
    assert house.states() == ["FILLED", "SENDING", "QUEUED"]

    await house.alert(wish(Intent.FLATTEN, "INFY", extras={"square_off": True}))
    await house.run(15)

    assert house.position() == 0
    dropped = next(order for order in house.orders() if order.quantity == 7)
    assert (str(dropped.state), dropped.code) == ("NOT_SENT", "after_square_off")
