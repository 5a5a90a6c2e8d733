"""Settings in memory, and the one door through which they change."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.accounts.directory import Snapshot
from bridge.accounts.model import (
    Account,
    AccountSettings,
    Feed,
    Role,
    SourceSettings,
    Stop,
    StrategySettings,
    SymbolMapping,
)
from bridge.accounts.service import password_is
from bridge.kit.clock import micros
from bridge.kit.database import StorageUnavailable
from bridge.kit.vault import KeyFileProblem
from tests.accounts.office import Office


async def test_everything_added_is_found_in_memory(office: Office) -> None:
    accounts = office.accounts
    user = await accounts.add_user("Ann", "correct horse", Role.TRADER)
    limits = AccountSettings(orders_per_second=3)
    account = await accounts.add_account(user, "Main", "paper", settings=limits, rest_url="http://broker.example")
    settings = StrategySettings(accounts=(Feed(account_id=account, multiplier=Decimal("1.5")),), any_symbol=True)
    strategy = await accounts.add_strategy(user, "Breakout", settings)
    source = await accounts.add_source(user, strategy, "Hook", SourceSettings(preset="tradingview"))

    found = await office.directory.refresh()

    assert found.users[user].name == "Ann"
    assert found.accounts[account].settings == limits
    assert found.accounts[account].is_paper
    assert found.strategies[strategy].settings == settings
    assert StrategySettings.model_validate_json(found.strategies[strategy].settings_text) == settings
    assert found.sources_by_public_id[source.public_id].id == source.source_id
    assert found.sources[source.source_id].settings.preset == "tradingview"
    assert source.path == f"/hook/{source.public_id}/{source.secret}"


async def test_secrets_are_kept_as_fingerprints_only(office: Office) -> None:
    source = await office.accounts.add_source("us", "st", "Hook")
    key = await office.accounts.add_key("us", "laptop", ("read", "trade"))

    (kept,) = office.rows("SELECT secret_hash FROM sources")
    (api,) = office.rows("SELECT * FROM api_keys")
    assert office.vault.matches(source.secret, kept["secret_hash"])
    assert office.vault.matches(key, api["key_hash"])
    assert api["scopes"] == "read trade"
    assert api["expires_at"] == micros(office.clock.now() + timedelta(days=90))
    assert source.secret not in str(office.rows("SELECT * FROM sources"))
    assert key.startswith(f"brk_{api['id']}_")


async def test_nothing_is_read_again_while_nothing_changed(office: Office) -> None:
    before = office.directory.load()
    assert office.directory.load() is before

    await office.accounts.add_user("Ann", "pw", Role.OWNER)
    assert office.directory.load() is not before


async def test_a_switch_is_seen_and_released(office: Office) -> None:
    await office.accounts.throw_switch("strategy", "st_1", stopped=True, reason="smoke", by="Ann")
    stop = office.directory.load().stop(user="us_1", strategy="st_1")
    assert stop == Stop("strategy", "st_1", "smoke", micros(office.clock.now()), "Ann")
    assert office.directory.snapshot.stop(user="us_1", strategy="st_2") is None

    await office.accounts.throw_switch("strategy", "st_1", stopped=False, reason="", by="Ann")
    assert office.directory.load().stop(strategy="st_1") is None


def test_the_global_switch_stops_everything() -> None:
    stop = Stop("global", "", "", 0, "Ann")

    assert Snapshot(stops={("global", ""): stop}).stop(user="anybody") is stop


async def test_a_directory_follows_what_other_processes_change(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh, seen = office.directory.refresh, asyncio.Event()

    async def told() -> Snapshot:
        if (await refresh()).users:
            seen.set()
        return office.directory.snapshot

    monkeypatch.setattr(office.directory, "refresh", told)
    following = asyncio.ensure_future(office.directory.follow())
    await office.accounts.add_user("Ann", "pw", Role.VIEWER)

    await asyncio.wait_for(seen.wait(), 10)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def test_a_directory_goes_on_following_after_the_database_was_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh, tries = office.directory.refresh, 0
    seen = asyncio.Event()

    async def refused_once() -> Snapshot:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StorageUnavailable("the server restarts")
        seen.set()
        return await refresh()

    monkeypatch.setattr(office.directory, "refresh", refused_once)
    following = asyncio.ensure_future(office.directory.follow())

    await asyncio.wait_for(seen.wait(), 10)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def test_a_slow_look_does_not_undo_a_newer_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, may_end = asyncio.Event(), threading.Event()
    loop, read = asyncio.get_running_loop(), office.reader.read

    def slowly(sql: str, row: Any = None) -> list[dict[str, Any]]:
        found = read(sql, row)
        if "switches" in sql and not reading.is_set():
            loop.call_soon_threadsafe(reading.set)
            may_end.wait(10)
        return found

    monkeypatch.setattr(office.reader, "read", slowly)
    await office.accounts.add_user("Ann", "pw", Role.TRADER)
    slow = asyncio.ensure_future(office.directory.refresh())
    await reading.wait()
    await office.accounts.throw_switch("global", "", stopped=True, reason="", by="Ann")

    await office.directory.refresh()
    may_end.set()
    await slow

    assert office.directory.snapshot.stop() is not None


async def test_names_are_taken_once(office: Office) -> None:
    await office.accounts.add_user("Ann", "pw", Role.TRADER)

    with pytest.raises(ValueError, match="already a user called Ann"):
        await office.accounts.add_user("Ann", "pw", Role.OWNER)


async def test_a_new_password_ends_every_session(office: Office) -> None:
    user = await office.accounts.add_user("Ann", "old", Role.TRADER)
    row = {"id_hash": "h", "user_id": user, "created_at": 0, "seen_at": 0, "ends_at": 1}
    sql = "INSERT INTO sessions (id_hash, user_id, created_at, seen_at, ends_at) VALUES (:id_hash, :user_id, 0, 0, 1)"
    await office.writer.run(lambda tx: tx.execute(sql, row))

    await office.accounts.set_password(user, "new")

    (found,) = office.rows("SELECT password_hash FROM users")
    assert password_is("new", found["password_hash"])
    assert not password_is("old", found["password_hash"])
    assert office.rows("SELECT * FROM sessions") == []


async def test_a_disabled_person_is_seen_as_such_everywhere(office: Office) -> None:
    user = await office.accounts.add_user("Ann", "pw", Role.TRADER)
    await office.accounts.disable_user(user)

    assert office.directory.load().users[user].disabled


async def test_credentials_open_for_their_own_account_only(office: Office) -> None:
    accounts = office.accounts
    first = await accounts.add_account("us", "A", "paper", credentials={"key": "hunter2"})
    second = await accounts.add_account("us", "B", "paper")
    found = office.directory.load().accounts

    assert accounts.credentials(first, found[first].sealed_credentials) == {"key": "hunter2"}
    assert accounts.credentials(second, found[second].sealed_credentials) == {}
    assert "hunter2" not in repr(found[first])
    with pytest.raises(KeyFileProblem):
        accounts.credentials(second, found[first].sealed_credentials)


async def test_a_strategy_changes_for_its_owner_only(office: Office) -> None:
    strategy = await office.accounts.add_strategy("us_ann", "Breakout", StrategySettings())
    change = office.accounts.change_strategy

    assert not await change("us_bob", strategy, enabled=False)
    assert not await change("us_bob", strategy, settings=StrategySettings(direction="long"))
    assert office.directory.load().strategies[strategy].enabled
    assert office.directory.snapshot.strategies[strategy].settings.direction == "both"

    assert await change("us_ann", strategy, settings=StrategySettings(direction="short"), enabled=False)
    found = office.directory.load().strategies[strategy]
    assert (found.enabled, found.settings.direction) == (False, "short")


async def test_a_rotated_secret_leaves_the_old_one_a_day(office: Office) -> None:
    source = await office.accounts.add_source("us_ann", "st", "Hook")
    assert await office.accounts.rotate_source("us_bob", source.source_id) is None

    secret = await office.accounts.rotate_source("us_ann", source.source_id)

    found = office.directory.load().sources[source.source_id]
    assert secret is not None
    assert office.vault.matches(secret, found.secret_hash)
    assert found.old_secret_hash is not None
    assert office.vault.matches(source.secret, found.old_secret_hash)
    assert found.old_secret_until == micros(office.clock.now() + timedelta(hours=24))


async def test_a_key_is_revoked_once_and_by_its_owner(office: Office) -> None:
    key = await office.accounts.add_key("us_ann", "laptop", ("read",))
    key_id = key.split("_")[1]

    assert not await office.accounts.revoke_key("us_bob", key_id)
    assert await office.accounts.revoke_key("us_ann", key_id)
    assert not await office.accounts.revoke_key("us_ann", key_id)


# -- settings as values --------------------------------------------------------------------------------------------------------


def test_spellings_are_kept_in_capitals() -> None:
    settings = StrategySettings(symbols={"bank": SymbolMapping(exchange="NSE", symbol="SBIN")})

    assert list(settings.symbols) == ["BANK"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 0},
        {"direction": "up"},
        {"unknown": 1},
        {"symbols": 7},
        {"accounts": ({"account_id": "a"}, {"account_id": "a"})},
        {"entry_max_age_s": 0},
        {"orders_per_minute": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StrategySettings(**wrong)


def test_only_paper_is_practice_money() -> None:
    assert not Account(id="a", user_id="u", name="A", broker="zerodha").is_paper
