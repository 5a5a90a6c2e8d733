"""The one transaction that makes an alert durable: alert, intents, orders and the answer that is then given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.accounts.service import touch
from bridge.domain.intent import plain
from bridge.domain.lifecycle import IntentState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit.database import Row, Transaction, dumps
from bridge.orders import asking, journal, tables
from bridge.orders.arrival import Answer
from bridge.orders.journal import Claim, Notice, Seen
from bridge.orders.records import IntentRecord, OrderRecord
from bridge.orders.trace import Trace

_WAITING = (IntentState.RECEIVED, IntentState.AWAITING_CONFIRM)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was decided about an alert and what its sender is told."""

    status: str  # accepted, refused, noted, duplicate
    refusal: Refusal | None
    answer: Answer


def answer_for(
    alert_id: str,
    status: str,
    refusal: Refusal | None,
    intents: Sequence[IntentRecord],
    orders: Sequence[OrderRecord],
    note: str = "",
) -> Answer:
    """202 with what will be done, or 422 with why not."""
    if refusal:
        return Answer(
            422, {"alert_id": alert_id, "status": "refused", "code": refusal.code, "message": refusal.message}
        )
    with_orders = {order.intent_id for order in orders}
    lines = [_line(order) for order in orders]
    lines += [_waiting(i) for i in intents if i.id not in with_orders and i.state in _WAITING]
    content: dict[str, Any] = {
        "alert_id": alert_id,
        "status": "accepted",
        "orders": lines,
        "trace": f"/alerts/{alert_id}",
    }
    refused = [
        {"symbol": i.symbol, "account": i.account_id, "code": i.code, "message": i.message}
        for i in intents
        if i.state is IntentState.REFUSED
    ]
    if refused:
        content["refused"] = refused
    if status == "noted":
        content["note"] = note
    return Answer(202, content)


def _line(order: OrderRecord) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": plain(order.quantity),
        "account": order.account_id,
    }


def _waiting(intent: IntentRecord) -> dict[str, Any]:
    """An intent whose order depends on what the account holds when its turn comes, or on a person's yes."""
    asked = intent.approval
    line = {
        "order_id": None,
        "intent_id": intent.id,
        "symbol": intent.symbol or None,
        "side": str(asked.side) if asked.side else None,
        "quantity": plain(asked.quantity),
        "account": intent.account_id,
    }
    return line | ({"state": "awaiting_confirm"} if intent.state is IntentState.AWAITING_CONFIRM else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Commit an alert with all it leads to, once: a repeated one gets the first one's answer."""

    alert: Mapping[str, Any]
    receipt: Receipt
    trace: Trace
    claim: Claim
    intents: Sequence[IntentRecord]
    orders: Sequence[OrderRecord]
    switches_off: str | None = None  # the strategy that the alert stops

    def __call__(self, tx: Transaction) -> Receipt:
        alert, source_id, now = self.alert, self.alert["source_id"], self.alert["received_at"]
        if self.receipt.status == "refused":
            # A refusal takes no key: the same alert may come again when what stood in its way is gone.
            seen = journal.seen_before(tx, source_id, self.claim, alert["body_hash"], now)
        else:
            seen = journal.claim(tx, source_id, self.claim, alert["id"], alert["body_hash"], now)
        if seen:
            return self._repeated(tx, seen)
        self._insert_alert(tx, self.receipt, None)
        tx.insert_many(tables.intents, [intent.row() for intent in self.intents])
        for intent in self.intents:
            if intent.state is IntentState.AWAITING_CONFIRM:
                asking.tell(tx, intent, self.alert["received_at"])
        journal.plan_orders(tx, self.orders, "")
        if self.switches_off:
            self._switch_off(tx, self.switches_off)
        return self.receipt

    def _switch_off(self, tx: Transaction, strategy_id: str) -> None:
        tx.execute("UPDATE strategies SET enabled = 0 WHERE id = :id", {"id": strategy_id})
        touch(tx)
        text = "An alert switched its strategy off. What it holds stays open unless the alert closed it."
        notice = Notice("strategy_stopped", "critical", text)
        journal.tell(tx, notice, self.alert["received_at"], self.alert["user_id"], self.alert["id"])

    def _repeated(self, tx: Transaction, seen: Seen) -> Receipt:
        if seen.conflict:
            message = "Another alert with the same id but a different content was taken before. Nothing was sent."
            refusal = Refusal("id_reused", message)
            content = {"alert_id": self.alert["id"], "status": "refused", "code": refusal.code, "message": message}
            receipt = Receipt("refused", refusal, Answer(409, content))
            journal.tell(
                tx,
                Notice("id_reused", "critical", message),
                self.alert["received_at"],
                self.alert["user_id"],
                self.alert["id"],
            )
        else:
            # The first answer, word for word, but for the status that says it changed nothing.
            receipt = Receipt("duplicate", None, Answer(202, {**seen.reply, "status": "duplicate"}))
        self._insert_alert(tx, receipt, seen.alert_id)
        return receipt

    def _insert_alert(self, tx: Transaction, receipt: Receipt, duplicate_of: str | None) -> None:
        refusal = receipt.refusal
        row: Row = {
            **self.alert,
            "dedupe_key": self.claim.key,
            "status": receipt.status,
            "code": refusal.code if refusal else None,
            "message": refusal.message if refusal else None,
            "duplicate_of": duplicate_of,
            "trace": dumps(self.trace.steps),
            "reply": dumps(receipt.answer.content),
        }
        tx.insert(tables.alerts, row)
        payload = {"code": refusal.code, "message": refusal.message} if refusal else {"first": duplicate_of}
        journal.event(
            tx,
            f"alert.{receipt.status}",
            Provenance.POLICY,
            row["received_at"],
            row["user_id"],
            payload,
            alert_id=row["id"],
        )
        if refusal and receipt.status == "refused" and refusal.code != "id_reused":
            notice = Notice("alert_refused", "warning", f"Alert refused: {refusal.message}")
            journal.tell(tx, notice, row["received_at"], row["user_id"], row["id"])
