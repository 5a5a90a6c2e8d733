"""The journey of an alert from its arrival to the answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.accounts.model import AccountSettings, Feed, StrategySettings, SymbolMapping
from bridge.domain.intent import Intent, Kind
from bridge.domain.refusal import Refusal
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, BOB, SOURCE, STRATEGY, House, buy, leave, sell, wish


async def test_an_alert_is_answered_with_the_orders_it_leads_to(house: House) -> None:
    answer = await house.alert(buy("INFY", 10))

    (line,) = answer.content["orders"]
    assert answer.status == 202
    assert line == {
        "order_id": house.order().id,
        "symbol": "INFY",
        "side": "buy",
        "quantity": 10,
        "account": ACCOUNT,
    }
    assert answer.content["trace"] == f"/alerts/{answer.content['alert_id']}"


async def test_an_alert_as_a_platform_writes_it_is_traded(house: House) -> None:
    body = '{"symbol": "INFY", "exchange": "NSE", "action": "sell", "quantity": 7, "token": "hunter2"}'

    await house.alert(read=False, body=body)
    await house.run(1)

    (alert,) = house.rows("SELECT * FROM alerts")
    order = house.order()
    assert (order.side, order.quantity, str(order.state)) == ("sell", 7, "WORKING")
    assert (alert["dialect"], alert["status"]) == ("generic_json", "accepted")
    assert "hunter2" not in alert["body"]


async def test_the_time_line_of_an_alert_shows_every_check(house: House) -> None:
    answer = await house.alert(buy())

    (row,) = house.rows("SELECT trace FROM alerts WHERE id = :id", id=answer.content["alert_id"])
    steps = json.loads(row["trace"])
    assert [step["step"] for step in steps] == ["received", "read", "mapped", "sized", "checked"]
    assert steps[0]["detail"] == "from 203.0.113.9"
    assert all(check["ok"] for check in steps[-1]["checks"])


async def test_a_refused_alert_is_kept_and_told(house: House) -> None:
    answer = await house.alert(buy("NOSUCH"))

    (alert,) = house.rows("SELECT * FROM alerts")
    assert answer.status == 422
    assert (alert["status"], alert["code"]) == ("refused", answer.content["code"])
    assert house.notices() == ["alert_refused"]
    assert house.orders() == []


# -- messages that do not trade ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.NOTIFY, Kind.QUERY, Kind.VARIABLE])
async def test_messages_that_ask_for_nothing_are_noted(house: House, kind: Kind) -> None:
    answer = await house.alert(buy(), kind=kind)

    assert answer.status == 202
    assert answer.content["note"] == "Kept as a notice; it asks for no order."
    assert house.rows("SELECT status FROM alerts") == [{"status": "noted"}]
    assert house.intents() == []


async def test_a_message_may_ask_for_a_rehearsal(house: House) -> None:
    assert (await house.alert(buy(), dry_run=False)).status == 202
    assert (await house.send(replace(house.arrival(buy()), dry_run=True))).status == 200
    assert len(house.rows("SELECT * FROM alerts")) == 1


async def test_a_rehearsal_tells_what_would_happen_and_keeps_nothing(house: House) -> None:
    answer = await house.alert(buy("INFY", 10), dry_run=True)

    assert answer.status == 200
    assert answer.content["orders"][0]["quantity"] == 10
    assert answer.content["trace"][-1]["title"] == "Every check passed"
    assert answer.content["reading"]["dialect"] == "test"
    assert house.rows("SELECT * FROM alerts") == []
    assert house.process.survey.uses.of(STRATEGY, "2026-01-05").today == 0


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        ({"refusal": Refusal("bad_number", "quantity: expected a number.")}, "bad_number"),
        ({"kind": Kind.CONDITIONAL}, "conditional_unsupported"),
        ({"kind": Kind.CONTROL}, "control_unsupported"),
    ],
)
async def test_messages_that_cannot_be_kept_are_refused(house: House, reading: dict[str, object], code: str) -> None:
    assert (await house.alert(buy(), **reading)).content["code"] == code


async def test_a_control_message_may_close_positions(house: House) -> None:
    await house.hold(10)

    await house.alert(leave(), kind=Kind.CONTROL)
    await house.run(1)

    assert house.orders()[-1].side == "sell"


async def test_the_secret_in_the_body_is_asked_for(house: House) -> None:
    wanted = {"body_secret_hash": house.vault.fingerprint("hunter2!")}

    wrong = await house.alert(buy(), source_settings=wanted, secret="hunter1!")
    missing = await house.alert(buy(), source_settings=wanted)
    right = await house.alert(buy(), source_settings=wanted, secret="hunter2!", body='{"s": "hunter2!"}')

    assert wrong.content["code"] == missing.content["code"] == "bad_body_secret"
    assert right.status == 202
    assert house.rows("SELECT body FROM alerts WHERE status = 'accepted'") == [{"body": '{"s": "***"}'}]


async def test_a_strategy_without_an_account_says_so(open_house: OpenHouse) -> None:
    house = await open_house(accounts=())

    assert (await house.alert(buy())).content["code"] == "no_account"


# -- many wishes, many accounts ------------------------------------------------------------------------------------------


async def test_one_alert_trades_on_every_account_of_its_strategy(open_house: OpenHouse) -> None:
    house = await open_house(
        accounts=(
            Feed(account_id=ACCOUNT),
            Feed(account_id="ac_two", multiplier=Decimal(3)),
            Feed(account_id="ac_gone"),
        )
    )
    house.add_account("ac_two")

    answer = await house.alert(buy("INFY", 10))
    await house.run(3)

    assert [(order.account_id, order.quantity) for order in house.orders()] == [(ACCOUNT, 10), ("ac_two", 30)]
    assert [line["code"] for line in answer.content["refused"]] == ["account_unknown"]
    assert house.states() == ["WORKING", "WORKING"]


async def test_nobody_trades_on_anothers_account(open_house: OpenHouse) -> None:
    house = await open_house(accounts=(Feed(account_id="ac_bob"),))
    house.add_account("ac_bob", user=BOB)

    assert (await house.alert(buy())).content["code"] == "account_unknown"


async def test_a_basket_with_a_leg_that_is_refused_is_not_begun(house: House) -> None:
    answer = await house.alert(buy("INFY"), buy("NOSUCH"), buy("SBIN"))

    assert answer.status == 422
    assert [row["state"] for row in house.intents()] == ["REFUSED"] * 3
    assert house.orders() == []
    assert house.process.survey.uses.of(STRATEGY, "2026-01-05").today == 0


async def test_a_basket_may_go_on_without_a_leg(open_house: OpenHouse) -> None:
    house = await open_house(basket_policy="continue")

    answer = await house.alert(buy("INFY"), buy("NOSUCH"), buy("SBIN"))

    assert answer.status == 202
    assert [order.symbol for order in house.orders()] == ["INFY", "SBIN"]
    assert [line["symbol"] for line in answer.content["refused"]] == ["NOSUCH"]


async def test_a_scan_is_taken_up_to_the_strategys_cap(open_house: OpenHouse) -> None:
    house = await open_house(scan_side="buy", scan_symbols_max=1)

    answer = await house.alert(wish(Intent.SCAN_HIT, "INFY"), wish(Intent.SCAN_HIT, "SBIN"), kind=Kind.SCAN)

    assert [order.symbol for order in house.orders()] == ["INFY"]
    assert [line["code"] for line in answer.content["refused"]] == ["scan_cap"]


async def test_a_scan_follows_its_keyword(open_house: OpenHouse) -> None:
    house = await open_house(scan_side="keyword")

    await house.alert(wish(Intent.SCAN_HIT, "INFY", 1), kind=Kind.SCAN, keyword_action="sell")

    assert house.order().side == "sell"


async def test_what_the_position_decides_is_answered_as_waiting(house: House) -> None:
    answer = await house.alert(leave())

    (line,) = answer.content["orders"]
    assert line["order_id"] is None
    assert line["intent_id"] == house.intents()[0]["id"]


async def test_a_large_order_is_cut_at_the_freeze_quantity(house: House) -> None:
    await house.alert(buy("NIFTY27JAN26FUT", 1820 * 2, exchange="NFO"))
    await house.run(3)

    quantities = [order.quantity for order in house.orders()]
    assert sum(quantities) == 3640
    assert len(quantities) == len({order.leg for order in house.orders()}) > 1
    assert len({order.ref for order in house.orders()}) == len(quantities)


# -- ages and their order --------------------------------------------------------------------------------------------------


async def test_a_message_may_be_stricter_about_its_age_but_never_laxer(house: House) -> None:
    old = (house.clock.now() - timedelta(seconds=20)).isoformat()
    older = (house.clock.now() - timedelta(seconds=90)).isoformat()

    strict = await house.alert(buy(), timestamp=old, max_age_s=Decimal(10))
    lax = await house.alert(buy(), timestamp=older, max_age_s=Decimal(600))

    assert strict.content["code"] == lax.content["code"] == "alert_too_old"


async def test_an_older_bar_after_a_newer_one_is_refused(house: House) -> None:
    now = house.clock.now()
    await house.alert(buy(), timestamp=now.isoformat())

    answer = await house.alert(sell(), timestamp=(now - timedelta(seconds=30)).isoformat())
    other = await house.alert(sell("SBIN"), timestamp=(now - timedelta(seconds=30)).isoformat())

    assert answer.content["code"] == "out_of_order"
    assert other.status == 202  # each symbol has its own order of time


async def test_an_entry_comes_too_late_after_a_newer_exit_and_an_exit_does_not(house: House) -> None:
    now = house.clock.now()
    await house.hold(10)
    await house.alert(leave(), timestamp=now.isoformat())

    entry = await house.alert(buy(), timestamp=(now - timedelta(seconds=30)).isoformat())
    way_out = await house.alert(leave(), timestamp=(now - timedelta(seconds=30)).isoformat())

    assert entry.content["code"] == "out_of_order"
    assert way_out.status == 202


async def test_the_order_of_alerts_survives_a_restart(house: House) -> None:
    now = house.clock.now()
    await house.alert(buy(), timestamp=now.isoformat())
    await house.alert(leave("SBIN"), timestamp=now.isoformat())
    await house.crash()
    await house.start()

    for late in (buy("INFY"), leave("INFY"), buy("SBIN")):
        answer = await house.alert(late, timestamp=(now - timedelta(seconds=30)).isoformat())
        assert answer.content["code"] == "out_of_order"


async def test_an_alert_that_was_refused_does_not_outdate_the_others(house: House) -> None:
    now = house.clock.now()
    await house.alert(buy("INFY", 0), timestamp=now.isoformat())

    assert (await house.alert(buy(), timestamp=(now - timedelta(seconds=5)).isoformat())).status == 202


async def test_a_delayed_order_goes_out_when_its_time_has_come(house: House) -> None:
    await house.alert(buy(delay_s=Decimal(90)))
    await house.run(89)
    assert house.sent() == 0

    await house.run(3)

    assert house.states() == ["WORKING"]


async def test_an_exit_does_not_wait_behind_a_delayed_entry(house: House) -> None:
    await house.hold(10)
    await house.alert(buy(delay_s=Decimal(600)))

    await house.alert(leave())
    await house.run(3)

    assert house.states() == ["FILLED", "WORKING"]


async def test_symbols_take_the_strategys_own_mapping(open_house: OpenHouse) -> None:
    line = SymbolMapping(exchange="NSE", symbol="SBIN", quantity=Decimal(25))
    house = await open_house(any_symbol=False, symbols={"bank": line})

    await house.alert(buy("bank", None, exchange=None))
    other = await house.alert(buy("INFY"))
    await house.alert(wish(Intent.REVERSE, "BANK", exchange=None))
    house.broker.fill("B0001")
    await house.run(5)

    assert [(order.symbol, order.quantity) for order in house.orders()] == [("SBIN", 25), ("SBIN", 50)]
    assert other.content["code"] == "symbol_not_allowed"


async def test_the_switch_of_a_source_stops_that_source(house: House) -> None:
    house.stop_trading("source", SOURCE)
    assert (await house.alert(buy())).status == 202  # another source's

    house.stop_trading("source", f"so_{STRATEGY}")
    assert (await house.alert(buy())).content["code"] == "stopped"
    assert (await house.alert(leave(None, scope="all"))).content["code"] == "stopped"


async def test_the_accounts_allowance_of_the_day_is_counted_where_orders_are_sent(open_house: OpenHouse) -> None:
    house = await open_house(account=AccountSettings(orders_per_day=2))
    for symbol in ("INFY", "SBIN"):
        await house.alert(buy(symbol))
    await house.run(2)
    house.process.survey.uses.load(ACCOUNT, "2026-01-05", 0)  # another process's memory

    await house.alert(buy())
    await house.run(2)

    assert house.states() == ["WORKING", "WORKING", "NOT_SENT"]
    assert house.orders()[-1].code == "account_orders_per_day"


async def test_two_strategies_of_one_account_keep_their_own_positions(house: House) -> None:
    settings = StrategySettings(any_symbol=True, accounts=(Feed(account_id=ACCOUNT),))
    house.add_strategy("st_other", settings)
    await house.hold(10)

    answer = await house.alert(leave(), strategy="st_other")
    await house.run(2)

    assert answer.status == 202
    assert house.intents()[-1]["code"] == "nothing_to_do"
    assert house.position() == 10


async def test_accounts_and_sizes_are_the_strategys_to_decide_not_the_messages(house: House) -> None:
    answer = await house.alert(buy(), accounts=({"account": "U1234567", "quantity": 500},))

    assert (answer.status, answer.content["code"]) == (422, "accounts_unsupported")
    assert house.orders() == []
