"""After an outcome nobody knows: ask, never resend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import AccountSettings
from bridge.brokers.base import OutcomeUnknown
from bridge.domain.intent import OrderType
from bridge.kit.failpoints import POINTS
from bridge.orders.recovery import BookRead
from tests.orders.conftest import OpenHouse
from tests.support.brokers import EVERYTHING, Act, How
from tests.support.house import ACCOUNT, ANN, House, buy, leave, sell
from tests.support.oracle import Oracle

MUTE = replace(EVERYTHING, ref_echo=False)


async def lost(house: House, how: How = How.LOST_UNKNOWN, **more: Any) -> None:
    """An order of which nobody knows whether it arrived."""
    house.broker.script.append(Act(how, **more))
    await house.alert(buy("INFY", 10))


async def test_an_order_that_arrived_is_found_by_its_reference_within_two_seconds(house: House) -> None:
    await house.run(7)
    await lost(house, How.PLACED_UNKNOWN)
    await house.run(2)

    assert (house.states(), house.sent()) == (["WORKING"], 1)
    assert house.order().broker_order_id == "B0001"
    assert house.notices() == ["order_unknown"]


async def test_the_book_is_asked_on_a_schedule_that_thins_out(house: House) -> None:
    await house.alert(buy("SBIN"))  # an empty book would be read twice each time
    await house.run(7)
    await lost(house)
    await house.run(0.1)
    closed = house.clock.monotonic() - 0.05
    house.broker.reads.clear()
    await house.run(60)

    after = [round(at - closed, 1) for at in house.broker.reads]
    for due in (0.5, 1, 2, 4, 8, 15, 30):
        assert any(due <= at <= due + 0.6 for at in after), (due, after)


async def test_a_lost_order_is_proved_absent_by_three_reads_after_a_quiet_minute(house: House) -> None:
    await lost(house)
    await house.run(59)
    assert house.states() == ["UNKNOWN"]

    await house.run(30)

    assert (house.states(), house.sent()) == (["NOT_PLACED"], 1)
    assert house.notices() == ["order_unknown", "order_not_placed"]
    assert house.intents()[0]["result"] == "none"


async def test_a_broker_that_shows_orders_late_gets_more_time(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=replace(EVERYTHING, visibility_lag_max_s=300))
    oracle = Oracle(house)
    house.broker.lag_s = 290
    await lost(house, How.PLACED_UNKNOWN)
    await house.run(280)
    assert house.states() == ["UNKNOWN"]

    await house.run(20)

    assert house.states() == ["WORKING"]
    assert oracle.judge() == []
    oracle.close()


async def test_reads_that_fail_prove_nothing_and_after_ten_minutes_a_person_is_asked(house: House) -> None:
    await house.run(1)
    house.broker.book_problem = OutcomeUnknown("502 Bad Gateway")
    await lost(house)
    await house.run(599)
    assert house.states() == ["UNKNOWN"]

    await house.run(60)
    assert house.states() == ["PARKED"]
    assert house.notices()[-1] == "order_parked"

    house.broker.book_problem = None
    await house.run(90)
    assert house.states() == ["NOT_PLACED"]


async def test_a_parked_order_that_shows_up_after_all_is_taken_over(house: House) -> None:
    await house.run(1)
    house.broker.book_problem = OutcomeUnknown("502 Bad Gateway")
    await lost(house, How.PLACED_UNKNOWN)
    await house.run(660)
    assert house.states() == ["PARKED"]

    house.broker.book_problem = None
    await house.run(10)

    assert house.states() == ["WORKING"]


async def test_an_empty_book_of_a_lost_login_is_no_proof(house: House) -> None:
    await house.run(1)
    house.broker.empty_when_over = True
    await lost(house, How.PLACED_UNKNOWN)
    house.broker.login_over = True
    await house.run(300)
    assert house.states() == ["UNKNOWN"]

    house.broker.login_over = False
    await house.run(30)

    assert house.states() == ["WORKING"]


async def test_a_request_that_arrives_after_its_absence_was_proved_is_an_alarm(house: House) -> None:
    await lost(house, How.HELD_UNKNOWN, late_s=150)
    await house.run(100)
    assert house.states() == ["NOT_PLACED"]

    await house.run(90)

    assert house.states() == ["WORKING"]
    assert house.notices()[-1] == "late_evidence"
    (notice,) = house.rows("SELECT severity FROM outbox WHERE kind = 'late_evidence'")
    assert notice["severity"] == "critical"


async def test_a_row_without_reference_that_may_be_ours_is_put_before_a_person(house: House) -> None:
    await house.run(7)
    await lost(house, How.PLACED_UNKNOWN)
    house.broker.orders["B0001"].row = replace(house.broker.orders["B0001"].row, ref=None)
    await house.run(3)

    assert house.states() == ["PARKED"]
    (event,) = house.rows("SELECT payload FROM events WHERE type = 'order.parked'")
    assert '"broker_order_id":"B0001"' in event["payload"]


# -- brokers that do not show our reference ----------------------------------------------------------------------------------


async def test_without_a_reference_the_only_new_row_of_that_shape_is_ours(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=MUTE)
    await lost(house, How.PLACED_UNKNOWN)
    await house.run(5)

    assert house.states() == ["WORKING"]
    assert house.order().broker_order_id == "B0001"


async def test_a_look_at_the_book_that_began_before_the_attempt_was_closed_proves_nothing(
    open_house: OpenHouse,
) -> None:
    house = await open_house(capabilities=MUTE)
    house.broker.book_problem = OutcomeUnknown("the book does not answer")
    began = house.clock.monotonic()
    await lost(house, How.PLACED_UNKNOWN)
    await house.run(0.3)
    row = house.broker.orders["B0001"].row
    await house.desk.unknowns.observe(BookRead(began, [row]))
    assert house.states() == ["UNKNOWN"]

    await house.desk.unknowns.observe(BookRead(house.clock.monotonic(), [row]))
    assert house.states() == ["WORKING"]


async def test_rows_that_were_there_before_are_not_ours(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=MUTE)
    await house.alert(buy("INFY", 10), key="placed by hand")  # the same shape, then forgotten
    await house.run(3)
    before = house.broker.orders["B0001"].row
    house.broker.orders["B0099"] = replace(house.broker.orders["B0001"], row=replace(before, broker_order_id="B0099"))
    await house.run(40)
    await lost(house)
    await house.run(20)

    assert house.states() == ["WORKING", "UNKNOWN"]


@pytest.mark.parametrize(
    "difference",
    [
        {"quantity": Decimal(11)},
        {"symbol": "SBIN"},
        {"price": Decimal(100)},
        {"trigger_price": Decimal(99)},
        {"order_type": OrderType.LIMIT},
    ],
)
async def test_rows_of_another_shape_are_not_ours(open_house: OpenHouse, difference: dict[str, object]) -> None:
    house = await open_house(capabilities=MUTE)
    await house.run(5)
    await lost(house, How.PLACED_UNKNOWN)
    house.broker.change("B0001", **difference)
    await house.run(90)

    assert house.states() == ["UNKNOWN"]


@pytest.mark.parametrize("seconds", [-3, 121])
async def test_a_row_of_that_shape_and_another_time_is_put_before_a_person(open_house: OpenHouse, seconds: int) -> None:
    """The broker's clock may be wrong: the row is not taken for ours, and it does not prove that ours is not there."""
    house = await open_house(capabilities=MUTE)
    house.clock.set(house.clock.now().replace(hour=9, minute=30))  # 15:00
    await lost(house, How.PLACED_UNKNOWN)
    house.broker.change("B0001", placed_at=house.clock.now() + timedelta(seconds=seconds))
    await house.run(3)
    assert house.states() == ["PARKED"]
    (event,) = house.rows("SELECT payload FROM events WHERE type = 'order.parked'")
    assert '"broker_order_id":"B0001"' in event["payload"]

    await house.run(3600)  # past the close

    assert house.states() == ["PARKED"]


@pytest.mark.parametrize(("seconds", "state"), [(-3, "UNKNOWN"), (-1, "PARKED"), (119, "PARKED"), (122, "UNKNOWN")])
async def test_where_our_reference_is_shown_a_row_without_one_counts_only_near_our_time(
    house: House, seconds: int, state: str
) -> None:
    await house.run(7)
    await lost(house, How.PLACED_UNKNOWN)
    row = house.broker.orders["B0001"].row
    house.broker.orders["B0001"].row = replace(row, ref=None, placed_at=house.clock.now() + timedelta(seconds=seconds))
    await house.run(10)

    assert house.states() == [state]


async def test_two_rows_of_that_shape_are_put_before_a_person(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=MUTE)
    await lost(house, How.PLACED_UNKNOWN)
    resting = house.broker.orders["B0001"]
    house.broker.orders["B0002"] = replace(resting, row=replace(resting.row, broker_order_id="B0002", placed_at=None))
    await house.run(5)

    assert house.states() == ["PARKED"]


async def test_two_unknown_orders_of_one_shape_are_put_before_a_person(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=MUTE)
    house.add_strategy("st_other", house.process.directory.snapshot.strategies["st_breakout"].settings)
    house.broker.script.extend([Act(How.PLACED_UNKNOWN, after_s=3), Act(How.LOST_UNKNOWN, after_s=3)])
    await house.alert(buy("INFY", 10))
    await house.alert(buy("INFY", 10), strategy="st_other")
    await house.run(8)

    assert house.states() == ["PARKED", "PARKED"]


async def test_without_a_reference_only_the_final_book_proves_absence(open_house: OpenHouse) -> None:
    house = await open_house(capabilities=MUTE)
    house.clock.set(house.clock.now().replace(hour=9, minute=30))  # 15:00
    await lost(house)
    await house.run(1700)
    assert house.states() == ["PARKED"]

    await house.run(900)

    assert house.states() == ["NOT_PLACED"]


# -- exits that may be sent again -----------------------------------------------------------------------------------------------


async def test_an_exit_proved_absent_is_sent_again_only_where_the_user_wants_it(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(resend_exits_after_proof=True))
    await house.hold(10)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(leave())
    await house.run(100)

    assert house.states() == ["FILLED", "NOT_PLACED", "WORKING"]
    _, first, second = house.orders()
    assert first.ref != second.ref
    assert first.intent_id == second.intent_id


@pytest.mark.parametrize("fills", [False, True])
async def test_an_exit_that_turns_up_after_it_was_sent_again_does_not_close_twice(
    open_house: OpenHouse, fills: bool
) -> None:
    house = await open_house(account=AccountSettings(resend_exits_after_proof=True))
    await house.hold(10)
    house.broker.script.append(Act(How.HELD_UNKNOWN, late_s=90))
    await house.alert(leave())
    await house.run(75)
    assert house.states() == ["FILLED", "NOT_PLACED", "WORKING"]
    house.broker.fills_at = Decimal(100) if fills else None

    await house.run(60)

    assert house.states() == ["FILLED", "FILLED" if fills else "WORKING", "CANCELLED"]


@pytest.mark.parametrize(("wanted", "way_out"), [(False, True), (True, False)])
async def test_nothing_else_is_ever_sent_again(open_house: OpenHouse, wanted: bool, way_out: bool) -> None:
    house = await open_house(account=AccountSettings(resend_exits_after_proof=wanted))
    await house.hold(10)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(leave() if way_out else sell("SBIN", 3))
    await house.run(400)

    assert house.states() == ["FILLED", "NOT_PLACED"]


async def test_an_exit_too_old_is_not_sent_again(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(resend_exits_after_proof=True), exit_max_age_s=30)
    await house.hold(10)
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(leave())
    await house.run(400)

    assert house.states() == ["FILLED", "NOT_PLACED"]


# -- after a crash ----------------------------------------------------------------------------------------------------------------

SENDING_POINTS = [point for point in POINTS if point.startswith(("sending.", "outcome.", "unknown.", "requeue."))]


@pytest.mark.parametrize("how", [How.ACCEPT, How.LOST_UNKNOWN, How.PLACED_UNKNOWN, How.UNAVAILABLE, How.REJECT])
@pytest.mark.parametrize("point", SENDING_POINTS)
async def test_a_crash_anywhere_in_sending_never_sends_twice(house: House, point: str, how: How) -> None:
    oracle = Oracle(house)
    house.broker.script.append(Act(how))
    house.process.life.dies_at(point)
    await house.alert(buy())
    await house.run(5)
    await house.crash()
    await house.start()
    oracle.disturbed()
    await house.run(120)

    assert oracle.at_rest() == []
    assert house.sent() <= 1
    oracle.close()


async def test_what_was_being_sent_at_the_crash_is_found_at_the_next_start(house: House) -> None:
    house.process.life.dies_at("sending.answered")
    await house.alert(buy())
    await house.run(1)
    await house.crash()

    await house.start()
    assert house.notices() == ["order_unknown"]
    await house.run(2)

    assert (house.states(), house.sent()) == (["WORKING"], 1)


async def test_what_was_only_queued_at_the_crash_is_sent_if_it_is_still_fresh(house: House) -> None:
    house.process.life.dies_at("sending.before_commit")
    await house.alert(buy("INFY"))
    await house.crash()
    house.clock.advance(30)
    await house.start()
    await house.run(1)

    assert house.states() == ["WORKING"]


async def test_what_is_stale_after_a_long_outage_is_not_sent(house: House) -> None:
    house.process.life.dies_at("sending.before_commit")
    await house.alert(buy("INFY"))
    await house.crash()
    house.clock.advance(7200)
    await house.start()
    await house.run(1)

    assert (house.states(), house.sent()) == (["NOT_SENT"], 0)


async def test_positions_and_fills_survive_a_crash(house: House) -> None:
    await house.alert(buy("INFY", 10))
    await house.run(1)
    house.broker.fill("B0001", 4)
    house.process.life.dies_at("fill.committed")
    await house.run(10)
    await house.crash()
    house.broker.fill("B0001", 6)
    await house.start()
    await house.run(5)

    assert (house.states(), house.position()) == (["FILLED"], 10)
    assert len(house.rows("SELECT * FROM fills")) == 2


async def test_a_new_process_closes_the_attempts_of_the_old_one(house: House) -> None:
    await house.alert(buy("INFY", 10))
    await house.run(1)
    house.process.life.dies_at("cancel.answered")
    await house.ask(house.process.control.cancel(house.order().id, ANN))
    await house.run(1)
    await house.crash()
    await house.start()

    assert house.rows("SELECT * FROM attempts WHERE closed_at IS NULL") == []
    await house.run(20)
    assert house.states() == ["CANCELLED"]


# -- what nobody serves ------------------------------------------------------------------------------------------------------------


async def test_work_for_an_account_that_nobody_can_serve_ends_and_is_told(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    house.connect_problems[ACCOUNT] = OutcomeUnknown("no such host")
    await house.process.start()
    await house.alert(buy("INFY"))
    await house.alert(leave("SBIN"))
    await house.run(75)
    assert house.states() == ["NOT_SENT"]
    await house.run(250)

    assert house.intents()[-1]["state"] == "EXPIRED"
    assert house.notices() == ["order_not_sent", "intent_refused"]


async def test_an_intent_that_cannot_be_read_does_not_stop_the_ending_of_others(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    house.connect_problems[ACCOUNT] = OutcomeUnknown("no such host")
    await house.process.start()
    await house.alert(leave("INFY"))
    house.process.writer.submit(lambda tx: tx.execute("UPDATE intents SET settings = '{\"unheard\": 1}'")).result()
    await house.alert(leave("SBIN"))
    await house.run(320)

    assert [(row["state"], row["code"]) for row in house.intents()] == [("EXPIRED", "deadline_passed")] * 2
    assert house.notices() == ["intent_refused"] * 2


async def test_orders_at_an_account_that_is_switched_off_are_still_followed(house: House) -> None:
    await house.alert(buy("INFY"))
    await house.run(1)
    house.change("accounts", ACCOUNT, disabled=1)
    house.broker.fill("B0001")
    await house.run(40)

    assert (house.states(), house.position()) == (["FILLED"], 10)
