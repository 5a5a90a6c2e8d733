"""What people do to orders: cancel, decide, stop, replay."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.accounts.model import Role, User
from bridge.brokers.base import OutcomeUnknown
from bridge.domain.intent import OrderType
from bridge.domain.lifecycle import OrderState
from tests.support.brokers import Act, How
from tests.support.house import ACCOUNT, ANN, BOB, STRATEGY, House, buy, leave
from tests.support.oracle import Oracle


async def cancel(house: House, user: User = ANN) -> str:
    return await house.ask(house.process.control.cancel(house.orders()[-1].id, user))


async def decide(house: House, number: str | None, user: User = ANN) -> str:
    return await house.ask(house.process.control.decide(house.orders()[0].id, user, number))


async def working(house: House) -> None:
    await house.alert(buy("INFY", 10, order_type=OrderType.LIMIT, price=Decimal(90)))
    await house.run(1)


async def test_a_cancel_is_believed_when_the_book_shows_it(house: House) -> None:
    await working(house)

    said = await cancel(house)
    assert said == "Cancel asked. BUY 10 INFY is still open and can still fill until the broker confirms."
    assert house.order().pending_op == "cancel"
    await house.run(2)

    assert house.states() == ["CANCELLED"]
    assert house.order().pending_op is None
    assert house.intents()[-1]["result"] == "full"


async def test_a_cancel_that_loses_against_a_fill_changes_nothing(house: House) -> None:
    await working(house)
    house.broker.cancels.append(Act(How.REJECT, message="already executed"))
    house.broker.fill("B0001", price=90)
    await cancel(house)
    await house.run(3)

    assert (house.states(), house.position()) == (["FILLED"], 10)
    assert house.intents()[-1]["message"] == "The broker refused: “already executed”."


@pytest.mark.parametrize("how", [How.LOST_UNKNOWN, How.IGNORED, How.BUG, How.UNAVAILABLE])
async def test_a_cancel_that_was_not_carried_out_can_be_asked_for_again(house: House, how: How) -> None:
    oracle = Oracle(house)
    await working(house)
    if how is How.BUG:
        house.process.dispatcher.desks[ACCOUNT].broker.cancel = _slip  # type: ignore[method-assign, assignment]
    house.broker.cancels.append(Act(how))
    await cancel(house)
    await house.run(20)
    assert house.order().pending_op is None
    if how is How.BUG:
        del house.process.dispatcher.desks[ACCOUNT].broker.cancel
        house.broker.cancels.clear()

    await cancel(house)
    await house.run(3)

    assert house.states() == ["CANCELLED"]
    assert house.rows("SELECT * FROM attempts WHERE closed_at IS NULL") == []
    assert oracle.judge() == []
    oracle.close()


async def _slip(_number: str) -> None:
    raise KeyError("status")


async def test_a_cancel_is_asked_only_once_at_a_time(house: House) -> None:
    await working(house)
    house.broker.cancels.append(Act(How.LOST_UNKNOWN, after_s=3))
    await cancel(house)
    await cancel(house)
    await house.run(5)

    assert house.sent("cancel") <= 1
    assert "Cancel was asked already." in [row["message"] for row in house.intents()]


async def test_a_queued_order_is_withdrawn_without_asking_the_broker(house: House) -> None:
    house.broker.script.append(Act(How.ACCEPT, after_s=5))
    await house.alert(buy("INFY", 1))
    await house.alert(buy("INFY", 2))
    await cancel(house)
    await house.run(8)

    assert (house.states(), house.sent()) == (["WORKING", "NOT_SENT"], 1)
    assert house.orders()[1].code == "cancelled"


async def test_what_has_ended_cannot_be_cancelled(house: House) -> None:
    await working(house)
    house.broker.fill("B0001")
    await house.run(6)

    assert await cancel(house) == "BUY 10 INFY cannot be cancelled: it is filled."


async def test_an_order_that_ended_on_the_way_is_not_cancelled(house: House) -> None:
    await working(house)
    await house.run(0.6)
    house.process.pipeline.offer = lambda *_: None  # type: ignore[method-assign]  # the desk finds the wish at its next look
    await cancel(house)
    house.broker.fill("B0001")
    house.desk.book.read_now()
    await house.run(3)

    assert (house.states(), house.sent("cancel")) == (["FILLED"], 0)
    assert house.intents()[-1]["message"] == "It cannot be cancelled: the order is filled."


async def test_a_cancel_and_its_crash_leave_nothing_open(house: House) -> None:
    await working(house)
    house.process.life.dies_at("cancel.committed")
    await cancel(house)
    await house.run(1)
    await house.crash()
    await house.start()
    await house.run(20)
    assert house.order().pending_op is None

    await cancel(house)
    await house.run(3)

    assert house.states() == ["CANCELLED"]


async def test_another_persons_order_is_not_there(house: House) -> None:
    await working(house)

    with pytest.raises(LookupError):
        await cancel(house, BOB)
    with pytest.raises(LookupError):
        await decide(house, None, BOB)


# -- deciding ---------------------------------------------------------------------------------------------------------------


async def parked(house: House, how: How = How.PLACED_UNKNOWN) -> None:
    await house.run(1)
    house.broker.book_problem = OutcomeUnknown("502 Bad Gateway")
    house.broker.script.append(Act(how))
    await house.alert(buy())
    await house.run(620)
    assert house.states() == ["PARKED"]


async def test_a_person_may_say_which_order_it_is(house: House) -> None:
    await parked(house)
    assert (await decide(house, "B0001")).startswith("BUY 10 INFY is the broker's order B0001.")
    await house.run(2)
    house.broker.book_problem = None
    house.broker.fill("B0001")
    await house.run(30)

    assert (house.states(), house.position()) == (["FILLED"], 10)


async def test_a_person_may_say_that_it_never_arrived(house: House) -> None:
    await parked(house, How.LOST_UNKNOWN)

    said = await decide(house, None)
    await house.alert(buy("INFY", 3))
    await house.run(5)

    assert said == "BUY 10 INFY is booked as not placed. It will not be sent again."
    assert house.states() == ["NOT_PLACED", "WORKING"]
    (event,) = house.rows("SELECT provenance, payload FROM events WHERE type = 'order.not_placed'")
    assert event["provenance"] == "person"
    assert '"who":"Ann"' in event["payload"]


async def test_a_person_who_was_wrong_is_corrected_by_the_broker(house: House) -> None:
    await parked(house)
    await decide(house, None)
    house.broker.book_problem = None
    await house.run(40)

    assert house.states() == ["WORKING"]
    assert house.notices()[-1] == "late_evidence"


async def test_only_what_is_uncertain_needs_a_decision(house: House) -> None:
    await working(house)

    assert await decide(house, None) == "BUY 10 INFY needs no decision any more: it is working."


async def test_an_order_of_the_broker_belongs_to_one_order_of_ours(house: House) -> None:
    await house.alert(buy("SBIN"))
    await house.run(1)
    house.broker.book_problem = OutcomeUnknown("502")
    house.broker.script.append(Act(How.LOST_UNKNOWN))
    await house.alert(buy("INFY"))
    await house.run(1)
    unknown = house.orders()[1]

    said = await house.ask(house.process.control.decide(unknown.id, ANN, "B0001"))

    assert said == "The order changed in the same moment; look again."
    assert house.orders()[1].state is OrderState.UNKNOWN


# -- stopping and replaying ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "scope_id"),
    [("global", ""), ("user", ANN.id), ("account", ACCOUNT), ("strategy", STRATEGY), ("source", f"so_{STRATEGY}")],
)
async def test_a_switch_stops_and_releases(house: House, scope: str, scope_id: str) -> None:
    control, ann = house.process.control, replace(ANN, role=Role.OWNER)

    await control.panic(scope, scope_id, True, "smoke", ann)
    stopped = await house.alert(buy())
    await control.panic(scope, scope_id, False, "", ann)
    released = await house.alert(buy())

    assert stopped.content["code"] == "stopped"
    assert released.status == 202


@pytest.mark.parametrize(
    ("scope", "scope_id"),
    [("global", ""), ("user", ANN.id), ("account", ACCOUNT), ("strategy", STRATEGY), ("source", f"so_{STRATEGY}")],
)
async def test_nobody_stops_what_is_anothers(house: House, scope: str, scope_id: str) -> None:
    with pytest.raises(LookupError):
        await house.process.control.panic(scope, scope_id, True, "envy", BOB)


async def test_an_alert_can_be_gone_through_again_without_trading(house: House) -> None:
    body = '{"symbol": "INFY", "exchange": "NSE", "action": "buy", "quantity": 7}'
    first = await house.alert(read=False, body=body)

    again = await house.process.control.replay(first.content["alert_id"], ANN, live=False)

    assert again.status == 200
    assert again.content["orders"][0]["quantity"] == 7
    assert len(house.orders()) == 1


async def test_an_alert_can_be_sent_again_on_purpose(house: House) -> None:
    body = '{"symbol": "INFY", "exchange": "NSE", "action": "buy", "quantity": 7, "id": "42"}'
    first = await house.alert(read=False, body=body)
    for _ in range(2):
        again = await house.ask(house.process.control.replay(first.content["alert_id"], ANN, live=True))
        assert again.content["status"] == "accepted"

    assert len(house.orders()) == 3


async def test_only_ones_own_alerts_can_be_replayed(house: House) -> None:
    first = await house.alert(buy())

    with pytest.raises(LookupError):
        await house.process.control.replay(first.content["alert_id"], BOB, live=False)
    with pytest.raises(LookupError):
        await house.process.control.replay("al_nobody", ANN, live=False)


async def test_a_secret_that_is_masked_by_now_is_not_asked_for_again(house: House) -> None:
    settings = f'{{"body_secret_hash": "{house.vault.fingerprint("hunter2!")}"}}'
    house.change("sources", f"so_{STRATEGY}", settings=settings)
    body = '{"symbol": "INFY", "exchange": "NSE", "action": "buy", "quantity": 7, "secret": "hunter2!"}'
    first = await house.alert(read=False, body=body)

    again = await house.process.control.replay(first.content["alert_id"], ANN, live=False)

    assert (first.status, again.status) == (202, 200)


async def test_an_exit_is_cancelled_like_any_order(house: House) -> None:
    await house.hold(10)
    await house.alert(replace(leave("INFY", order_type=OrderType.LIMIT), price=Decimal(120)))
    await house.run(1)
    await cancel(house)
    await house.run(3)

    assert house.states() == ["FILLED", "CANCELLED"]
