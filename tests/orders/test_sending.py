"""One order to one broker: what is sent, what is never sent, and what is known afterwards."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.accounts.model import AccountSettings
from bridge.brokers.base import OutcomeUnknown
from bridge.domain.lifecycle import OrderState
from bridge.orders.sending import _Close, _Open
from tests.orders.conftest import OpenHouse
from tests.support.brokers import EVERYTHING, Act, How
from tests.support.house import ACCOUNT, STRATEGY, House, Process, buy, leave
from tests.support.oracle import Oracle


def used(house: House) -> dict[str, int]:
    """Orders of the day by strategy and account."""
    return {row["scope_id"]: row["sent"] for row in house.rows("SELECT * FROM usage")}


async def test_a_refused_connection_is_tried_once_more(house: House) -> None:
    house.broker.script.append(Act(How.UNAVAILABLE))
    await house.alert(buy())
    await house.run(3)

    assert (house.states(), house.order().sends) == (["WORKING"], 2)


async def test_two_refused_connections_end_the_order(house: House) -> None:
    house.broker.script.extend([Act(How.UNAVAILABLE)] * 2)
    await house.alert(buy())
    await house.run(3)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.notices() == ["order_not_sent"]
    assert used(house) == {STRATEGY: 0, ACCOUNT: 0}


@pytest.mark.parametrize(
    ("how", "state"),
    [(How.REJECT, "REJECTED"), (How.UNSUPPORTED, "NOT_SENT"), (How.BUG, "UNKNOWN"), (How.NO_ID, "UNKNOWN")],
)
async def test_each_answer_has_its_state(house: House, how: How, state: str) -> None:
    house.broker.lag_s = 30
    house.broker.script.append(Act(how, message="no"))
    await house.alert(buy())
    await house.run(1)

    assert house.states() == [state]


async def test_an_outcome_is_stored_however_long_the_database_is_away(house: House) -> None:
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: type(work).__name__ == "_Close", 20
    await house.alert(buy())
    await house.run(10)
    assert house.states() == ["SENDING"]

    await house.run(12)

    assert (house.states(), house.sent()) == (["WORKING"], 1)


async def test_a_commit_whose_answer_got_lost_is_an_unknown_outcome(house: House) -> None:
    """PostgreSQL can lose the connection during COMMIT: the row says SENDING, and nobody sends it."""
    writer = house.process.writer
    writer.faulty, writer.forgets = lambda work, _: isinstance(work, _Open), 1
    await house.alert(buy())
    await house.run(3)
    assert (house.states(), house.sent()) == (["UNKNOWN"], 0)

    await house.run(90)

    assert house.states() == ["NOT_PLACED"]
    assert "order_not_placed" in house.notices()


async def test_a_failed_commit_is_tried_again_at_the_next_look(house: House) -> None:
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, _Open), 2
    await house.alert(buy())
    await house.run(5)

    assert (house.states(), house.sent()) == (["WORKING"], 1)


async def test_an_item_that_breaks_the_desk_is_ended_and_told(house: House) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    house.desk.gate.obstacle = broken  # type: ignore[method-assign,assignment]
    await house.alert(buy("INFY"))
    await house.run(1)

    assert (house.states(), house.order().code) == (["NOT_SENT"], "internal_error")


async def test_an_intent_that_breaks_the_desk_is_refused_and_told(house: House) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    house.desk.resolver._plan = broken  # type: ignore[method-assign,assignment]
    await house.alert(leave("INFY"))
    await house.alert(buy("SBIN"))
    await house.run(1)

    assert house.intents()[0]["code"] == "internal_error"
    assert "intent_refused" in house.notices()
    assert house.states() == ["WORKING"]


async def test_a_lost_login_holds_the_next_order_instead_of_having_it_rejected_too(house: House) -> None:
    house.broker.login_over = True
    await house.alert(buy("INFY"))
    await house.run(1)
    await house.alert(buy("SBIN"))
    await house.run(5)

    assert house.states() == ["REJECTED", "QUEUED"]


async def test_an_unknown_order_is_asked_about_within_a_second(house: House) -> None:
    await house.run(7)
    house.broker.script.append(Act(How.PLACED_UNKNOWN))

    await house.alert(buy())
    await house.run(2)

    assert house.states() == ["WORKING"]


async def test_an_exit_whose_commit_failed_is_sent_when_the_database_is_back(house: House) -> None:
    await house.hold(10)
    house.process.writer.faulty = lambda work, _: type(work).__name__ == "_Open"
    house.process.writer.fails = 1

    await house.alert(leave())
    await house.run(5)

    assert house.states() == ["FILLED", "WORKING"]


async def test_a_stale_lease_does_not_make_a_storm_of_attempts(house: House) -> None:
    lease = house.desk.lease
    lease.renewed -= 100
    renew = house.process.leases.renew

    async def without_luck(_lease: object) -> bool:
        return True

    house.process.leases.renew = without_luck  # type: ignore[method-assign,assignment]
    await house.alert(buy())
    await house.run(5)
    house.process.leases.renew = renew  # type: ignore[method-assign]

    (row,) = house.rows("SELECT COUNT(*) AS n FROM attempts")
    assert row["n"] <= 2


async def test_waiting_orders_leave_room_for_others(open_house: OpenHouse) -> None:

    house = await open_house(account=AccountSettings(in_flight_max=1))
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY"))
    await house.run(1)
    await house.alert(buy("INFY", 5))
    await house.alert(buy("SBIN"))
    await house.run(3)

    assert house.states() == ["UNKNOWN", "QUEUED", "WORKING"]


async def test_a_broker_that_gives_the_same_number_twice_leaves_no_order_hanging(house: House) -> None:
    await house.alert(buy("INFY"))
    await house.run(3)
    number = house.order().broker_order_id
    house.broker.take = lambda request: number  # type: ignore[method-assign,assignment,return-value]

    await house.alert(buy("SBIN"))
    await house.run(60)

    assert house.orders()[1].state is not OrderState.SENDING
    oracle = Oracle(house)
    assert oracle.judge() == []
    oracle.close()


# -- the allowance of the day ----------------------------------------------------------------------------------------------


async def test_what_was_not_sent_gives_its_allowance_back_once(house: House) -> None:
    """The record of an order that was not sent is committed although the connection to the database broke during it."""
    await house.alert(buy("SBIN", 1))
    await house.run(2)
    house.process.writer.faulty, house.process.writer.forgets = lambda work, _: isinstance(work, _Close), 1
    house.broker.script.append(Act(How.UNSUPPORTED))
    await house.alert(buy("INFY", 1))
    await house.run(5)

    assert house.states() == ["WORKING", "NOT_SENT"]
    assert used(house) == {STRATEGY: 1, ACCOUNT: 1}


async def test_a_strategys_orders_of_the_day_are_counted_across_processes(open_house: OpenHouse) -> None:
    """Each process counts what it takes; what is sent is counted once, in the commit that sends."""
    house = await open_house(orders_per_day=2)
    await house.alert(buy("INFY", 1))
    await house.alert(buy("SBIN", 1))
    await house.run(2)
    elsewhere = Process(house)  # has not heard of them
    await elsewhere.pipeline.submit(house.arrival(buy("INFY", 1)))
    await house.run(3)

    assert (house.sent(), house.orders()[-1].code) == (2, "strategy_orders_per_day")
    assert house.orders()[-1].message == "The strategy has had its 2 orders of the day."
    assert used(house) == {STRATEGY: 2, ACCOUNT: 2}
    await elsewhere.end()


async def test_a_way_out_goes_however_many_orders_the_day_has_had(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_day=1, account=AccountSettings(orders_per_day=1))
    await house.hold(10)
    house.broker.fills_at = Decimal(100)
    await house.alert(leave())
    await house.run(5)

    assert house.position() == 0
    assert used(house) == {STRATEGY: 2, ACCOUNT: 2}


# -- an answer that comes when the order was given up ----------------------------------------------------------------------


def given_up(house: House) -> None:
    """Another process takes the account over in the moment in which the answer is to be stored."""

    def before(work: object) -> None:
        if isinstance(work, _Close):
            moves = "UPDATE orders SET state = 'UNKNOWN' WHERE state = 'SENDING'"
            closes = "UPDATE attempts SET closed_at = 1, outcome = 'UNKNOWN'"
            house.process.writer.submit(lambda tx: (tx.execute(moves), tx.execute(closes))).result()
            house.process.writer.before = lambda _work: None

    house.process.writer.before = before


async def test_an_answer_that_comes_after_a_takeover_says_which_of_the_brokers_orders_it_is(
    open_house: OpenHouse,
) -> None:
    """Nothing else could: this broker does not show our reference, and its book is out of order."""
    house = await open_house(capabilities=replace(EVERYTHING, ref_echo=False))
    house.broker.book_problem = OutcomeUnknown("502 Bad Gateway")
    given_up(house)
    await house.alert(buy())
    await house.run(3)

    assert (house.states(), house.order().broker_order_id) == (["WORKING"], "B0001")
    (found,) = house.rows("SELECT provenance FROM events WHERE type = 'order.working'")
    assert found["provenance"] == "broker_reply"


@pytest.mark.parametrize("how", [How.REJECT, How.UNAVAILABLE])
async def test_an_answer_without_a_number_does_not_undo_a_takeover(house: House, how: How) -> None:
    house.broker.script.append(Act(how))
    given_up(house)
    await house.alert(buy())
    await house.run(3)

    assert house.states() == ["UNKNOWN"]
    assert house.rows("SELECT outcome FROM attempts") == [{"outcome": "UNKNOWN"}]
    assert used(house) == {STRATEGY: 1, ACCOUNT: 1}
