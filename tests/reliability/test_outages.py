"""A5, A12: the broker is out of reach in the middle of a burst, or its session ends, and it may say so or show empty books."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tests.reliability.judge import JUDGES, Finding
from tests.reliability.ledgers import Ledgers, Sent
from tests.reliability.program import SYMBOLS
from tests.reliability.rig import Rig
from tests.reliability.sender import Sender, alert, mixed
from tests.reliability.test_squareoff import sign_flips

SPEED = 10.0
GAP_REAL_S = 0.06
AROUND = 25  # alerts before a partition, and at least as many after it
NORMAL_WITHIN_S = 10.0
BUSY_MACHINE_REAL_S = 0.25
UNKNOWNS = {"accept_then_drop": 0.1, "drop_request": 0.05}

Span = tuple[float, float]  # from, to: the broker's clock


async def test_a_broker_out_of_reach_gets_nothing_twice_and_new_orders_as_soon_as_it_is_back(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    rehearsal = rig(51, speed=SPEED, faults={"slow": 0.3})
    dice = random.Random(rehearsal.seed)
    await rehearsal.start()
    sender = rehearsal.sender()
    spans = [
        await _cut_off_in_a_burst(rehearsal, sender, span_s, dice, f"p{number}-")
        for number, span_s in enumerate(sized([30.0], [30.0], [30.0] * 50 + [300.0] * 10))
    ]

    ledgers = await rehearsal.conclude()

    for span in spans:
        assert _taken_within(ledgers, span) > AROUND, f"seed 51: hardly an alert came while the broker was away: {span}"
        away_s = _first_arrival(ledgers, span) - span[1]
        assert away_s <= NORMAL_WITHIN_S + BUSY_MACHINE_REAL_S * SPEED, f"seed 51: {away_s:.1f} s after {span}"


async def _cut_off_in_a_burst(rig: Rig, sender: Sender, span_s: float, dice: random.Random, prefix: str) -> Span:
    """Alerts at a steady pace, and for so long the broker resets every connection and takes no other."""
    already = len(sender.sent)
    alerts = mixed(dice, 2 * AROUND + int(rig.epoch.real(span_s) / GAP_REAL_S), prefix)
    sending = asyncio.create_task(sender.send_all(alerts, gap_real_s=GAP_REAL_S))
    await rig.until(lambda: len(sender.sent) >= already + AROUND, 60, "the burst to begin")
    told = rig.broker.set(refuse_connections_for_s=span_s)
    began = datetime.fromisoformat(told["clock"]).timestamp()
    await sending
    return began, began + span_s


def _taken_within(ledgers: Ledgers, span: Span) -> int:
    return sum(span[0] < sent.tries[0].at < span[1] for sent in ledgers.sent if sent.taken)


def _first_arrival(ledgers: Ledgers, span: Span) -> float:
    """When the broker got its first order again; fails if one came through while it was away."""
    back = span[1] - 1  # its own clock was read a moment after it had begun to count
    arrived = sorted(row["clock"] for row in ledgers.placements if row["clock"] > span[0])
    assert arrived, f"seed 51: no order came after {span}"
    assert arrived[0] >= back, f"seed 51: an order came at {arrived[0]}, in {span}"
    return float(arrived[0])


def called_absent(ledgers: Ledgers) -> Iterator[Finding]:
    """Orders that were said not to be there at any time, although the broker had them and hid nothing."""
    orders = {row["id"]: row for row in ledgers.journal.orders}
    for event in ledgers.journal.events:
        order = orders.get(event["order_id"])
        if event["type"] == "order.not_placed" and order is not None and order["ref"] in ledgers.accepted:
            yield Finding("WRONG", f"{order['ref']} was called not placed, and the broker had it")


async def test_the_end_of_a_session_is_never_taken_for_an_empty_book(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    rehearsal = rig(121, faults=UNKNOWNS)
    dice = random.Random(rehearsal.seed)
    ends = sized(4, 20, 200)
    await rehearsal.start()
    sending = asyncio.create_task(rehearsal.sender().send_all(_bought_and_closed(dice, 20 * ends), gap_real_s=0.05))
    for number in range(ends):
        await asyncio.sleep(dice.uniform(0, 0.5))
        rehearsal.broker.set(session_expired=True, session_style=("empty", "error")[number % 2])
        if dice.random() < 0.3:  # whoever starts now knows the book from before only
            rehearsal.programs[-1].kill()
            await rehearsal.start()
        await asyncio.sleep(rehearsal.epoch.real(dice.uniform(1, 60)))
        rehearsal.broker.set(session_expired=False)
    await sending

    ledgers = await rehearsal.conclude(judges=(*JUDGES, called_absent))

    assert any(row["refused"] == "TokenException" for row in ledgers.placements), "seed 121: no session ended in time"
    assert list(sign_flips(ledgers)) == [], "seed 121"


def _bought_and_closed(dice: random.Random, count: int) -> list[Sent]:
    """For a strategy that is long or flat: each sell closes what is held, and must not believe that it is nothing."""
    return [
        alert(f"s{number}", "long", dice.choice(("buy", "buy", "sell")), dice.choice(SYMBOLS), dice.randint(1, 9))
        for number in range(count)
    ]
