"""A program with a key of somebody's, in a whole house on practice money."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.accounts.model import Feed, KeySettings, SourceSettings, StrategySettings
from bridge.api.keys import SCOPES
from bridge.kit.clock import micros
from bridge.kit.database import Row, Transaction
from bridge.orders import tables
from tests.api.openalgo.conftest import Trader

CANDIDATES = [{"broker_order_id": "B-1"}, {"broker_order_id": "B-2"}]


@dataclass
class Program:
    """What asks `/api/v1` in somebody's name."""

    trader: Trader
    key: str

    @property
    def key_id(self) -> str:
        """The id inside the key."""
        return self.key.split("_")[1]

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """The answer to any request."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return await self.trader.client.request(method, f"/api/v1{path}", json=body, headers=sent, params=query)

    async def done(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        """The content of an answer that is none of refusal."""
        answer = await self.ask(method, path, body, **query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        """What is there."""
        return await self.done("GET", path, **query)

    async def refused(self, method: str, path: str, status: int, code: str, body: Any = None) -> str:
        """The sentence of a refusal."""
        answer = await self.ask(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.json()["detail"])


async def program(trader: Trader, scopes: Sequence[str] = SCOPES, *, days: int = 90, **settings: Any) -> Program:
    """A new key of that person's with those scopes. `settings` are the key's."""
    accounts = trader.house.accounts
    key = await accounts.add_key(trader.user_id, "program", tuple(scopes), days=days, settings=KeySettings(**settings))
    return Program(trader, key)


@dataclass(frozen=True)
class Address:
    """A strategy on the person's account, and the webhook address that feeds it."""

    strategy_id: str
    source_id: str
    path: str


async def address(trader: Trader, name: str = "Breakout", *account_ids: str) -> Address:
    """A strategy that trades every symbol on those accounts (the person's own), with an address."""
    house = trader.house
    feeds = tuple(Feed(account_id=account_id) for account_id in account_ids or (trader.account_id,))
    settings = StrategySettings(accounts=feeds, any_symbol=True, exchange="NSE", dedupe_window_s=0)
    strategy_id = await house.accounts.add_strategy(trader.user_id, name, settings)
    source = await house.accounts.add_source(trader.user_id, strategy_id, f"{name} chart", SourceSettings())
    await house.directory.refresh()
    return Address(strategy_id, source.source_id, source.path)


async def alert(trader: Trader, to: Address, **members: Any) -> str:
    """The id of an alert that came to that address."""
    body = {"symbol": "RELIANCE", "exchange": "NSE", "action": "buy", "quantity": 7, **members}
    answer = await trader.client.post(to.path, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["alert_id"])


async def parked(trader: Trader, like: str) -> str:
    """The id of a parked order of that person, made after one that there is; its journal names two candidates."""
    house = trader.house
    row = await house.reader.row("SELECT * FROM orders WHERE id = :id", {"id": like})
    assert row is not None
    order_id = f"or_parked{like[-10:]}"
    mine = {"id": order_id, "ref": f"P{like[-9:].upper()}", "state": "PARKED", "broker_order_id": None, "filled": "0"}
    order: Row = row | mine
    event = {
        "at": micros(house.clock.now()),
        "user_id": trader.user_id,
        "order_id": order_id,
        "type": "order.parked",
        "provenance": "policy",
        "payload": json.dumps({"candidates": CANDIDATES}),
    }

    def work(tx: Transaction) -> None:
        tx.insert(tables.orders, order)
        tx.insert(tables.events, event)

    await house.writer.run(work)
    return order_id


async def noticed(trader: Trader, message: str, **members: Any) -> None:
    """Somebody was told something."""
    row = {
        "at": micros(trader.house.clock.now()),
        "user_id": trader.user_id,
        "kind": "order.filled",
        "severity": "info",
        "message": message,
        **members,
    }
    await trader.house.writer.run(lambda tx: tx.insert(tables.outbox, row))
