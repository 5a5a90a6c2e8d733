"""Three books held against each other: what the sender was told, what the house wrote down, what the broker received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.acceptance.stage import Stage

WAITS = "SELECT COUNT(*) AS n FROM orders WHERE state IN ('QUEUED', 'SENDING', 'UNKNOWN')"


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Quantities identify orders, as every alert of a run has its own."""

    lost: frozenset[str]  # taken, but neither at the broker nor ended with a reason
    doubled: frozenset[str]  # at the broker more than once
    unasked: frozenset[str]  # at the broker although nobody was told that it was taken
    sent: int
    refused: Counter[str]  # orders that ended here, by their reason

    def is_clean(self) -> bool:
        """Nothing lost, doubled or made up."""
        return not (self.lost or self.doubled or self.unasked)


def reckon(stage: Stage, taken: Iterable[str], seconds: float = 60) -> Reckoning:
    """Wait until every order has come to something, then compare."""
    stage.wait_until("orders were still under way", WAITS, seconds)
    arrived = Counter(str(row["body"]["quantity"]) for row in stage.broker.sent())
    ended = {plain(row["quantity"]): row["code"] for row in stage.rows("SELECT quantity, code FROM orders WHERE state = 'NOT_SENT'")}
    asked = set(taken)
    return Reckoning(
        lost=frozenset(asked - arrived.keys() - {quantity for quantity, code in ended.items() if code}),
        doubled=frozenset(quantity for quantity, times in arrived.items() if times > 1),
        unasked=frozenset(arrived.keys() - asked),
        sent=len(arrived),
        refused=Counter(ended.values()),
    )


def plain(quantity: str) -> str:
    """A stored decimal in the broker's spelling."""
    return f"{int(quantity)}"
