"""A paper account on a file of its own, in a market that the test moves by hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from bridge.brokers import declaration
from bridge.brokers.base import (
    BrokerOrder,
    Connection,
    OrderRequest,
    Placed,
    Rejected,
    Trigger,
    TriggerLeg,
    TriggerRequest,
)
from bridge.brokers.paper.adapter import PaperBroker
from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.domain.intent import OrderType, Product, Side
from bridge.kit.database import Reader, Row, Writer, connect, metadata
from bridge.market.base import DepthLevel, Quote
from bridge.market.hand import Book, HandMarket
from tests.support.clock import FakeClock

SBIN = Instrument(symbol="SBIN", exchange="NSE", kind=InstrumentKind.EQUITY)
FUTURE = Instrument(
    symbol="NIFTY27JAN26FUT",
    exchange="NFO",
    kind=InstrumentKind.FUTURE,
    lot_size=Decimal(65),
    underlying="NIFTY",
    expiry=date(2026, 1, 27),
    freeze_quantity=Decimal(1755),
)
CALL = Instrument(
    symbol="NIFTY27JAN2626000CE",
    exchange="NFO",
    kind=InstrumentKind.OPTION,
    lot_size=Decimal(65),
    underlying="NIFTY",
    expiry=date(2026, 1, 27),
    strike=Decimal(26000),
    right=OptionRight.CALL,
)
INDEX = Instrument(symbol="NIFTY", exchange="NSE_INDEX", kind=InstrumentKind.INDEX)
COIN = Instrument(
    symbol="BTCUSDT", exchange="CRYPTO", kind=InstrumentKind.CRYPTO, currency="USDT", tick_size=Decimal("0.01")
)
INSTRUMENTS = (SBIN, FUTURE, CALL, INDEX, COIN)
_count = itertools.count(1)


def order(side: str, quantity: Any, instrument: Instrument = SBIN, **more: Any) -> OrderRequest:
    """A market order of intraday units, unless told otherwise; numbers may be text."""
    for name in ("price", "trigger_price"):
        if isinstance(more.get(name), int | str):
            more[name] = Decimal(more[name])
    usual: dict[str, Any] = {
        "ref": f"R{next(_count):09d}",
        "instrument": instrument,
        "side": Side(side),
        "quantity": Decimal(quantity),
        "order_type": OrderType.LIMIT if "price" in more else OrderType.MARKET,
        "product": Product.MIS,
    }
    return OrderRequest(**usual | more)


def stop(side: str, quantity: Any, trigger: Any, instrument: Instrument = SBIN, **more: Any) -> OrderRequest:
    """A stop order, stop-limit when it has a price."""
    order_type = OrderType.STOP_LIMIT if "price" in more else OrderType.STOP
    return order(side, quantity, instrument, order_type=order_type, trigger_price=Decimal(trigger), **more)


def gtt(side: str, quantity: Any, *legs: TriggerLeg, instrument: Instrument = SBIN, **more: Any) -> TriggerRequest:
    """A standing instruction for delivery, unless told otherwise."""
    usual: dict[str, Any] = {"ref": f"G{next(_count):09d}", "product": Product.CNC}
    figures = {"side": Side(side), "quantity": Decimal(quantity), "legs": legs, "instrument": instrument}
    return TriggerRequest(**usual | figures | more)


def leg(trigger: Any, price: Any = None) -> TriggerLeg:
    """Places a market order at that price, or a limit order."""
    if price is None:
        return TriggerLeg(trigger_price=Decimal(trigger), order_type=OrderType.MARKET)
    return TriggerLeg(trigger_price=Decimal(trigger), price=Decimal(price))


def depth(bids: Mapping[Any, Any], asks: Mapping[Any, Any]) -> Book:
    """Levels as price → units, best first."""
    sides = [tuple(DepthLevel(Decimal(p), Decimal(q)) for p, q in side.items()) for side in (bids, asks)]
    return Book(*sides)


@dataclass(slots=True)
class Bench:
    """The account, its broker and what they stand on."""

    path: Path
    settings: dict[str, Any] = field(default_factory=lambda: {"match_every_s": 0})
    clock: FakeClock = field(default_factory=FakeClock)
    services: dict[str, Any] = field(default_factory=dict)
    instruments: tuple[Instrument, ...] = INSTRUMENTS
    database: str = ""  # another than a file in `path`
    market: HandMarket = field(init=False)
    updates: list[str] = field(default_factory=list)
    broker: PaperBroker = field(init=False)
    writers: list[Writer] = field(default_factory=list)
    _engines: list[Engine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = HandMarket(self.clock, self.instruments)
        paper = [table for table in metadata.sorted_tables if table.name.startswith("paper_")]
        engine = connect(self.url)
        metadata.create_all(engine, tables=paper)
        engine.dispose()
        self.broker = self.open()

    @property
    def url(self) -> str:
        """The database."""
        return self.database or f"sqlite:///{self.path / 'paper.db'}"

    def open(self, account_id: str = "acc") -> PaperBroker:
        """Another adapter on the same file, as a new process would make it."""
        engine = connect(self.url)
        self._engines.append(engine)
        self.writers.append(Writer(engine))
        services = {
            "writer": self.writers[-1],
            "reader": Reader(engine),
            "market": self.market,
            "clock": self.clock,
            "on_update": self.updates.append,
        }
        connection = Connection(
            account_id=account_id, user_id="usr", settings=self.settings, services=services | self.services
        )
        broker = declaration("paper").connect(connection)
        assert isinstance(broker, PaperBroker)
        return broker

    def price(self, instrument: Instrument, last: Any, **more: Any) -> Quote:
        """Move the market."""
        return self.market.set_price(instrument.key, last, **more)

    def rows(self, sql: str, **row: Any) -> list[Row]:
        """What the tables themselves say."""
        return list(Reader(self._engines[-1]).read(sql, row))

    async def place(self, request: OrderRequest) -> BrokerOrder:
        """Place an order; its row in the book afterwards."""
        return await self.row(await self.broker.place(request))

    async def row(self, placed: Placed | BrokerOrder) -> BrokerOrder:
        """An order's row now."""
        found = [each for each in await self.broker.order_book() if each.broker_order_id == placed.broker_order_id]
        assert len(found) == 1
        return found[0]

    async def keep(self, request: TriggerRequest) -> Trigger:
        """Leave a standing instruction; its row."""
        return await self.trigger(await self.broker.place_trigger(request))

    async def trigger(self, trigger_id: str) -> Trigger:
        """A standing instruction's row now."""
        (found,) = [each for each in await self.broker.triggers() if each.trigger_id == trigger_id]
        return found

    async def refused(self, request: OrderRequest) -> Rejected:
        """Place an order that must be refused."""
        with pytest.raises(Rejected) as caught:
            await self.broker.place(request)
        return caught.value

    async def net(self, instrument: Instrument = SBIN, product: Product = Product.MIS) -> Decimal:
        """Signed units of a position; 0 without a row."""
        rows = await self.broker.positions()
        return sum((p.quantity for p in rows if (p.symbol, p.product) == (instrument.symbol, product)), Decimal(0))

    async def available(self) -> Decimal:
        """What new orders may use."""
        return (await self.broker.funds()).available

    async def told(self) -> None:
        """Let time pass until the broker tells of a change."""
        async with asyncio.timeout(30):
            while not self.updates:
                await self.clock.run(0.25)

    async def close(self) -> None:
        """Let go."""
        await self.broker.close()
        for writer in self.writers:
            writer.close()
        for engine in self._engines:
            engine.dispose()
        self.writers.clear()
        self._engines.clear()
