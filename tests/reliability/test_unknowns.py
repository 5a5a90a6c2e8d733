"""A4: outcomes nobody knows. The broker takes orders and never says so, loses others, and shows them late."""

from __future__ import annotations

import json
import random
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reliability.ledgers import Ledgers, Sent
from tests.reliability.rig import Rig
from tests.reliability.sender import alert
from tests.reliability.stage import equities

FAULTS = {"accept_then_hold": 0.2, "never_answer": 0.2}
ENDS = ("FILLED", "NOT_PLACED", "PARKED", "NOT_SENT")
MANY_IN_FLIGHT = ["--account-settings", json.dumps({"in_flight_max": 64})]
LINKED_SOON_S = 2.0
LINKED_AT_LAST_S = 70.0
READ_EVERY_S = 5.0
BUSY_MACHINE_REAL_S = 0.25


@dataclass(frozen=True, slots=True)
class Link:
    """How long one uncertain order took to be found, from the moment its attempt was closed and from when it could be seen."""

    after_close_s: float
    after_visible_s: float
    visible_after_s: float


def links(ledgers: Ledgers) -> list[Link]:
    """Every uncertain order that was found in the broker's book."""
    events = ledgers.journal.by("events", "order_id")
    visible = {row["order_id"]: row["visible_at"] for row in ledgers.broker if row["event"] == "accepted"}
    found = []
    for order in ledgers.journal.orders:
        closed = next((each["at"] for each in events[order["id"]] if each["type"] == "order.unknown"), None)
        seen = next((each["at"] for each in events[order["id"]] if closed and each["provenance"] == "book"), None)
        if closed is not None and seen is not None:
            shown = visible[order["broker_order_id"]]
            first = max(shown, closed / 1e6)
            found.append(Link((seen - closed) / 1e6, seen / 1e6 - first, shown - closed / 1e6))
    return found


def _alerts(dice: random.Random, count: int) -> list[Sent]:
    """As many lanes as there are symbols: an uncertain order holds up the entries behind it."""
    symbols = equities()
    return [
        alert(f"u{number}", "double", dice.choice(("buy", "sell")), symbols[number % len(symbols)], dice.randint(1, 9))
        for number in range(count)
    ]


async def _rehearse(rig: Rig, count: int) -> Ledgers:
    await rig.start(*MANY_IN_FLIGHT)
    await rig.sender().send_all(_alerts(random.Random(rig.seed), count), gap_real_s=0.5 / rig.speed)
    ledgers = await rig.conclude(rest_s=2400)
    assert {row["state"] for row in ledgers.journal.orders} <= set(ENDS), f"seed {rig.seed}"
    return ledgers


def _said(ledgers: Ledgers) -> str:
    found = sorted(link.after_close_s for link in links(ledgers))
    states = Counter(row["state"] for row in ledgers.journal.orders)
    return f"{dict(states)}; {len(found)} linked, median {statistics.median(found):.2f} s, p99 {p99(found):.2f} s"


def p99(values: list[float]) -> float:
    """The value below which 99 of 100 lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] if ordered else 0.0


async def test_what_the_broker_shows_at_once_is_linked_within_seconds(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], figures: Callable[[str], None]
) -> None:
    ledgers = await _rehearse(rig(41, speed=sized(12, 5, 5), faults=FAULTS), sized(25, 125, 2500))
    took = [link.after_close_s for link in links(ledgers)]
    figures(_said(ledgers))
    grace_s = BUSY_MACHINE_REAL_S * ledgers.speed
    assert statistics.median(took) <= LINKED_SOON_S + grace_s, f"seed 41: {_said(ledgers)}"
    assert p99(took) <= LINKED_AT_LAST_S, f"seed 41: {_said(ledgers)}"


async def test_what_the_broker_shows_ten_minutes_late_is_still_found_and_never_sent_again(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], figures: Callable[[str], None]
) -> None:
    lag_s = sized(120, 600, 600)
    ledgers = await _rehearse(rig(42, speed=20, faults=FAULTS, visibility_lag_s=[0, lag_s]), sized(25, 125, 2500))
    took = [link for link in links(ledgers) if link.visible_after_s <= 60]
    figures(_said(ledgers))
    assert p99([link.after_close_s for link in took]) <= LINKED_AT_LAST_S, f"seed 42: {_said(ledgers)}"
    late = [link.after_visible_s for link in links(ledgers)]
    assert max(late) <= 60 + READ_EVERY_S, f"seed 42: found only {max(late):.1f} s after it could be seen"
