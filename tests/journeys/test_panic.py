"""`bridge panic`: what is not out by then stays in, whatever was queued."""

from __future__ import annotations

import itertools
import subprocess
import time

from tests.journeys.books import SYMBOLS, Books, until_filled
from tests.journeys.installation import BRIDGE, Installation
from tests.journeys.sender import Alert, Answer, Sender, burst
from tests.journeys.waiting import until

# The switch is read in the transaction that opens an attempt; what was opened just before may still be on the wire for this long.
LAST_WORD_S = 0.250
_SENT_AFTER = (
    "SELECT o.id FROM orders o JOIN attempts t ON t.order_id = o.id LEFT JOIN paper_orders p ON p.ref = o.ref"
    " WHERE t.opened_at > :moment OR p.placed_at > :moment"
)


def test_panic_in_a_burst_stops_the_sending_and_a_release_lets_new_alerts_trade(house: Installation) -> None:
    probes = (Alert(f"probe-{number}", "WIPRO", "buy", 1) for number in itertools.count())
    with Sender(house.furnish(orders_per_second=8)) as sender:
        house.start("up")
        answers = sender.send_all(burst(seed=6, count=60, symbols=SYMBOLS))
        until_filled(house, 8)
        stopped = _panic(house)
        assert {answer.result().status for answer in answers} <= {202, 422}
        refused = until(lambda: _said(422, sender.post(next(probes).body)), "an alert to be refused")
        until(lambda: Books.of(house).are_over(), "what was queued to end", now=lambda: Books.of(house))

        house.run("panic", "--release", "--yes")
        taken = until(lambda: _said(202, sender.post(next(probes).body)), "an alert to be taken")
        (new,) = taken.content["orders"]
        until(lambda: new["order_id"] in {row["id"] for row in Books.of(house).filled}, "the new order to be filled")

    unsent = [row["code"] for row in Books.of(house).rows if row["state"] != "FILLED"]
    assert len(unsent) >= 20
    assert set(unsent) == {"stopped"}
    late = house.rows(_SENT_AFTER, moment=int((stopped + LAST_WORD_S) * 1_000_000))
    assert [row["id"] for row in late] == [new["order_id"]]
    assert refused.content["code"] == "stopped"
    assert house.complaints() == []


def _panic(house: Installation) -> float:
    """The command, as a person in a hurry types it; the wall clock when its commit was first seen."""
    switch = "SELECT scope FROM switches WHERE stopped = 1"
    with subprocess.Popen(
        [BRIDGE, "panic"], cwd=house.folder, env=house.environment, stdout=subprocess.DEVNULL
    ) as panic:
        until(lambda: house.rows(switch), "the switch to be thrown")
        seen = time.time()
    assert panic.returncode == 0
    return seen


def _said(status: int, answer: Answer) -> Answer | None:
    return answer if answer.status == status else None
