"""The middle of the product in one line: `house = await House.open(tmp_path)`, then `await house.alert(buy("INFY", 10))`.

A person (Ann), a strategy that trades everything, a source, and an account at a `ScriptedBroker`; real pipeline, desk,
recovery, journal and SQLite; a clock that only `house.run(seconds)` moves. `house.crash()` loses everything that is not on
disk or at the broker, `house.start()` is the next process.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

import bridge.orders.tables
from bridge.accounts import tables
from bridge.accounts.directory import Directory
from bridge.accounts.model import Account, AccountSettings, Feed, Role, Source, SourceSettings, StrategySettings, User
from bridge.accounts.service import Accounts, touch
from bridge.brokers.base import Broker, Capabilities
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import Intent, Kind, OrderIntent, QuantityType, Reading, Side
from bridge.kit import failpoints
from bridge.kit.database import Row, Transaction, connect, metadata
from bridge.kit.vault import Vault
from bridge.market.calendar import Calendar
from bridge.market.hand import HandMarket
from bridge.orders.approvals import Approvals
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.control import Control
from bridge.orders.desk import AccountDesk, Services
from bridge.orders.dispatcher import Dispatcher
from bridge.orders.lease import Holder, Leases
from bridge.orders.pipeline import Pipeline
from bridge.orders.records import OrderRecord
from bridge.orders.survey import Survey
from tests.support.brokers import EVERYTHING, ScriptedBroker
from tests.support.clock import IdleClock
from tests.support.life import DirectReader, DirectWriter, Killed, Life, MortalClock

T = TypeVar("T")

ANN = User(id="us_ann", name="Ann", role=Role.TRADER)
BOB = User(id="us_bob", name="Bob", role=Role.TRADER)
ACCOUNT, STRATEGY, SOURCE = "ac_main", "st_breakout", "so_hook"

INFY = Instrument(symbol="INFY", exchange="NSE", kind=InstrumentKind.EQUITY)
SBIN = Instrument(symbol="SBIN", exchange="NSE", kind=InstrumentKind.EQUITY)
NIFTY = Instrument(symbol="NIFTY", exchange="NSE_INDEX", kind=InstrumentKind.INDEX)
FUTURE = Instrument(
    symbol="NIFTY27JAN26FUT", exchange="NFO", kind=InstrumentKind.FUTURE, lot_size=Decimal(65), underlying="NIFTY"
)
COIN = Instrument(symbol="BTCUSDT", exchange="CRYPTO", kind=InstrumentKind.CRYPTO, tick_size=Decimal("0.01"))
LISTED = (INFY, SBIN, NIFTY, FUTURE, COIN)


def wish(intent: Intent, symbol: str | None = "INFY", quantity: Any = None, **more: Any) -> OrderIntent:
    """What one line of an alert asks for."""
    sides = {Intent.BUY: Side.BUY, Intent.SELL: Side.SELL}
    named: dict[str, Any] = {"exchange": "NSE", "side": sides.get(intent)} if symbol else {}
    if quantity is not None:
        named |= {"quantity": Decimal(quantity), "quantity_type": QuantityType.UNITS}
    return OrderIntent(intent=intent, symbol=symbol, **(named | more))


def buy(symbol: str = "INFY", quantity: Any = 10, **more: Any) -> OrderIntent:
    """Buy."""
    return wish(Intent.BUY, symbol, quantity, **more)


def sell(symbol: str = "INFY", quantity: Any = 10, **more: Any) -> OrderIntent:
    """Sell."""
    return wish(Intent.SELL, symbol, quantity, **more)


def leave(symbol: str | None = "INFY", **more: Any) -> OrderIntent:
    """Close the position."""
    return wish(Intent.EXIT, symbol, **more)


@cache
def _empty_database() -> bytes:
    assert bridge.orders.tables.orders.metadata is metadata
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    raw: sqlite3.Connection = engine.raw_connection().driver_connection  # type: ignore[assignment]
    content = raw.serialize()
    engine.dispose()
    return content


def _forget_to_sync(connection: sqlite3.Connection, _record: Any) -> None:
    """Nobody cuts the power of a test."""
    connection.execute("PRAGMA synchronous=OFF")


class Process:
    """The in-memory side: gone after a crash."""

    def __init__(self, house: House, holder: Holder | None = None) -> None:
        self.house = house
        self.life = Life()
        self.clock = MortalClock(house.clock, self.life)
        self.engine = connect(house.url)
        sa.event.listen(self.engine, "connect", _forget_to_sync)
        self.writer = DirectWriter(self.engine, self.life)
        self.reader = DirectReader(self.engine, self.life)
        self.directory = Directory(self.reader, self.clock)
        self.directory.load()
        self.survey = Survey(
            self.directory, self.reader, self.clock, house.market, house.calendar, house.capabilities_of
        )
        self.accounts = Accounts(self.writer, house.vault, self.clock)
        self.leases = Leases(self.writer, self.reader, self.clock)
        if holder is not None:
            self.leases._me = holder
        services = Services(
            self.writer, self.reader, self.clock, house.market, self.directory, self.survey, "worker of a test"
        )
        self.dispatcher = Dispatcher(services, self.leases, self._connect)
        self.pipeline = Pipeline(
            self.directory,
            self.survey,
            self.writer,
            house.vault,
            self.clock,
            house.capabilities_of,
            self.dispatcher,
        )
        self.control = Control(self.directory, self.accounts, self.pipeline, self.writer, self.reader, self.clock)
        self.approvals = Approvals(self.pipeline, self.survey, self.writer, self.reader, self.clock)
        self.tasks: set[asyncio.Task[Any]] = set()

    async def _connect(self, account: Account) -> tuple[Broker, Capabilities]:
        if problem := self.house.connect_problems.get(account.id):
            raise problem
        await self.clock.sleep(self.house.connect_takes_s.get(account.id, 0))
        broker = self.house.brokers[account.id]
        return broker.line(self.life), broker.capabilities

    async def start(self, *, waits: bool = True) -> None:
        """Take the leases and what was left behind, and go on working."""
        self.survey._load()
        if waits:
            await self.dispatcher.keep()
        self.tasks.add(asyncio.create_task(self.dispatcher.run()))

    async def end(self) -> None:
        """Die: nothing is written, sent or tidied up any more."""
        self.life.alive = False
        others = asyncio.all_tasks() - {asyncio.current_task()}
        while others:  # who tidies up when cancelled comes to stand still again, as the dead do
            for task in others:
                task.cancel()
            _, others = await asyncio.wait(others, timeout=0.01)
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.writer.close()
        self.writer._drop_connection()
        self.reader.close()
        self.engine.dispose()


class House:
    """What stays (disk, broker, clock, market) and the process that works in it now."""

    def __init__(self, folder: Path, capabilities: Capabilities) -> None:
        self.clock = IdleClock()
        self.url = f"sqlite:///{folder / 'bridge.db'}"
        (folder / "bridge.db").write_bytes(_empty_database())
        self.vault = Vault(b"pepper" * 6, [Fernet.generate_key()])
        self.calendar = Calendar()
        self.market = HandMarket(self.clock, LISTED)
        self.broker = ScriptedBroker(self.clock, capabilities)
        self.brokers = {ACCOUNT: self.broker}
        self.connect_problems: dict[str, Exception] = {}
        self.connect_takes_s: dict[str, float] = {}
        self.answers: list[tuple[str, Answer]] = []  # body, answer: the sender's ledger
        self._nonce = itertools.count()
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(failpoints, "reach", self._reach)
        self.process: Process

    def _reach(self, point: str) -> None:
        self.process.life.reach(point)  # of whichever process works now

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        account: AccountSettings | None = None,
        capabilities: Capabilities = EVERYTHING,
        started: bool = True,
        **strategy: Any,
    ) -> House:
        """A house whose strategy has these settings; `started=False` leaves it without dispatcher."""
        house = cls(folder, capabilities)
        house.process = Process(house)
        settings = {"any_symbol": True, "accounts": (Feed(account_id=ACCOUNT),)} | strategy
        house._write(_people)
        house.add_account(ACCOUNT, settings=account)
        house.add_strategy(STRATEGY, StrategySettings(**settings))
        for instrument in LISTED:
            house.market.set_price(instrument.key, 100)
        if started:
            await house.process.start()
        return house

    def capabilities_of(self, broker: str) -> Capabilities | None:
        """What a broker of that name can do."""
        return self.broker.capabilities if broker in ("scripted", "paper") else None

    # -- rows -------------------------------------------------------------------------------------------------------

    def _write(self, work: Any) -> None:
        def and_touch(tx: Transaction) -> None:
            work(tx)
            touch(tx)

        self.process.writer.submit(and_touch).result()
        self.process.directory.load()

    def add_account(
        self, account_id: str, *, user: User = ANN, settings: AccountSettings | None = None, broker: str = "scripted"
    ) -> ScriptedBroker:
        """An account and the broker behind it."""
        row = {"id": account_id, "user_id": user.id, "name": account_id, "broker": broker, "created_at": 0}
        row["settings"] = (settings or AccountSettings()).model_dump_json()
        self._write(lambda tx: tx.insert(tables.accounts, row))
        return self.brokers.setdefault(account_id, ScriptedBroker(self.clock))

    def add_strategy(self, strategy_id: str, settings: StrategySettings, *, user: User = ANN) -> Source:
        """A strategy and its source."""
        row: Row = {"id": strategy_id, "user_id": user.id, "name": "Breakout", "settings": settings.model_dump_json()}
        row |= {"enabled": 1, "created_at": 0, "updated_at": 0}
        source: Row = {"id": f"so_{strategy_id}", "public_id": strategy_id, "user_id": user.id, "name": "Hook"}
        source |= {"strategy_id": strategy_id, "secret_hash": "", "settings": "{}", "created_at": 0}

        def work(tx: Transaction) -> None:
            tx.insert(tables.strategies, row)
            tx.insert(tables.sources, source)

        self._write(work)
        return self.source(strategy_id)

    def source(self, strategy_id: str = STRATEGY) -> Source:
        """The address of a strategy."""
        return self.process.directory.snapshot.sources[f"so_{strategy_id}"]

    def change(self, table: str, row_id: str, **columns: Any) -> None:
        """Change settings rows, as their pages would."""
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        self._write(lambda tx: tx.execute(f"UPDATE {table} SET {sets} WHERE id = :id", {**columns, "id": row_id}))

    def stop_trading(self, scope: str = "global", scope_id: str = "", *, stopped: bool = True) -> None:
        """Throw or release a kill switch."""
        row = {"scope": scope, "scope_id": scope_id, "stopped": int(stopped), "reason": "smoke"}
        row |= {"changed_at": 0, "changed_by": "Ann"}

        def work(tx: Transaction) -> None:
            tx.execute("DELETE FROM switches WHERE scope = :scope AND scope_id = :scope_id", row)
            tx.insert(tables.switches, row)

        self._write(work)

    # -- what happens -----------------------------------------------------------------------------------------------

    def arrival(
        self,
        *wishes: OrderIntent,
        key: str | None = None,
        body: str | None = None,
        strategy: str = STRATEGY,
        source_settings: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        needs_approval: bool = False,
        read: bool = True,
        **reading: Any,
    ) -> Arrival:
        """An alert at the door. Each has a body of its own unless `body` is given; `read=False` leaves reading to a dialect."""
        source = self.source(strategy)
        if source_settings:
            source = replace(source, settings=SourceSettings(**source_settings))
        reading.setdefault("kind", Kind.ORDER)
        return Arrival(
            source=source,
            content_type="application/json",
            body=body or json.dumps({"alert": next(self._nonce)}),
            sender="203.0.113.9",
            received_at=self.clock.now(),
            started=self.clock.monotonic(),
            idempotency_key=key,
            dry_run=dry_run,
            needs_approval=needs_approval,
            reading=Reading(dialect="test", orders=wishes, **reading) if read else None,
        )

    async def send(self, arrival: Arrival) -> Answer:
        """Hand an alert in; the sender writes down what it was told."""
        answer = await self.ask(self.process.pipeline.submit(arrival))
        self.answers.append((arrival.body, answer))
        return answer

    async def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the process do something; raises `Killed` when it dies over it, as a broken connection would show."""
        task = asyncio.create_task(work)
        self.process.tasks.add(task)
        await self.clock.settle()
        if not task.done():
            raise Killed
        self.process.tasks.discard(task)
        return task.result()

    async def alert(self, *wishes: OrderIntent, **more: Any) -> Answer:
        """One alert, answered."""
        return await self.send(self.arrival(*wishes, **more))

    async def run(self, seconds: float) -> None:
        """Let that much time pass."""
        await self.clock.run(seconds)

    async def hold(self, quantity: int = 10, symbol: str = "INFY", price: int = 100) -> None:
        """Hold a position, the usual way."""
        before, self.broker.fills_at = self.broker.fills_at, Decimal(price)
        await self.alert((buy if quantity > 0 else sell)(symbol, abs(quantity)))
        await self.run(3)
        self.broker.fills_at = before

    async def crash(self) -> None:
        """The process is gone; disk and broker stay."""
        await self.process.end()

    async def start(self, dies_at: str | None = None, *, waits: bool = True) -> None:
        """The next process; perhaps one that dies at a fail-point on its way up, or does not wait for its desks."""
        self.process = Process(self)
        if dies_at:
            self.process.life.dies_at(dies_at)
        await self.ask(self.process.start(waits=waits))

    async def close(self) -> None:
        """The end of the test."""
        await self.process.end()
        self._patch.undo()

    # -- what can be seen -------------------------------------------------------------------------------------------

    @property
    def desk(self) -> AccountDesk:
        """Ann's desk."""
        return self.process.dispatcher.desks[ACCOUNT]

    def desk_limit(self) -> int | None:
        """Orders a second that Ann's account may send."""
        return self.process.directory.snapshot.accounts[ACCOUNT].settings.orders_per_second

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """A query."""
        return self.process.reader.read(sql, values)

    def orders(self) -> list[OrderRecord]:
        """Every order, oldest first."""
        return [OrderRecord.of(row) for row in self.rows("SELECT * FROM orders ORDER BY queued_at, leg, rowid")]

    def order(self) -> OrderRecord:
        """The only order."""
        (found,) = self.orders()
        return found

    def states(self) -> list[str]:
        """The states of all orders, oldest first."""
        return [str(order.state) for order in self.orders()]

    def intents(self) -> list[Row]:
        """Every intent, oldest first."""
        return self.rows("SELECT * FROM intents ORDER BY created_at, number, rowid")

    def notices(self) -> list[str]:
        """The kinds of all notices, oldest first."""
        return [row["kind"] for row in self.rows("SELECT kind FROM outbox ORDER BY id")]

    def position(self, symbol: str = "INFY") -> Decimal:
        """What the strategies hold by our books."""
        found = self.rows("SELECT quantity FROM positions WHERE symbol = :symbol", symbol=symbol)
        return sum((Decimal(row["quantity"]) for row in found), Decimal(0))

    def sent(self, what: str = "place") -> int:
        """Requests of that sort whose bytes left."""
        return sum(1 for request in self.broker.sent if request.what == what)


def _people(tx: Transaction) -> None:
    for user in (ANN, BOB):
        row = {"id": user.id, "name": user.name, "role": str(user.role), "password_hash": "", "created_at": 0}
        tx.insert(tables.users, row)
