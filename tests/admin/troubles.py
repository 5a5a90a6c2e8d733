"""The alerts of the morning that did not simply trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.admin.rows import MINUTE, SECOND, Rows

FUTURE = "NIFTY23NOV26FUT"
OPTION = "BANKNIFTY23NOV2658900CE"


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


class Troubles(Rows):
    """A note, a rejection, a refusal, a parked pair, repeats, and an order nobody knows about."""

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
