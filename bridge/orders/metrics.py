"""What the dispatcher counts, for `/metrics`."""

from prometheus_client import Counter, Gauge, Histogram

ORDERS = Counter("bridge_orders", "Orders that came to a state", ["state"])
UNSETTLED = Gauge("bridge_orders_unsettled", "Orders that have not come to an end", ["account", "state"])
QUEUED_SECONDS = Histogram(
    "bridge_order_queued_seconds",
    "From the order's commit to the commit before its first byte",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60),
)
ANSWER_SECONDS = Histogram(
    "bridge_broker_answer_seconds",
    "From the commit before the first byte to the broker's answer",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
WRITER_BACKLOG = Gauge("bridge_writer_backlog", "Commits that wait for the writer")
DESKS = Gauge("bridge_desks", "Accounts that this process sends for")
