"""Accounts and limits as resources."""

from __future__ import annotations

import pytest

from bridge.accounts.model import KeySettings
from bridge.brokers.base import LoginRequired, Unavailable
from tests.api.openalgo.conftest import SCOPES, Trader
from tests.api.program import Program, address, program


async def test_an_account_is_shown_without_any_secret(asha: Trader, mine: Program) -> None:
    credentials = {"api_key": "very-secret", "access_token": "more-secret"}
    account_id = await asha.house.accounts.add_account(asha.user_id, "Kite", "zerodha", credentials=credentials)
    (row,) = asha.house.reader.read("SELECT credentials FROM accounts WHERE id = :id", {"id": account_id})

    shown = await mine.ask("GET", f"/accounts/{account_id}")
    everything = await mine.ask("GET", "/accounts")

    assert (shown.json()["broker"], shown.json()["paper"], shown.json()["credentials"]) == ("zerodha", False, True)
    for text in (shown.text, everything.text):
        assert not any(secret in text for secret in ("very-secret", "more-secret", row["credentials"], "settings"))
    assert [each["id"] for each in everything.json()["items"]] == [account_id, asha.account_id]


async def test_the_money_at_a_broker_is_told_exactly(asha: Trader, mine: Program) -> None:
    funds = await mine.get(f"/accounts/{asha.account_id}/funds")

    assert funds["currency"] == "INR"
    assert funds["available"] == funds["capital"] == "10000000"
    assert all(isinstance(value, str) for value in funds.values())


async def test_a_good_login_is_said_so_and_no_order_is_sent(asha: Trader, mine: Program) -> None:
    proof = await mine.done("POST", f"/accounts/{asha.account_id}/test")

    assert (proof["account_id"], proof["ok"]) == (asha.account_id, True)
    assert "the login is good" in proof["message"]
    assert asha.house.reader.read("SELECT id FROM orders") == []


@pytest.mark.parametrize(
    ("problem", "status", "code", "said"),
    [
        (LoginRequired("token expired"), 409, "login_required", "bridge account login"),
        (Unavailable("no route to host"), 502, "broker_unavailable", "cannot be reached"),
        (TimeoutError(), 502, "broker_unavailable", "no answer"),
    ],
)
async def test_a_broker_that_lets_nobody_in_is_said_so(
    asha: Trader, mine: Program, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, code: str, said: str
) -> None:
    async def nobody() -> None:
        raise problem

    monkeypatch.setattr(asha.house.dispatcher.desks[asha.account_id].broker, "check_login", nobody)

    proof = await mine.done("POST", f"/accounts/{asha.account_id}/test")
    refused = await mine.refused("GET", f"/accounts/{asha.account_id}/funds", status, code)

    assert (proof["ok"], proof["message"]) == (False, refused)
    assert said in refused


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_accounts_are_not_made_here(mine: Program, method: str) -> None:
    answer = await mine.ask(method, "/accounts", {"name": "Kite", "broker": "zerodha"})

    assert answer.status_code == 405


async def test_asking_a_broker_counts_with_what_other_programs_ask_of_the_account(asha: Trader, mine: Program) -> None:
    await asha.house.accounts.change_account(asha.user_id, asha.account_id, requests_per_second=1)
    await asha.house.directory.refresh()
    fast = KeySettings(orders_per_second=1000, requests_per_second=1000)
    key = await asha.house.accounts.add_key(asha.user_id, "sheet", SCOPES, settings=fast)
    await asha.client.post("/api/v1/ping", json={"apikey": key})

    await mine.refused("GET", f"/accounts/{asha.account_id}/funds", 429, "too_many_requests")


# -- limits --------------------------------------------------------------------------------------------------------------


async def test_all_limits_stand_in_one_place(asha: Trader, mine: Program) -> None:
    to = await address(asha)
    await mine.done("POST", "/panic", {"scope": "source", "scope_id": to.source_id, "stopped": True, "reason": "smoke"})

    limits = await mine.get("/limits")

    assert [each["account_id"] for each in limits["accounts"]] == [asha.account_id]
    assert limits["accounts"][0]["limits"]["orders_per_minute"] is None
    assert [each["strategy_id"] for each in limits["strategies"]] == [to.strategy_id]
    assert limits["strategies"][0]["limits"]["orders_per_day"] == 1000
    assert [(each["scope"], each["scope_id"], each["reason"]) for each in limits["stops"]] == [
        ("source", to.source_id, "smoke")
    ]


async def test_a_limit_is_changed_or_taken_away_and_the_others_stay(asha: Trader, mine: Program) -> None:
    path = f"/limits/accounts/{asha.account_id}"
    await mine.done("PATCH", path, {"orders_per_day": 20, "order_value_max": "50000.50"})

    changed = await mine.done("PATCH", path, {"orders_per_day": None})

    assert (changed["limits"]["orders_per_day"], changed["limits"]["order_value_max"]) == (None, "50000.50")
    settings = asha.house.directory.snapshot.accounts[asha.account_id].settings
    assert (settings.orders_per_day, str(settings.order_value_max), settings.in_flight_max) == (None, "50000.50", 8)


async def test_a_limit_of_a_strategy_holds_for_its_next_alert(asha: Trader, mine: Program) -> None:
    to = await address(asha)

    changed = await mine.done("PATCH", f"/limits/strategies/{to.strategy_id}", {"quantity_max": "5"})

    message = {"symbol": "RELIANCE", "exchange": "NSE", "action": "buy", "quantity": 6}
    answer = await asha.client.post(to.path, json=message)
    assert changed["limits"]["quantity_max"] == "5"
    assert (answer.status_code, answer.json()["status"]) == (422, "refused")


@pytest.mark.parametrize(
    "body",
    [{}, {"orders_per_day": 0}, {"orders_per_day": "many"}, {"broker": {}}, {"daily_loss_max": "-1"},
     {"in_flight_max": 64}, {"order_value_max": "Infinity"}],
)  # fmt: skip
async def test_what_is_no_limit_changes_nothing(asha: Trader, mine: Program, body: dict[str, object]) -> None:
    before = await mine.get("/limits")

    await mine.refused("PATCH", f"/limits/accounts/{asha.account_id}", 400, "bad_request", body)

    assert await mine.get("/limits") == before


async def test_a_key_that_may_trade_may_not_loosen_its_own_limits(asha: Trader) -> None:
    trading = await program(asha, ("read", "orders:write", "orders:cancel", "strategies:write"))

    said = await trading.refused(
        "PATCH", f"/limits/accounts/{asha.account_id}", 403, "insufficient_scope", {"orders_per_day": None}
    )

    assert "limits:write" in said
