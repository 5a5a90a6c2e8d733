"""What the door counts for `/metrics`."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Answers by status, and how long they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "bridge_webhook_answers", "Alerts answered, by HTTP status", ["status"], registry=registry
        )
        self._seconds = Histogram(
            "bridge_webhook_seconds", "From request to answer, in seconds", registry=registry, buckets=_SECONDS
        )
        self._by_status: dict[int, Counter] = {}

    def count(self, status: int, seconds: float) -> None:
        """One answer."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._answers.labels(str(status))
        counter.inc()
        self._seconds.observe(seconds)


@lru_cache(maxsize=16)
def metrics_in(registry: CollectorRegistry) -> Metrics:
    """The metrics of that registry: a registry takes a name only once, and a process may have several doors."""
    return Metrics(registry)
