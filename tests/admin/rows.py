"""Writes rows as the pipeline writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.kit.database import Transaction, dumps
from bridge.orders import tables

SECOND = 1_000_000
MINUTE = 60 * SECOND


@dataclass
class Seeded:
    """Ids of what was put in, by short names."""

    asha: str = ""
    ravi: str = ""
    zerodha: str = ""
    samco: str = ""
    practice: str = ""
    ravis_account: str = ""
    strategies: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


class Rows:
    """Alerts, intents, orders and journal entries of a morning that ends at `now`."""

    def __init__(self, tx: Transaction, ids: Seeded, now: int) -> None:
        self._tx = tx
        self._ids = ids
        self._now = now
        self._numbers = 0

    def alert(
        self,
        alert_id: str,
        strategy: str,
        ago: int,
        *,
        body: str,
        steps: Sequence[Mapping[str, Any]],
        status: str = "accepted",
        dialect: str = "traderspost",
        kind: str = "order",
        code: str | None = None,
        message: str | None = None,
        duplicate_of: str | None = None,
        user: str = "",
    ) -> dict[str, Any]:
        """One alert, received `ago` microseconds before now."""
        row = {
            "id": alert_id,
            "user_id": user or self._ids.asha,
            "source_id": self._ids.sources[strategy],
            "strategy_id": self._ids.strategies[strategy],
            "received_at": self._now - ago,
            "content_type": "application/json",
            "body": body,
            "body_hash": f"{hash(body):x}",
            "sender": "52.32.178.7",
            "dialect": dialect,
            "kind": kind,
            "status": status,
            "code": code,
            "message": message,
            "duplicate_of": duplicate_of,
            "trace": dumps(steps),
            "reply": "{}",
        }
        self._tx.insert(tables.alerts, row)
        return row

    def intent(
        self,
        intent_id: str,
        alert: Mapping[str, Any],
        account: str,
        symbol: str,
        state: str,
        *,
        exchange: str = "NSE",
        message: str | None = None,
        code: str | None = None,
    ) -> None:
        """One intent of an alert for one account."""
        self._tx.insert(
            tables.intents,
            {
                "id": intent_id,
                "alert_id": alert["id"],
                "number": 1,
                "user_id": alert["user_id"],
                "strategy_id": alert["strategy_id"],
                "account_id": account,
                "state": state,
                "payload": "{}",
                "plan": "{}",
                "settings": "{}",
                "exchange": exchange,
                "symbol": symbol,
                "deadline": self._now,
                "created_at": alert["received_at"],
                "updated_at": alert["received_at"],
                "message": message,
                "code": code,
            },
        )

    def order(
        self,
        order_id: str,
        alert: Mapping[str, Any],
        account: str,
        symbol: str,
        side: str,
        quantity: str,
        *,
        state: str,
        order_type: str,
        exchange: str = "NSE",
        updated: int = 0,
        **more: Any,
    ) -> dict[str, Any]:
        """One order of an alert; its plan is in the journal, too."""
        self._numbers += 1
        row = {
            "id": order_id,
            "ref": f"K7Q2M9X{self._numbers:03d}",
            "trading_date": "2026-11-20",
            "user_id": alert["user_id"],
            "account_id": account,
            "strategy_id": alert["strategy_id"],
            "intent_id": f"in_{order_id}",
            "alert_id": alert["id"],
            "leg": 1,
            "exchange": exchange,
            "symbol": symbol,
            "product": "NRML" if exchange == "NFO" else "MIS",
            "side": side,
            "quantity": quantity,
            "order_type": order_type,
            "time_in_force": "day",
            "reduces": 0,
            "state": state,
            "filled": "0",
            "deadline": self._now + MINUTE,
            "queued_at": alert["received_at"] + 1_900,
            "sent_at": alert["received_at"] + 3_400,
            "updated_at": self._now - updated,
            "price": None,
            "trigger_price": None,
            "protection": None,
            "average_price": None,
            "code": None,
            "message": None,
            "pending_op": None,
            "broker_order_id": None,
        } | more
        self._tx.insert(tables.orders, row)
        self.event(row, "order.queued", "policy", 2, {"state": "QUEUED"}, why="one lot for a flat strategy")
        return row

    def sent(self, order: Mapping[str, Any]) -> None:
        """The journal's line before the first byte."""
        self.event(order, "order.sending", "policy", 3, {"state": "SENDING"})

    def took(self, order: Mapping[str, Any]) -> None:
        """The broker's answer with its number."""
        self.event(
            order,
            "order.working",
            "broker_reply",
            99,
            {"state": "WORKING", "broker_order_id": order["broker_order_id"]},
        )

    def event(
        self,
        order: Mapping[str, Any],
        kind: str,
        provenance: str,
        after_ms: int,
        changes: Mapping[str, Any],
        *,
        why: str = "",
        **extra: Any,
    ) -> None:
        """A journal entry `after_ms` milliseconds after the alert came."""
        received = order["queued_at"] - 1_900
        self._tx.insert(
            tables.events,
            {
                "at": received + after_ms * 1_000,
                "user_id": order["user_id"],
                "account_id": order["account_id"],
                "alert_id": order["alert_id"],
                "order_id": order["id"],
                "type": kind,
                "provenance": provenance,
                "payload": dumps({"set": dict(changes), "why": why, **extra}),
            },
        )

    @staticmethod
    def candidate(number: str, average: str, at: str) -> dict[str, Any]:
        """A row of the broker's book as recovery writes it."""
        return {
            "broker_order_id": number,
            "side": "buy",
            "quantity": Decimal(65),
            "filled": Decimal(65),
            "state": "filled",
            "price": Decimal("26485"),
            "average_price": Decimal(average),
            "placed_at": f"2026-11-20T{at}+00:00",
        }
