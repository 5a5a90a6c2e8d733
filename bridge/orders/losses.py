"""What the day has cost so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from bridge.kit.database import Reader

LATE_FILLS = 500  # PostgreSQL hands out numbers before the commit: so many back, a lower one may still appear


class Losses:
    """What strategies and accounts have lost today: realised by fills, plus what open positions are down now."""

    def __init__(self) -> None:
        self._realised: dict[str, Decimal] = defaultdict(Decimal)
        self._open: dict[str, Decimal] = {}
        self._day = 0
        self._counted: set[int] = set()

    def of(self, scope_id: str) -> Decimal:
        """Positive when money was lost."""
        return max(-(self._realised[scope_id] + self._open.get(scope_id, Decimal(0))), Decimal(0))

    def read(self, reader: Reader, day_start: int, value: Callable[[str, str], Decimal | None]) -> None:
        """Take in new fills and value the open positions."""
        if day_start != self._day:
            self._realised.clear()
            self._counted.clear()
            self._day = day_start
        seen_to = max(self._counted, default=0) - LATE_FILLS
        fills = reader.read(
            "SELECT id, strategy_id, account_id, realised FROM fills WHERE id > :seen_to AND at >= :start",
            {"seen_to": seen_to, "start": day_start},
        )
        for row in fills:
            if row["id"] in self._counted:
                continue
            self._counted.add(row["id"])
            for scope_id in (row["strategy_id"], row["account_id"]):
                self._realised[scope_id] += Decimal(row["realised"])
        self._counted = {number for number in self._counted if number > seen_to}
        self._open = self._open_profit(reader, value)

    def _open_profit(self, reader: Reader, value: Callable[[str, str], Decimal | None]) -> dict[str, Decimal]:
        profit: dict[str, Decimal] = defaultdict(Decimal)
        for row in reader.read("SELECT * FROM positions WHERE quantity <> '0'"):
            last = value(row["exchange"], row["symbol"])
            if last is None:
                continue
            gain = (last - Decimal(row["average_price"])) * Decimal(row["quantity"])
            profit[row["strategy_id"]] += gain
            profit[row["account_id"]] += gain
        return profit
