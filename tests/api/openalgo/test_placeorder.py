"""`placeorder`, and what every endpoint shares: keys, envelopes, faults, ids."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.accounts.model import KeySettings
from tests.api.openalgo.conftest import ORDER, Trader, trader


async def state(who: Trader, order_id: str) -> str:
    row = await who.house.reader.row("SELECT state FROM orders WHERE id = :id", {"id": order_id})
    assert row is not None
    return str(row["state"])


async def test_an_order_is_answered_when_its_broker_has_it(asha: Trader) -> None:
    reply = await asha.order()

    assert reply == {"status": "success", "orderid": reply["orderid"]}
    assert await state(asha, reply["orderid"]) in ("WORKING", "FILLED")


async def test_an_order_carries_its_strategy_which_is_made_when_it_is_new(asha: Trader) -> None:
    await asha.order(strategy="Breakout")
    await asha.order(strategy="Breakout")

    named = [s for s in asha.house.directory.snapshot.strategies.values() if s.user_id == asha.user_id]
    rows = await asha.house.reader.rows("SELECT DISTINCT strategy_id FROM orders")
    assert [strategy.name for strategy in named] == ["Breakout"]
    assert rows == [{"strategy_id": named[0].id}]


async def test_two_equal_orders_without_an_id_are_two_orders(asha: Trader) -> None:
    first, second = await asha.order(), await asha.order()

    assert first["orderid"] != second["orderid"]


@pytest.mark.parametrize("by_header", [False, True])
async def test_an_order_with_an_id_is_taken_once_and_answered_alike(asha: Trader, by_header: bool) -> None:
    async def send(**changes: Any) -> httpx.Response:
        own = {} if by_header else {"client_order_id": "mine-1"}
        headers = {"Idempotency-Key": "mine-1"} if by_header else {}
        body = {"apikey": asha.key, **ORDER, **own, **changes}
        return await asha.client.post("/api/v1/placeorder", json=body, headers=headers)

    first, again, other = await send(), await send(), await send(quantity="11")

    assert first.json()["orderid"] == again.json()["orderid"]
    assert (other.status_code, other.json()["reason"]) == (409, "id_reused")
    assert len(await asha.house.reader.rows("SELECT id FROM orders")) == 1


@pytest.mark.parametrize("header", ["X-API-KEY", "Authorization"])
async def test_a_key_may_stand_in_a_header(asha: Trader, header: str) -> None:
    value = asha.key if header == "X-API-KEY" else f"Bearer {asha.key}"

    answer = await asha.client.post("/api/v1/ping", json={}, headers={header: value})

    assert answer.json()["data"] == {"message": "pong", "broker": "paper"}


@pytest.mark.parametrize("written", ["", " ", None, 7])
async def test_a_header_does_not_answer_for_a_key_in_the_body_that_is_none(asha: Trader, written: Any) -> None:
    headers = {"X-API-KEY": asha.key}

    answer = await asha.client.post("/api/v1/ping", json={"apikey": written}, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["message"] == {"apikey": ["Missing data for required field."]}


async def test_a_method_that_is_not_there_is_answered_with_those_that_are(asha: Trader) -> None:
    one = await asha.client.put("/api/v1/ping")
    several = [await asha.client.delete(f"/api/v1/telegram/config{end}") for end in ("", "/")]

    assert {answer.status_code for answer in (one, *several)} == {405}
    assert one.headers["allow"] == "POST"
    assert [answer.headers["allow"] for answer in several] == ["POST, GET", "POST, GET"]


async def test_a_wrong_key_and_a_missing_one_are_told_apart(asha: Trader) -> None:
    wrong = await asha.client.post("/api/v1/placeorder", json={**ORDER, "apikey": "f" * 64})
    missing = await asha.client.post("/api/v1/placeorder", json=ORDER)

    assert (wrong.status_code, missing.status_code) == (403, 400)
    assert "Invalid API key" in wrong.json()["message"]
    assert missing.json()["message"] == "{'apikey': ['Missing data for required field.']}"


async def test_a_key_that_may_only_read_places_nothing(asha: Trader) -> None:
    reader = await asha.house.accounts.add_key(asha.user_id, "sheet", ("read",))

    answer = await asha.client.post("/api/v1/placeorder", json={**ORDER, "apikey": reader})

    assert answer.status_code == 403
    assert "orders:write" in answer.json()["message"]


@pytest.mark.parametrize("body", ["{oops", "", "[1]", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 5000])
async def test_a_body_that_is_no_json_object_is_a_bad_request(asha: Trader, body: str) -> None:
    answer = await asha.client.post("/api/v1/placeorder", content=body)

    assert answer.status_code == 400
    assert answer.json()["status"] == "error"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"quantity": "1_000"}, "quantity"),
        ({"quantity": "١٠"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"action": "HOLD"}, "action"),
        ({"pricetype": "ICEBERG"}, "pricetype"),
        ({"product": "XYZ"}, "product"),
        ({"pricetype": "LIMIT"}, "price"),
        ({"pricetype": "SL", "price": "10"}, "trigger_price"),
        ({"pricetype": "SL-M"}, "trigger_price"),
        ({"price": "-5"}, "price"),
        ({"symbol": ""}, "symbol"),
        ({"strategy": "x\u0000y"}, "strategy"),
    ],
)
async def test_a_wrong_member_is_named_and_nothing_is_placed(asha: Trader, changes: dict[str, Any], field: str) -> None:
    message = await asha.refused("placeorder", 400, **(ORDER | changes))

    assert message.startswith("{'" + field + "': [")
    assert await asha.house.reader.rows("SELECT id FROM alerts") == []


async def test_an_unknown_member_is_told_of_and_refused_when_the_body_is_strict(asha: Trader) -> None:
    reply = await asha.order(target="5")
    message = await asha.refused("placeorder", 400, **ORDER, target="5", strict=True)

    assert reply["warnings"] == ["target: not known here, ignored"]
    assert message == "{'target': ['Unknown field.']}"


async def test_what_a_check_refuses_is_an_error_with_its_reason(asha: Trader) -> None:
    answer = await asha.post("placeorder", **(ORDER | {"symbol": "NOSUCH"}))

    assert (answer.status_code, answer.json()["reason"]) == (400, "symbol_unknown")
    assert "NOSUCH" in answer.json()["message"]


async def test_what_the_broker_rejects_is_an_error_in_its_words(asha: Trader) -> None:
    answer = await asha.post("placeorder", **(ORDER | {"quantity": "1000000"}))

    assert answer.status_code == 400
    assert answer.json()["orderid"].startswith("or_")
    assert await state(asha, answer.json()["orderid"]) == "REJECTED"


async def test_a_person_with_two_accounts_must_say_which_the_key_trades_on(asha: Trader) -> None:
    await asha.house.accounts.add_account(asha.user_id, "Second", "paper")
    await asha.house.directory.refresh()

    message = await asha.refused("placeorder", 403, **ORDER)
    settings = KeySettings(account_id=asha.account_id)
    asha.key = await asha.house.accounts.add_key(asha.user_id, "sure", ("orders:write",), settings=settings)

    assert "which of your accounts" in message
    assert (await asha.order())["orderid"].startswith("or_")


async def test_orders_beyond_the_keys_rate_are_turned_away_with_a_time_to_wait(asha: Trader) -> None:
    slow = await trader(asha.house, asha.client, "slow", orders_per_second=2)

    answers = [await slow.post("placeorder", **ORDER) for _ in range(4)]

    assert [answer.status_code for answer in answers][:2] == [200, 200]
    turned_away = [answer for answer in answers if answer.status_code == 429]
    assert turned_away
    assert turned_away[0].json()["retry_after"] == 1
    assert turned_away[0].headers["retry-after"] == "1"


async def test_a_stopped_strategy_places_nothing_and_says_why(asha: Trader) -> None:
    await asha.order(strategy="Python")
    user = asha.house.directory.snapshot.users[asha.user_id]
    await asha.house.control.panic("user", asha.user_id, True, "lunch", user)

    answer = await asha.post("placeorder", **ORDER)

    assert (answer.status_code, answer.json()["reason"]) == (403, "stopped")
    assert "lunch" in answer.json()["message"]


async def test_the_key_is_nowhere_in_what_is_kept(asha: Trader) -> None:
    await asha.order()

    (row,) = await asha.house.reader.rows("SELECT * FROM alerts")
    assert asha.key not in str(row)
    assert (row["dialect"], row["status"]) == ("openalgo", "accepted")


async def test_a_key_that_practises_never_trades_on_an_account_that_is_no_practice(asha: Trader) -> None:
    live = await asha.house.accounts.add_account(asha.user_id, "Real", "fakebroker", credentials={"token": "x"})
    settings = KeySettings(analyze=True, paper_account_id=live)
    asha.key = await asha.house.accounts.add_key(asha.user_id, "mixed up", ("orders:write",), settings=settings)
    await asha.house.directory.refresh()

    message = await asha.refused("placeorder", 403, **ORDER)

    assert "no paper account" in message
    assert await asha.house.reader.rows("SELECT id FROM orders") == []


async def test_a_name_that_is_new_limits_nothing_that_key_and_account_allow(asha: Trader) -> None:
    for _ in range(65):
        await asha.order(quantity="1")

    assert len(await asha.house.reader.rows("SELECT id FROM orders")) == 65
