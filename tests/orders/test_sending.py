"""One order to one broker: what is sent, what is never sent, and what is known afterwards."""

from __future__ import annotations

import pytest

from bridge.accounts.model import AccountSettings
from bridge.domain.lifecycle import OrderState
from bridge.orders.sending import _Open
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import House, buy, leave
from tests.support.oracle import Oracle


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
    assert house.rows("SELECT sent FROM usage") == [{"sent": 0}]


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
