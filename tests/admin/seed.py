"""A morning of two people: filled, working, part filled, rejected, parked, unknown, refused, repeated and noted alerts.

Rows look as the pipeline writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.accounts.model import Feed, Role, StrategySettings
from bridge.accounts.service import Accounts
from bridge.kit.clock import micros
from bridge.kit.database import Transaction, Writer, dumps
from bridge.orders import tables

NOW = datetime(2026, 11, 20, 6, 12, 7, tzinfo=UTC)  # 11:42:07 IST, a Friday
PASSWORD = "correct horse battery staple"
SECOND = 1_000_000
MINUTE = 60 * SECOND
FUTURE = "NIFTY23NOV26FUT"
OPTION = "BANKNIFTY23NOV2658900CE"


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


async def seed(accounts: Accounts, writer: Writer, now: datetime = NOW) -> Seeded:
    """People, accounts, strategies, sources, and their morning up to `now`."""
    ids = Seeded()
    ids.asha = await accounts.add_user("asha", PASSWORD, Role.OWNER)
    ids.ravi = await accounts.add_user("ravi", PASSWORD, Role.TRADER)
    ids.zerodha = await accounts.add_account(ids.asha, "Asha · Zerodha", "zerodha")
    ids.samco = await accounts.add_account(ids.asha, "Ravi · Samco", "samco")
    ids.practice = await accounts.add_account(ids.asha, "Practice", "paper")
    ids.ravis_account = await accounts.add_account(ids.ravi, "Ravi’s own", "zerodha")
    for name, owner, fed in (
        ("NIFTY Supertrend 5m", ids.asha, (ids.zerodha, ids.samco)),
        ("Chartink breakout", ids.asha, (ids.zerodha,)),
        ("Sheet ideas", ids.asha, (ids.practice,)),
        ("Ravi’s strategy", ids.ravi, (ids.ravis_account,)),
    ):
        settings = StrategySettings(accounts=tuple(Feed(account_id=account) for account in fed))
        ids.strategies[name] = await accounts.add_strategy(owner, name, settings)
        new = await accounts.add_source(owner, ids.strategies[name], _SOURCES[name])
        ids.sources[name] = new.source_id
    await writer.run(lambda tx: Morning(tx, ids, micros(now)).write())
    return ids


_SOURCES = {
    "NIFTY Supertrend 5m": "TradingView",
    "Chartink breakout": "Chartink",
    "Sheet ideas": "Google Sheet",
    "Ravi’s strategy": "TradingView of Ravi",
}


def trace(
    *more: Mapping[str, Any], dialect: str = "TradersPost JSON", said: str = "Enter long, 1 lot."
) -> list[Mapping[str, Any]]:
    """The steps every alert begins with, then `more`."""
    return [
        {
            "step": "received",
            "ms": 0.0,
            "title": "Received",
            "detail": "From 52.32.178.7: TradingView’s address, TradingView’s certificate.",
        },
        {"step": "read", "ms": 0.3, "title": f"Read as {dialect}", "detail": said},
        *more,
    ]


CHECKS = [
    {"name": "alert_is_fresh", "ok": True, "detail": "0.9 of 60 s"},
    {"name": "order_value_within_limit", "ok": True, "detail": "₹17.2 of 25 lakh"},
    {"name": "orders_today_within_limit", "ok": True, "detail": "8 of 20"},
]


class Morning:
    """Writes the rows, oldest first."""

    def __init__(self, tx: Transaction, ids: Seeded, now: int) -> None:
        self._tx = tx
        self._ids = ids
        self._now = now
        self._numbers = 0

    def write(self) -> None:
        """Everything that happened."""
        self._note()
        self._rejected()
        self._refused()
        self._parked()
        self._repeat()
        self._paper_filled()
        self._paper_working()
        self._cancel_asked()
        self._part_filled()
        self._unknown()
        self._filled()
        self._of_ravi()
        self._positions()

    # -- one alert each -----------------------------------------------------------------------------------------

    def _note(self) -> None:
        self.alert(
            "al_note",
            "NIFTY Supertrend 5m",
            52 * MINUTE,
            body="Supertrend flipped, no trade",
            dialect="plain_text",
            kind="notify",
            status="noted",
            message="A note for people: it asks for no trade.",
            steps=trace(dialect="plain text", said="A sentence without an order."),
        )

    def _rejected(self) -> None:
        alert = self.alert(
            "al_rejected",
            "Chartink breakout",
            20 * MINUTE,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "ADANIENT", "trigger_prices": "2455.0", "scan_name": "Breakout", "triggered_at": "11:22 am"}',
            steps=trace(
                {
                    "step": "mapped",
                    "ms": 0.4,
                    "title": "Mapped ADANIENT to NSE:ADANIENT",
                    "detail": "Spelled as the exchange does.",
                },
                {
                    "step": "checks",
                    "ms": 0.7,
                    "title": "3 of 3 checks passed",
                    "checks": CHECKS,
                    "account": self._ids.zerodha,
                },
                dialect="Chartink",
                said="One stock; your setting says buy.",
            ),
        )
        order = self.order(
            "or_rejected",
            alert,
            self._ids.zerodha,
            "ADANIENT",
            "buy",
            "100",
            state="REJECTED",
            price="2455.0",
            order_type="limit",
            code="margin_shortfall",
            message="Margin shortfall 41,250.00",
        )
        self.sent(order)
        self.event(
            order,
            "order.rejected",
            "broker_reply",
            96,
            {"state": "REJECTED", "message": "Margin shortfall 41,250.00"},
            why="Margin shortfall 41,250.00",
        )

    def _refused(self) -> None:
        self.alert(
            "al_refused",
            "NIFTY Supertrend 5m",
            16 * MINUTE,
            status="refused",
            code="alert_too_old",
            message="The alert was 94 s old and your limit is 60 s. Nothing was sent.",
            body='{"ticker": "NIFTY1!", "action": "buy", "time": "2026-11-20T05:54:33Z"}',
            steps=trace(
                {
                    "step": "refused",
                    "ms": 0.9,
                    "title": "Refused: the alert was too old",
                    "detail": "94 s, allowed are 60 s.",
                    "checks": [{"name": "alert_is_fresh", "ok": False, "detail": "94 of 60 s"}, *CHECKS[1:]],
                }
            ),
        )

    def _parked(self) -> None:
        alert = self.alert(
            "al_parked",
            "NIFTY Supertrend 5m",
            12 * MINUTE + 7 * SECOND,
            body='{\n  "ticker": "NIFTY1!",\n  "action": "buy",\n  "sentiment": "long",\n  "quantity": "1",\n  "price": "26480.5"\n}',
            steps=trace(
                {
                    "step": "repaired",
                    "ms": 0.3,
                    "title": "Repaired",
                    "detail": "A comma too many in line 6 was taken out.",
                },
                {
                    "step": "mapped",
                    "ms": 0.4,
                    "title": f"Mapped NIFTY1! to {FUTURE}",
                    "detail": "Lot 65. Expiry is Monday 23 Nov, because Tuesday 24 is a holiday.",
                },
                {
                    "step": "sized",
                    "ms": 0.5,
                    "title": "Sized 65 for each account",
                    "detail": "1 lot, multiplier 1 at both. About ₹17.2 lakh each.",
                },
                {"step": "checks", "ms": 0.8, "title": "3 of 3 checks passed", "checks": CHECKS},
                {
                    "step": "committed",
                    "ms": 1.9,
                    "title": "Stored, then answered 202",
                    "detail": "On disk before the answer.",
                },
            ),
        )
        filled = self.order(
            "or_pair",
            alert,
            self._ids.zerodha,
            FUTURE,
            "buy",
            "65",
            exchange="NFO",
            price="26485",
            order_type="limit",
            state="FILLED",
            filled="65",
            average_price="26481.35",
            broker_order_id="261120000184213",
        )
        self.sent(filled)
        self.took(filled)
        self.event(
            filled, "order.filled", "stream", 220, {"state": "FILLED", "filled": "65", "average_price": "26481.35"}
        )
        self.intent("in_parked", alert, self._ids.samco, FUTURE, "PLANNED", exchange="NFO")
        parked = self.order(
            "or_parked",
            alert,
            self._ids.samco,
            FUTURE,
            "buy",
            "65",
            exchange="NFO",
            price="26485",
            order_type="limit",
            state="PARKED",
            message="Samco did not answer in 10 s",
            updated=12 * MINUTE,
        )
        self.sent(parked)
        self.event(
            parked,
            "order.unknown",
            "local_proof",
            10_004,
            {"state": "UNKNOWN", "message": "Samco did not answer in 10 s"},
            why="Samco did not answer in 10 s",
        )
        candidates = [
            self.candidate("26112000007731", "26482.10", "06:00:01"),
            self.candidate("26112000007764", "26484.50", "06:00:06"),
        ]
        self.event(
            parked,
            "order.parked",
            "policy",
            14_900,
            {"state": "PARKED"},
            why="the book shows rows that may be this order",
            candidates=candidates,
        )

    def _repeat(self) -> None:
        for number in (1, 2):
            self.alert(
                f"al_repeat{number}",
                "NIFTY Supertrend 5m",
                12 * MINUTE - number * 3 * SECOND,
                status="duplicate",
                duplicate_of="al_parked",
                code="duplicate",
                message="Second of up to four sends by TradingView.",
                body='{"ticker": "NIFTY1!", "action": "buy"}',
                steps=trace(),
            )

    def _paper_filled(self) -> None:
        alert = self.alert(
            "al_paper",
            "Sheet ideas",
            27 * MINUTE,
            dialect="generic_json",
            body='{"symbol": "TCS", "side": "buy", "quantity": 50}',
            steps=trace(dialect="plain JSON"),
        )
        order = self.order(
            "or_paper",
            alert,
            self._ids.practice,
            "TCS",
            "buy",
            "50",
            order_type="market",
            protection="1",
            state="FILLED",
            filled="50",
            average_price="3198.4",
            broker_order_id="P1",
        )
        self.sent(order)
        self.event(order, "order.filled", "book", 180, {"state": "FILLED", "filled": "50", "average_price": "3198.4"})

    def _paper_working(self) -> None:
        alert = self.alert(
            "al_stop",
            "Sheet ideas",
            7 * MINUTE,
            dialect="generic_json",
            body='{"symbol": "TCS", "side": "buy", "type": "stop", "trigger": 3212}',
            steps=trace(dialect="plain JSON"),
        )
        order = self.order(
            "or_stop",
            alert,
            self._ids.practice,
            "TCS",
            "buy",
            "50",
            order_type="stop",
            trigger_price="3212",
            state="WORKING",
            broker_order_id="P2",
        )
        self.sent(order)
        self.took(order)

    def _cancel_asked(self) -> None:
        alert = self.alert(
            "al_cancel",
            "Chartink breakout",
            3 * MINUTE + 20 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "ITC"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_cancel",
            alert,
            self._ids.samco,
            "ITC",
            "sell",
            "500",
            order_type="limit",
            price="431.2",
            state="WORKING",
            pending_op="cancel",
            broker_order_id="26112000008001",
        )
        self.sent(order)
        self.took(order)
        self.event(
            order,
            "order.changed",
            "person",
            60_000,
            {"state": "WORKING", "pending_op": "cancel"},
            why="cancel asked: by asha",
        )

    def _part_filled(self) -> None:
        alert = self.alert(
            "al_part",
            "Chartink breakout",
            105 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "RELIANCE"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_part",
            alert,
            self._ids.zerodha,
            "RELIANCE",
            "buy",
            "200",
            order_type="limit",
            price="1541.5",
            state="PARTIALLY_FILLED",
            filled="120",
            average_price="1541.4",
            broker_order_id="261120000190001",
        )
        self.sent(order)
        self.took(order)
        self.event(
            order,
            "order.partially_filled",
            "stream",
            900,
            {"state": "PARTIALLY_FILLED", "filled": "120", "average_price": "1541.4"},
        )

    def _unknown(self) -> None:
        alert = self.alert(
            "al_unknown",
            "NIFTY Supertrend 5m",
            57 * SECOND,
            body='{"ticker": "BANKNIFTY", "action": "sell"}',
            steps=trace(),
        )
        order = self.order(
            "or_unknown",
            alert,
            self._ids.zerodha,
            OPTION,
            "sell",
            "30",
            exchange="NFO",
            order_type="limit",
            price="214.5",
            state="UNKNOWN",
            message="connection reset after sending",
        )
        self.sent(order)
        self.event(
            order, "order.unknown", "local_proof", 3_200, {"state": "UNKNOWN"}, why="connection reset after sending"
        )

    def _filled(self) -> None:
        alert = self.alert(
            "al_filled",
            "Chartink breakout",
            14 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "SBIN"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_filled",
            alert,
            self._ids.zerodha,
            "SBIN",
            "buy",
            "400",
            order_type="market",
            protection="1",
            state="FILLED",
            filled="400",
            average_price="982.4",
            broker_order_id="261120000190077",
        )
        self.sent(order)
        self.took(order)
        self.event(order, "order.filled", "book", 240, {"state": "FILLED", "filled": "400", "average_price": "982.4"})

    def _of_ravi(self) -> None:
        alert = self.alert(
            "al_ravi",
            "Ravi’s strategy",
            30 * SECOND,
            user=self._ids.ravi,
            body='{"ticker": "RAVIS-SECRET"}',
            steps=trace(),
        )
        order = self.order(
            "or_ravi",
            alert,
            self._ids.ravis_account,
            "WIPRO",
            "buy",
            "10",
            state="WORKING",
            price="500",
            order_type="limit",
            broker_order_id="R1",
        )
        self.sent(order)
        self.order(
            "or_ravi_parked",
            alert,
            self._ids.ravis_account,
            "WIPRO",
            "buy",
            "11",
            state="PARKED",
            price="501",
            order_type="limit",
        )

    def _positions(self) -> None:
        names = self._ids.strategies
        for account, strategy, exchange, symbol, quantity, average, realised, user in (
            (
                self._ids.zerodha,
                names["NIFTY Supertrend 5m"],
                "NFO",
                FUTURE,
                "65",
                "26481.35",
                "12211.25",
                self._ids.asha,
            ),
            (self._ids.zerodha, names["Chartink breakout"], "NSE", "SBIN", "400", "982.4", "0", self._ids.asha),
            (
                self._ids.zerodha,
                names["Chartink breakout"],
                "NSE",
                "RELIANCE",
                "120",
                "1541.4",
                "-310.5",
                self._ids.asha,
            ),
            (self._ids.zerodha, names["Chartink breakout"], "NSE", "HDFCBANK", "0", "0", "1804", self._ids.asha),
            (self._ids.practice, names["Sheet ideas"], "NSE", "TCS", "50", "3198.4", "0", self._ids.asha),
            (self._ids.ravis_account, names["Ravi’s strategy"], "NSE", "WIPRO", "999", "500", "0", self._ids.ravi),
        ):
            self._tx.insert(
                tables.positions,
                {
                    "account_id": account,
                    "strategy_id": strategy,
                    "exchange": exchange,
                    "symbol": symbol,
                    "product": "NRML" if exchange == "NFO" else "MIS",
                    "user_id": user,
                    "quantity": quantity,
                    "average_price": average,
                    "realised": realised,
                    "updated_at": self._now - 12 * SECOND,
                },
            )

    # -- rows ---------------------------------------------------------------------------------------------------

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
