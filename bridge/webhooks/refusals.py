"""What was turned away at the door, as numbers in memory: nothing of it is stored, so no stranger can make a table grow."""

from __future__ import annotations

from collections import Counter
from datetime import date

from bridge.kit.clock import Clock
from bridge.market.sessions import IST

_DAYS_KEPT = 7


class Refusals:
    """Counts by day, source and reason since this process started. Sources are ours and reasons the door's: both are few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._days: dict[date, Counter[tuple[str | None, str]]] = {}

    def count(self, source_id: str | None, code: str) -> None:
        """One more. `source_id` is None for who did not know an address of ours."""
        today = self._clock.now().astimezone(IST).date()
        if today not in self._days:
            for day in sorted(self._days)[: 1 - _DAYS_KEPT]:
                del self._days[day]
            self._days[today] = Counter()
        self._days[today][source_id, code] += 1

    def lines(self) -> list[tuple[date, str | None, str, int]]:
        """Day (the exchange's), source, reason and how often; newest day first, then the most frequent."""
        return [
            (day, source_id, code, number)
            for day in sorted(self._days, reverse=True)
            for (source_id, code), number in self._days[day].most_common()
        ]
