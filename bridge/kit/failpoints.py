"""Named places where a rehearsal may kill the process. Off, one costs a comparison with `None`.

`BRIDGE_FAILPOINTS="sending.committed=kill@3"` kills the process (SIGKILL, nothing runs afterwards) at the third
passage of that place; `=stop@1` stops it (SIGSTOP) as a stalled machine would; `=error@1` raises `OSError`.
Only a program started with that variable has any.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

POINTS = (
    "accept.received",
    "accept.read",
    "accept.planned",
    "accept.before_commit",
    "accept.committed",
    "accept.replied",
    "plan.before_commit",
    "plan.committed",
    "claim.before_commit",
    "claim.committed",
    "sending.before_commit",
    "sending.committed",
    "sending.before_write",
    "sending.answered",
    "outcome.before_commit",
    "outcome.committed",
    "requeue.committed",
    "unknown.committed",
    "book.read",
    "book.matched",
    "fill.before_commit",
    "fill.committed",
    "absence.before_commit",
    "absence.committed",
    "park.committed",
    "takeover.before_commit",
    "takeover.committed",
    "cancel.committed",
    "cancel.answered",
    "squareoff.planned",
    "approve.before_commit",
    "approve.committed",
)


class _Armed:
    def __init__(self, text: str) -> None:
        self.actions: dict[str, tuple[str, int]] = {}
        self.passed: Counter[str] = Counter()
        for item in filter(None, text.split(",")):
            name, _, rest = item.partition("=")
            action, _, nth = rest.partition("@")
            if name not in POINTS:
                raise ValueError(f"BRIDGE_FAILPOINTS: no point is called {name!r}")
            self.actions[name] = (action, int(nth or 1))

    def reach(self, name: str) -> None:
        self.passed[name] += 1
        action, nth = self.actions.get(name, ("", 0))
        if self.passed[name] != nth:
            return
        if action == "error":
            raise OSError(f"fail-point {name}")
        os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)


_armed = _Armed(os.environ["BRIDGE_FAILPOINTS"]) if os.environ.get("BRIDGE_FAILPOINTS") else None


def reach(name: str) -> None:
    """Pass a named place."""
    if _armed is not None:
        _armed.reach(name)
