"""One alert on its way from its arrival to its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bridge.accounts.model import Strategy
from bridge.domain.intent import Reading
from bridge.domain.lifecycle import IntentState
from bridge.orders.arrival import Arrival
from bridge.orders.records import IntentRecord, OrderRecord
from bridge.orders.situation import Candidate
from bridge.orders.trace import Trace


@dataclass(slots=True)
class Case:
    """What arrived, what it means, and what was decided so far.

    `age_s` and `bar` are None when the alert names no time. `counted` are the allowances that were taken for it: the
    candidate, the account and how many orders.
    """

    id: str
    arrival: Arrival
    strategy: Strategy
    reading: Reading
    trace: Trace
    age_s: float | None = None
    bar: datetime | None = None
    intents: list[IntentRecord] = field(default_factory=list)
    orders: list[OrderRecord] = field(default_factory=list)
    counted: list[tuple[Candidate, str, int]] = field(default_factory=list)

    def is_refused(self) -> bool:
        """Whether there were intents and not one of them may go on."""
        return bool(self.intents) and all(intent.state is IntentState.REFUSED for intent in self.intents)
