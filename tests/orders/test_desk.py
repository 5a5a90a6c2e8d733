"""One account's dispatcher: whose turn it is, what an order waits for, and what ends it unsent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.accounts.model import AccountSettings, StrategySettings
from bridge.domain.intent import Intent, OrderType
from bridge.orders.outcome import Outcome
from bridge.orders.sending import _Open
from tests.orders.conftest import OpenHouse
from tests.support.brokers import Act, How
from tests.support.house import ACCOUNT, STRATEGY, House, buy, leave, sell, wish
from tests.support.oracle import Oracle


async def unsure(house: House) -> None:
    """For the next half second the desk does not know whether it still holds its lease, so orders stay queued."""
    await house.run(0.5)
    house.desk.lease.renewed -= 100


async def test_an_order_is_sent_once_and_followed_to_its_end(house: House) -> None:
    await house.alert(buy("INFY", 10))
    await house.run(1)
    assert (house.states(), house.sent()) == (["WORKING"], 1)

    house.broker.fill("B0001", 4, 100)
    await house.run(6)
    assert (house.states(), house.position()) == (["PARTIALLY_FILLED"], 4)

    house.broker.fill("B0001", 6, 110)
    await house.run(6)

    assert (house.states(), house.position()) == (["FILLED"], 10)
    assert house.order().average_price == 106
    assert house.notices() == ["order_filled"]
    assert house.intents()[0]["result"] == "full"


async def test_orders_of_one_instrument_go_out_in_the_order_they_came(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(buy("INFY", 1))
    await house.alert(buy("INFY", 2))
    await house.alert(buy("SBIN", 3))
    await house.run(6)

    assert [request.quantity for request in house.broker.sent] == [1, 3, 2]


async def test_an_exit_goes_before_entries_that_would_use_up_what_it_closes(house: House) -> None:
    """“Open short” and “close long” arrive together while the lane is busy: the position is closed once, then opened."""
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    house.broker.fills_at = Decimal(100)
    await house.alert(buy("INFY", 1))
    await house.alert(wish(Intent.ENTER_SHORT, "INFY", 7))
    await house.alert(leave())
    await house.run(20)

    sides = [(order.side, order.quantity) for order in sorted(house.orders(), key=lambda o: o.sent_at or 0)]
    assert sides == [("buy", 10), ("buy", 1), ("sell", 11), ("sell", 7)]
    assert house.position() == -7


async def test_an_exit_waits_for_entries_to_its_own_side(house: House) -> None:
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    house.broker.fills_at = Decimal(100)
    await house.alert(buy("INFY", 1))
    await house.alert(buy("INFY", 2))
    await house.alert(leave())
    await house.run(20)

    assert [order.quantity for order in house.orders()] == [10, 1, 2, 13]
    assert house.position() == 0


async def test_an_exit_waits_until_the_entry_before_it_is_filled(house: House) -> None:
    await house.alert(buy("INFY", 10))
    await house.alert(leave())
    await house.run(10)
    assert house.sent() == 1

    house.broker.fill("B0001")
    await house.run(7)

    assert [order.side for order in house.orders()] == ["buy", "sell"]


# -- what an order waits for -----------------------------------------------------------------------------------------------


async def test_an_entry_waits_while_an_earlier_one_is_not_accounted_for(house: House) -> None:
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy())
    await house.alert(buy("INFY", 5))
    await house.alert(buy("SBIN", 5))
    await house.run(30)
    assert house.states() == ["UNKNOWN", "QUEUED", "WORKING"]

    await house.run(40)

    later = house.orders()[1]
    assert (str(later.state), later.code) == ("NOT_SENT", "deadline_passed")
    assert later.message is not None
    assert "not accounted for" in later.message


async def test_orders_held_for_a_lost_login_go_out_after_it_is_back(house: House) -> None:
    house.broker.login_over = True
    await house.alert(buy("INFY"))
    await house.run(1)
    await house.alert(buy("SBIN"))
    await house.run(20)
    house.broker.login_over = False
    await house.run(20)

    assert house.states() == ["REJECTED", "WORKING"]
    assert house.orders()[0].code == "login_required"


async def test_an_order_too_old_when_the_login_is_back_is_not_sent(house: House) -> None:
    house.broker.login_over = True
    await house.run(40)
    await house.alert(buy())
    await house.run(70)
    house.broker.login_over = False
    await house.run(60)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.notices() == ["order_not_sent"]
    assert house.intents()[0]["result"] == "none"


async def test_a_process_that_is_not_sure_of_its_lease_waits(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    assert house.sent() == 0

    await house.run(2)  # until it is renewed

    assert house.states() == ["WORKING"]


async def test_orders_keep_the_accounts_pace(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(orders_per_second=2))
    oracle = Oracle(house)
    for number in range(1, 7):
        await house.alert(buy("INFY", number))
    await house.run(10)

    assert house.states() == ["WORKING"] * 6
    assert oracle.judge() == []
    oracle.close()


async def test_who_finds_no_place_before_his_deadline_is_not_sent(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(orders_per_second=1), entry_max_age_s=2)
    for number in range(1, 6):
        await house.alert(buy("INFY", number))
    await house.run(10)

    assert set(house.states()) == {"WORKING", "NOT_SENT"}
    assert {order.code for order in house.orders() if order.code} == {"deadline_passed"}


async def test_a_restart_within_the_second_keeps_the_pace(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(orders_per_second=1))
    oracle = Oracle(house)
    await house.alert(buy("INFY"))
    await house.run(0.1)
    await house.crash()
    await house.start()
    await house.alert(buy("SBIN"))
    await house.run(5)

    assert house.states() == ["WORKING", "WORKING"]
    assert oracle.judge() == []
    oracle.close()


# -- what ends it unsent -----------------------------------------------------------------------------------------------------


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
    assert house.rows("SELECT sent FROM usage") == [{"sent": 0}]


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


# -- sending ------------------------------------------------------------------------------------------------------------------


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


# -- baskets --------------------------------------------------------------------------------------------------------------------


async def test_legs_go_out_one_after_the_other(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(buy("INFY", 1), buy("SBIN", 2))
    await house.run(2)
    assert house.states() == ["SENDING", "QUEUED"]

    await house.run(3)

    assert house.states() == ["WORKING", "WORKING"]


@pytest.mark.parametrize(("policy", "second"), [("stop", "NOT_SENT"), ("unwind", "NOT_SENT"), ("continue", "WORKING")])
async def test_what_a_failed_leg_does_to_the_next(open_house: OpenHouse, policy: str, second: str) -> None:
    house = await open_house(basket_policy=policy)
    house.broker.script.append(Act(How.REJECT))
    await house.alert(buy("INFY"), buy("SBIN"))
    await house.run(3)

    assert house.states() == ["REJECTED", second]


async def test_a_basket_that_cannot_be_completed_asks_what_becomes_of_its_filled_legs(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="unwind")
    house.broker.fills_at = Decimal(100)
    house.broker.script.extend([Act(How.ACCEPT), Act(How.REJECT, after_s=5)])
    await house.alert(buy("INFY"), buy("SBIN"), sell("INFY", 3))
    await house.run(20)

    assert house.states() == ["FILLED", "REJECTED", "NOT_SENT"]
    assert "basket_unwind" in house.notices()
    (notice,) = house.rows("SELECT message FROM outbox WHERE kind = 'basket_unwind'")
    assert notice["message"].startswith("A basket could not be completed. Filled and still open: BUY 10 INFY.")


async def test_a_leg_waits_for_one_that_waits_for_its_position(house: House) -> None:
    await house.hold(10)
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(leave("INFY"), buy("SBIN"))
    await house.run(2)
    assert [str(order.state) for order in house.orders() if order.symbol == "SBIN"] == ["QUEUED"]

    await house.run(4)

    assert sorted(house.states()) == ["FILLED", "WORKING", "WORKING"]


async def test_a_leg_whose_position_is_not_there_stops_no_other(house: House) -> None:
    await house.alert(leave("INFY"), buy("SBIN"))
    await house.run(3)

    assert [row["code"] for row in house.intents()] == ["nothing_to_do", None]
    assert house.states() == ["WORKING"]


async def test_a_leg_that_waits_for_an_unknown_one_ends_with_its_deadline(house: House) -> None:
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY"), wish(Intent.TARGET_POSITION, "SBIN", target_position=Decimal(5)), buy("SBIN"))
    await house.run(72)
    assert house.states()[-1] == "NOT_SENT"

    await house.run(
        240
    )  # a target may be a way out, so it waits as long as an exit, until the first leg is proved lost

    assert house.intents()[1]["code"] == "basket_stopped"


# -- looking after itself -----------------------------------------------------------------------------------------------------------


async def test_work_committed_by_another_process_is_found(house: House) -> None:
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]
    await house.alert(buy())
    await house.alert(leave("SBIN"))
    await house.run(2)

    assert house.states() == ["WORKING"]
    assert house.intents()[-1]["code"] == "nothing_to_do"


async def test_stopping_sends_nothing_more_and_leaves_what_is_out_to_recovery(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=9))
    await house.alert(buy("INFY", 1))
    await house.alert(buy("INFY", 2))
    await house.run(1)

    await house.process.dispatcher.stop()
    assert (house.states(), house.sent()) == (["SENDING", "QUEUED"], 1)

    await house.crash()
    await house.start()
    await house.run(3)
    assert (house.states(), house.sent()) == (["WORKING", "WORKING"], 2)


async def test_a_changed_account_is_served_with_its_new_settings(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=5))
    await house.alert(buy())
    await house.run(1)
    house.change("accounts", ACCOUNT, settings=AccountSettings(orders_per_second=1).model_dump_json())
    await house.run(5)

    assert house.desk.account.settings.orders_per_second == 1
    assert (house.states(), house.sent()) == (["WORKING"], 1)


async def test_two_alerts_at_once_that_close_the_other_side_first_see_each_other(house: House) -> None:
    house.broker.fills_at = Decimal(100)
    await house.run(2)
    submit = house.process.pipeline.submit

    await asyncio.gather(
        submit(house.arrival(buy("INFY", 10, close_opposite=True))),
        submit(house.arrival(sell("INFY", 10, close_opposite=True))),
    )
    await house.run(10)

    assert house.position() == -10


async def test_limit_orders_rest_without_holding_up_their_lane(house: House) -> None:
    await house.alert(buy("INFY", 1, order_type=OrderType.LIMIT, price=Decimal(90)))
    await house.run(2)
    await house.alert(wish(Intent.TARGET_POSITION, "SBIN", target_position=Decimal(3)))
    await house.alert(buy("INFY", 2))
    await house.run(2)

    assert house.states() == ["WORKING"] * 3


async def test_settings_of_a_strategy_that_changed_do_not_touch_what_was_planned(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    house.change("strategies", STRATEGY, settings=StrategySettings(any_symbol=False).model_dump_json())
    await house.run(3)

    assert house.states() == ["WORKING"]
