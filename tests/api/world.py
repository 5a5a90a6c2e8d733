"""The API over a scratch database, with two people who each have an alert, an order and a position."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from bridge import api
from bridge.accounts.directory import Directory
from bridge.accounts.model import Role
from bridge.accounts.service import Accounts
from bridge.kit import schema
from bridge.kit.clock import micros
from bridge.kit.database import Reader, Row, Transaction, Writer, connect
from bridge.kit.vault import Vault
from bridge.market.calendar import ALWAYS_OPEN
from bridge.market.none import NoPrices
from bridge.orders import tables
from tests.support.clock import FakeClock

PROXY = "10.0.0.1"  # believed when it says for whom it asks


class CountingReader(Reader):
    """A reader that knows how often it was asked."""

    asked = 0

    def read(self, *arguments: Any) -> list[Row]:
        self.asked += 1
        return super().read(*arguments)


@dataclass
class Person:
    """Somebody with a key, and the ids of what they have."""

    id: str
    key: str
    alert_id: str
    order_id: str


@dataclass
class World:
    """Everything one test may look at."""

    app: FastAPI
    engine: Engine
    clock: FakeClock
    accounts: Accounts
    directory: Directory
    reader: CountingReader
    writer: Writer
    client: httpx.AsyncClient
    asha: Person
    ravi: Person

    async def get(self, path: str, key: str | None = None, **params: Any) -> httpx.Response:
        """What asha, or whoever has that key, is answered."""
        headers = {"Authorization": f"Bearer {key or self.asha.key}"}
        return await self.client.get(f"/api/v1{path}", params=params, headers=headers)

    async def close(self) -> None:
        """Let go of everything."""
        await self.client.aclose()
        self.writer.close()
        self.engine.dispose()


async def build(folder: Path, database_url: str = "") -> World:
    """The world in that folder, or with its rows in that database."""
    engine = connect(database_url or f"sqlite:///{folder / 'bridge.db'}")
    schema.upgrade(engine)
    clock, vault = FakeClock(), Vault.open(folder / "master.key")
    reader, writer = CountingReader(engine), Writer(engine)
    accounts = Accounts(writer, vault, clock)
    asha = await person(accounts, writer, "asha", micros(clock.now()))
    ravi = await person(accounts, writer, "ravi", micros(clock.now()))
    directory = Directory(reader, clock)
    await directory.refresh()
    app = FastAPI()
    for router in api.create(ports(reader, writer, vault, clock, directory, accounts)):
        app.include_router(router)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge.test")
    return World(app, engine, clock, accounts, directory, reader, writer, client, asha, ravi)


def ports(
    reader: Reader, writer: Writer, vault: Vault, clock: FakeClock, directory: Directory, accounts: Accounts
) -> api.Ports:
    """Ports of a house where nothing trades."""

    def nobody(*_: Any) -> Any:
        raise AssertionError("nothing trades here")

    return api.Ports(
        reader=reader,
        writer=writer,
        vault=vault,
        clock=clock,
        directory=directory,
        accounts=accounts,
        market=NoPrices(clock),
        calendar=ALWAYS_OPEN,
        place=nobody,
        watch=nobody,
        desk=nobody,
        broker=nobody,
        capabilities=nobody,
        replay=nobody,
        cancel=nobody,
        decide=nobody,
        panic=nobody,
        trusted_proxies=PROXY,
    )


async def person(accounts: Accounts, writer: Writer, name: str, now: int) -> Person:
    """Somebody who may read, with one of everything."""
    user_id = await accounts.add_user(name, "correct horse battery staple", Role.TRADER)
    key = await accounts.add_key(user_id, "laptop", ("read",))
    found = Person(user_id, key, f"al_{name}", f"or_{name}")

    def work(tx: Transaction) -> None:
        tx.insert(tables.alerts, alert(found.alert_id, user_id, now))
        tx.insert(tables.orders, order(found.order_id, found.alert_id, user_id, now))
        tx.insert(tables.positions, position(user_id, f"ac_{name}", "INFY", "10", now))
        tx.insert(tables.events, event(found, now))

    await writer.run(work)
    return found


def alert(alert_id: str, user_id: str, received_at: int) -> Row:
    """A row as the pipeline writes it."""
    return {
        "id": alert_id,
        "user_id": user_id,
        "source_id": "so_1",
        "strategy_id": "st_1",
        "received_at": received_at,
        "content_type": "application/json",
        "body": '{"ticker":"INFY","action":"buy","quantity":10,"secret":"***"}',
        "body_hash": "0" * 64,
        "sender": "192.0.2.7",
        "dialect": "traderspost",
        "kind": "order",
        "status": "accepted",
        "trace": '[{"step":"read","ms":0.4,"title":"Read as TradersPost","detail":""}]',
        "reply": "{}",
    }


def order(order_id: str, alert_id: str, user_id: str, queued_at: int) -> Row:
    """A row as the planner writes it."""
    return {
        "id": order_id,
        "ref": order_id[-10:].upper(),
        "trading_date": "2026-01-05",
        "user_id": user_id,
        "account_id": f"ac_{user_id[-4:]}",
        "strategy_id": "st_1",
        "intent_id": "in_1",
        "alert_id": alert_id,
        "leg": 0,
        "exchange": "NSE",
        "symbol": "INFY",
        "product": "MIS",
        "side": "buy",
        "quantity": "10",
        "order_type": "limit",
        "price": "1500.10",
        "time_in_force": "day",
        "reduces": 0,
        "state": "WORKING",
        "deadline": queued_at,
        "queued_at": queued_at,
        "updated_at": queued_at,
    }


def position(user_id: str, account_id: str, symbol: str, quantity: str, updated_at: int) -> Row:
    """A row as fills leave it."""
    return {
        "account_id": account_id,
        "strategy_id": "st_1",
        "exchange": "NSE",
        "symbol": symbol,
        "product": "MIS",
        "user_id": user_id,
        "quantity": quantity,
        "average_price": "1500.10",
        "realised": "0",
        "updated_at": updated_at,
    }


def event(person: Person, at: int) -> Row:
    """An entry of the journal about the person's order."""
    return {
        "at": at,
        "user_id": person.id,
        "alert_id": person.alert_id,
        "order_id": person.order_id,
        "type": "order.working",
        "provenance": "broker_reply",
        "payload": '{"set":{"state":"WORKING"}}',
    }
