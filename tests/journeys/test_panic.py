"""`bridge panic`: what is not out by then stays in, whoever would have sent it."""

from __future__ import annotations

import subprocess
import time
from decimal import Decimal

from tests.journeys.books import SYMBOLS, Books
from tests.journeys.installation import BRIDGE, Installation
from tests.journeys.sender import Alert, Sender, burst
from tests.journeys.waiting import until

LAST_WORD_S = 0.250


def test_panic_in_a_burst_stops_sending_at_once_and_a_release_lets_new_alerts_trade(house: Installation) -> None:
    with Sender(house.furnish(orders_per_second=8)) as sender:
        house.start("up")
        answers = sender.send_all(burst(seed=6, count=60, symbols=SYMBOLS))
        until(lambda: len(Books.of(house).filled) >= 8, "the burst to begin to trade")
        committed = _panic(house)
        refused = until(lambda: _refusal(sender), "new alerts to be refused")
        until(lambda: not _open(house), "what was queued to end")
        sent = len(Books.of(house).filled)
        assert {answer.result().status for answer in answers} <= {202, 422}

        house.run("panic", "--release", "--yes")
        after = until(lambda: _taken(sender), "a new alert to be taken")
        until(lambda: len(Books.of(house).filled) == sent + 1, "the new alert to be filled")

    stopped = [row for row in Books.of(house).orders if row["state"] == "NOT_SENT"]
    assert {row["code"] for row in stopped} == {"stopped"}
    assert refused["code"] == "stopped"
    before = f"WHERE ref <> '{_ref(house, after)}'"
    assert _latest(house, f"SELECT MAX(placed_at) AS at FROM paper_orders {before}") <= committed + LAST_WORD_S
    joined = "SELECT MAX(t.opened_at) AS at FROM attempts t JOIN orders o ON o.id = t.order_id"
    assert _latest(house, f"{joined} {before}") <= committed + LAST_WORD_S
    assert house.complaints() == []


def _panic(house: Installation) -> float:
    """The command, as a person in a hurry types it; when its commit was first seen, wall clock."""
    switch = "SELECT scope FROM switches WHERE stopped = 1"
    with subprocess.Popen([BRIDGE, "panic"], cwd=house.folder, env=house.environment, stdout=subprocess.DEVNULL) as panic:
        until(lambda: house.rows(switch), "the switch to be thrown")
        seen = time.time()
    assert panic.returncode == 0
    return seen


_numbers = iter(range(10**6))


def _send(sender: Sender) -> tuple[int, dict[str, object]]:
    answer = sender.post(Alert(f"probe-{next(_numbers)}", "INFY", "buy", 1).body)
    return answer.status, answer.content
