"""Keys as a resource: what a key makes never does more than itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.openalgo.conftest import Trader
from tests.api.program import Program, program

FAST = {"orders_per_second": 1000, "requests_per_second": 1000}


async def made(by: Program, **members: Any) -> tuple[dict[str, Any], Program]:
    """A new key as it is shown, and a program that has it."""
    shown = await by.done("POST", "/keys", {"name": "sheet", **members}, status=201)
    return shown, Program(by.trader, shown["key"])


async def test_a_new_key_is_shown_once_and_opens_the_door(mine: Program) -> None:
    shown, sheet = await made(mine)

    assert shown["scopes"] == ["read"]
    assert (await sheet.ask("GET", "/positions")).status_code == 200
    again = await mine.ask("GET", f"/keys/{shown['id']}")
    secret = shown["key"].rsplit("_", 1)[1]
    assert "key" not in again.json()
    assert secret not in again.text + (await mine.ask("GET", "/keys")).text
    assert secret not in str(mine.trader.house.reader.read("SELECT * FROM api_keys"))


async def test_keys_are_listed_with_their_last_use_and_without_their_fingerprints(mine: Program) -> None:
    shown, sheet = await made(mine)
    await sheet.get("/positions")
    await mine.trader.house.writer.run(lambda _: None)  # what was asked of it before is written by then

    answer = await mine.ask("GET", "/keys")

    by_id = {each["id"]: each for each in answer.json()["items"]}
    assert by_id[shown["id"]]["last_used_at"] is not None
    assert by_id[mine.trader.key.split("_")[1]]["last_used_at"] is None
    for row in mine.trader.house.reader.read("SELECT key_hash FROM api_keys"):
        assert row["key_hash"] not in answer.text


async def test_a_revoked_key_opens_nothing_from_the_next_request_on(mine: Program) -> None:
    shown, sheet = await made(mine)
    await sheet.get("/positions")

    gone = await mine.done("DELETE", f"/keys/{shown['id']}")

    assert gone["revoked_at"] is not None
    await sheet.refused("GET", "/positions", 401, "unauthorised")
    assert (await mine.done("DELETE", f"/keys/{shown['id']}"))["revoked_at"] == gone["revoked_at"]


async def test_a_key_may_end_itself(mine: Program) -> None:
    await mine.done("DELETE", f"/keys/{mine.key_id}")

    await mine.refused("GET", "/positions", 401, "unauthorised")


async def test_a_change_of_a_key_holds_from_the_next_request_on(mine: Program) -> None:
    shown, sheet = await made(mine)
    await sheet.get("/positions")

    changed = await mine.done("PATCH", f"/keys/{shown['id']}", {"settings": {"allowed_senders": ["192.0.2.0/24"]}})

    assert changed["settings"]["allowed_senders"] == ["192.0.2.0/24"]
    assert changed["settings"]["requests_per_second"] == 50
    await sheet.refused("GET", "/positions", 403, "sender_not_allowed")


@pytest.mark.parametrize("scope", ["orders:write", "panic:release", "sources:write"])
async def test_a_key_makes_none_with_a_scope_it_lacks(asha: Trader, scope: str) -> None:
    office = await program(asha, ("read", "keys:write"))

    said = await office.refused("POST", "/keys", 403, "more_than_itself", {"name": "x", "scopes": ["read", scope]})

    assert scope in said
    assert len((await office.get("/keys"))["items"]) == 2


@pytest.mark.parametrize(
    ("own", "wanted", "said"),
    [
        ({"order_mode": "semi_auto"}, {}, "orders without approval"),
        ({"analyze": True}, {}, "real money"),
        ({"allowed_senders": ("192.0.2.0/24",)}, {}, "other addresses"),
        ({"allowed_senders": ("192.0.2.0/24",)}, {"allowed_senders": ["192.0.2.0/23"]}, "other addresses"),
        ({"allowed_senders": ("192.0.2.0/24",)}, {"allowed_senders": ["192.0.2.7", "::1"]}, "other addresses"),
        ({"orders_per_second": 5}, {}, "more orders a second"),
        ({"requests_per_second": 5}, {}, "more requests a second"),
    ],
)
async def test_a_key_makes_and_changes_none_to_be_wider_than_itself(
    asha: Trader, own: dict[str, Any], wanted: dict[str, Any], said: str
) -> None:
    tight = await program(asha, ("read", "keys:write"), **own)
    if "allowed_senders" in own:  # let it in from here, too
        own["allowed_senders"] = (*own["allowed_senders"], "127.0.0.1")
        await asha.house.accounts.change_key(asha.user_id, tight.key_id, **own)
    wide = {"order_mode": "auto", "analyze": False, "allowed_senders": [], **wanted}

    made = await tight.ask("POST", "/keys", {"name": "x", "settings": wanted})
    loosened = await tight.ask("PATCH", f"/keys/{tight.key_id}", {"settings": wide | _rates(own)})

    for answer in (made, loosened):
        assert (answer.status_code, answer.json()["code"]) == (403, "more_than_itself"), answer.text
        assert said in answer.json()["detail"]


def _rates(own: dict[str, Any]) -> dict[str, int]:
    return {name: value + 1 for name, value in own.items() if name.endswith("per_second")}


async def test_a_key_makes_one_that_is_as_tight_as_itself(asha: Trader) -> None:
    settings: dict[str, Any] = {
        "order_mode": "semi_auto",
        "allowed_senders": ("127.0.0.0/8",),
        "account_id": asha.account_id,
    }
    tight = await program(asha, ("read", "keys:write"), **settings)
    same = settings | {"allowed_senders": ["127.0.0.1", "127.1.0.0/16"]}

    shown, child = await made(tight, scopes=["read"], settings=same)

    assert shown["settings"]["order_mode"] == "semi_auto"
    assert (await child.ask("GET", "/positions")).status_code == 200


async def test_a_key_for_one_account_makes_none_for_another(asha: Trader) -> None:
    other = await asha.house.accounts.add_account(asha.user_id, "Other", "paper")
    await asha.house.directory.refresh()
    tight = await program(asha, ("read", "keys:write"), account_id=asha.account_id)

    for settings in ({}, {"account_id": other}):
        said = await tight.refused("POST", "/keys", 403, "more_than_itself", {"name": "x", "settings": settings})
        assert "another account" in said


async def test_a_new_key_does_not_outlive_the_one_that_makes_it(asha: Trader) -> None:
    short = await program(asha, ("read", "keys:write"), days=10)

    await short.refused("POST", "/keys", 403, "more_than_itself", {"name": "x", "days": 30})
    shown, _ = await made(short)

    own = next(each for each in (await short.get("/keys"))["items"] if each["id"] == short.key_id)
    assert shown["expires_at"] <= own["expires_at"]


async def test_a_mightier_key_is_not_changed_but_may_be_ended(asha: Trader, mine: Program) -> None:
    office = await program(asha, ("read", "keys:write"), **FAST)

    said = await office.refused(
        "PATCH", f"/keys/{mine.key_id}", 403, "more_than_itself", {"settings": {"analyze": False}}
    )

    assert "orders:write" in said
    assert (await office.done("DELETE", f"/keys/{mine.key_id}"))["revoked_at"] is not None


async def test_keys_are_not_even_listed_for_one_that_may_not_manage_them(asha: Trader) -> None:
    reader = await program(asha, ("read", "orders:write", "limits:write"))

    assert "keys:write" in await reader.refused("GET", "/keys", 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "settings": {"allowed_senders": ["my office"]}}, "settings.allowed_senders"),
        ({"name": "x", "settings": {"requests_per_second": 0}}, "settings.requests_per_second"),
        ({"name": "x", "key_hash": "0"}, "key_hash"),
    ],
)
async def test_what_is_no_key_is_refused_by_its_member(mine: Program, body: dict[str, Any], said: str) -> None:
    assert said in await mine.refused("POST", "/keys", 400, "bad_request", body)


async def test_a_paper_account_is_one(asha: Trader, mine: Program) -> None:
    real = await asha.house.accounts.add_account(asha.user_id, "Kite", "zerodha")
    await asha.house.directory.refresh()

    body = {"name": "x", "settings": {"paper_account_id": real}}
    assert "no paper account" in await mine.refused("POST", "/keys", 400, "bad_request", body)
