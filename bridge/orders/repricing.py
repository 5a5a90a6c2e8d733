"""A price that the broker names later than the fill it belongs to."""

from __future__ import annotations

from decimal import Decimal

from bridge.domain.intent import Side
from bridge.kit.database import Transaction
from bridge.orders import tables
from bridge.orders.holdings import ZERO, Held, load
from bridge.orders.records import OrderRecord, stored


def repriced(held: Held, side: Side, quantity: Decimal, by: Decimal) -> Held:
    """The holding when `quantity` units of one order turn out to have cost `by` more each than they were booked at.

    What is still held of them costs more on average; of the others, the difference has been realised.
    """
    still_held = min(quantity, abs(held.quantity)) if held.quantity * side.sign > 0 else ZERO
    average = held.average_price + by * still_held / abs(held.quantity) if still_held else held.average_price
    return Held(held.quantity, average, held.realised - side.sign * by * (quantity - still_held))


def correct_price(tx: Transaction, order: OrderRecord, average: Decimal, at: int, provenance: str) -> Held:
    """Book the difference between the order's average price as it was booked and as it is, as a fill of no units."""
    before = load(tx, order)
    held = repriced(before, order.side, order.filled, average - (order.average_price or ZERO))
    whose = {
        "account_id": order.account_id,
        "strategy_id": order.strategy_id,
    }
    fill = whose | {
        "order_id": order.id,
        "user_id": order.user_id,
        "fill_key": f"price:{average:f}:{at}",
        "quantity": "0",
        "price": stored(average),
        "realised": stored(held.realised - before.realised),
        "at": at,
        "provenance": provenance,
    }
    tx.insert(tables.fills, fill)
    tx.execute(
        "UPDATE positions SET average_price = :average_price, realised = :realised, updated_at = :at"
        " WHERE account_id = :account_id AND strategy_id = :strategy_id AND exchange = :exchange"
        " AND symbol = :symbol AND product = :product",
        whose
        | {
            "exchange": order.exchange,
            "symbol": order.symbol,
            "product": str(order.product),
            "average_price": stored(held.average_price),
            "realised": stored(held.realised),
            "at": at,
        },
    )
    return held
