"""What a strategy holds of one instrument: net units, average price and what closing earned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from bridge.domain.intent import Side
from bridge.domain.lifecycle import TERMINAL, UNCERTAIN
from bridge.kit.database import Row, Transaction
from bridge.kit.ids import ref_of
from bridge.orders import tables
from bridge.orders.metrics import ORDERS
from bridge.orders.records import Lane, OrderRecord, stored

ZERO = Decimal(0)
_NONE: frozenset[Side] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """Signed units at an average price; `realised` adds up over the instrument's life, before costs."""

    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realised: Decimal = ZERO


def after_fill(held: Held, side: Side, quantity: Decimal, price: Decimal) -> Held:
    """The holding after one execution of `quantity` positive units."""
    change = side.sign * quantity
    total = held.quantity + change
    if held.quantity * change >= 0:  # opening or enlarging
        cost = held.average_price * abs(held.quantity) + price * quantity
        return Held(total, cost / abs(total) if total else ZERO, held.realised)
    closed = min(quantity, abs(held.quantity))
    gain = (price - held.average_price) * closed * (1 if held.quantity > 0 else -1)
    if total * held.quantity > 0:
        return Held(total, held.average_price, held.realised + gain)
    return Held(total, price if total else ZERO, held.realised + gain)


def load(tx: Transaction, order: OrderRecord) -> Held:
    """What the order's strategy holds of its instrument, locked until the commit."""
    lock = " FOR UPDATE" if tx.postgres else ""
    sql = (
        "SELECT quantity, average_price, realised FROM positions WHERE account_id = :account_id"  # noqa: S608 - our words
        " AND strategy_id = :strategy_id AND exchange = :exchange AND symbol = :symbol AND product = :product" + lock
    )
    row = tx.row(sql, _key(order))
    return of(row) if row else Held()


def of(row: Row) -> Held:
    """The holding of a row."""
    return Held(Decimal(row["quantity"]), Decimal(row["average_price"]), Decimal(row["realised"]))


def repriced(held: Held, side: Side, quantity: Decimal, by: Decimal) -> Held:
    """The holding when `quantity` units of one order turn out to have cost `by` more each than they were booked at.

    What is still held of them costs more on average; of the others, the difference has been realised.
    """
    still_held = min(quantity, abs(held.quantity)) if held.quantity * side.sign > 0 else ZERO
    average = held.average_price + by * still_held / abs(held.quantity) if still_held else held.average_price
    return Held(held.quantity, average, held.realised - side.sign * by * (quantity - still_held))


def record_fill(
    tx: Transaction, order: OrderRecord, quantity: Decimal, price: Decimal, at: int, key: str, provenance: str
) -> Held:
    """Store one execution and what it makes of the holding. `key` is unique per order, so that a fill counts once."""
    before = load(tx, order)
    held = after_fill(before, order.side, quantity, price)
    return _store(tx, order, before, held, quantity, price, at, key, provenance)


def correct_price(tx: Transaction, order: OrderRecord, average: Decimal, at: int, provenance: str) -> Held:
    """Book the difference between the order's average price as it was booked and as it is, as a fill of no units."""
    before = load(tx, order)
    held = repriced(before, order.side, order.filled, average - (order.average_price or ZERO))
    return _store(tx, order, before, held, ZERO, average, at, f"price:{average:f}:{at}", provenance)


def _store(
    tx: Transaction,
    order: OrderRecord,
    before: Held,
    held: Held,
    quantity: Decimal,
    price: Decimal,
    at: int,
    key: str,
    provenance: str,
) -> Held:
    fill = {
        "order_id": order.id,
        "account_id": order.account_id,
        "user_id": order.user_id,
        "strategy_id": order.strategy_id,
        "fill_key": key,
        "quantity": stored(quantity),
        "price": stored(price),
        "realised": stored(held.realised - before.realised),
        "at": at,
        "provenance": provenance,
    }
    tx.insert(tables.fills, fill)
    row = _key(order) | {
        "user_id": order.user_id,
        "quantity": stored(held.quantity),
        "average_price": stored(held.average_price),
        "realised": stored(held.realised),
        "updated_at": at,
    }
    tx.execute(
        "INSERT INTO positions (account_id, strategy_id, exchange, symbol, product, user_id, quantity, average_price,"
        " realised, updated_at) VALUES (:account_id, :strategy_id, :exchange, :symbol, :product, :user_id, :quantity,"
        " :average_price, :realised, :updated_at) ON CONFLICT (account_id, strategy_id, exchange, symbol, product)"
        " DO UPDATE SET quantity = excluded.quantity, average_price = excluded.average_price,"
        " realised = excluded.realised, updated_at = excluded.updated_at",
        row,
    )
    return held


def _key(order: OrderRecord) -> Row:
    return {
        "account_id": order.account_id,
        "strategy_id": order.strategy_id,
        "exchange": order.exchange,
        "symbol": order.symbol,
        "product": str(order.product),
    }


class _Open:
    """The orders of one lane that have not come to an end, with what every alert asks about them."""

    __slots__ = ("orders", "sides", "uncertain")

    def __init__(self) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self.sides: Counter[Side] = Counter()
        self.uncertain: set[str] = set()

    def put(self, order: OrderRecord) -> None:
        """Take an order in, or how it stands now; one that has ended goes."""
        self.uncertain.discard(order.id)
        if order.state in TERMINAL:
            if self.orders.pop(order.id, None):
                self.sides[order.side] -= 1
            return
        if order.id not in self.orders:
            self.sides[order.side] += 1
        self.orders[order.id] = order
        if order.state in UNCERTAIN:
            self.uncertain.add(order.id)


class Ledger:
    """One account's day in memory: its orders by id, by our reference and by the broker's id, and what its strategies hold.

    Orders that ended on an earlier trading date are not in it (`inbox.py`): brokers may number from 1 every day.

    Only the process that holds the account's lease has one; the tables stay the truth.
    """

    def __init__(self) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self.by_ref: dict[str, str] = {}
        self.by_broker_id: dict[str, str] = {}
        self.held: dict[Lane, Held] = {}
        self._baskets: dict[str, set[str]] = {}
        self._open: dict[Lane, _Open] = {}

    def put(self, order: OrderRecord) -> None:
        """Take an order in, or what became of it."""
        known = self.orders.get(order.id)
        if known is None or known.state is not order.state:
            ORDERS.labels(order.state).inc()
        self.load(order)

    def load(self, order: OrderRecord) -> None:
        """Take an order in as its table has it: nothing has happened to it."""
        self.orders[order.id] = order
        self.by_ref[order.ref] = order.id
        if order.basket:
            self._baskets.setdefault(order.alert_id, set()).add(order.id)
        namesake = self.find(order.broker_order_id or "", None)
        if order.broker_order_id and (namesake is None or namesake.trading_date <= order.trading_date):
            self.by_broker_id[order.broker_order_id] = order.id
        lane = order.lane
        here = self._open.get(lane)
        if here is None:
            here = self._open[lane] = _Open()
        here.put(order)
        if not here.orders:
            del self._open[lane]

    def forget(self, order: OrderRecord) -> None:
        """Let go of an order that ended."""
        del self.orders[order.id]
        for index, key in ((self.by_ref, order.ref), (self.by_broker_id, order.broker_order_id or "")):
            if index.get(key) == order.id:
                del index[key]
        legs = self._baskets.get(order.alert_id, set())
        legs.discard(order.id)
        if not legs:
            self._baskets.pop(order.alert_id, None)

    def open_in(self, lane: Lane) -> list[OrderRecord]:
        """The lane's orders that have not come to an end."""
        return list(self._open[lane].orders.values()) if lane in self._open else []

    def sides_in(self, lane: Lane) -> frozenset[Side]:
        """Which way the lane's open orders trade."""
        return (
            frozenset(side for side, count in self._open[lane].sides.items() if count) if lane in self._open else _NONE
        )

    def is_uncertain(self, lane: Lane) -> bool:
        """Whether nobody knows what became of one of the lane's orders."""
        return lane in self._open and bool(self._open[lane].uncertain)

    def of_basket(self, alert_id: str) -> list[OrderRecord]:
        """The orders that an alert of several legs led to at this account."""
        return [self.orders[order_id] for order_id in self._baskets.get(alert_id, ())]

    def unsettled(self) -> list[OrderRecord]:
        """Every order that has not come to an end."""
        return [order for lane in self._open.values() for order in lane.orders.values()]

    def find(self, broker_order_id: str, ref: str | None) -> OrderRecord | None:
        """Our order behind a row of the broker's book."""
        if ref:  # brokers may number from 1 every day; our reference is ours alone
            # An order that a trigger placed bears the trigger's name, and a reference made of it.
            return self.orders.get(self.by_ref.get(ref) or self.by_ref.get(ref_of(ref), ""))
        return self.orders.get(self.by_broker_id.get(broker_order_id, ""))

    def holding(self, lane: Lane) -> Held:
        """What the strategy of a lane holds."""
        return self.held.get(lane, Held())
