"""What waits for a person, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import Feed, Role, User
from bridge.domain.intent import Intent, Kind, OrderType, Product, QuantityType
from bridge.orders.approvals import Waiting
from bridge.orders.situation import Session
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, ANN, BOB, FUTURE, STRATEGY, House, buy, leave, sell, wish
from tests.support.life import Killed
from tests.support.oracle import Oracle

D = Decimal


@pytest.fixture
async def careful(open_house: OpenHouse) -> House:
    """A house whose strategy asks before every entry."""
    return await open_house(approval="entries")


def waiting(house: House) -> list[str]:
    return [row["id"] for row in house.intents() if row["state"] == "AWAITING_CONFIRM"]


async def approve(house: House, intent_id: str = "", user: User = ANN, then_s: float = 2) -> str:
    said = await house.ask(house.process.approvals.approve(intent_id or waiting(house)[0], user))
    await house.run(then_s)
    return said


async def refuse(house: House, reason: str = "", user: User = ANN) -> str:
    return await house.ask(house.process.approvals.refuse(waiting(house)[0], user, reason))


async def listed(house: House, user: User = ANN) -> list[Waiting]:
    return await house.ask(house.process.approvals.waiting(user))


def last(house: House, *members: str) -> tuple[Any, ...]:
    intent = house.intents()[-1]
    return tuple(intent[name] for name in members or ("state", "code"))


# -- yes and no ----------------------------------------------------------------------------------------------------------


async def test_what_waits_is_answered_as_waiting_and_nothing_is_sent(careful: House) -> None:
    answer = await careful.alert(buy("INFY", 10))
    await careful.run(30)

    (line,) = answer.content["orders"]
    assert (answer.status, answer.content["status"]) == (202, "accepted")
    assert (line["order_id"], line["state"], line["symbol"]) == (None, "awaiting_confirm", "INFY")
    assert line["intent_id"] == waiting(careful)[0]
    assert (careful.orders(), careful.sent()) == ([], 0)


async def test_an_approved_intent_leads_to_exactly_one_order(careful: House) -> None:
    oracle = Oracle(careful)
    await careful.alert(buy("INFY", 10))
    await careful.run(70)  # longer than an entry may be old

    said = await approve(careful)

    assert said == "Approved: BUY 10 INFY. Every check is made once more before it is sent."
    assert (careful.states(), careful.sent(), careful.order().quantity) == (["WORKING"], 1, 10)
    assert oracle.judge() == []
    oracle.close()


async def test_an_approval_names_the_person_in_the_journal(careful: House) -> None:
    await careful.alert(buy())
    await approve(careful)

    (event,) = careful.rows("SELECT provenance, payload FROM events WHERE type = 'intent.received'")
    assert event["provenance"] == "person"
    assert json.loads(event["payload"])["who"] == "Ann"


async def test_a_refused_intent_leads_to_no_order(careful: House) -> None:
    await careful.alert(buy())

    said = await refuse(careful, "too late in the day")
    await careful.run(5)

    assert said == "Refused by Ann: too late in the day. Nothing was sent."
    assert last(careful) == ("REFUSED", "approval_refused")
    assert careful.sent() == 0


async def test_the_owner_is_told_that_something_waits(careful: House) -> None:
    await careful.alert(buy("INFY", 10))

    (notice,) = careful.rows("SELECT kind, message, user_id FROM outbox")
    assert (notice["kind"], notice["user_id"]) == ("approval_wanted", ANN.id)
    assert notice["message"].startswith("BUY 10 INFY: It waits for your yes: the strategy asks before every entry.")


async def test_what_waits_is_listed_with_its_price_then_and_now(careful: House) -> None:
    await careful.alert(buy("INFY", 10))
    careful.market.set_price("NSE:INFY", "100.5")

    (found,) = await listed(careful)

    assert (found.intent.approval.quantity, found.intent.approval.side) == (10, "buy")
    assert (found.intent.approval.price, found.price_now, found.moved_percent) == (100, D("100.5"), D("0.5"))
    assert found.intent.deadline - found.intent.created_at == 300_000_000


# -- whose it is ------------------------------------------------------------------------------------------------------------


async def test_another_persons_intent_is_not_there(careful: House) -> None:
    await careful.alert(buy())
    approvals, intent_id = careful.process.approvals, waiting(careful)[0]

    with pytest.raises(LookupError):
        await careful.ask(approvals.approve(intent_id, BOB))
    with pytest.raises(LookupError):
        await careful.ask(approvals.refuse(intent_id, BOB, ""))
    with pytest.raises(LookupError):
        await careful.ask(approvals.approve("in_nobody", ANN))
    assert await listed(careful, BOB) == []
    assert waiting(careful) == [intent_id]


@pytest.mark.parametrize("changed", [{"role": Role.VIEWER}, {"disabled": True}])
async def test_who_may_not_trade_may_not_approve(careful: House, changed: dict[str, Any]) -> None:
    await careful.alert(buy())
    approvals, intent_id = careful.process.approvals, waiting(careful)[0]

    for act in (approvals.approve, approvals.refuse):
        with pytest.raises(PermissionError):
            await careful.ask(act(intent_id, replace(ANN, **changed)))
    assert waiting(careful) == [intent_id]


async def test_of_two_who_approve_at_once_one_is_told_that_it_was_done(careful: House) -> None:
    await careful.alert(buy())
    approvals, intent_id = careful.process.approvals, waiting(careful)[0]

    said = await careful.ask(_both(approvals.approve(intent_id, ANN), approvals.approve(intent_id, ANN)))
    await careful.run(3)

    assert sum(text.startswith("Approved: ") for text in said) == 1
    assert sum("waits for nobody any more" in text for text in said) == 1
    assert (careful.states(), careful.sent()) == (["WORKING"], 1)


async def test_a_yes_and_a_no_at_once_are_one_of_both(careful: House) -> None:
    await careful.alert(buy())
    approvals, intent_id = careful.process.approvals, waiting(careful)[0]

    first, second = await careful.ask(_both(approvals.refuse(intent_id, ANN), approvals.approve(intent_id, ANN)))
    await careful.run(3)

    assert first.startswith("Refused by Ann")
    assert second == "INFY waits for nobody any more: it is refused. Refused by Ann. Nothing was sent."
    assert careful.sent() == 0


async def _both(*acts: Any) -> list[str]:
    return list(await asyncio.gather(*acts))


async def test_what_was_decided_is_not_decided_again(careful: House) -> None:
    await careful.alert(buy())
    intent_id = waiting(careful)[0]
    await approve(careful)

    said = await approve(careful, intent_id)

    assert said == "INFY waits for nobody any more: it is planned."
    assert careful.sent() == 1


# -- time and price ----------------------------------------------------------------------------------------------------------


async def test_what_nobody_approves_expires_and_its_owner_is_told(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries", approval_expires_s=60)
    await house.alert(buy())
    await house.run(58)
    assert waiting(house)
    await house.run(5)

    assert last(house) == ("EXPIRED", "approval_expired")
    assert house.notices() == ["approval_wanted", "approval_expired"]
    assert house.sent() == 0


async def test_what_waits_expires_where_nobody_serves_its_account(open_house: OpenHouse) -> None:
    house = await open_house(approval="all", approval_expires_s=60)
    house.connect_problems[ACCOUNT] = OSError("no route to host")
    await house.crash()
    await house.start()
    await house.alert(buy())
    await house.run(65)

    assert last(house) == ("EXPIRED", "approval_expired")


async def test_a_yes_that_comes_too_late_sends_nothing(open_house: OpenHouse) -> None:
    house = await open_house(approval="all", approval_expires_s=60, started=False)
    await house.alert(buy())
    await house.run(60)

    assert await approve(house) == "Nobody approved it in time. Nothing was sent."
    assert last(house) == ("EXPIRED", "approval_expired")


@pytest.mark.parametrize("price", ["101.05", "98.95"])
async def test_an_intent_whose_price_has_moved_too_far_is_refused(careful: House, price: str) -> None:
    await careful.alert(buy())
    careful.market.set_price("NSE:INFY", price)

    said = await approve(careful)

    assert said.startswith(f"INFY was at 100 when it came and is at {price}: it moved by ")
    assert last(careful) == ("REFUSED", "price_moved")
    (event,) = careful.rows("SELECT payload FROM events WHERE type = 'intent.refused'")
    assert json.loads(event["payload"])["numbers"]["now"] == price
    assert careful.sent() == 0


@pytest.mark.parametrize("price", ["101", "99"])
async def test_a_price_that_moved_just_to_the_limit_is_good(careful: House, price: str) -> None:
    await careful.alert(buy())
    careful.market.set_price("NSE:INFY", price)
    await approve(careful)

    assert careful.sent() == 1


@pytest.mark.parametrize("known", ["then", "now"])
async def test_without_a_price_to_compare_nothing_is_sent(careful: House, known: str) -> None:
    if known == "now":
        careful.market.forget_price("NSE:INFY")
    await careful.alert(buy())
    if known == "now":
        careful.market.set_price("NSE:INFY", 100)
    else:
        careful.market.forget_price("NSE:INFY")
    await approve(careful)

    assert last(careful) == ("REFUSED", "price_unknown")
    assert careful.sent() == 0


async def test_without_a_limit_the_price_may_be_anything(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries", approval_price_move_max_percent=None)
    await house.alert(buy())
    house.market.forget_price("NSE:INFY")
    await approve(house)

    assert house.sent() == 1


# -- what else may have happened meanwhile ---------------------------------------------------------------------------------------


async def test_a_kill_switch_that_was_thrown_meanwhile_wins(careful: House) -> None:
    await careful.alert(buy())
    careful.stop_trading()
    await approve(careful)

    assert last(careful) == ("REFUSED", "stopped")
    assert careful.sent() == 0


async def test_a_strategy_that_was_switched_off_meanwhile_begins_nothing(careful: House) -> None:
    await careful.alert(buy())
    careful.change("strategies", STRATEGY, enabled=0)
    await approve(careful)

    assert last(careful) == ("REFUSED", "strategy_disabled")
    assert careful.sent() == 0


@pytest.mark.parametrize("way_out", [leave(), leave(None, scope="all"), wish(Intent.CANCEL_ORDERS)])
async def test_an_entry_whose_exit_came_while_it_waited_is_not_begun(careful: House, way_out: Any) -> None:
    await careful.alert(buy())
    await careful.run(1)
    await careful.alert(way_out)
    await careful.run(5)
    intent_id = waiting(careful)[0]
    await approve(careful, intent_id)

    (row,) = careful.rows("SELECT state, code FROM intents WHERE id = :id", id=intent_id)
    assert (row["state"], row["code"]) == ("REFUSED", "overtaken")
    assert careful.sent() == 0


async def test_an_exit_that_came_before_the_entry_does_not_stop_it(careful: House) -> None:
    await careful.alert(leave())
    await careful.run(1)
    await careful.alert(buy())
    await approve(careful)

    assert careful.sent() == 1


async def test_an_entry_of_an_older_bar_than_one_that_was_taken_since_is_refused(careful: House) -> None:
    now = careful.clock.now().isoformat()
    await careful.alert(buy("INFY", 1), timestamp=now)
    await careful.run(5)
    await careful.alert(buy("INFY", 2), timestamp=careful.clock.now().isoformat())
    older, newer = waiting(careful)
    await approve(careful, newer)
    await approve(careful, older)

    assert [order.quantity for order in careful.orders()] == [2]
    assert "out_of_order" in [row["code"] for row in careful.intents()]


async def test_an_entry_that_only_waits_does_not_make_an_older_exit_too_late(careful: House) -> None:
    before = careful.clock.now().isoformat()
    await careful.run(2)
    await careful.alert(buy(), timestamp=careful.clock.now().isoformat())
    answer = await careful.alert(leave(), timestamp=before)

    assert answer.status == 202


async def test_the_market_may_have_closed_meanwhile(careful: House) -> None:
    await careful.alert(buy())
    careful.process.survey.session = lambda *_: Session(False, "It is closed")  # type: ignore[method-assign]
    await approve(careful)

    assert last(careful) == ("REFUSED", "market_closed")
    assert careful.sent() == 0


async def test_the_rate_is_counted_when_an_intent_goes_on_and_not_while_it_waits(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries", orders_per_day=1)
    house.broker.fills_at = D(100)
    await house.alert(buy("INFY", 1))
    second = await house.alert(buy("INFY", 2))
    first_id, second_id = waiting(house)
    await approve(house, first_id)
    await approve(house, second_id)

    assert second.status == 202
    assert house.sent() == 1
    assert last(house) == ("REFUSED", "strategy_orders_per_day")


async def test_a_repeated_alert_asks_no_second_time(careful: House) -> None:
    arrival = careful.arrival(buy(), key="42")
    await careful.send(arrival)
    again = await careful.send(arrival)

    assert again.content["status"] == "duplicate"
    assert len(waiting(careful)) == 1


async def test_what_was_approved_comes_after_what_came_before_it(open_house: OpenHouse) -> None:
    house = await open_house(started=False)
    house.broker.fills_at = D(100)
    await house.alert(buy("INFY", 60), needs_approval=True)
    await house.run(1)
    await house.alert(buy("INFY", 10))
    await approve(house, then_s=0)
    await house.process.start()
    await house.run(6)

    sent = [request.ref for request in house.broker.sent if request.what == "place"]
    sizes = {order.ref: order.quantity for order in house.orders()}
    assert [sizes[ref] for ref in sent] == [10, 60]


# -- restarts ----------------------------------------------------------------------------------------------------------------


async def test_a_restart_neither_sends_nor_forgets_what_waits(careful: House) -> None:
    await careful.alert(buy())
    await careful.crash()
    await careful.start()
    await careful.run(10)
    assert careful.sent() == 0

    careful.market.set_price("NSE:INFY", 103)
    await approve(careful)

    assert last(careful) == ("REFUSED", "price_moved")  # against the price before the restart


async def test_an_approval_after_a_restart_sends_once(careful: House) -> None:
    await careful.alert(buy())
    await careful.crash()
    await careful.start()
    await approve(careful)

    assert (careful.states(), careful.sent()) == (["WORKING"], 1)


@pytest.mark.parametrize(("point", "sent"), [("approve.before_commit", 0), ("approve.committed", 1)])
async def test_a_crash_around_the_commit_of_an_approval_sends_once_or_not_at_all(
    careful: House, point: str, sent: int
) -> None:
    await careful.alert(buy())
    careful.process.life.dies_at(point)
    with pytest.raises(Killed):
        await approve(careful)
    await careful.crash()
    await careful.start()
    await careful.run(5)

    assert careful.sent() == sent
    if not sent:
        await approve(careful)
        assert careful.sent() == 1


async def test_an_approval_that_was_not_stored_sends_nothing(careful: House) -> None:
    await careful.alert(buy())
    writer = careful.process.writer
    writer.faulty, writer.fails = lambda work, _: type(work).__name__ == "_Answer", 1

    with pytest.raises(Exception, match="database is locked"):
        await approve(careful)
    await careful.run(5)

    assert careful.sent() == 0
    assert len(waiting(careful)) == 1


async def test_an_intent_that_cannot_be_read_is_refused(careful: House) -> None:
    await careful.alert(buy())
    intent_id = waiting(careful)[0]
    careful.change("intents", intent_id, payload='{"intent": "teleport"}')

    assert await listed(careful) == []
    await approve(careful, intent_id)

    assert last(careful) == ("REFUSED", "unreadable")


# -- what waits and what does not ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "wishes", "waits"),
    [
        ({"approval": "off"}, buy(), False),
        ({"approval": "entries"}, buy(), True),
        ({"approval": "all"}, buy(), True),
        ({"approval": "all"}, wish(Intent.CANCEL_ORDERS), False),
        ({"approval": "all"}, leave(), True),
        ({"approval": "all"}, leave(order_type=OrderType.STOP, trigger_price=D(90)), False),
        ({"approval": "all"}, leave(None, scope="all"), True),
        ({"approval": "entries"}, leave(), False),
        ({"approval_above": D(1000)}, buy("INFY", 9), False),
        ({"approval_above": D(1000)}, buy("INFY", 10), True),
        ({"approval_above": D(1000)}, buy("INFY", 11, order_type=OrderType.LIMIT, price=D(90)), False),
    ],
)
async def test_settings_say_what_waits(
    open_house: OpenHouse, settings: dict[str, Any], wishes: Any, waits: bool
) -> None:
    house = await open_house(**settings)
    await house.alert(wishes)

    assert bool(waiting(house)) is waits


async def test_a_value_that_nobody_knows_is_above_the_limit(open_house: OpenHouse) -> None:
    house = await open_house(approval_above=D(1_000_000))
    house.market.forget_price("NSE:INFY")
    await house.alert(buy("INFY", 1))

    assert len(waiting(house)) == 1


async def test_a_key_that_asks_first_asks_whatever_the_strategy_says(house: House) -> None:
    await house.hold(10)
    await house.alert(buy("INFY", 1), needs_approval=True)
    await house.alert(leave(), needs_approval=True)
    await house.run(5)

    assert len(waiting(house)) == 2
    assert house.sent() == 1


async def test_a_message_that_stops_its_strategy_closes_without_asking(open_house: OpenHouse) -> None:
    house = await open_house(approval="off")
    await house.hold(10)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="all"))
    house.broker.fills_at = D(100)
    await house.alert(leave(), kind=Kind.CONTROL, control="stop")
    await house.run(5)

    assert house.position() == 0


async def test_a_message_that_stops_its_strategy_opens_nothing_unasked(open_house: OpenHouse) -> None:
    house = await open_house(approval="all")
    await house.alert(buy(), control="stop")
    await house.run(3)

    assert (len(waiting(house)), house.sent()) == (1, 0)


async def test_the_square_off_of_the_day_asks_nobody(house: House) -> None:
    await house.hold(10)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="all"))
    house.broker.fills_at = D(100)
    arrival = house.arrival(wish(Intent.FLATTEN, extras={"square_off": True}))
    assert arrival.reading is not None
    await house.send(replace(arrival, reading=replace(arrival.reading, dialect="square_off")))
    await house.run(5)

    assert house.position() == 0


async def test_an_alert_that_calls_itself_a_square_off_is_asked_about(open_house: OpenHouse) -> None:
    house = await open_house(approval="all")
    await house.alert(leave(extras={"square_off": True}))

    assert len(waiting(house)) == 1


def _settings(house: House, **changed: Any) -> str:
    settings = house.process.directory.snapshot.strategies[STRATEGY].settings
    return settings.model_copy(update=changed).model_dump_json()


# -- exits, and what only the position can tell -------------------------------------------------------------------------------------


async def _holding(open_house: OpenHouse, quantity: int = 10, **approval: Any) -> House:
    house = await open_house()
    await house.hold(quantity)
    house.broker.fills_at = D(100)
    house.change("strategies", STRATEGY, settings=_settings(house, **approval))
    return house


@pytest.mark.parametrize("way_out", [leave(), sell("INFY", 10), wish(Intent.TARGET_POSITION, target_position=D(0))])
async def test_an_exit_is_not_held_up(open_house: OpenHouse, way_out: Any) -> None:
    house = await _holding(open_house, approval="entries")
    await house.alert(way_out)
    await house.run(5)

    assert (house.position(), waiting(house)) == (0, [])


async def test_where_nobody_knows_the_position_the_desk_asks_about_a_plain_order(open_house: OpenHouse) -> None:
    house = await _holding(open_house, approval="entries")
    await house.crash()
    await house.start()
    desks, house.process.dispatcher.desks = house.process.dispatcher.desks, {}
    out, more = await house.alert(sell("INFY", 4)), await house.alert(buy("INFY", 5))
    house.process.dispatcher.desks = desks
    await house.run(6)

    assert [answer.content["orders"][0].get("state") for answer in (out, more)] == [None, None]
    (found,) = await listed(house)
    assert (house.position(), found.intent.approval.side, found.intent.approval.quantity) == (6, "buy", 5)


async def test_an_exit_that_waited_goes_out_at_any_price_and_for_a_strategy_that_is_off(open_house: OpenHouse) -> None:
    house = await _holding(open_house, approval="all")
    await house.alert(leave())
    house.market.set_price("NSE:INFY", 80)
    house.change("strategies", STRATEGY, enabled=0)
    await approve(house, then_s=5)

    assert house.position() == 0


async def test_an_exit_of_everything_that_waited_closes_everything(open_house: OpenHouse) -> None:
    house = await _holding(open_house, approval="all")
    await house.alert(leave(None, scope="all"))
    await house.run(2)
    assert (await listed(house))[0].price_now is None
    await approve(house, then_s=6)

    assert (house.position(), waiting(house)) == (0, [])


async def test_a_target_beyond_what_is_held_waits_and_cancels_nothing_meanwhile(open_house: OpenHouse) -> None:
    house = await open_house()
    await house.hold(10)
    await house.alert(leave(order_type=OrderType.STOP, trigger_price=D(90)))
    await house.run(2)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="entries"))
    await house.alert(wish(Intent.TARGET_POSITION, target_position=D(25)))
    await house.run(5)

    (found,) = await listed(house)
    assert (found.intent.approval.side, found.intent.approval.quantity) == ("buy", 15)
    assert (house.states(), house.sent("cancel")) == (["FILLED", "WORKING"], 0)
    house.broker.fills_at = D(100)
    await approve(house, then_s=8)

    assert house.position() == 25


async def test_a_target_below_what_is_held_is_an_exit_whatever_rests(open_house: OpenHouse) -> None:
    house = await open_house()
    await house.hold(10)
    await house.alert(leave(order_type=OrderType.STOP, trigger_price=D(90)))
    await house.run(2)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="entries"))
    house.broker.fills_at = D(100)
    await house.alert(wish(Intent.TARGET_POSITION, target_position=D(5)))
    await house.run(8)

    assert (house.position(), waiting(house)) == (5, [])


async def test_a_reversal_closes_at_once_and_asks_for_the_other_side(open_house: OpenHouse) -> None:
    house = await _holding(open_house, approval="entries")
    oracle = Oracle(house)
    await house.alert(wish(Intent.REVERSE))
    await house.run(5)
    (found,) = await listed(house)
    assert (house.position(), found.intent.approval.side, found.intent.approval.quantity) == (0, "sell", 10)

    await approve(house, then_s=5)

    assert house.position() == -10
    assert oracle.judge() == []
    oracle.close()


async def test_a_share_of_funds_above_the_limit_waits_once_its_size_is_known(open_house: OpenHouse) -> None:
    house = await open_house(approval_above=D(1000))
    await house.run(1)
    share = buy(quantity=D(10), quantity_type=QuantityType.PERCENT_AVAILABLE)
    await house.alert(share)
    await house.run(5)

    assert (len(waiting(house)), house.sent()) == (1, 0)
    await approve(house, then_s=5)
    assert house.sent() == 1


async def test_a_change_that_risks_more_waits(open_house: OpenHouse) -> None:
    house = await open_house()
    await house.alert(buy("INFY", 10, order_type=OrderType.LIMIT, price=D(90)))
    await house.run(2)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="entries"))
    more = wish(Intent.MODIFY_ORDER, "INFY", 20, order_id=house.order().id)
    await house.alert(more)
    await house.run(3)
    assert (house.order().quantity, len(waiting(house))) == (10, 1)

    await approve(house, then_s=8)

    assert house.order().quantity == 20


async def test_an_approved_buy_is_made_in_the_product_that_it_was_decided_in(open_house: OpenHouse) -> None:
    house = await open_house()
    house.broker.fills_at = D(100)
    await house.alert(buy("INFY", 10, product=Product.CNC))
    await house.run(3)
    house.change("strategies", STRATEGY, settings=_settings(house, approval="entries"))
    await house.alert(buy("INFY", 5))
    await approve(house)

    assert [(order.product, order.quantity) for order in house.orders()] == [("CNC", 10), ("MIS", 5)]


async def test_a_large_entry_is_cut_at_the_freeze_quantity_when_it_is_approved(careful: House) -> None:
    await careful.alert(buy(FUTURE.symbol, 65 * 60, exchange="NFO"))
    await approve(careful, then_s=5)

    assert [order.quantity for order in careful.orders()] == [1755, 1755, 390]


# -- baskets -----------------------------------------------------------------------------------------------------------------


async def test_a_basket_waits_and_goes_on_as_a_whole(open_house: OpenHouse) -> None:
    house = await open_house(approval_above=D(1000), basket_policy="stop")
    await house.alert(buy("INFY", 10), buy("SBIN", 1))
    await house.run(3)
    assert (len(waiting(house)), house.sent()) == (2, 0)

    said = await approve(house, waiting(house)[1], then_s=5)

    assert said.startswith("Approved: BUY 10 INFY, BUY 1 SBIN.")
    assert [order.symbol for order in house.orders()] == ["INFY", "SBIN"]


async def test_one_leg_whose_price_moved_ends_the_basket(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries", basket_policy="unwind")
    await house.alert(buy("INFY", 10), buy("SBIN", 1))
    house.market.set_price("NSE:SBIN", 110)
    await approve(house)

    assert [(row["state"], row["code"]) for row in house.intents()] == [("REFUSED", "price_moved")] * 2
    assert house.sent() == 0


async def test_legs_that_need_not_stand_together_are_approved_one_by_one(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries", basket_policy="continue")
    await house.alert(buy("INFY", 10), buy("SBIN", 1))
    await approve(house)

    assert (len(waiting(house)), house.sent()) == (1, 1)


async def test_each_account_is_approved_by_itself(open_house: OpenHouse) -> None:
    house = await open_house(approval="entries")
    house.add_account("ac_second")
    feeds = (Feed(account_id=ACCOUNT), Feed(account_id="ac_second"))
    house.change("strategies", STRATEGY, settings=_settings(house, accounts=feeds))
    await house.run(2)
    await house.alert(buy())
    assert len(waiting(house)) == 2
    await approve(house)

    assert len(waiting(house)) == 1


# -- dry runs ------------------------------------------------------------------------------------------------------------------


async def test_a_dry_run_says_that_approval_would_be_needed(careful: House) -> None:
    answer = await careful.alert(buy(), dry_run=True)

    assert answer.status == 200
    assert answer.content["orders"][0]["state"] == "awaiting_confirm"
    assert "Approval needed" in [step["title"] for step in answer.content["trace"]]
    assert careful.intents() == []


async def test_a_replay_says_that_approval_would_be_needed(house: House) -> None:
    body = '{"symbol": "INFY", "exchange": "NSE", "action": "buy", "quantity": 7}'
    first = await house.alert(read=False, body=body, needs_approval=True)
    await approve(house)

    dry = await house.process.control.replay(first.content["alert_id"], ANN, live=False)
    live = await house.ask(house.process.control.replay(first.content["alert_id"], ANN, live=True))

    assert dry.content["orders"][0]["state"] == live.content["orders"][0]["state"] == "awaiting_confirm"
    assert house.sent() == 1
