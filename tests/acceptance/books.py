"""Three books held against each other: what senders were told, what the house wrote down, what the broker received."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.cli.benching.load import Shot
from tests.acceptance.stage import Stage

UNDER_WAY = (
    "SELECT (SELECT COUNT(*) FROM intents WHERE state IN ('RECEIVED', 'HELD') AND not_before = 0)"
    " + (SELECT COUNT(*) FROM orders WHERE state IN ('QUEUED', 'SENDING', 'UNKNOWN')) AS n"
)
ENDED_HERE = "SELECT quantity, code FROM orders WHERE state = 'NOT_SENT'"


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How the books differ; alerts and orders go by their quantity, which no other alert of the stage has."""

    lost: frozenset[str]  # taken, but neither at the broker nor ended with a reason
    doubled: frozenset[str]  # at the broker more than once
    unasked: frozenset[str]  # at the broker although no sender was told so
    sent: int
    ended: Counter[str]  # orders that were not sent, by the reason

    def __str__(self) -> str:
        return f"{self.sent} sent, {dict(self.ended)} not, {len(self.lost)} lost, {len(self.doubled)} doubled"


class Books:
    """The sender's book of one stage, and the comparison."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._taken: set[str] = set()

    def note(self, bodies: Sequence[str], shots: Sequence[Shot]) -> None:
        """These alerts got these answers."""
        self._taken |= {number for number, shot in zip(numbers(bodies), shots, strict=True) if shot.status == 202}

    def reckon(self, bodies: Sequence[str], seconds: float) -> Reckoning:
        """Wait until every order has come to something, then compare; only these alerts are counted."""
        self._stage.wait_until_none("orders were still under way", UNDER_WAY, seconds)
        arrived = Counter(str(row["body"]["quantity"]) for row in self._stage.broker.sent())
        ended = {f"{int(row['quantity'])}": row["code"] for row in self._stage.rows(ENDED_HERE)}
        explained = {number for number, code in ended.items() if code}
        ours = set(numbers(bodies))
        return Reckoning(
            lost=frozenset(self._taken - arrived.keys() - explained),
            doubled=frozenset(number for number, times in arrived.items() if times > 1),
            unasked=frozenset(arrived.keys() - self._taken),
            sent=len(arrived.keys() & ours),
            ended=Counter(code for number, code in ended.items() if number in ours),
        )

    def agree(self, bodies: Sequence[str], seconds: float = 60) -> Reckoning:
        """Nothing lost, sent twice or made up, and no error in the house's log; what came of these alerts."""
        found = self.reckon(bodies, seconds)
        assert not found.lost
        assert not found.doubled
        assert not found.unasked
        assert self._stage.complaints() == []
        return found


def numbers(bodies: Sequence[str]) -> list[str]:
    """The quantities of alerts."""
    return [str(json.loads(body)["quantity"]) for body in bodies]
