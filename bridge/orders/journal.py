"""The append-only record: the only memory and the only bus.

Every function here works inside one transaction: the row and the event that explains it change together or not at all.
Followers read events in the order of `(txid, seq)`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.domain.lifecycle import IntentState, OrderState, Provenance
from bridge.kit.database import Reader, Row, Transaction, dumps
from bridge.orders import tables
from bridge.orders.records import IntentRecord, OrderRecord, stored


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person is to be told; severity info, warning or critical."""

    kind: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A key under which an alert may be seen only once until `expires_at`. `strict`: another body is a conflict."""

    key: str
    expires_at: int
    strict: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """The alert that holds a claimed key already."""

    alert_id: str
    reply: Mapping[str, Any]
    conflict: bool


def seen_before(tx: Transaction, source_id: str, wanted: Claim, body_hash: str, now: int) -> Seen | None:
    """The alert that holds the key, if one does."""
    held = tx.row(
        "SELECT d.alert_id, d.body_hash, a.reply FROM dedupe d JOIN alerts a ON a.id = d.alert_id"
        " WHERE d.source_id = :source_id AND d.key = :key AND d.expires_at > :now",
        {"source_id": source_id, "key": wanted.key, "now": now},
    )
    if held is None:
        return None
    return Seen(held["alert_id"], json.loads(held["reply"]), wanted.strict and held["body_hash"] != body_hash)


def claim(tx: Transaction, source_id: str, wanted: Claim, alert_id: str, body_hash: str, now: int) -> Seen | None:
    """Take the key for this alert; the alert that had it before, if there was one."""
    row = {
        "source_id": source_id,
        "key": wanted.key,
        "alert_id": alert_id,
        "body_hash": body_hash,
        "expires_at": wanted.expires_at,
        "now": now,
    }
    taken = tx.execute(
        "INSERT INTO dedupe (source_id, key, alert_id, body_hash, expires_at)"
        " VALUES (:source_id, :key, :alert_id, :body_hash, :expires_at)"
        " ON CONFLICT (source_id, key) DO UPDATE SET alert_id = excluded.alert_id, body_hash = excluded.body_hash,"
        " expires_at = excluded.expires_at WHERE dedupe.expires_at <= :now",
        row,
    )
    if taken:
        return None
    if seen := seen_before(tx, source_id, wanted, body_hash, now):
        return seen
    # Its alert was removed after its retention: the key is free.
    tx.execute("DELETE FROM dedupe WHERE source_id = :source_id AND key = :key", row)
    return claim(tx, source_id, wanted, alert_id, body_hash, now)


def event(
    tx: Transaction,
    kind: str,
    provenance: Provenance,
    at: int,
    user_id: str,
    payload: Mapping[str, Any],
    *,
    account_id: str | None = None,
    alert_id: str | None = None,
    intent_id: str | None = None,
    order_id: str | None = None,
) -> None:
    """Append one event."""
    tx.insert(
        tables.events,
        {
            "at": at,
            "user_id": user_id,
            "account_id": account_id,
            "alert_id": alert_id,
            "intent_id": intent_id,
            "order_id": order_id,
            "type": kind,
            "provenance": str(provenance),
            "payload": dumps(payload),
        },
    )


def tell(
    tx: Transaction, notice: Notice, at: int, user_id: str, alert_id: str | None = None, order_id: str | None = None
) -> None:
    """Put a notice in the outbox."""
    row = {"at": at, "user_id": user_id, "alert_id": alert_id, "order_id": order_id}
    tx.insert(tables.outbox, row | {"kind": notice.kind, "severity": notice.severity, "message": notice.message})


def plan_orders(tx: Transaction, orders: Sequence[OrderRecord], why: str) -> None:
    """All legs and slices of a plan, together. The event holds the whole row, so that a replay starts from it."""
    tx.insert_many(tables.orders, [order.row() for order in orders])
    for order in orders:
        event(
            tx,
            "order.queued",
            Provenance.POLICY,
            order.queued_at,
            order.user_id,
            {"set": order.row(), "why": why},
            account_id=order.account_id,
            alert_id=order.alert_id,
            intent_id=order.intent_id,
            order_id=order.id,
        )


def move_order(
    tx: Transaction,
    order: OrderRecord,
    to: OrderState,
    provenance: Provenance,
    at: int,
    *,
    why: str = "",
    notice: Notice | None = None,
    extra: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OrderRecord | None:
    """Change an order if it still stands as `order` says (same state and fence); the new record, or None when it does not."""
    values = {"state": to, "updated_at": at, **changes}
    columns = {name: stored(value) for name, value in values.items()}
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    sql = f"UPDATE orders SET {sets} WHERE id = :_id AND state = :_state AND fence = :_fence"  # noqa: S608 - our names
    if not tx.execute(sql, {**columns, "_id": order.id, "_state": str(order.state), "_fence": order.fence}):
        return None
    kind = f"order.{to.value.lower()}" if to is not order.state else "order.changed"
    event(
        tx,
        kind,
        provenance,
        at,
        order.user_id,
        {"from": order.state, "set": columns, "why": why, **(extra or {})},
        account_id=order.account_id,
        alert_id=order.alert_id,
        intent_id=order.intent_id,
        order_id=order.id,
    )
    if notice:
        tell(tx, notice, at, order.user_id, order.alert_id, order.id)
    return replace(order, **values)


def load_order(tx: Transaction, order_id: str) -> OrderRecord | None:
    """The order as it stands now, locked until the commit."""
    lock = " FOR UPDATE" if tx.postgres else ""
    row = tx.row(f"SELECT * FROM orders WHERE id = :id{lock}", {"id": order_id})  # noqa: S608 - our words
    return OrderRecord.of(row) if row else None


def move_intent(
    tx: Transaction,
    intent: IntentRecord,
    to: IntentState,
    at: int,
    *,
    code: str | None = None,
    message: str | None = None,
    result: str | None = None,
    provenance: Provenance = Provenance.POLICY,
    notice: Notice | None = None,
    extra: Mapping[str, Any] | None = None,
) -> IntentRecord | None:
    """Change an intent if it still stands as the record says; the new record, or None."""
    values = {"code": code, "message": message, "result": result}
    whose = {name: getattr(intent, name) for name in _WHOSE_INTENT}
    if not _move_intent(tx, whose, to, at, values, provenance, notice, extra or {}):
        return None
    return replace(intent, state=to, code=code, message=message, result=result)


def end_intent(
    tx: Transaction,
    row: Row,
    to: IntentState,
    at: int,
    code: str,
    message: str,
    notice: Notice | None = None,
    *,
    provenance: Provenance = Provenance.POLICY,
    extra: Mapping[str, Any] | None = None,
) -> bool:
    """End an intent without reading what it asks for, which another version may have written; False when it has moved."""
    values = {"code": code, "message": message, "result": None}
    return _move_intent(tx, row, to, at, values, provenance, notice, extra or {})


def release_intent(tx: Transaction, intent: IntentRecord, at: int, extra: Mapping[str, Any]) -> bool:
    """A person said yes to what waited: from now on it is as new, with the record's plan and times; False when it has moved."""
    values = {"code": None, "message": None, "result": None}
    whose = {**{name: getattr(intent, name) for name in _WHOSE_INTENT}, "state": IntentState.AWAITING_CONFIRM}
    if not _move_intent(tx, whose, intent.state, at, values, Provenance.PERSON, None, extra):
        return False
    row = {name: value for name, value in intent.row().items() if name in ("id", "plan", "deadline", "created_at")}
    sql = "UPDATE intents SET plan = :plan, deadline = :deadline, created_at = :created_at WHERE id = :id"
    tx.execute(sql, row)
    return True


_WHOSE_INTENT = ("id", "state", "user_id", "account_id", "alert_id")


def _move_intent(
    tx: Transaction,
    whose: Mapping[str, Any],
    to: IntentState,
    at: int,
    values: Mapping[str, Any],
    provenance: Provenance,
    notice: Notice | None,
    extra: Mapping[str, Any],
) -> bool:
    sql = (
        "UPDATE intents SET state = :to, updated_at = :at, code = :code, message = :message, result = :result"
        " WHERE id = :id AND state = :from"
    )
    row = {"id": whose["id"], "from": str(whose["state"]), "to": str(to), "at": at, **values}
    if not tx.execute(sql, row):
        return False
    event(
        tx,
        f"intent.{to.value.lower()}",
        provenance,
        at,
        whose["user_id"],
        {"from": whose["state"], **values, **extra},
        account_id=whose["account_id"],
        alert_id=whose["alert_id"],
        intent_id=whose["id"],
    )
    if notice:
        tell(tx, notice, at, whose["user_id"], whose["alert_id"])
    return True


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a follower has read."""

    txid: int = -1
    seq: int = 0


def follow(reader: Reader, cursor: Cursor, *, postgres: bool, limit: int = 500) -> tuple[list[Row], Cursor]:
    """Events after the cursor, oldest first, and the cursor behind them.

    On PostgreSQL serial numbers are handed out before commit, so a reader that only compared them would skip rows that commit
    late. Events carry their transaction's number; only transactions older than every running one are read, in the order of
    `(txid, seq)`, so nothing can appear behind the cursor later.
    """
    settled = " AND txid < txid_snapshot_xmin(txid_current_snapshot())" if postgres else ""
    rows = reader.read(
        "SELECT * FROM events WHERE (txid > :txid OR (txid = :txid AND seq > :seq))"  # noqa: S608 - our words
        f"{settled} ORDER BY txid, seq LIMIT :limit",
        {"txid": cursor.txid, "seq": cursor.seq, "limit": limit},
    )
    return rows, (Cursor(rows[-1]["txid"], rows[-1]["seq"]) if rows else cursor)
