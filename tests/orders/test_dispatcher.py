"""A desk for every account whose lease this process holds."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import cast

import sqlalchemy as sa

from bridge.accounts.model import Account, AccountSettings, Feed
from bridge.brokers.base import Broker, BrokerState, Capabilities, LoginRequired
from bridge.domain.intent import OrderType, Side
from bridge.kit.clock import micros
from bridge.kit.database import StorageUnavailable
from bridge.kit.vault import KeyFileProblem
from bridge.orders.desk import AccountDesk
from bridge.orders.lease import RELEASED, Holder
from bridge.orders.situation import Standing
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How, Line
from tests.support.house import ACCOUNT, House, buy
from tests.support.life import Killed

ELSEWHERE = Holder("another machine", 7, 1.0)


def steal(house: House) -> None:
    """Another machine has the lease now."""
    row = {"holder": ELSEWHERE.text()}
    house.process.writer.submit(lambda tx: tx.execute("UPDATE leases SET fence = fence + 1, holder = :holder", row))


async def test_one_accounts_trouble_does_not_end_the_service_of_the_others(open_house: OpenHouse) -> None:
    house = await open_house(started=False, accounts=(Feed(account_id="ac_broken"), Feed(account_id=ACCOUNT)))
    house.add_account("ac_broken")
    for problem in (KeyFileProblem("other keys"), LoginRequired("no token"), ValueError("adapter")):
        house.connect_problems["ac_broken"] = problem
        await house.process.dispatcher.keep()
        assert list(house.process.dispatcher.desks) == [ACCOUNT]

    house.connect_problems.clear()
    await house.process.dispatcher.keep()
    assert set(house.process.dispatcher.desks) == {ACCOUNT, "ac_broken"}


async def test_a_broker_that_does_not_answer_holds_up_no_other_account(house: House) -> None:
    house.connect_takes_s["ac_slow"] = 60
    house.add_account("ac_slow")
    await house.run(30)
    await house.alert(buy())
    await house.run(3)

    assert set(house.process.dispatcher.desks) == {ACCOUNT}
    assert house.states() == ["WORKING"]
    await house.run(30)
    desks = house.process.dispatcher.desks
    assert set(desks) == {ACCOUNT, "ac_slow"}
    assert all(desk.lease.fence == 1 and desk.lease.valid(house.clock) for desk in desks.values())


async def test_a_lease_is_renewed_while_its_broker_is_logged_in_to(house: House) -> None:
    house.connect_takes_s["ac_slow"] = 60
    house.add_account("ac_slow")
    await house.run(30)
    house.process.writer.fails = 2
    await house.run(10)

    (row,) = house.rows("SELECT renewed_at FROM leases WHERE account_id = 'ac_slow'")
    assert micros(house.clock.now()) - row["renewed_at"] < 2_000_000


async def test_a_database_that_is_away_for_a_moment_ends_nothing(house: House) -> None:
    house.process.reader.broken = sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection"))
    await house.run(3)
    house.process.reader.broken = None
    house.process.writer.fails = 6
    await house.run(5)
    await house.alert(buy())
    await house.run(3)

    assert house.states() == ["WORKING"]


async def test_a_lost_lease_closes_the_desk_and_sends_nothing_more(house: House) -> None:
    await house.run(2)
    steal(house)
    await house.alert(buy())
    await house.run(3)

    assert house.process.dispatcher.desks == {}
    assert house.sent() == 0


async def test_a_request_that_is_out_when_the_lease_is_lost_is_not_sent_again(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=9))
    await house.alert(buy())
    await house.run(1)
    steal(house)
    await house.run(70)

    assert (house.states(), house.sent()) == (["WORKING"], 1)  # taken back after a minute of silence, and found


async def test_a_new_account_is_served_and_one_that_is_gone_is_let_go(house: House) -> None:
    house.add_account("ac_two")
    await house.run(2)
    assert set(house.process.dispatcher.desks) == {ACCOUNT, "ac_two"}

    house._write(lambda tx: tx.execute("DELETE FROM accounts WHERE id = 'ac_two'"))
    await house.run(2)
    assert set(house.process.dispatcher.desks) == {ACCOUNT}


async def stop(house: House) -> None:
    """As the program ends: the loop that keeps the leases first."""
    for task in house.process.tasks:
        task.cancel()
    await house.process.dispatcher.stop()


async def test_stopping_gives_the_leases_back(house: House) -> None:
    await stop(house)

    assert house.process.dispatcher.desks == {}
    assert house.rows("SELECT renewed_at FROM leases")[0]["renewed_at"] <= 0


async def test_leases_that_cannot_be_given_back_do_not_keep_the_process(house: House) -> None:
    house.process.writer.fails = 9
    await stop(house)

    assert house.process.dispatcher.desks == {}


async def test_work_that_cannot_be_ended_now_is_ended_later(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    house.connect_problems[ACCOUNT] = LoginRequired("no token")
    await house.process.start()
    await house.alert(buy())
    house.process.writer.faulty = lambda work, _: type(work).__name__ == "Overdue"
    house.process.writer.fails = 75
    await house.run(80)

    assert house.states() == ["NOT_SENT"]


async def test_nothing_is_known_about_an_account_that_nobody_serves_here(open_house: OpenHouse) -> None:
    house = await open_house(started=False)

    assert house.process.dispatcher.standing(ACCOUNT, ("NSE", "INFY", "MIS", "st_breakout")) is None


async def test_a_desk_that_cannot_start_hangs_up_on_its_broker(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    lines: list[Line] = []
    connect = house.process.dispatcher._connect

    async def remembered(account: Account) -> tuple[Broker, Capabilities]:
        line, capabilities = await connect(account)
        lines.append(cast(Line, line))
        return line, capabilities

    house.process.dispatcher._connect = remembered
    start, problem = AccountDesk.start, [StorageUnavailable("locked")]

    async def fails_once(desk: AccountDesk) -> None:
        await start(desk)
        if problem:
            raise problem.pop()

    house._patch.setattr(AccountDesk, "start", fails_once)
    await house.process.start()
    await house.run(3)

    assert [line.closed for line in lines] == [True, False]
    assert house.desk.lease.valid(house.clock)


async def test_one_broker_that_cannot_hang_up_does_not_keep_the_other_leases(house: House) -> None:
    house.add_account("ac_two")
    await house.run(2)

    async def broken() -> None:
        raise OSError("the connector is closed already")

    house._patch.setattr(house.desk.broker, "close", broken)
    await stop(house)

    assert [row["renewed_at"] for row in house.rows("SELECT renewed_at FROM leases")] == [RELEASED, RELEASED]


async def test_stopping_while_a_broker_is_being_connected_gives_its_lease_back(house: House) -> None:
    house.connect_takes_s["ac_slow"] = 60
    house.add_account("ac_slow")
    await house.run(5)
    await stop(house)

    assert [row["renewed_at"] for row in house.rows("SELECT renewed_at FROM leases")] == [RELEASED, RELEASED]


async def test_a_lease_that_is_lost_while_its_broker_is_connected_opens_no_desk(house: House) -> None:
    house.connect_takes_s["ac_slow"] = 10
    house.add_account("ac_slow")
    await house.run(5)
    steal(house)
    await house.run(10)

    assert house.process.dispatcher.desks == {}


async def test_what_the_last_sender_left_is_told_before_a_broker_is_connected(house: House) -> None:
    house.process.life.dies_at("sending.answered")
    with suppress(Killed):
        await house.alert(buy())
        await house.run(1)
    await house.crash()
    house.connect_takes_s[ACCOUNT] = 120
    await house.start(waits=False)
    await house.run(2)

    assert (house.states(), house.process.dispatcher.desks) == (["UNKNOWN"], {})


async def test_orders_that_were_announced_to_a_desk_before_this_one_do_not_unsettle_it(house: House) -> None:
    await house.alert(buy(order_type=OrderType.LIMIT, price=Decimal(90)))
    order = house.order()
    house.process.dispatcher.announce([order], 1)
    house.change("accounts", ACCOUNT, settings=AccountSettings(orders_per_second=3).model_dump_json())
    await house.run(2)
    assert Side.BUY in standing(house).moving
    house.process.dispatcher.announce([order], -1)
    house.broker.end("B0001", BrokerState.CANCELLED)
    await house.run(6)

    assert standing(house) == Standing(Decimal(0), certain=True)


def standing(house: House) -> Standing:
    found = house.process.dispatcher.standing(ACCOUNT, ("NSE", "INFY", "MIS", "st_breakout"))
    assert found is not None
    return found
