"""Writes rows as the pipeline writes them: an alert, what it ordered, and what the journal says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.kit.database import Transaction, dumps
from bridge.orders import tables

SECOND = 1_000_000
MINUTE = 60 * SECOND
CHART, SCAN, SHEET, RAVIS = "NIFTY Supertrend 5m", "Chartink breakout", "Sheet ideas", "Ravi’s strategy"

Row = Mapping[str, Any]


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
    """Alerts, orders, journal entries and positions of a morning that ends at `now` (microseconds)."""

    def __init__(self, tx: Transaction, ids: Seeded, now: int) -> None:
        self.ids = ids
        self._tx = tx
        self._now = now
        self._numbers = 0

    # -- alerts: each was received `ago` microseconds before now -------------------------------------------------------

    def chart(self, alert_id: str, ago: int, body: str, *steps: Row, **more: Any) -> Row:
        """An alert of Asha's chart, in TradersPost's words."""
        return self.alert(alert_id, CHART, ago, body, trace("TradersPost JSON", *steps), **more)

    def scan(self, alert_id: str, ago: int, body: str, *steps: Row) -> Row:
        """An alert of Asha's Chartink scan."""
        return self.alert(alert_id, SCAN, ago, body, trace("Chartink", *steps), dialect="chartink", kind="scan")

    def sheet(self, alert_id: str, ago: int, body: str) -> Row:
        """An alert of Asha's spreadsheet, which trades on paper."""
        return self.alert(alert_id, SHEET, ago, body, trace("plain JSON"), dialect="generic_json")

    def alert(
        self, alert_id: str, strategy: str, ago: int, body: str, steps: Sequence[Row], *, user: str = "", **more: Any
    ) -> Row:
        """Any other; Asha's unless told otherwise. `more` are columns."""
        row = {
            "id": alert_id,
            "user_id": user or self.ids.asha,
            "source_id": self.ids.sources[strategy],
            "strategy_id": self.ids.strategies[strategy],
            "received_at": self._now - ago,
            "content_type": "application/json",
            "body": body,
            "body_hash": "0" * 64,
            "sender": "52.32.178.7",
            "dialect": "traderspost",
            "kind": "order",
            "status": "accepted",
            "trace": dumps(steps),
            "reply": "{}",
        } | more
        self._tx.insert(tables.alerts, row)
        return row

    def intent(self, intent_id: str, alert: Row, account: str, symbol: str, **more: Any) -> None:
        """What an alert asked of one account, planned. `more` are columns."""
        row = {name: alert[name] for name in ("user_id", "strategy_id")}
        row |= {"id": intent_id, "alert_id": alert["id"], "number": 1, "account_id": account, "state": "PLANNED"}
        row |= {"payload": "{}", "plan": "{}", "settings": "{}", "exchange": exchange_of(symbol), "symbol": symbol}
        row |= {"deadline": self._now, "created_at": alert["received_at"], "updated_at": alert["received_at"]} | more
        self._tx.insert(tables.intents, row)

    # -- orders --------------------------------------------------------------------------------------------------------

    def order(
        self,
        order_id: str,
        alert: Row,
        account: str,
        side: str,
        quantity: int,
        symbol: str,
        *,
        limit: str | None = None,
        stop: str | None = None,
        state: str = "WORKING",
        number: str | None = None,
        updated: int = 0,
        **more: Any,
    ) -> Row:
        """One order of an alert, at the market unless it has a limit or a stop. `number` is the broker's, `more` are columns.

        Its plan is in the journal, too; what became of it is for the caller to write.
        """
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
            "exchange": exchange_of(symbol),
            "symbol": symbol,
            "product": product_of(symbol),
            "side": side,
            "quantity": str(quantity),
            "order_type": "limit" if limit else "stop" if stop else "market",
            "price": limit,
            "trigger_price": stop,
            "protection": None if limit or stop else "1",
            "time_in_force": "day",
            "reduces": 0,
            "state": state,
            "filled": "0",
            "broker_order_id": number,
            "deadline": self._now + MINUTE,
            "queued_at": alert["received_at"] + 1_900,
            "sent_at": alert["received_at"] + 3_400,
            "updated_at": self._now - updated,
        } | more
        self._tx.insert(tables.orders, row)
        self.event(row, "order.queued", "policy", 2, {"state": "QUEUED"}, why="one lot for a flat strategy")
        return row

    def sent(self, order: Row) -> None:
        """The journal's line before the first byte."""
        self.event(order, "order.sending", "policy", 3, {"state": "SENDING"})

    def taken(self, order: Row) -> None:
        """It was sent, and the broker answered with its number."""
        self.sent(order)
        changes = {"state": "WORKING", "broker_order_id": order["broker_order_id"]}
        self.event(order, "order.working", "broker_reply", 99, changes)

    def filled(self, order: Row, told_by: str, after_ms: int) -> None:
        """As much of it as the row says was executed."""
        changes = {name: order[name] for name in ("state", "filled", "average_price")}
        self.event(order, f"order.{order['state'].lower()}", told_by, after_ms, changes)

    def unknown(self, order: Row, after_ms: int) -> None:
        """It was sent, and there is no clear answer: the row's message says why."""
        self.sent(order)
        why = order["message"]
        self.event(order, "order.unknown", "local_proof", after_ms, {"state": "UNKNOWN", "message": why}, why=why)

    def event(
        self, order: Row, kind: str, provenance: str, after_ms: int, changes: Row, *, why: str = "", **extra: Any
    ) -> None:
        """A journal entry `after_ms` milliseconds after the alert came."""
        row = {name: order[name] for name in ("user_id", "account_id", "alert_id")}
        row |= {"order_id": order["id"], "type": kind, "provenance": provenance}
        row |= {"at": order["queued_at"] - 1_900 + after_ms * 1_000}
        row |= {"payload": dumps({"set": dict(changes), "why": why, **extra})}
        self._tx.insert(tables.events, row)

    # -- positions -----------------------------------------------------------------------------------------------------

    def position(
        self, account: str, strategy: str, symbol: str, quantity: str, average: str, realised: str = "0", user: str = ""
    ) -> None:
        """What a strategy holds; Asha's unless told otherwise."""
        row = {"account_id": account, "strategy_id": self.ids.strategies[strategy], "user_id": user or self.ids.asha}
        row |= {"exchange": exchange_of(symbol), "symbol": symbol, "product": product_of(symbol)}
        row |= {"quantity": quantity, "average_price": average, "realised": realised}
        self._tx.insert(tables.positions, row | {"updated_at": self._now - 12 * SECOND})


def exchange_of(symbol: str) -> str:
    """Derivatives have digits in their names."""
    return "NFO" if any(letter.isdigit() for letter in symbol) else "NSE"


def product_of(symbol: str) -> str:
    """Derivatives are carried, shares are not."""
    return "NRML" if exchange_of(symbol) == "NFO" else "MIS"


def trace(dialect: str, *more: Row, said: str = "Enter long, 1 lot.") -> list[Row]:
    """The steps every alert begins with, then `more`."""
    received = step("received", 0.0, "Received", "From 52.32.178.7: TradingView’s address, TradingView’s certificate.")
    return [received, step("read", 0.3, f"Read as {dialect}", said), *more]


def step(name: str, ms: float, title: str, detail: str = "", **more: Any) -> Row:
    """One step of an alert's journey."""
    return {"step": name, "ms": ms, "title": title, **({"detail": detail} if detail else {}), **more}


def candidate(number: str, average: str, at: str) -> Row:
    """A row of the broker's book as recovery writes it: 65 bought and filled."""
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
