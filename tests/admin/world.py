"""The pages with everything around them that they need, in memory or a scratch file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from bridge import admin
from bridge.accounts.directory import Directory
from bridge.accounts.model import User
from bridge.accounts.service import Accounts
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.kit import database
from bridge.kit.database import Reader, Writer, metadata
from bridge.kit.settings import Settings
from bridge.kit.vault import Vault
from bridge.market.base import Candle, Quote
from bridge.market.calendar import CALENDAR
from bridge.orders.approvals import Waiting
from bridge.orders.arrival import Answer
from bridge.orders.records import IntentRecord
from tests.admin.rows import Seeded
from tests.admin.seed import NOW, PASSWORD, seed
from tests.support.clock import FakeClock

ORIGIN = "http://bridge.test"
FROM_HERE = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}


class FakeMarket:
    """A handful of instruments with one price each."""

    def __init__(self, *, simulated: bool = True) -> None:
        self.simulated = simulated
        self._known = {i.key: i for i in _INSTRUMENTS}

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        return self._known.get(f"{exchange}:{symbol}")

    def find(self, symbol: str) -> Sequence[Instrument]:
        return [i for i in self._known.values() if i.symbol == symbol]

    def instruments(self) -> Iterable[Instrument]:
        return self._known.values()

    def quote(self, instrument: Instrument) -> Quote | None:
        last = _LAST.get(instrument.symbol)
        if last is None:
            return None
        return Quote(
            instrument=instrument, last=last, bid=last, ask=last, bids=(), asks=(), open=last, high=last, low=last,
            previous_close=last, volume=Decimal(0), at=NOW, simulated=self.simulated,
        )  # fmt: skip

    def history(self, instrument: Instrument, interval: str, start: datetime, end: datetime) -> Sequence[Candle]:
        return ()


def _future(symbol: str, kind: InstrumentKind, lot: int) -> Instrument:
    return Instrument(
        symbol=symbol, exchange="NFO", kind=kind, lot_size=Decimal(lot), expiry=date(2026, 11, 23), underlying="NIFTY"
    )


_INSTRUMENTS = [
    _future("NIFTY23NOV26FUT", InstrumentKind.FUTURE, 65),
    _future("BANKNIFTY23NOV2658900CE", InstrumentKind.OPTION, 30),
    *(
        Instrument(symbol=symbol, exchange="NSE", kind=InstrumentKind.EQUITY)
        for symbol in ("SBIN", "RELIANCE", "TCS", "ITC", "ADANIENT", "WIPRO")
    ),
    Instrument(symbol="EURUSD", exchange="FOREX", kind=InstrumentKind.FOREX, currency="USD", lot_size=Decimal(100_000)),
]
_LAST = {
    "NIFTY23NOV26FUT": Decimal("26529.10"),
    "SBIN": Decimal("985.10"),
    "TCS": Decimal("3186.00"),
    "WIPRO": Decimal(500),
}


@dataclass
class Pipeline:
    """Stands where the orders package will: remembers what was asked of it."""

    accounts: Accounts
    reader: Reader
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    answer: Answer = field(
        default_factory=lambda: Answer(
            202,
            {
                "alert_id": "al_filled",
                "status": "accepted",
                "orders": [
                    {
                        "order_id": "or_1",
                        "symbol": "SBIN",
                        "side": "buy",
                        "quantity": "400",
                        "account": "Asha · Zerodha",
                    }
                ],
            },
        )
    )

    async def replay(self, alert_id: str, user: User, live: bool) -> Answer:
        self.asked.append(("replay", alert_id, user.name, live))
        return self.answer

    async def cancel(self, order_id: str, user: User) -> str:
        self.asked.append(("cancel", order_id, user.name))
        return "Cancel asked. It is still open and can still fill until the broker confirms."

    async def decide(self, order_id: str, user: User, broker_order_id: str | None) -> str:
        self.asked.append(("decide", order_id, user.name, broker_order_id))
        return "Booked: 65 at 26,482.10."

    async def waiting(self, user: User) -> list[Waiting]:
        rows = await self.reader.rows(
            "SELECT * FROM intents WHERE state = 'AWAITING_CONFIRM' AND user_id = :u", {"u": user.id}
        )
        return [Waiting(IntentRecord.of(row), Decimal("3186.00")) for row in rows]

    async def approve(self, intent_id: str, user: User) -> str:
        self.asked.append(("approve", intent_id, user.name))
        return "Approved: BUY 20 TCS."

    async def refuse(self, intent_id: str, user: User, reason: str) -> str:
        self.asked.append(("refuse", intent_id, user.name, reason))
        return "Refused by asha. Nothing was sent."

    async def panic(self, scope: str, scope_id: str, stopped: bool, reason: str, user: User) -> None:
        self.asked.append(("panic", scope, scope_id, stopped, reason, user.name))
        await self.accounts.throw_switch(scope, scope_id, stopped=stopped, reason=reason, by=user.name)


@dataclass
class World:
    """Everything one test may look at."""

    app: FastAPI
    engine: Engine
    ids: Seeded
    clock: FakeClock
    accounts: Accounts
    writer: Writer
    reader: Reader
    directory: Directory
    pipeline: Pipeline
    ports: admin.Ports

    def close(self) -> None:
        """Let go of the database."""
        self.writer.close()
        self.engine.dispose()

    def visitor(self) -> httpx.AsyncClient:
        """Somebody's browser."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, follow_redirects=False)

    async def signed_in(self, name: str = "asha", password: str = PASSWORD) -> httpx.AsyncClient:
        """The browser of somebody who has signed in."""
        browser = self.visitor()
        answer = await sign_in(browser, name, password)
        assert answer.status_code == 303, answer.text
        return browser


async def build(
    folder: Path,
    *,
    ids: Seeded | None = None,
    simulated: bool = True,
    settings: Settings | None = None,
    database_url: str = "",
    turned_away: Callable[[], Sequence[tuple[date, str | None, str, int]]] = tuple,
) -> World:
    """The pages over the database of that folder, or another. `ids`: what was put in it before; None puts the seed in."""
    engine = database.connect(database_url or f"sqlite:///{folder / 'bridge.db'}")
    metadata.create_all(engine)
    clock, vault = FakeClock(NOW), Vault.open(folder / "master.key")
    reader, writer = Reader(engine), Writer(engine)
    accounts = Accounts(writer, vault, clock)
    ids = await seed(accounts, writer) if ids is None else ids
    directory = Directory(reader, clock)
    await directory.refresh()
    pipeline = Pipeline(accounts, reader)
    ports = admin.Ports(
        reader=reader, writer=writer, directory=directory, accounts=accounts, vault=vault, clock=clock,
        settings=settings or Settings(_env_file=None, public_url=ORIGIN), market=FakeMarket(simulated=simulated),
        calendar=CALENDAR,
        replay=pipeline.replay, cancel=pipeline.cancel, decide=pipeline.decide, panic=pipeline.panic,
        waiting=pipeline.waiting, approve=pipeline.approve, refuse=pipeline.refuse,
        turned_away=turned_away,
    )  # fmt: skip
    app = FastAPI()
    app.include_router(admin.create(ports))
    return World(app, engine, ids, clock, accounts, writer, reader, directory, pipeline, ports)


def token_of(page: str) -> str:
    """The proof that the forms of a page carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, "the page has no form"
    return found[1]


async def sign_in(browser: httpx.AsyncClient, name: str, password: str, **more: str) -> httpx.Response:
    """Fills in the sign-in form."""
    page = await browser.get("/signin")
    data = {"csrf": token_of(page.text), "name": name, "password": password, **more}
    return await browser.post("/signin", data=data, headers=FROM_HERE)


async def post(browser: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    """Sends a form of our own pages."""
    page = await browser.get("/more")
    return await browser.post(path, data={"csrf": token_of(page.text), **data}, headers=FROM_HERE)
