"""A11: the end of the write-ahead log is lost at any byte, while the broker remembers everything.

An order whose row says again that it is queued is at the broker all the same, so nothing is sent from the tables before
the broker's book was read.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.brokers import Act, How
from tests.support.house import House, buy, sell

SEED = 111
CUTS = {"sample": 6, "pr": 50, "night": 500}
ANSWERS = (How.ACCEPT, How.ACCEPT, How.PLACED_UNKNOWN, How.LOST_UNKNOWN)


@pytest.mark.parametrize("delay_s", [0.001, 5, 90])
async def test_a_log_cut_anywhere_is_recovered_and_no_order_is_sent_again(
    tmp_path: Path, reliability: str, delay_s: float
) -> None:
    for number in range(CUTS[reliability]):
        dice = random.Random(f"{SEED}/{number}")
        folder = tmp_path / f"{number}"
        folder.mkdir()
        house = await House.open(folder)
        try:
            alerts = await _trade(house, dice)
            await _lose_the_end(house, folder, dice)
            await house.run(delay_s)
            await house.start()
            await house.run(700)
            found = list(_sent_again(house, alerts))
        finally:
            await house.close()
        assert not found, f"seed {SEED}/{number}: {found}"


async def _trade(house: House, dice: random.Random) -> int:
    """A few alerts, some of which the broker answers late or not at all; how many."""
    alerts = dice.randint(2, 5)
    for _ in range(alerts):
        house.broker.script.append(Act(dice.choice(ANSWERS), after_s=dice.choice((0.05, 3))))
        await house.alert(dice.choice((buy, sell))(dice.choice(("INFY", "SBIN")), dice.randint(1, 9)))
        await house.run(dice.choice((0, 0.1, 2)))
    return alerts


async def _lose_the_end(house: House, folder: Path, dice: random.Random) -> None:
    """The process dies, and the log that it leaves behind ends at some earlier byte."""
    database, log = (folder / "bridge.db").read_bytes(), (folder / "bridge.db-wal").read_bytes()
    await house.crash()
    damaged = folder / "damaged.db"
    damaged.write_bytes(database)
    damaged.with_name("damaged.db-wal").write_bytes(log[: dice.randrange(len(log))])
    house.url = f"sqlite:///{damaged}"


def _sent_again(house: House, alerts: int) -> Iterator[str]:
    refs = Counter(resting.ref for resting in house.broker.orders.values())
    yield from (f"{ref} is at the broker {times} times" for ref, times in refs.items() if times > 1)
    if len(house.broker.orders) > alerts:
        yield f"{alerts} alerts have {len(house.broker.orders)} orders"
