"""One order to one broker: what is sent, what is never sent, and what is known afterwards."""

from __future__ import annotations

from bridge.domain.lifecycle import OrderState
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ACCOUNT, House, buy, leave
from tests.support.oracle import Oracle


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
    from bridge.accounts.model import AccountSettings

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
    assert not Oracle(house).judge()
    assert ACCOUNT
