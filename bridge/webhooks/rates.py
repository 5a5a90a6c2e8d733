"""How fast a source may send, and how often an address may guess."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from bridge.accounts.model import SourceSettings
from bridge.kit.addresses import Address

# (alerts a minute, burst) that a preset needs at least; the source's own settings may allow more.
# TradingView stops a watch-list alert after 1,000 triggers in 3 minutes, which may come all at once.
# Chartink scans at most once a minute, but all of a user's scans may post to one address at the same moment.
PRESET_RATES = {"any": (0, 0), "tradingview": (334, 1000), "chartink": (120, 60)}

BAD_TOKENS_PER_MINUTE = 20
BLOCK_S = 15 * 60.0
_ADDRESSES_KEPT = 4096


class Bucket:
    """A token bucket: `burst` at once, refilled at `per_minute`. Seconds are the caller's monotonic ones."""

    __slots__ = ("_filled_at", "_per_second", "_tokens", "burst", "per_minute")

    def __init__(self, per_minute: int, burst: int, now: float) -> None:
        self.per_minute = per_minute
        self.burst = burst
        self._per_second = per_minute / 60
        self._tokens = float(burst)
        self._filled_at = now

    @classmethod
    def of(cls, settings: SourceSettings, now: float) -> Bucket:
        """A full bucket for a source."""
        per_minute, burst = PRESET_RATES[settings.preset]
        return cls(max(settings.rate_per_minute, per_minute), max(settings.burst, burst), now)

    def take(self, now: float) -> float:
        """Take a token: 0, or the seconds until there is one."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


@dataclass(slots=True)
class _Guesser:
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=BAD_TOKENS_PER_MINUTE))
    blocked_until: float = 0.0


class BadTokens:
    """Addresses that knock with wrong secrets. Remembers the last few thousand, so that nobody can fill the memory."""

    def __init__(self, capacity: int = _ADDRESSES_KEPT) -> None:
        self._capacity = capacity
        self._guessers: OrderedDict[object, _Guesser] = OrderedDict()

    def __len__(self) -> int:
        return len(self._guessers)

    def count(self, sender: Address | None, now: float) -> float:
        """Count one wrong secret: 0, or the seconds for which that address is blocked."""
        guesser = self._remember(_household(sender))
        if now < guesser.blocked_until:
            return guesser.blocked_until - now
        if len(guesser.recent) == BAD_TOKENS_PER_MINUTE and now - guesser.recent[0] < 60:
            guesser.blocked_until = now + BLOCK_S
            return BLOCK_S
        guesser.recent.append(now)
        return 0.0

    def _remember(self, who: object) -> _Guesser:
        guesser = self._guessers.get(who)
        if guesser is None:
            guesser = self._guessers[who] = _Guesser()
            if len(self._guessers) > self._capacity:
                self._guessers.popitem(last=False)
        self._guessers.move_to_end(who)
        return guesser


def _household(sender: Address | None) -> object:
    """What counts as one guesser: an IPv4 address, or the /64 in which an IPv6 host may pick any address it likes."""
    return int(sender) >> 64 if isinstance(sender, IPv6Address) else sender
