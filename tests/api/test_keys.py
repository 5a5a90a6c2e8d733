"""Who is let in, and for how long."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.api.keys import SCOPES, Keys
from tests.api.world import World

PATHS = ("/alerts", "/alerts/al_asha", "/orders", "/orders/or_asha", "/positions")


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


def test_every_route_is_tried_here_and_only_reads(world: World) -> None:
    tried = {path.replace("al_asha", "{alert_id}").replace("or_asha", "{order_id}") for path in PATHS}
    described = world.app.openapi()["paths"]
    routes = {path: acts for path, acts in described.items() if all("api" in act["tags"] for act in acts.values())}

    assert {path.removeprefix("/api/v1") for path in routes} == tried
    assert {method for methods in routes.values() for method in methods} == {"get"}


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
