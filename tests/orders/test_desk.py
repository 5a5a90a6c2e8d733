"""One account's dispatcher: whose turn it is, what an order waits for, and what ends it unsent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.accounts.model import AccountSettings, StrategySettings
from bridge.domain.intent import Intent, OrderType
from bridge.domain.refusal import Refusal
from bridge.orders import sending
from bridge.orders.outcome import LOGIN_LOST
from bridge.orders.records import IntentRecord, OrderRecord
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
    assert house.notices() == ["login_over", "order_not_sent", "login_back"]
    assert house.intents()[0]["result"] == "none"


async def test_a_login_that_is_over_is_told_once_and_once_that_it_is_back(house: House) -> None:
    house.broker.login_over = True
    await house.run(200)
    assert house.notices() == ["login_over"]
    (told,) = house.rows("SELECT * FROM outbox")
    assert (told["severity"], told["message"].split(":")[0]) == (
        "critical",
        "The login of ac_main at its broker is over. Log in again",
    )

    house.broker.login_over = False
    await house.run(200)

    assert house.notices() == ["login_over", "login_back"]


async def test_a_new_desk_knows_that_the_login_was_over(house: House) -> None:
    """A person who logs in again changes the account, and with it the desk: it must not tell again, nor forget to tell."""
    house.broker.login_over = True
    await house.run(60)
    house.change("accounts", ACCOUNT, settings=AccountSettings(orders_per_second=1).model_dump_json())
    await house.run(60)
    assert house.notices() == ["login_over"]

    house.broker.login_over = False
    house.change("accounts", ACCOUNT, settings=AccountSettings(orders_per_second=2).model_dump_json())
    await house.run(5)

    assert house.notices() == ["login_over", "login_back"]


async def test_a_login_is_told_of_when_the_database_is_back(house: House) -> None:
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: "BookKeeper._tell" in getattr(work, "__qualname__", ""), 2
    house.broker.login_over = True
    await house.run(100)

    assert house.notices() == ["login_over"]


async def test_a_refusal_for_want_of_a_login_that_is_there_after_all_is_not_told(house: House) -> None:
    house.broker.script.append(Act(How.REJECT, code=LOGIN_LOST))
    await house.alert(buy())
    await house.run(20)
    await house.alert(buy("SBIN"))
    await house.run(2)

    assert house.states() == ["REJECTED", "WORKING"]
    assert house.notices() == ["order_rejected"]


async def test_a_broken_login_check_does_not_end_the_watching(house: House) -> None:
    house.broker.login_over = True
    await house.alert(buy("INFY"))
    await house.run(1)
    line = house.desk.broker

    async def slip() -> None:
        raise KeyError("profile")

    line.check_login = slip  # type: ignore[method-assign]
    await house.run(30)
    house.broker.login_over = False
    await house.run(20)
    await house.alert(buy("SBIN"))
    await house.run(3)

    assert house.states()[-1] == "WORKING"


async def test_a_process_that_is_not_sure_of_its_lease_waits(house: House) -> None:
    await unsure(house)
    await house.alert(buy())
    assert house.sent() == 0

    await house.run(2)  # until it is renewed

    assert house.states() == ["WORKING"]


@pytest.mark.parametrize(
    "change", ["UPDATE users SET disabled = 1", "UPDATE users SET role = 'viewer'", "DELETE FROM users"]
)
async def test_entries_in_the_queue_of_a_user_who_may_not_trade_any_more_do_not_go_out(
    house: House, change: str
) -> None:
    await house.hold(10)
    await unsure(house)
    await house.alert(buy("SBIN", 5))
    await house.alert(sell("INFY", 10, reduce_only=True))
    house._write(lambda tx: tx.execute(change))
    await house.run(5)

    assert house.states() == ["FILLED", "NOT_SENT", "WORKING"]
    assert house.orders()[1].code == "user_may_not_trade"


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


async def test_what_is_offered_twice_goes_out_once(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=2))
    await house.alert(buy())
    house.desk.offer(house.orders())
    await house.run(5)

    assert (house.states(), house.sent()) == (["WORKING"], 1)


async def test_an_instrument_that_is_delisted_while_its_order_waits_for_room_is_not_traded(
    open_house: OpenHouse,
) -> None:
    house = await open_house(account=AccountSettings(in_flight_max=1))
    house.broker.script.append(Act(How.ACCEPT, after_s=3))
    await house.alert(buy("INFY"))
    await house.alert(buy("SBIN"))
    await house.run(1)
    house.market.instrument = lambda *_: None  # type: ignore[method-assign]
    await house.run(5)

    assert house.states() == ["WORKING", "NOT_SENT"]
    assert house.orders()[1].code == "symbol_unknown"
    assert house.sent() == 1


async def test_an_entry_that_could_not_be_opened_for_a_moment_is_not_overtaken_by_its_exit(house: House) -> None:
    house.broker.fills_at = Decimal(100)
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, sending._Open), 1
    await house.alert(buy("INFY", 10))
    await house.alert(leave())
    await house.run(10)

    assert [order.side for order in house.orders()] == ["buy", "sell"]
    assert house.position() == 0


async def test_what_waits_for_the_database_ends_with_its_deadline(open_house: OpenHouse) -> None:
    house = await open_house(entry_max_age_s=5)
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, sending._Open), 1000
    await house.alert(buy())
    await house.run(10)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)
    assert house.order().code == "deadline_passed"


async def test_an_item_that_can_neither_be_processed_nor_be_given_up_does_not_hold_up_its_lane(house: House) -> None:
    await unsure(house)
    resolve = house.desk.resolver.resolve

    async def slip(intent: IntentRecord) -> list[OrderRecord]:
        raise KeyError(intent.id)

    async def slip_again(intent: IntentRecord, refusal: Refusal) -> None:
        raise KeyError(refusal.code)

    house.desk.resolver.resolve = slip  # type: ignore[method-assign]
    house.desk.resolver.refuse = slip_again  # type: ignore[method-assign]
    await house.alert(leave())
    await house.alert(buy())
    await house.run(2)
    house.desk.resolver.resolve = resolve  # type: ignore[method-assign]
    await house.run(2)

    assert house.states() == ["WORKING"]


async def test_a_desk_whose_follower_died_is_closed_and_opened_again(house: House) -> None:
    desk = house.desk

    async def slip() -> None:
        raise KeyError("an order nobody knows")

    desk.unknowns.give_up_waiting = slip  # type: ignore[method-assign]
    await house.alert(buy())
    await house.run(3)

    house.broker.fill("B0001", 10, 100)
    await house.run(6)

    assert house.states() == ["FILLED"]
    assert house.desk is not desk


async def test_an_attempt_remembers_only_strangers_orders_that_could_be_mistaken_for_it(house: House) -> None:
    await house.hold(10)
    row = replace(house.broker.orders["B0001"].row, ref=None)
    house.desk.book.external = (
        replace(row, broker_order_id="B7"),
        replace(row, broker_order_id="B8", symbol="SBIN"),
        replace(row, broker_order_id="B9", ref="OURS"),
    )
    await house.alert(buy("INFY", 5))

    *_, attempt = house.rows("SELECT cursor FROM attempts ORDER BY id")
    assert attempt["cursor"] == '["B7"]'


async def test_an_order_that_cannot_be_processed_ends_unsent_once_the_database_lets_it(house: House) -> None:
    await unsure(house)
    await house.alert(buy())

    def slip(order: OrderRecord) -> Refusal | None:
        raise KeyError(order.symbol)

    house.desk.gate.refusal = slip  # type: ignore[method-assign]
    writer = house.process.writer
    writer.faulty, writer.fails = lambda work, _: isinstance(work, sending.Withdraw), 1
    await house.run(5)

    order = house.order()
    assert (str(order.state), order.code) == ("NOT_SENT", "internal_error")
    assert order.message == "Not processed (KeyError). Nothing was sent."
