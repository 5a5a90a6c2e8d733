"""Who is let in, and for how long."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.accounts.model import KeySettings
from bridge.api.keys import SCOPES, Keys
from bridge.kit.clock import micros
from tests.api.world import PROXY, World

# What a key with the scope `read` is shown here. Every other route is tried in test_isolation.py.
LISTS = ("/alerts", "/orders", "/positions", "/strategies", "/sources", "/accounts", "/limits", "/notices")
PATHS = (*LISTS, "/alerts/al_asha", "/orders/or_asha")


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"title", "detail"} < answer.json().keys()
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", ["Authorization", "X-API-KEY"])
async def test_a_key_in_a_header_is_let_in(world: World, path: str, header: str) -> None:
    value = f"Bearer {world.asha.key}" if header == "Authorization" else world.asha.key

    answer = await world.client.get(f"/api/v1{path}", headers={header: value})

    assert answer.status_code == 200


def test_every_list_is_tried_here_but_that_of_keys(world: World) -> None:
    described = world.app.openapi()["paths"]
    own = {path: acts for path, acts in described.items() if all("api" in act["tags"] for act in acts.values())}
    lists = {path.removeprefix("/api/v1") for path, acts in own.items() if "get" in acts and "{" not in path}

    assert lists == {*LISTS, "/keys"}


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_is_let_in_without_a_key(world: World, path: str) -> None:
    answer = await world.client.get(f"/api/v1{path}")

    assert_problem(answer, 401, "unauthorised")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["api_key", "apikey", "token", "anything"])
async def test_a_key_in_an_address_is_refused_even_beside_a_good_header(world: World, path: str, name: str) -> None:
    answer = await world.get(path, **{name: world.asha.key})

    assert_problem(answer, 400, "key_in_address")
    assert world.asha.key not in answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_a_key_without_the_scope_is_told_which_it_lacks(world: World, path: str) -> None:
    others = tuple(scope for scope in SCOPES if scope != "read")
    key = await world.accounts.add_key(world.asha.id, "writer", others)

    answer = await world.get(path, key=key)

    assert_problem(answer, 403, "insufficient_scope")
    assert "read" in answer.json()["detail"]


@pytest.mark.parametrize(
    "wrong", ["brk_", "brk__", "brk_x", "brk_unknown_secret", "secret", "brk_é_x", "brk_a_" + "x" * 300]
)
async def test_what_is_no_key_is_refused(world: World, wrong: str) -> None:
    headers = {b"X-API-KEY": wrong.encode()}

    answer = await world.client.get("/api/v1/alerts", headers=headers)

    assert_problem(answer, 401, "unauthorised")


async def test_another_secret_under_a_known_id_is_refused(world: World) -> None:
    answer = await world.get("/alerts", key=world.asha.key[:-1] + ("a" if world.asha.key[-1] != "a" else "b"))

    assert_problem(answer, 401, "unauthorised")


async def test_a_revoked_key_is_refused_within_a_second(world: World) -> None:
    assert (await world.get("/alerts")).status_code == 200
    await world.accounts.revoke_key(world.asha.id, world.asha.key.split("_")[1])

    world.clock.advance(1.0)

    assert_problem(await world.get("/alerts"), 401, "unauthorised")


async def test_an_expired_key_is_refused(world: World) -> None:
    key = await world.accounts.add_key(world.asha.id, "short", ("read",), days=1)
    assert (await world.get("/alerts", key=key)).status_code == 200

    world.clock.advance(86_400)

    assert_problem(await world.get("/alerts", key=key), 401, "unauthorised")


async def test_the_keys_of_a_disabled_person_are_refused(world: World) -> None:
    await world.accounts.disable_user(world.asha.id)
    await world.directory.refresh()

    assert_problem(await world.get("/alerts"), 401, "unauthorised")


async def test_a_key_is_read_once_a_second_however_often_it_is_shown(world: World) -> None:
    await world.get("/positions")
    before = world.reader.asked

    for _ in range(10):
        await world.get("/positions")

    assert world.reader.asked - before == 10  # the positions themselves


async def test_after_the_first_time_a_key_costs_no_query_at_either_door(world: World) -> None:
    await world.get("/limits")
    before = world.reader.asked

    answers = [await world.get("/limits") for _ in range(10)]
    answers += [await world.client.post("/api/v1/ping", json={"apikey": world.asha.key}) for _ in range(10)]

    assert {answer.status_code for answer in answers[:10]} == {200}  # limits stand in memory
    assert world.reader.asked == before


# -- where a key is used ---------------------------------------------------------------------------------------------


async def from_address(world: World, key: str, peer: str, forwarded_for: str = "") -> list[int]:
    """What both doors answer a request from there: our own, and that of OpenAlgo's clients."""
    headers = {"Authorization": f"Bearer {key}"} | ({"X-Forwarded-For": forwarded_for} if forwarded_for else {})
    transport = httpx.ASGITransport(world.app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
        own = await client.get("/api/v1/positions", headers=headers)
        wire = await client.post("/api/v1/ping", json={}, headers=headers)
    return [own.status_code, 200 if "no account" in wire.text else wire.status_code]


async def key_for(world: World, *senders: str) -> str:
    settings = KeySettings(allowed_senders=senders)
    return await world.accounts.add_key(world.asha.id, "office", ("read",), settings=settings)


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"])
async def test_a_key_with_a_list_is_let_in_from_there(world: World, peer: str) -> None:
    key = await key_for(world, "192.0.2.0/24", "2001:db8::7")

    assert await from_address(world, key, peer) == [200, 200]


@pytest.mark.parametrize("peer", ["192.0.3.7", "2001:db8::8", "not an address"])
async def test_a_key_with_a_list_opens_neither_door_from_elsewhere(world: World, peer: str) -> None:
    key = await key_for(world, "192.0.2.0/24", "2001:db8::7")

    assert await from_address(world, key, peer) == [403, 403]


async def test_a_stranger_is_not_believed_who_forwards_for_the_office(world: World) -> None:
    key = await key_for(world, "192.0.2.7")

    assert await from_address(world, key, "203.0.113.9", forwarded_for="192.0.2.7") == [403, 403]


async def test_a_trusted_proxy_says_where_a_request_comes_from(world: World) -> None:
    key = await key_for(world, "192.0.2.7")

    assert await from_address(world, key, PROXY, forwarded_for="192.0.2.7") == [200, 200]
    assert await from_address(world, key, PROXY, forwarded_for="192.0.2.7, 203.0.113.9") == [403, 403]
    assert await from_address(world, key, PROXY) == [403, 403]


async def test_a_key_whose_list_cannot_be_read_opens_nothing(world: World) -> None:
    key = await key_for(world, "my office")

    assert await from_address(world, key, "192.0.2.7") == [401, 403]


async def test_only_a_use_that_was_let_in_is_noted(world: World) -> None:
    key = await key_for(world, "192.0.2.7")

    async def last_used() -> int | None:
        await world.writer.run(lambda _: None)  # what was asked of it before is written by then
        found = await world.reader.row("SELECT last_used_at FROM api_keys WHERE id = :id", {"id": key.split("_")[1]})
        return found["last_used_at"] if found else None

    await from_address(world, key, "192.0.2.8")
    assert await last_used() is None
    await from_address(world, key, "192.0.2.7")
    assert await last_used() == micros(world.clock.now())


async def test_who_asks_too_often_is_told_when_to_come_again(world: World) -> None:
    answers = [await world.get("/positions", limit="no number") for _ in range(601)]

    assert {answer.status_code for answer in answers[:600]} == {400}
    assert_problem(answers[600], 429, "too_many_requests")
    assert 1 <= int(answers[600].headers["retry-after"]) <= 60
    assert (await world.get("/positions", key=world.ravi.key)).status_code == 200


async def test_who_guesses_is_slowed_down_but_locks_nobody_out(world: World) -> None:
    guesses = [await world.get("/alerts", key=f"brk_guess{number}_secret") for number in range(21)]

    assert {answer.status_code for answer in guesses[:20]} == {401}
    assert_problem(guesses[20], 429, "too_many_requests")
    assert (await world.get("/alerts")).status_code == 200


async def test_a_key_that_is_changed_while_it_is_looked_up_is_not_remembered_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(world.reader, world.accounts._vault, world.clock, world.directory, world.accounts)
    first = await keys.caller(world.asha.key)
    assert first is not None
    world.clock.advance(1.0)
    read = world.reader.row

    async def changed_meanwhile(*asked: Any) -> Any:
        found = await read(*asked)
        await world.accounts.change_key(world.asha.id, first.key_id, analyze=True)
        keys.forget(first.key_id)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(world.reader, "row", changed_meanwhile)
        await keys.caller(world.asha.key)
    now = await keys.caller(world.asha.key)

    assert now is not None
    assert now.settings.analyze
