"""What ends a queued order before its first byte."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.domain.refusal import Refusal
from bridge.orders.outcome import Outcome
from bridge.orders.sending import Withdraw
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, STRATEGY, House, buy
from tests.support.oracle import Oracle


async def unsure(house: House) -> None:
    """For the next half second the desk does not know whether it still holds its lease, so orders stay queued."""
    await house.run(0.5)
    house.desk.lease.renewed -= 100


@pytest.mark.parametrize(
    ("scope", "scope_id"), [("global", ""), ("user", "us_ann"), ("account", ACCOUNT), ("strategy", STRATEGY)]
)
async def test_a_kill_switch_stops_what_is_queued(house: House, scope: str, scope_id: str) -> None:
    await unsure(house)
    await house.alert(buy())
    house.stop_trading(scope, scope_id)
    await house.run(3)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.order().code == "stopped"


async def test_a_switch_thrown_by_another_process_is_seen_in_the_last_commit(house: House) -> None:
    memory = house.process.directory.snapshot
    house.stop_trading()
    house.process.directory.snapshot = memory
    await house.alert(buy())
    await house.run(1)

    assert (house.states(), house.order().code, house.sent()) == (["NOT_SENT"], "stopped", 0)


async def test_a_switch_thrown_after_the_commit_is_seen_before_the_first_byte(house: House) -> None:
    house.process.life.seen = lambda point: house.stop_trading() if point == "sending.committed" else None
    await house.alert(buy())
    await house.run(1)

    (attempt,) = house.rows("SELECT * FROM attempts")
    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert attempt["outcome"] == Outcome.NOT_SENT


async def test_a_process_that_slept_after_its_commit_does_not_write(house: House) -> None:
    def sleep(point: str) -> None:
        if point == "sending.committed" and house.process.life.passed[point] == 1:
            house.clock.advance(3)

    house.process.life.seen = sleep
    await house.alert(buy())
    await house.run(0.5)
    assert (house.states(), house.sent()) == (["QUEUED"], 0)

    await house.run(5)

    assert (house.states(), house.sent(), house.order().sends) == (["WORKING"], 1, 2)


async def test_a_process_that_sleeps_every_time_gives_up(house: House) -> None:
    house.process.life.seen = lambda point: house.clock.advance(3) if point == "sending.committed" else None
    await house.alert(buy())
    await house.run(20)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.order().code == "stalled"
    assert house.rows("SELECT DISTINCT sent FROM usage") == [{"sent": 0}]


async def test_an_order_whose_time_ran_out_during_the_commit_is_not_sent(open_house: OpenHouse) -> None:
    house = await open_house(entry_max_age_s=1)
    oracle = Oracle(house)
    house.process.life.seen = lambda point: house.clock.advance(1.5) if point == "sending.committed" else None
    await house.alert(buy())
    await house.run(3)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert oracle.judge() == []
    oracle.close()


async def test_a_market_that_closed_meanwhile_takes_nothing(house: House) -> None:
    house.clock.set(house.clock.now().replace(hour=9, minute=59, second=58))  # 15:29:58
    await unsure(house)
    await house.alert(buy())
    house.process.leases.renew = _never  # type: ignore[method-assign,assignment]
    await house.run(5)

    assert house.sent() == 0


async def _never(_: object) -> bool:
    return True


async def test_an_instrument_that_left_the_list_is_not_traded(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    house.market.instrument = lambda *_: None  # type: ignore[method-assign]
    await house.run(3)

    assert (house.states(), house.order().code) == (["NOT_SENT"], "symbol_unknown")


async def test_what_is_queued_for_an_account_that_is_switched_off_ends(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    house.change("accounts", ACCOUNT, disabled=1)
    await house.run(3)

    assert (house.states(), house.order().code) == (["NOT_SENT"], "account_disabled")


async def test_a_wall_clock_put_back_makes_no_old_order_young(house: House) -> None:
    house.broker.login_over = True
    await house.run(40)
    await house.alert(buy())
    house.clock.set(house.clock.now() - timedelta(hours=1))
    await house.run(70)

    assert house.states() == ["NOT_SENT"]


async def test_a_wall_clock_put_forward_ends_what_it_makes_old(house: House) -> None:
    house.broker.login_over = True
    await house.run(40)
    await house.alert(buy())
    house.clock.set(house.clock.now() + timedelta(hours=1))
    await house.run(1)

    assert house.states() == ["NOT_SENT"]


async def test_what_another_process_ended_is_forgotten_here_too(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    ended = Withdraw(house.order(), Refusal("deadline_passed", "Nobody served it."), 1)
    house.process.writer.submit(ended).result()
    await house.run(3)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.desk.ledger.unsettled() == []
