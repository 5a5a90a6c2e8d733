"""How often: moving windows that both doors of the API share."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bridge.accounts.model import Account


class Rates:
    """Counts in this process. Whose hits are counted is told by a few words: `("key", key_id)`."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, limit: RateLimitItem, *whose: str) -> int | None:
        """Count one request: None when it may go on, else the seconds to wait."""
        if self._limiter.hit(limit, *whose):
            return None
        return max(1, math.ceil(self._limiter.get_window_stats(limit, *whose).reset_time - time.time()))

    def hit_account(self, account: Account) -> int | None:
        """Count one request about an account, whichever key it came with: several keys together may not overrun it."""
        per_second = account.settings.requests_per_second
        return None if per_second is None else self.hit(RateLimitItemPerSecond(per_second), "account", account.id)
