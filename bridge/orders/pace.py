"""Never more orders in any second than the account may send."""

from __future__ import annotations

from collections import deque

from bridge.kit.clock import Clock


class Pace:
    """`limit` places a second for each exchange; None is no limit.

    A place is free again one second after the order's answer came, not after it was sent: between the two the broker
    received it, so no second at the broker ever sees more than `limit`.
    """

    def __init__(self, limit: int | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._out: dict[str, int] = {}
        self._back: dict[str, deque[float]] = {}

    def wait_s(self, exchange: str) -> float:
        """Seconds until a place may be free; 0 now. While all places are out, a short time to look again."""
        if self._limit is None:
            return 0.0
        back = self._back.setdefault(exchange, deque())
        now = self._clock.monotonic()
        while back and back[0] <= now - 1.0:
            back.popleft()
        if self._out.get(exchange, 0) + len(back) < self._limit:
            return 0.0
        return max(back[0] + 1.0 - now, 0.001) if back else 0.05

    async def take(self, exchange: str, until: float) -> bool:
        """Take a place, waiting for one until the monotonic second `until`; False when none came free."""
        while (wait := self.wait_s(exchange)) > 0:
            if self._clock.monotonic() + wait > until:
                return False
            await self._clock.sleep(wait)
        self._out[exchange] = self._out.get(exchange, 0) + 1
        return True

    def give_back(self, exchange: str, *, used: bool) -> None:
        """The order was answered (or given up); `used` is False when not a byte was sent."""
        self._out[exchange] -= 1
        if used and self._limit is not None:
            self._back.setdefault(exchange, deque()).append(self._clock.monotonic())

    def remember(self, exchange: str, count: int) -> None:
        """Orders that another process sent within the last second, after a takeover or restart."""
        if self._limit is not None:
            self._back.setdefault(exchange, deque()).extend([self._clock.monotonic()] * count)
