"""Random days of a trader, as steps that depend on nothing but their seed: the paper broker and the reference book play the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from bridge.brokers.base import OrderRequest, Rejected, TriggerLeg, TriggerRequest
from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderType, Product, Side, TimeInForce
from bridge.market.base import DepthLevel
from bridge.market.hand import Book
from tests.brokers.paper_bench import CALL, COIN, FUTURE, SBIN, Bench

INDIA = ZoneInfo("Asia/Kolkata")
WEEKLY = replace(FUTURE, symbol="NIFTY13JAN26FUT", expiry=date(2026, 1, 13))
YEARLY = replace(FUTURE, symbol="NIFTY29DEC26FUT", expiry=date(2026, 12, 29))
YEARLY_CALL = replace(CALL, symbol="NIFTY29DEC2626000CE", expiry=date(2026, 12, 29))
TRADED = (SBIN, WEEKLY, FUTURE, YEARLY, YEARLY_CALL, COIN)

# Around which price, how far in ticks, how many units, and how many nobody takes.
HABITS: dict[str, tuple[str, int, Sequence[str], Sequence[str]]] = {
    SBIN.key: ("100", 60, ("1", "7", "50", "400", "3000", "20000"), ("0.5",)),
    WEEKLY.key: ("25900", 600, ("65", "65", "130", "195"), ("100", "1820")),
    FUTURE.key: ("26000", 600, ("65", "65", "130", "195"), ("1820",)),
    YEARLY.key: ("26500", 600, ("65", "65", "130", "195"), ("1820",)),
    YEARLY_CALL.key: ("200", 100, ("65", "130", "650"), ("30",)),
    COIN.key: ("90000", 5000, ("0.001", "0.0037", "0.1", "0.5"), ("2",)),
}


class Hours:
    """A calendar of markets that never close, where intraday trading ends at 15:15 in India."""

    def is_open(self, instrument: Instrument, moment: datetime) -> bool:
        return True

    def sentence(self, instrument: Instrument, moment: datetime) -> str:
        return "always open"

    def trading_date(self, exchange: str, moment: datetime) -> date:
        return moment.astimezone(INDIA).date()

    def square_off_time(self, instrument: Instrument, day: date) -> datetime | None:
        return datetime(day.year, day.month, day.day, 15, 15, tzinfo=INDIA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A price as the reference book sees it: plain lists of (price, units)."""

    key: str
    last: Decimal
    bids: Sequence[tuple[Decimal, Decimal]]
    asks: Sequence[tuple[Decimal, Decimal]]


Kind = Literal["price", "sleep", "place", "modify", "cancel", "match", "keep", "change", "drop", "reset", "reopen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens. `ref` names the order or trigger that is meant."""

    kind: Kind
    quoted: Quoted | None = None
    seconds: int = 0
    ref: str = ""
    order: OrderRequest | None = None
    trigger: TriggerRequest | None = None


@dataclass(slots=True)
class Script:
    """Makes steps."""

    seed: int
    orders: list[OrderRequest] = field(default_factory=list)
    triggers: list[TriggerRequest] = field(default_factory=list)
    last: dict[str, Decimal] = field(default_factory=dict)
    chance: random.Random = field(init=False)

    WEIGHTS: ClassVar[dict[Kind, int]] = {
        "price": 30,
        "sleep": 7,
        "place": 34,
        "modify": 7,
        "cancel": 5,
        "match": 14,
        "keep": 5,
        "change": 2,
        "drop": 1,
        "reopen": 1,
    }

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def steps(self, orders: int) -> list[Step]:
        """As many as it takes until that many orders were placed; every instrument has a price first."""
        steps = [self._price(each) for each in TRADED]
        while len(self.orders) < orders:
            kind = self.chance.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            if (kind in ("modify", "cancel") and self.orders) or (kind in ("change", "drop") and self.triggers):
                steps.append(self._on_earlier(kind))
            elif kind not in ("modify", "cancel", "change", "drop"):
                steps.append(self._step(kind))
            if self.chance.random() < 0.001:
                steps.append(Step(kind="reset"))
        return steps

    def _step(self, kind: Kind) -> Step:
        if kind == "price":
            return self._price(self.chance.choice(TRADED))
        if kind == "sleep":
            return Step(kind="sleep", seconds=self.chance.choice((60, 600, 3600, 6 * 3600)))
        if kind in ("match", "reopen"):
            return Step(kind=kind)
        if kind == "place":
            self.orders.append(self._order(f"R{len(self.orders)}"))
            return Step(kind="place", order=self.orders[-1])
        self.triggers.append(self._trigger(f"G{len(self.triggers)}", self._traded(), self._side()))
        return Step(kind="keep", trigger=self.triggers[-1])

    def _on_earlier(self, kind: Kind) -> Step:
        if kind in ("modify", "cancel"):
            return self._on_order(kind)
        meant = self.chance.choice(self.triggers[-6:])
        if kind == "drop":
            return Step(kind="drop", ref=meant.ref)
        side = meant.side if self.chance.random() < 0.9 else meant.side.opposite
        return Step(kind="change", ref=meant.ref, trigger=self._trigger(meant.ref, meant.instrument, side))

    def _on_order(self, kind: Kind) -> Step:
        if kind == "cancel" and self.triggers and self.chance.random() < 0.3:
            return Step(kind="cancel", ref=f"T:{self.chance.choice(self.triggers[-6:]).ref}")
        last = self.orders[-20:]
        meant = self.chance.choice([each for each in last if _may_wait(each)] or last)
        if kind == "cancel":
            return Step(kind="cancel", ref=meant.ref)
        product = meant.product if self.chance.random() < 0.9 else Product.NRML
        new = self._order(meant.ref)
        price, trigger = self._limits(meant.instrument, new.order_type, meant.side)
        asked = replace(
            meant,
            order_type=new.order_type,
            product=product,
            price=price,
            trigger_price=trigger,
            quantity=Decimal(self._quantity(meant.instrument)),
            time_in_force=new.time_in_force,
        )
        return Step(kind="modify", ref=meant.ref, order=asked)

    def _traded(self) -> Instrument:
        return self.chance.choice(TRADED)

    def _side(self) -> Side:
        return self.chance.choice(list(Side))

    def _quantity(self, instrument: Instrument) -> str:
        _, _, right, wrong = HABITS[instrument.key]
        return self.chance.choice(right if self.chance.random() < 0.96 else wrong)

    def _near(self, instrument: Instrument) -> Decimal:
        base, reach, _, _ = HABITS[instrument.key]
        return Decimal(base) + self.chance.randint(-reach, reach) * instrument.tick_size

    def _limits(
        self, instrument: Instrument, order_type: OrderType, side: Side
    ) -> tuple[Decimal | None, Decimal | None]:
        """Price and trigger price. A stop lies mostly ahead of the last price, and its limit beyond."""
        reach = HABITS[instrument.key][1]
        last = self.last[instrument.key]
        ahead = last + side.sign * self.chance.randint(-reach // 20, reach) * instrument.tick_size
        beyond = ahead + side.sign * self.chance.randint(-1, 8) * instrument.tick_size
        price = {OrderType.LIMIT: self._near(instrument), OrderType.STOP_LIMIT: beyond}.get(order_type)
        return price, ahead if order_type in (OrderType.STOP, OrderType.STOP_LIMIT) else None

    def _order(self, ref: str) -> OrderRequest:
        instrument = self._traded()
        order_type = self.chance.choice([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT])
        usual = Product.NRML if instrument.is_derivative else Product.CNC
        side = self._side()
        price, trigger = self._limits(instrument, order_type, side)
        return OrderRequest(
            ref=ref,
            instrument=instrument,
            side=side,
            quantity=Decimal(self._quantity(instrument)),
            order_type=order_type,
            product=self._product(usual),
            time_in_force=self.chance.choice(
                [TimeInForce.DAY, TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]
            ),
            price=price,
            trigger_price=trigger,
        )

    def _product(self, usual: Product) -> Product:
        wrong = self.chance.random() > 0.96
        return self.chance.choice(list(Product)) if wrong else self.chance.choice((Product.MIS, usual))

    def _trigger(self, ref: str, instrument: Instrument, side: Side) -> TriggerRequest:
        legs = []
        last, reach = self.last[instrument.key], HABITS[instrument.key][1]
        first = self.chance.choice((1, -1))
        second = -first if self.chance.random() < 0.9 else first
        for direction in self.chance.choice(((first,), (first, second))):
            near = last + direction * self.chance.randint(0, reach) * instrument.tick_size
            if self.chance.random() < 0.5:
                legs.append(TriggerLeg(trigger_price=near, order_type=OrderType.MARKET))
            else:
                legs.append(TriggerLeg(trigger_price=near, price=near + side.sign * 3 * instrument.tick_size))
        usual = Product.NRML if instrument.is_derivative else Product.CNC
        return TriggerRequest(
            ref=ref,
            instrument=instrument,
            side=side,
            quantity=Decimal(self._quantity(instrument)),
            product=self.chance.choice((usual, usual, usual, usual, usual, usual, Product.MIS, Product.CNC)),
            legs=tuple(legs),
        )

    def _price(self, instrument: Instrument) -> Step:
        """Depth of two levels a side; now and then a side is empty."""
        last, tick = self._near(instrument), instrument.tick_size
        self.last[instrument.key] = last
        spread = self.chance.randint(0, 4) * tick
        bids = [(last - spread - n * tick, self._depth(instrument)) for n in range(2)]
        asks = [(last + spread + n * tick, self._depth(instrument)) for n in range(2)]
        empty = self.chance.random()
        quoted = Quoted(
            key=instrument.key, last=last, bids=[] if empty < 0.03 else bids, asks=[] if 0.02 < empty < 0.05 else asks
        )
        return Step(kind="price", quoted=quoted)

    def _depth(self, instrument: Instrument) -> Decimal:
        return self.chance.randint(1, 30) * Decimal(HABITS[instrument.key][2][0])


def _may_wait(order: OrderRequest) -> bool:
    return order.order_type is not OrderType.MARKET and order.time_in_force in (TimeInForce.DAY, TimeInForce.GTC)


def move_world(bench: Bench, step: Step) -> None:
    """What happens outside of the broker: prices and time. A new price takes a second, so that no two quotes are the same."""
    if step.quoted is not None:
        bench.clock.advance(1)
        bids, asks = step.quoted.bids, step.quoted.asks
        sides = [tuple(DepthLevel(price, units) for price, units in side) for side in (bids, asks)]
        bench.market.set_price(
            step.quoted.key,
            step.quoted.last,
            bid=bids[0][0] if bids else 0,
            ask=asks[0][0] if asks else 0,
            depth=Book(*sides),
        )
    bench.clock.advance(step.seconds)


async def act(bench: Bench, step: Step) -> str:
    """Let the step happen to the paper broker; the code of its refusal, or nothing."""
    move_world(bench, step)
    try:
        await _act(bench, step)
    except Rejected as refused:
        return refused.code
    return ""


async def _act(bench: Bench, step: Step) -> None:
    broker = bench.broker
    if step.kind == "match":
        await broker.match_now()
    elif step.kind == "reset":
        await broker.reset()
    elif step.kind == "reopen":
        await bench.close()
        bench.broker = bench.open()
    elif step.kind == "place" and step.order:
        await broker.place(step.order)
    elif step.kind == "modify" and step.order:
        await broker.modify(_order_id(bench, step.ref), step.order)
    elif step.kind == "cancel":
        await broker.cancel(_order_id(bench, step.ref))
    elif step.kind == "keep" and step.trigger:
        await broker.place_trigger(step.trigger)
    elif step.kind == "change" and step.trigger:
        await broker.modify_trigger(_trigger_id(bench, step.ref), step.trigger)
    elif step.kind == "drop":
        await broker.cancel_trigger(_trigger_id(bench, step.ref))


def _order_id(bench: Bench, ref: str) -> str:
    """An order's id by its ref; that of an order which a trigger placed by `T:` and the trigger's."""
    if ref.startswith("T:"):
        ref = _trigger_id(bench, ref[2:])
    return next((row["id"] for row in bench.rows("SELECT id FROM paper_orders WHERE ref = :ref", ref=ref)), "pp_nobody")


def _trigger_id(bench: Bench, ref: str) -> str:
    found = bench.rows("SELECT id FROM paper_triggers WHERE ref = :ref", ref=ref)
    return next((row["id"] for row in found), "pg_nobody")


def squared_off(now: datetime) -> bool:
    """Whether `Hours` has ended intraday trading."""
    return now.astimezone(INDIA).time() >= time(15, 15)
