"""The order system behind the wire: takes, fills, cancels; every step is in the ledger before it is in the book."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakebroker import fills
from tests.fakebroker.book import Book, Order, number
from tests.fakebroker.knobs import Knobs
from tests.fakebroker.ledger import Ledger, read
from tests.fakebroker.pace import Pace, draw
from tests.fakebroker.postbacks import Postbacks

Fields = Mapping[str, Any]


class Exchange:
    """Owns ledger and book."""

    def __init__(self, ledger: Path, pace: Pace, knobs: Knobs, dice: random.Random) -> None:
        self.book = Book(read(ledger))
        self.pace, self.knobs, self.dice = pace, knobs, dice
        if self.book.latest > pace.now():  # a restart never goes back in time
            pace.set(self.book.latest)
        self._ledger = Ledger(ledger)
        self._postbacks = Postbacks(pace, dice)
        self._tasks: set[asyncio.Task[None]] = set()

    def record(self, event: str, **facts: Any) -> Order | None:
        """Ledger first, then book, then whoever listens."""
        row = {"event": event, "at": time.time(), "clock": self.pace.now(), **facts}
        self._ledger.append(row)
        order = self.book.apply(row)
        if order is not None:
            self._postbacks.settings = self.knobs.postbacks
            self._postbacks.push(order.account, order.row(self.knobs.tag_echo, self.knobs.clock_offset_s))
        return order

    def accept(self, account: str, fields: Fields, n: int | None = None, source: str = "api") -> Order:
        """Take one order and let it meet the market."""
        day = datetime.fromtimestamp(self.pace.now(), UTC).strftime("%y%m%d")
        stop = fields["order_type"] in ("SL", "SL-M")
        facts = {name: fields.get(name) for name in ("symbol", "exchange", "side", "quantity", "order_type", "product")}
        facts |= {"price": fields.get("price"), "trigger_price": fields.get("trigger_price")}
        order = self.record(
            "accepted",
            n=n,
            source=source,
            account=account,
            order_id=f"{day}{len(self.book.orders) + 1:08d}",
            tag=fields.get("tag") or "",
            validity=fields.get("validity") or "DAY",
            status="TRIGGER PENDING" if stop else "OPEN",
            visible_at=self.pace.now() + draw(self.knobs.visibility_lag_s, self.dice),
            **facts,
        )
        assert order is not None
        self._to_market(order)
        return order

    def _to_market(self, order: Order) -> None:
        rule, last = fills.rule_for(order.symbol, self.knobs.fill), fills.last_price(order.symbol, self.knobs.prices)
        if rule.mode == "reject":
            self.record("rejected", order_id=order.order_id, message=rule.message)
            return
        if order.status == "TRIGGER PENDING":
            return
        for step in fills.steps(order, rule, last):
            if step.after_s <= 0:
                self.fill(order, step.quantity)
            else:
                self._later(self._fill_later(order, step))
        if order.working and order.validity == "IOC":
            self.record("cancelled", order_id=order.order_id, message="IOC: nothing left to trade with")

    async def _fill_later(self, order: Order, step: fills.Step) -> None:
        await self.pace.sleep(step.after_s)
        if order.working:
            self.fill(order, min(step.quantity, order.remaining))

    def fill(self, order: Order, quantity: Decimal, price: Decimal | None = None) -> None:
        """One execution."""
        price = price or fills.fill_price(order, fills.last_price(order.symbol, self.knobs.prices))
        trade = f"T{len(self.book.trades) + 1:08d}"
        self.record("fill", order_id=order.order_id, trade_id=trade, quantity=str(quantity), price=str(price))

    def prices_moved(self) -> None:
        """Trigger stops and fill what became marketable."""
        for order in [order for order in self.book.orders.values() if order.working]:
            last = fills.last_price(order.symbol, self.knobs.prices)
            if order.status == "TRIGGER PENDING" and fills.triggered(order, last):
                self.record("triggered", order_id=order.order_id)
                self._to_market(order)
            elif order.status == "OPEN" and self._waits_for_price(order) and fills.marketable(order, last):
                self.fill(order, order.remaining)

    def _waits_for_price(self, order: Order) -> bool:
        mode = fills.rule_for(order.symbol, self.knobs.fill).mode
        return mode == "marketable" or (mode == "rest" and order.order_type in ("LIMIT", "SL"))

    def modify(self, order: Order, fields: Fields) -> None:
        """Replace what `fields` names."""
        old = {"quantity": order.quantity, "price": order.price, "trigger_price": order.trigger_price}
        facts = {name: number(fields.get(name)) if name in fields else value for name, value in old.items()}
        order_type = fields.get("order_type", order.order_type)
        stop = order_type in ("SL", "SL-M")
        self.record(
            "modified",
            order_id=order.order_id,
            order_type=order_type,
            validity=fields.get("validity", order.validity),
            status="TRIGGER PENDING" if stop else "OPEN",
            **{name: None if value is None else str(value) for name, value in facts.items()},
        )
        if fills.rule_for(order.symbol, self.knobs.fill).mode == "marketable":
            self.prices_moved()

    def cancel(self, order: Order, message: str = "") -> None:
        """Take an order out of the market."""
        self.record("cancelled", order_id=order.order_id, message=message)

    def act(self, said: Fields) -> str:
        """A deed of the market or of a stranger: `do` = fill | cancel | reject | expire | place. Returns the order id."""
        do = said["do"]
        if do == "place":
            return self.accept(said["account"], said["order"], source="outside").order_id
        order = self._find(said)
        if do == "fill":
            self.fill(order, number(said.get("quantity")) or order.remaining, number(said.get("price")))
        elif do in ("cancel", "reject", "expire"):
            word = {"cancel": "cancelled", "reject": "rejected", "expire": "expired"}[do]
            self.record(word, order_id=order.order_id, message=said.get("message", ""))
        else:
            raise ValueError(f"nothing is called {do!r}")
        return order.order_id

    def _find(self, said: Fields) -> Order:
        if "order_id" in said:
            return self.book.orders[said["order_id"]]
        for order in reversed(self.book.orders.values()):
            if order.tag == said["tag"]:
                return order
        raise ValueError(f"no order has the tag {said['tag']!r}")

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
