"""B3 and B4: how soon an order is on its way, and that no second ever sees more of them than the exchange allows."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import pytest

from tests.acceptance import load
from tests.acceptance.books import Books
from tests.acceptance.floor import Took, beside
from tests.acceptance.load import Alerts, Client, Shot
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage

EXCHANGE_LIMIT = 10  # orders in any second, per account and segment
OVERLOAD = 3 * EXCHANGE_LIMIT


def waits(stage: Stage, bodies: Sequence[str], shots: Sequence[Shot]) -> Took:
    """Milliseconds from an alert's leaving the sender to its order's arrival at the broker."""
    # the broker notes the time of day, the sender counts on the clock that never jumps
    between = time.time() - time.monotonic()
    arrived = {str(row["body"]["quantity"]): row["at"] - between for row in stage.broker.sent()}
    said = zip(bodies, shots, strict=True)
    return Took(tuple((arrived[str(json.loads(body)["quantity"])] - shot.left) * 1000 for body, shot in said))


async def test_an_order_leaves_an_idle_house_at_once(stage_of: Callable[[dict[str, Any]], Stage], size: Size) -> None:
    stage = stage_of(FREE)
    alerts, books = Alerts("SBIN", "INFY"), Books(stage)
    bodies = alerts.take(size.one_by_one)
    singly = partial(load.one_by_one, pause_s=0.01)

    shots, floor = await beside(Client(stage.port, stage.path("single")), singly, bodies, bodies[:100])

    books.note(bodies, shots)
    assert books.agree().sent == len(bodies)
    took = waits(stage, bodies, shots)
    print(f"B3 idle {took}; {floor}")
    assert took.at(0.99) <= floor.allows(150, 0.99)


@pytest.mark.parametrize("limit", [8, 10])
async def test_orders_at_8_a_second_leave_at_once(stage_of: Callable[[dict[str, Any]], Stage], size: Size, limit: int) -> None:
    stage = stage_of({"orders_per_second": limit})
    alerts, books = Alerts("SBIN", "INFY"), Books(stage)
    bodies = alerts.take(8 * size.paced_s)
    at_rate = partial(load.steady, per_second=8)

    shots, floor = await beside(Client(stage.port, stage.path("single")), at_rate, bodies, bodies[: 8 * 3])

    books.note(bodies, shots)
    assert books.agree().sent == len(bodies)
    took = waits(stage, bodies, shots)
    print(f"B3 8/s limit {limit} {took}; {floor}")
    assert took.at(0.99) <= floor.allows(500, 0.99)


class Hasty:
    """Alerts that may be so many seconds old and no older."""

    def __init__(self, max_age_s: int) -> None:
        self._max_age_s = max_age_s
        self._numbers = count(1)

    def take(self, many: int, ticker: str) -> list[str]:
        return [
            json.dumps(
                {
                    "signalToken": "not-checked", "action": "enter_long", "instrument": ticker, "maxLag": self._max_age_s,
                    "investmentType": "base", "amount": number, "quantity": number, "orderType": "market",
                }
            )
            for number in (next(self._numbers) for _ in range(many))
        ]  # fmt: skip


def most_in_any_second(moments: Sequence[float]) -> int:
    """The largest number of moments inside a second, wherever it begins."""
    ordered, first, most = sorted(moments), 0, 0
    for place, moment in enumerate(ordered):
        while moment - ordered[first] >= 1:
            first += 1
        most = max(most, place - first + 1)
    return most


async def test_at_three_times_the_load_no_second_sees_too_many_orders_and_none_is_late(
    stage_of: Callable[[dict[str, Any]], Stage], size: Size
) -> None:
    stage = stage_of({"orders_per_second": EXCHANGE_LIMIT, "in_flight_max": 64})
    books = Books(stage)
    max_age_s = min(max(size.throttled_s // 4, 2), 60)
    alerts = Hasty(max_age_s)
    streams = [(strategy, alerts.take(OVERLOAD * size.throttled_s, ticker)) for strategy in ("single", "long") for ticker in ("NSE:SBIN", "BSE:SBIN")]

    answered = await asyncio.gather(
        *(load.steady(Client(stage.port, stage.path(strategy)), bodies, OVERLOAD) for strategy, bodies in streams)
    )

    for (_, bodies), shots in zip(streams, answered, strict=True):
        assert {shot.status for shot in shots} == {202}
        books.note(bodies, shots)
    found = books.agree(max_age_s + 30)
    arrivals: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in stage.broker.sent():
        arrivals[row["account"], row["body"]["exchange"]].append(row["at"])
    print(f"B4 {found}; {({key: (len(at), most_in_any_second(at)) for key, at in arrivals.items()})}")
    deadlines = {row["ref"]: row["deadline"] / 1e6 for row in stage.rows("SELECT ref, deadline FROM orders")}
    late = sorted(row["at"] - deadlines[row["body"]["tag"]] for row in stage.broker.sent())
    print(late[-10:], late[len(late)//2])
    assert set(found.ended) == {"deadline_passed"}
    assert max(map(most_in_any_second, arrivals.values())) <= EXCHANGE_LIMIT
