"""A whole house on practice money and simulated prices, asked over ASGI as OpenAlgo's clients would ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.accounts.model import AccountSettings, KeySettings, Role
from bridge.app import Bridge
from bridge.domain.lifecycle import TERMINAL
from bridge.kit.settings import Settings

SCOPES = ("read", "orders:write", "orders:cancel")


@dataclass
class Trader:
    """Somebody with a paper account and a key that may trade on it."""

    house: Bridge
    client: httpx.AsyncClient
    user_id: str
    account_id: str
    key: str

    async def post(self, path: str, /, **members: Any) -> httpx.Response:
        """`POST /api/v1/{path}` with the key in the body."""
        return await self.client.post(f"/api/v1/{path}", json={"apikey": self.key, **members})

    async def get(self, path: str, /, **query: Any) -> httpx.Response:
        """`GET /api/v1/{path}` with the key in the query."""
        return await self.client.get(f"/api/v1/{path}", params={"apikey": self.key, **query})

    async def told(self, path: str, /, **members: Any) -> dict[str, Any]:
        """The success reply to a POST."""
        answer = await self.post(path, **members)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        assert content["status"] == "success"
        return content

    async def refused(self, path: str, status: int, /, **members: Any) -> str:
        """The message of an error reply to a POST, as text."""
        answer = await self.post(path, **members)
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == "error"
        return str(answer.json()["message"])

    async def settled(self) -> None:
        """Wait until the books show how each of the person's orders ended; a market order fills at once."""
        rows = await self.house.reader.rows(
            "SELECT id FROM orders WHERE user_id = :user AND order_type = 'market'", {"user": self.user_id}
        )
        ids = [row["id"] for row in rows]
        orders = await self.house.placing.watch(self.account_id, ids, lambda order: order.state in TERMINAL, 10)
        assert all(order.state in TERMINAL for order in orders.values())

    async def order(self, **changes: Any) -> dict[str, Any]:
        """The reply to an order as OpenAlgo's client sends it: every number as text."""
        return await self.told("placeorder", **(ORDER | changes))


ORDER = {
    "strategy": "Python",
    "symbol": "RELIANCE",
    "exchange": "NSE",
    "action": "BUY",
    "quantity": "10",
    "pricetype": "MARKET",
    "product": "MIS",
    "price": "0",
    "trigger_price": "0",
    "disclosed_quantity": "0",
}


async def trader(house: Bridge, client: httpx.AsyncClient, name: str, **settings: Any) -> Trader:
    """A new person of that name, whose account's desk is open. `settings` are the key's."""
    user_id = await house.accounts.add_user(name, "correct horse battery staple", Role.TRADER)
    free = AccountSettings(
        orders_per_second=None, orders_per_minute=None, orders_per_day=None, requests_per_second=None
    )
    account_id = await house.accounts.add_account(user_id, "Practice", "paper", settings=free)
    fast = {"orders_per_second": 1000, "requests_per_second": 1000}
    key = await house.accounts.add_key(user_id, "laptop", SCOPES, settings=KeySettings(**(fast | settings)))
    await house.directory.refresh()
    await house.dispatcher.keep()
    return Trader(house, client, user_id, account_id, key)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Bridge]:
    database = f"sqlite:///{tmp_path / 'bridge.db'}"
    settings = Settings(data_dir=tmp_path, database_url=database, market="simulated", always_open=True)
    made = Bridge(settings)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(house: Bridge) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.asgi()), base_url="http://bridge.test") as made:
        yield made


@pytest.fixture
async def asha(house: Bridge, client: httpx.AsyncClient) -> Trader:
    return await trader(house, client, "asha")


@pytest.fixture
async def ravi(house: Bridge, client: httpx.AsyncClient) -> Trader:
    return await trader(house, client, "ravi")
