"""The order of alerts in time: an older bar that arrives after a newer one no longer means what it says."""

from __future__ import annotations

import json
from datetime import datetime

from bridge.domain.lifecycle import IntentState
from bridge.kit.clock import from_micros, micros
from bridge.kit.database import Reader
from bridge.orders.records import IntentRecord

_NOT_TAKEN = (IntentState.REFUSED, IntentState.AWAITING_CONFIRM)


class Bars:
    """By strategy and instrument: the newest bar of an alert that may open, and of one that only closes or cancels."""

    def __init__(self) -> None:
        self._opening: dict[tuple[str, str], int] = {}
        self._closing: dict[tuple[str, str], int] = {}

    def too_late(self, strategy_id: str, symbol: str, bar: datetime | None, *, opens: bool) -> str | None:
        """A sentence when an alert with a newer time was already taken for this strategy and symbol.

        An exit is only too late for what was opened after it; another exit does not outdate it.
        """
        if bar is None:
            return None
        newest = self._opening.get((strategy_id, symbol), 0)
        if opens:
            newest = max(newest, self._closing.get((strategy_id, symbol), 0))
        if micros(bar) >= newest:
            return None
        before = from_micros(newest)
        return f"A newer alert for {symbol} (of {before:%H:%M:%S}) was taken before this one of {bar:%H:%M:%S}."

    def taken(self, intent: IntentRecord) -> None:
        """An alert was accepted, or its intent approved: what is older than its bar comes too late."""
        if intent.bar is not None and intent.symbol and intent.state not in _NOT_TAKEN:
            self._remember(intent.strategy_id, intent.exchange, intent.symbol, intent.bar, opens=intent.opens)

    def load(self, reader: Reader, since: int) -> None:
        """After a start: what was taken and could still be sent after `since` (microseconds)."""
        rows = reader.read(
            "SELECT strategy_id, exchange, symbol, plan FROM intents WHERE state IN"
            " ('RECEIVED', 'HELD', 'PLANNED', 'DONE', 'EXPIRED', 'CANCELLED') AND deadline > :since"
            """ AND symbol <> '' AND plan LIKE '%"bar"%'""",
            {"since": since},
        )
        for row in rows:
            plan = json.loads(row["plan"])
            opens = not plan["reduces"]
            self._remember(row["strategy_id"], row["exchange"], row["symbol"], plan["bar"], opens=opens)

    def _remember(self, strategy_id: str, exchange: str, symbol: str, bar: int, *, opens: bool) -> None:
        newest, key = self._opening if opens else self._closing, (strategy_id, f"{exchange}:{symbol}")
        newest[key] = max(bar, newest.get(key, bar))
