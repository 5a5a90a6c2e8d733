"""How much of their allowances strategies and accounts have used, as far as this process knows."""

from __future__ import annotations

from collections import defaultdict, deque

from bridge.kit.clock import Clock
from bridge.orders.situation import Use

_MINUTE_S = 60.0


class Uses:
    """Orders taken in the last minute and on this trading day, by strategy and by account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute: dict[str, deque[float]] = defaultdict(deque)
        self._day: dict[tuple[str, str], int] = defaultdict(int)

    def add(self, scope_id: str, trading_date: str, count: int = 1) -> None:
        """Count orders; called before anything else can be checked, so that two alerts at once cannot both be the last."""
        self._minute[scope_id].extend([self._clock.monotonic()] * count)
        self._day[scope_id, trading_date] += count

    def take_back(self, scope_id: str, trading_date: str, count: int = 1) -> None:
        """Orders that were counted but not kept."""
        recent = self._minute[scope_id]
        for _ in range(min(count, len(recent))):
            recent.pop()
        self._day[scope_id, trading_date] -= count

    def of(self, scope_id: str, trading_date: str) -> Use:
        """How much is used."""
        recent = self._minute[scope_id]
        horizon = self._clock.monotonic() - _MINUTE_S
        while recent and recent[0] < horizon:
            recent.popleft()
        return Use(len(recent), self._day[scope_id, trading_date])

    def load(self, scope_id: str, trading_date: str, today: int) -> None:
        """The day's count after a start."""
        self._day[scope_id, trading_date] = today
