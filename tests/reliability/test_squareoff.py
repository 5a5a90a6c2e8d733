"""A14: everything that closes positions at once, with entries on their way; and baskets of which some legs fail."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.reliability.ledgers import Ledgers, Sent
from tests.reliability.rig import Rig
from tests.reliability.sender import alert, basket
from tests.reliability.stage import equities

TRIGGERS = 3
SLOW = {"do": "slow", "delay_s": [0, 2]}
LEGS = 4


def sign_flips(ledgers: Ledgers) -> Iterator[str]:
    """Moments at which an account that only ever bought and closed was short at the broker."""
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in ledgers.broker:
        if row["event"] != "fill":
            continue
        order = ledgers.book[row["order_id"]]
        key = (order.account, order.symbol)
        held[key] += Decimal(row["quantity"]) * (1 if order.side == "BUY" else -1)
        if held[key] < 0:
            yield f"{key} at {held[key]} after {order.tag}"


async def test_three_triggers_and_entries_in_flight_never_flip_a_position(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    rehearsal = rig(141, faults=[SLOW])
    dice = random.Random(rehearsal.seed)
    await rehearsal.start()
    sender = rehearsal.sender()
    for number in range(sized(4, 100, 1000)):
        if number:
            await rehearsal.next_day()  # a square-off happens once a day
        symbol = equities()[number % 20]
        await sender.send_all(_entries(f"r{number}a", symbol, dice))
        racing = asyncio.create_task(sender.send_all([*_entries(f"r{number}b", symbol, dice), _exit(number, symbol)]))
        for _ in range(TRIGGERS):
            await asyncio.sleep(rehearsal.epoch.real(dice.uniform(0, 1)))
            rehearsal.programs[-1].square_off()
        await racing
        await rehearsal.until_rest(400)
    flips = list(sign_flips(await rehearsal.conclude()))
    assert not flips, f"seed {rehearsal.seed}: {flips}"


def _entries(key: str, symbol: str, dice: random.Random) -> list[Sent]:
    return [alert(f"{key}{place}", "long", "buy", symbol, dice.randint(1, 9)) for place in range(2)]


def _exit(number: int, symbol: str) -> Sent:
    return alert(f"r{number}x", "long", "sell", symbol, 1000)


@pytest.mark.parametrize("policy", ["stop", "continue", "unwind"])
async def test_a_basket_of_which_any_legs_fail_ends_as_its_policy_says(rig: Callable[..., Rig], policy: str) -> None:
    rehearsal = rig(142, speed=10.0)
    await rehearsal.start()
    sender, symbols = rehearsal.sender(), iter(equities())
    expected: dict[str, list[str]] = {}
    for failing in itertools.product((False, True), repeat=LEGS):
        legs = list(itertools.islice(symbols, LEGS))
        key = "".join("x" if fails else "." for fails in failing)
        refuse = [{"do": "refuse_margin", "symbol": leg} for leg, fails in zip(legs, failing, strict=True) if fails]
        rehearsal.broker.set(faults=refuse)
        await sender.send(basket(f"{policy} {key}", f"legs_{policy}", [("buy", symbol, 2) for symbol in legs]))
        await rehearsal.until_rest(200)
        expected[key] = _ends(failing, policy)
    assert _found(await rehearsal.conclude()) == expected


def _ends(failing: tuple[bool, ...], policy: str) -> list[str]:
    """A leg that fails is rejected; under all but `continue` the legs behind it are never sent."""
    first = failing.index(True) if True in failing and policy != "continue" else LEGS
    states = ["REJECTED" if fails else "FILLED" for fails in failing]
    return states[: first + 1] + ["NOT_SENT"] * (LEGS - first - 1)


def _found(ledgers: Ledgers) -> dict[str, list[str]]:
    orders = ledgers.journal.by("orders", "alert_id")
    found = {}
    for sent in ledgers.sent:
        rows = sorted(orders[str(sent.taken.content["alert_id"])], key=lambda row: row["leg"]) if sent.taken else []
        found[sent.key.split()[1]] = [row["state"] for row in rows]
    return found
