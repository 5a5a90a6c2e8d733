"""What a program may do to alerts, orders and switches."""

from __future__ import annotations

import pytest

from bridge.accounts.service import touch
from bridge.kit.database import Transaction
from tests.api.openalgo.conftest import Trader
from tests.api.program import Program, address, alert, noticed, parked, program


async def orders_of(trader: Trader) -> int:
    return len(await trader.house.reader.rows("SELECT id FROM orders WHERE user_id = :u", {"u": trader.user_id}))


# -- replay -----------------------------------------------------------------------------------------------------------


async def test_a_replay_shows_what_would_become_of_an_alert_and_keeps_nothing(asha: Trader, mine: Program) -> None:
    alert_id = await alert(asha, await address(asha))

    answer = await mine.done("POST", f"/alerts/{alert_id}/replay", {})

    assert (answer["status"], answer["orders"][0]["quantity"]) == ("accepted", 7)
    assert await orders_of(asha) == 1


async def test_a_live_replay_makes_real_orders(asha: Trader, mine: Program) -> None:
    alert_id = await alert(asha, await address(asha))

    answer = await mine.done("POST", f"/alerts/{alert_id}/replay", {"live": True}, status=202)

    assert answer["alert_id"] != alert_id
    assert await orders_of(asha) == 2


async def test_a_live_replay_under_the_same_id_comes_true_once(asha: Trader, mine: Program) -> None:
    to = await address(asha)
    first, second = await alert(asha, to), await alert(asha, to, quantity=8)
    own_id = {"Idempotency-Key": "mine-1"}

    answers = [
        await mine.ask("POST", f"/alerts/{alert_id}/replay", {"live": True}, own_id)
        for alert_id in (first, first, second)
    ]

    assert [answer.json()["status"] for answer in answers] == ["accepted", "duplicate", "refused"]
    assert answers[2].status_code == 409
    assert await orders_of(asha) == 3


async def test_a_replay_for_real_needs_a_key_that_may_trade(asha: Trader) -> None:
    alert_id = await alert(asha, await address(asha))
    path = f"/alerts/{alert_id}/replay"
    looking, trying = await program(asha, ("read",)), await program(asha, ("read", "alerts:write"))

    await looking.refused("POST", path, 403, "insufficient_scope", {"live": False})
    assert (await trying.done("POST", path, {"live": False}))["status"] == "accepted"
    await trying.refused("POST", path, 403, "insufficient_scope", {"live": True})

    assert await orders_of(asha) == 1


async def test_a_replay_does_not_lead_around_what_holds_the_keys_own_orders(asha: Trader) -> None:
    path = f"/alerts/{await alert(asha, await address(asha))}/replay"
    other = await asha.house.accounts.add_account(asha.user_id, "Other", "paper")
    await asha.house.directory.refresh()

    approved = await program(asha, order_mode="semi_auto")
    elsewhere = await program(asha, account_id=other)
    practising = await program(asha, analyze=True, paper_account_id=other)

    await approved.refused("POST", path, 403, "needs_approval", {"live": True})
    await elsewhere.refused("POST", path, 403, "not_this_account", {"live": True})
    await practising.refused("POST", path, 403, "not_this_account", {"live": True})
    assert await orders_of(asha) == 1


async def test_what_came_through_no_address_cannot_be_replayed(asha: Trader, mine: Program) -> None:
    await asha.order()
    (placed,) = (await mine.get("/alerts"))["items"]

    await mine.refused("POST", f"/alerts/{placed['id']}/replay", 409, "no_source", {})


# -- orders -----------------------------------------------------------------------------------------------------------


async def resting(trader: Trader) -> str:
    return str((await trader.order(pricetype="LIMIT", price="2000", symbol="TCS"))["orderid"])


async def test_a_cancel_is_asked_for_and_done_when_the_broker_says_so(asha: Trader, mine: Program) -> None:
    order_id = await resting(asha)

    said = await mine.done("DELETE", f"/orders/{order_id}", status=202)

    assert "until the broker confirms" in said["message"]
    desk = asha.house.dispatcher.desks[asha.account_id]
    while (await mine.get(f"/orders/{order_id}"))["state"] == "WORKING":
        await desk.change(0.05)
    assert (await mine.get(f"/orders/{order_id}"))["state"] == "CANCELLED"
    said_again = await mine.refused("DELETE", f"/orders/{order_id}", 409, "not_open")
    assert "it is cancelled" in said_again


async def test_a_parked_order_is_decided_among_its_candidates(asha: Trader, mine: Program) -> None:
    order_id = await parked(asha, await resting(asha))
    path = f"/orders/{order_id}/decide"

    assert "B-1, B-2" in await mine.refused("POST", path, 400, "no_candidate", {"broker_order_id": "B-3"})
    await mine.refused("POST", path, 400, "bad_request", {})
    said = await mine.done("POST", path, {"broker_order_id": "B-2"})

    assert "is the broker's order B-2" in said["message"]
    shown = await mine.get(f"/orders/{order_id}")
    assert (shown["state"], shown["broker_order_id"]) == ("WORKING", "B-2")
    await mine.refused("POST", path, 409, "not_parked", {"broker_order_id": "B-2"})


async def test_a_parked_order_that_was_none_of_them_is_not_sent_again(asha: Trader, mine: Program) -> None:
    order_id = await parked(asha, await resting(asha))

    await mine.done("POST", f"/orders/{order_id}/decide", {"broker_order_id": None})

    assert (await mine.get(f"/orders/{order_id}"))["state"] == "NOT_PLACED"


async def test_a_key_for_another_account_touches_no_order(asha: Trader) -> None:
    order_id = await resting(asha)
    parked_id = await parked(asha, order_id)
    other = await asha.house.accounts.add_account(asha.user_id, "Other", "paper")
    await asha.house.directory.refresh()
    elsewhere = await program(asha, account_id=other)

    await elsewhere.refused("DELETE", f"/orders/{order_id}", 403, "not_this_account")
    await elsewhere.refused("POST", f"/orders/{parked_id}/decide", 403, "not_this_account", {"broker_order_id": None})

    states = [(await elsewhere.get(f"/orders/{each}"))["state"] for each in (order_id, parked_id)]
    assert states == ["WORKING", "PARKED"]


async def test_a_key_that_may_only_cancel_decides_nothing(asha: Trader) -> None:
    order_id = await parked(asha, await resting(asha))
    cancelling = await program(asha, ("read", "orders:cancel"))

    await cancelling.refused("POST", f"/orders/{order_id}/decide", 403, "insufficient_scope", {"broker_order_id": None})


# -- switches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["orders:write", "orders:cancel"])
async def test_every_trading_key_may_stop_but_not_let_go(asha: Trader, scope: str) -> None:
    trading = await program(asha, ("read", scope))

    thrown = await trading.done("POST", "/panic", {"scope": "user", "stopped": True})
    said = await trading.refused("POST", "/panic", 403, "insufficient_scope", {"scope": "user", "stopped": False})

    assert (thrown["scope_id"], thrown["stopped"]) == (asha.user_id, True)
    assert "panic:release" in said
    assert asha.house.directory.snapshot.stop(user=asha.user_id)


@pytest.mark.parametrize("scopes", [("read",), ("read", "stream", "alerts:write", "limits:write"), ("panic:release",)])
async def test_a_key_that_does_not_trade_stops_nothing(asha: Trader, scopes: tuple[str, ...]) -> None:
    other = await program(asha, scopes)

    await other.refused("POST", "/panic", 403, "insufficient_scope", {"scope": "user", "stopped": True})

    assert not asha.house.directory.snapshot.stops


async def test_a_stop_stops_and_says_who_and_why(asha: Trader, mine: Program) -> None:
    to = await address(asha)
    stop = {"scope": "strategy", "scope_id": to.strategy_id, "stopped": True, "reason": "it went mad"}

    await mine.done("POST", "/panic", stop)
    message = {"symbol": "RELIANCE", "exchange": "NSE", "action": "buy", "quantity": 1}
    refused = await asha.client.post(to.path, json=message)
    await mine.done("POST", "/panic", stop | {"stopped": False})
    taken = await asha.client.post(to.path, json=message)

    assert (refused.json()["code"], taken.status_code) == ("stopped", 202)
    assert "it went mad" in refused.json()["message"]


async def crowned(trader: Trader) -> None:
    """That person is the owner from now on."""

    def crown(tx: Transaction) -> None:
        tx.execute("UPDATE users SET role = 'owner' WHERE id = :id", {"id": trader.user_id})
        touch(tx)

    await trader.house.writer.run(crown)
    await trader.house.directory.refresh()


async def test_only_the_owner_stops_everybody(asha: Trader, mine: Program) -> None:
    everybody = {"scope": "global", "stopped": True}
    await mine.refused("POST", "/panic", 403, "owner_only", everybody)

    await crowned(asha)
    await mine.done("POST", "/panic", everybody)

    assert asha.house.directory.snapshot.stop()


async def test_an_owner_sees_and_stops_nothing_of_another_person_by_name(asha: Trader, ravi: Trader) -> None:
    await crowned(asha)
    owner = await program(asha)

    for scope, scope_id in (("user", ravi.user_id), ("account", ravi.account_id)):
        await owner.refused("POST", "/panic", 404, "not_found", {"scope": scope, "scope_id": scope_id, "stopped": True})
    await owner.refused("GET", f"/accounts/{ravi.account_id}", 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{}, {"scope": "user"}, {"scope": "planet", "stopped": True}, {"scope": "user", "stopped": True, "reason": "x" * 201},
     {"scope": "user", "stopped": "perhaps"}],
)  # fmt: skip
async def test_what_is_no_stop_is_a_bad_request(mine: Program, body: dict[str, object]) -> None:
    await mine.refused("POST", "/panic", 400, "bad_request", body)


# -- notices ----------------------------------------------------------------------------------------------------------


async def test_notices_are_listed_newest_first_in_pages_and_by_what_they_are_about(asha: Trader, mine: Program) -> None:
    for number in range(3):
        await noticed(asha, f"Told {number}.", alert_id="al_x" if number == 1 else None)

    first = await mine.get("/notices", limit=2)
    second = await mine.get("/notices", limit=2, cursor=first["next_cursor"])

    assert [each["message"] for each in first["items"] + second["items"]] == ["Told 2.", "Told 1.", "Told 0."]
    assert [each["message"] for each in (await mine.get("/notices", alert_id="al_x"))["items"]] == ["Told 1."]
    assert (await mine.ask("GET", "/notices", None, None, cursor="WzEsIngiXQ")).status_code == 400
