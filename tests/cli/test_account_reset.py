"""`bridge account reset`: practice money begins anew, and what strategies hold by it goes with it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from bridge.accounts.model import KeySettings
from bridge.app import Bridge
from bridge.kit.settings import load
from tests.api.openalgo.conftest import ORDER, SCOPES
from tests.cli.terminal import Terminal

Post = Callable[..., Awaitable[httpx.Response]]


def served(visit: Callable[[Bridge, Post], Awaitable[None]]) -> None:
    """What a visitor does while a server runs."""

    async def life() -> None:
        load.cache_clear()
        house = Bridge(load())
        await house.start()
        (user,) = house.directory.snapshot.users.values()
        key = await house.accounts.add_key(user.id, "laptop", SCOPES, settings=KeySettings())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(house.asgi()), base_url="http://bridge.test") as web:

            async def post(path: str, **members: Any) -> httpx.Response:
                answer = await web.post(f"/api/v1/{path}", json={"apikey": key, **members})
                assert answer.status_code == 200, answer.text
                return answer

            try:
                await visit(house, post)
            finally:
                await house.stop()

    asyncio.run(life())


def rows(terminal: Terminal, sql: str) -> list[Any]:
    with sqlite3.connect(terminal.folder / "bridge.db") as database:
        return database.execute(sql).fetchall()


def test_practice_money_and_what_strategies_hold_begin_anew_together(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")

    async def trade(house: Bridge, post: Post) -> None:
        await post("placeorder", **ORDER)
        await house.dispatcher.desks[account_id].book.read()

    served(trade)
    held = rows(asha, "SELECT quantity FROM positions")

    told = asha.json("account", "reset", account_id, "--yes")

    assert held == [("10",)]
    assert told["reset"] is True
    assert rows(asha, "SELECT quantity FROM positions") == []
    assert rows(asha, "SELECT type FROM events WHERE type LIKE 'account.reset%' ORDER BY seq") == [
        ("account.reset_asked",),
        ("account.reset",),
    ]
    assert "10000000 INR available, 0 used" in asha.json("account", "test", account_id)["message"]


def test_an_account_with_an_open_order_is_left_as_it_is(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")

    async def rest(_: Bridge, post: Post) -> None:
        await post("placeorder", **(ORDER | {"pricetype": "LIMIT", "price": "1"}))

    served(rest)

    said = asha("account", "reset", account_id, "--yes", fails=1)

    assert "1 orders that are not finished" in said
    assert rows(asha, "SELECT state FROM paper_orders") == [("open",)]


def test_a_running_server_s_account_is_left_to_it(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")
    rows(
        asha,
        f"INSERT INTO leases (account_id, fence, holder, renewed_at) VALUES ('{account_id}', 1, '[\"elsewhere\", 1, 1.0]', 1)",
    )

    assert "stop the server" in asha("account", "reset", account_id, "--yes", fails=1)


def test_money_that_is_not_practice_is_never_reset(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "live", "--broker", "fakebroker", said="token\n")

    assert "no practice money" in asha("account", "reset", account_id, "--yes", fails=1)


def test_a_reset_is_asked_for_first(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")

    asha("account", "reset", account_id, said="n\n", fails=1)

    assert rows(asha, "SELECT type FROM events WHERE type LIKE 'account.reset%'") == []
