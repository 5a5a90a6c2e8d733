"""Sources as a resource: addresses that are shown once."""

from __future__ import annotations

import pytest

from tests.api.openalgo.conftest import Trader
from tests.api.program import Program, address, program

MESSAGE = {"symbol": "RELIANCE", "exchange": "NSE", "action": "buy", "quantity": 1}


async def sent(trader: Trader, url: str) -> int:
    """What an alert to that address is answered."""
    path = url[url.index("/hook/") :]
    return (await trader.client.post(path, json=MESSAGE)).status_code


async def test_a_new_address_is_shown_once_and_takes_alerts(asha: Trader, mine: Program) -> None:
    strategy_id = (await address(asha)).strategy_id

    made = await mine.done("POST", "/sources", {"name": "Chart", "strategy_id": strategy_id}, status=201)

    secret = made["webhook_url"].rsplit("/", 1)[1]
    assert made["webhook_url"].startswith(f"{asha.house.settings.base_url}/hook/")
    assert await sent(asha, made["webhook_url"]) == 202
    shown = await mine.ask("GET", f"/sources/{made['id']}")
    assert shown.json() == {name: value for name, value in made.items() if name != "webhook_url"}
    assert secret not in (await mine.ask("GET", "/sources")).text
    assert secret not in str(asha.house.reader.read("SELECT * FROM sources"))


async def test_a_source_says_who_may_send_and_how_fast_but_not_the_secrets(asha: Trader, mine: Program) -> None:
    to = await address(asha)
    gate = {"preset": "tradingview", "allowed_senders": ["192.0.2.0/24"], "rate_per_minute": 5, "burst": 2}
    body = {"name": "Chart", "strategy_id": to.strategy_id, "settings": gate}
    made = await mine.done("POST", "/sources", body, status=201)
    signing = await asha.house.accounts.set_signing_secret(asha.user_id, made["id"])
    await asha.house.accounts.set_body_secret(asha.user_id, made["id"], "open sesame")

    answer = await mine.ask("GET", f"/sources/{made['id']}")

    assert answer.json()["settings"] == gate | {"dialect": None, "signed": True, "body_secret": True}
    (row,) = asha.house.reader.read("SELECT * FROM sources WHERE id = :id", {"id": made["id"]})
    assert not any(
        secret in answer.text for secret in (str(signing), "open sesame", row["secret_hash"], "whsec", "hash")
    )


async def test_after_a_rotation_both_secrets_work_for_a_day(asha: Trader, mine: Program) -> None:
    to = await address(asha)

    rotated = await mine.done("POST", f"/sources/{to.source_id}/rotate")

    assert rotated["old_secret_until"] is not None
    assert rotated["webhook_url"].split("/")[-2] == to.path.split("/")[-2]
    assert [await sent(asha, to.path), await sent(asha, rotated["webhook_url"])] == [202, 202]


async def test_a_disabled_address_is_no_address(asha: Trader, mine: Program) -> None:
    to = await address(asha)

    assert (await mine.done("POST", f"/sources/{to.source_id}/disable"))["disabled"] is True
    assert await sent(asha, to.path) == 404
    assert (await mine.done("POST", f"/sources/{to.source_id}/enable"))["disabled"] is False
    assert await sent(asha, to.path) == 202


async def test_addresses_are_listed_by_strategy(asha: Trader, mine: Program) -> None:
    first, second = await address(asha, "First"), await address(asha, "Second")

    found = (await mine.get("/sources", strategy_id=second.strategy_id))["items"]

    assert [each["id"] for each in found] == [second.source_id]
    everything = (await mine.get("/sources"))["items"]
    assert {each["id"] for each in everything} == {first.source_id, second.source_id}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"allowed_senders": ["my office"]}}, "settings.allowed_senders"),
        ({"settings": {"allowed_senders": [""]}}, "settings.allowed_senders"),
        ({"settings": {"rate_per_minute": 0}}, "settings.rate_per_minute"),
        ({"settings": {"dialect": "klingon"}}, "settings.dialect"),
        ({"settings": {"body_secret_hash": "0" * 64}}, "settings.body_secret_hash"),
        ({"settings": {"signing_secret": "whsec_x"}}, "settings.signing_secret"),
        ({"secret": "mine"}, "secret"),
    ],
)
async def test_what_is_no_source_is_refused_by_its_member(
    asha: Trader, mine: Program, changes: dict[str, object], said: str
) -> None:
    to = await address(asha)
    body = {"name": "Chart", "strategy_id": to.strategy_id, **changes}

    assert said in await mine.refused("POST", "/sources", 400, "bad_request", body)


async def test_an_address_is_given_only_by_a_key_that_could_trade_itself(asha: Trader) -> None:
    to = await address(asha)
    body = {"name": "Chart", "strategy_id": to.strategy_id}
    half = await program(asha, ("read", "sources:write"))

    said = await half.refused("POST", "/sources", 403, "insufficient_scope", body)
    await half.refused("POST", f"/sources/{to.source_id}/rotate", 403, "insufficient_scope")

    assert "alerts:write and orders:write" in said
    assert (await half.done("POST", f"/sources/{to.source_id}/disable"))["disabled"] is True


async def test_a_key_kept_from_an_account_gives_no_address_that_reaches_it(asha: Trader) -> None:
    to = await address(asha)
    other = await asha.house.accounts.add_account(asha.user_id, "Other", "paper")
    await asha.house.directory.refresh()
    body = {"name": "Chart", "strategy_id": to.strategy_id}

    elsewhere = await program(asha, account_id=other)
    approved = await program(asha, order_mode="semi_auto")

    await elsewhere.refused("POST", "/sources", 403, "not_this_account", body)
    await approved.refused("POST", "/sources", 403, "needs_approval", body)
