"""Orders, executions and positions, built from ledger rows and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.fakebroker.ledger import Row
from tests.fakebroker.pace import iso

WORKING = ("OPEN", "TRIGGER PENDING")


def number(text: Any) -> Decimal | None:
    """A decimal, or nothing."""
    return None if text in (None, "") else Decimal(str(text))


def plain(value: Decimal | None) -> int | float | None:
    """A JSON number."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


@dataclass(slots=True)
class Order:
    """One order; the words are the wire's own."""

    order_id: str
    account: str
    tag: str
    symbol: str
    exchange: str
    side: str
    quantity: Decimal
    order_type: str
    product: str
    validity: str
    price: Decimal | None
    trigger_price: Decimal | None
    placed_at: float
    visible_at: float
    status: str = "OPEN"
    message: str = ""
    filled: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    encoded: bytes | None = field(default=None, repr=False)

    @property
    def remaining(self) -> Decimal:
        """Units still to fill."""
        return self.quantity - self.filled

    @property
    def working(self) -> bool:
        """Can still fill."""
        return self.status in WORKING

    def row(self, tag_echo: bool = True, clock_offset: float = 0.0) -> dict[str, Any]:
        """The order as the books show it."""
        said = {
            name: getattr(self, name) for name in ("order_id", "symbol", "exchange", "side", "order_type", "product")
        }
        said |= {"validity": self.validity, "status": self.status, "message": self.message}
        said |= {"quantity": plain(self.quantity), "filled_quantity": plain(self.filled)}
        said |= {"price": plain(self.price), "trigger_price": plain(self.trigger_price)}
        said["average_price"] = plain(round(self.value / self.filled, 6)) if self.filled else None
        said["placed_at"] = iso(self.placed_at + clock_offset)
        return said | ({"tag": self.tag} if tag_echo else {})

    def encode(self, tag_echo: bool, clock_offset: float) -> bytes:
        """`row` as JSON, remembered until the order changes."""
        if self.encoded is None:
            self.encoded = json.dumps(self.row(tag_echo, clock_offset), separators=(",", ":")).encode()
        return self.encoded


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution."""

    trade_id: str
    order: Order
    quantity: Decimal
    price: Decimal
    at: float

    def row(self, clock_offset: float = 0.0) -> dict[str, Any]:
        """The execution as the books show it."""
        said = {name: getattr(self.order, name) for name in ("order_id", "symbol", "exchange", "side", "product")}
        said |= {"trade_id": self.trade_id, "quantity": plain(self.quantity), "price": plain(self.price)}
        return said | {"at": iso(self.at + clock_offset)}


@dataclass(slots=True)
class Position:
    """Net units of a symbol and product; the average moves only when it grows."""

    net: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)

    def take(self, signed: Decimal, price: Decimal) -> None:
        """One fill, buys positive."""
        if self.net * signed >= 0:
            self.average = (self.net * self.average + signed * price) / (self.net + signed)
            self.net += signed
            return
        closed = min(abs(signed), abs(self.net))
        self.realised += closed * (price - self.average) * (1 if self.net > 0 else -1)
        self.net += signed
        if abs(signed) > closed:
            self.average = price


class Book:
    """What the ledger amounts to. `apply` is the only way in, so a restart sees what the first life saw."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.orders: dict[str, Order] = {}
        self._by_account: dict[str, list[Order]] = {}
        self.trades: list[Trade] = []
        self.requests = 0
        self.latest = 0.0
        for row in rows:
            self.apply(row)

    def apply(self, row: Row) -> Order | None:
        """One ledger row; returns the order it touched."""
        self.latest = max(self.latest, row.get("clock", 0.0))
        change = getattr(self, f"_{row['event']}", None)
        if change is None:
            return None
        order: Order | None = change(row)
        if order is not None:
            order.encoded = None
        return order

    def of(self, account: str) -> list[Order]:
        """An account's orders, oldest first."""
        return self._by_account.get(account, [])

    def forget_encodings(self) -> None:
        """After a change of what the books show."""
        for order in self.orders.values():
            order.encoded = None

    def positions(self, account: str, now: float) -> dict[tuple[str, str, str], Position]:
        """Net positions by symbol, exchange and product, as far as they are visible."""
        found: dict[tuple[str, str, str], Position] = {}
        for trade in self.visible_trades(account, now):
            order = trade.order
            key = (order.symbol, order.exchange, order.product)
            signed = trade.quantity if order.side == "BUY" else -trade.quantity
            found.setdefault(key, Position()).take(signed, trade.price)
        return found

    def visible_trades(self, account: str, now: float) -> list[Trade]:
        """Executions of visible orders."""
        return [trade for trade in self.trades if trade.order.account == account and trade.order.visible_at <= now]

    def _request(self, row: Row) -> None:
        self.requests += row["method"] == "POST"

    def _accepted(self, row: Row) -> Order:
        names = (
            "order_id",
            "account",
            "tag",
            "symbol",
            "exchange",
            "side",
            "order_type",
            "product",
            "validity",
            "status",
        )
        order = Order(
            **{name: row[name] for name in names},
            quantity=Decimal(row["quantity"]),
            price=number(row["price"]),
            trigger_price=number(row["trigger_price"]),
            placed_at=row["clock"],
            visible_at=row["visible_at"],
        )
        self.orders[order.order_id] = order
        self._by_account.setdefault(order.account, []).append(order)
        return order

    def _fill(self, row: Row) -> Order:
        order = self.orders[row["order_id"]]
        quantity, price = Decimal(row["quantity"]), Decimal(row["price"])
        order.filled += quantity
        order.value += quantity * price
        order.status = "COMPLETE" if order.remaining <= 0 else "OPEN"
        self.trades.append(Trade(row["trade_id"], order, quantity, price, row["clock"]))
        return order

    def _modified(self, row: Row) -> Order:
        order = self.orders[row["order_id"]]
        order.quantity = Decimal(row["quantity"])
        order.order_type, order.validity = row["order_type"], row["validity"]
        order.price, order.trigger_price = number(row["price"]), number(row["trigger_price"])
        order.status = row["status"]
        return order

    def _triggered(self, row: Row) -> Order:
        return self._end(row, "OPEN")

    def _cancelled(self, row: Row) -> Order:
        return self._end(row, "CANCELLED")

    def _rejected(self, row: Row) -> Order:
        return self._end(row, "REJECTED")

    def _expired(self, row: Row) -> Order:
        return self._end(row, "EXPIRED")

    def _end(self, row: Row, status: str) -> Order:
        order = self.orders[row["order_id"]]
        order.status, order.message = status, row.get("message", "")
        return order
