"""The first part of an alert's time-line: what happened before the commit, with milliseconds."""

from __future__ import annotations

from typing import Any

from bridge.kit.clock import Clock


class Trace:
    """Steps, each with the milliseconds since the alert arrived."""

    def __init__(self, clock: Clock, started: float) -> None:
        self._clock = clock
        self._started = started
        self.steps: list[dict[str, Any]] = []

    def add(self, step: str, title: str, detail: str, *, at: float | None = None, **more: Any) -> None:
        """One step; `at` is its monotonic second, now by default."""
        ms = ((self._clock.monotonic() if at is None else at) - self._started) * 1000
        kept = {name: value for name, value in more.items() if value is not None}
        self.steps.append({"step": step, "ms": round(ms, 3), "title": title, "detail": detail, **kept})
