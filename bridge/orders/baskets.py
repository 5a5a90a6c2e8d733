"""Legs of one alert that were meant to stand together."""

from __future__ import annotations

from bridge.domain.lifecycle import AT_BROKER, ENDED_HERE, UNCERTAIN, OrderState
from bridge.kit.database import Transaction
from bridge.orders import journal
from bridge.orders.records import OrderRecord, describe

FAILED = frozenset({OrderState.REJECTED, *ENDED_HERE})
_STANDS = frozenset({OrderState.SENDING, *UNCERTAIN, *AT_BROKER})


def ask_to_unwind(tx: Transaction, order: OrderRecord, at: int) -> None:
    """When a leg has failed and the user wants to be asked: what becomes of those that stand? Asked once for each basket."""
    if order.basket != "unwind" or order.state not in FAILED:
        return
    sql = "SELECT * FROM orders WHERE alert_id = :alert AND account_id = :account ORDER BY leg"
    rows = tx.rows(sql, {"alert": order.alert_id, "account": order.account_id})
    legs = [OrderRecord.of(row) for row in rows]
    standing = [describe(leg) for leg in legs if leg.filled or leg.state in _STANDS]
    if not standing or _asked(tx, legs):
        return
    text = (
        f"A basket could not be completed: {describe(order)} failed. Filled or still working: {', '.join(standing)}."
        " Close them if they make no sense alone."
    )
    notice = journal.Notice("basket_unwind", "critical", text)
    journal.tell(tx, notice, at, order.user_id, order.alert_id, order.id)


def _asked(tx: Transaction, legs: list[OrderRecord]) -> bool:
    sql = "SELECT order_id FROM outbox WHERE user_id = :user AND at >= :since AND kind = 'basket_unwind'"
    asked = tx.rows(sql, {"user": legs[0].user_id, "since": min(leg.queued_at for leg in legs)})
    return not {row["order_id"] for row in asked}.isdisjoint(leg.id for leg in legs)
