"""The whole journey of an alert, from its arrival to the answer; what happens at the broker follows in `desk.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from bridge.accounts.directory import Directory
from bridge.brokers.base import Capabilities
from bridge.dialects import read
from bridge.dialects.base import Context
from bridge.domain.lifecycle import IntentState
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Writer
from bridge.kit.ids import new_id
from bridge.kit.vault import Vault
from bridge.orders import messages
from bridge.orders.accepting import Accept, Receipt, answer_for
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.case import Case
from bridge.orders.deciding import Decider
from bridge.orders.masking import mask
from bridge.orders.records import IntentRecord, Lane, OrderRecord
from bridge.orders.repeats import claim_for
from bridge.orders.situation import Standing
from bridge.orders.survey import Survey
from bridge.orders.timing import age_of, bar_end
from bridge.orders.trace import Trace

NOTE = "Kept as a notice; it asks for no order."
DRY_NOTE = "The message says that it is a dry run: it was read and kept, and nothing was sent."


class Door(Protocol):
    """What the pipeline asks of the dispatcher."""

    def offer(self, account_id: str, work: Sequence[IntentRecord | OrderRecord]) -> None:
        """Work that was committed a moment ago."""

    def standing(self, account_id: str, lane: Lane) -> Standing | None:
        """What a strategy holds, as far as is known here."""

    def announce(self, orders: Sequence[OrderRecord], count: int) -> None:
        """Orders that are being committed (+1) or are handed over or given up (−1)."""


class Pipeline:
    """The one way in for everything that may trade."""

    def __init__(
        self,
        directory: Directory,
        survey: Survey,
        writer: Writer,
        vault: Vault,
        clock: Clock,
        capabilities: Callable[[str], Capabilities | None],
        door: Door,
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._vault = vault
        self._clock = clock
        self._door = door
        self._decider = Decider(directory, survey, clock, capabilities, door.standing)

    def offer(self, account_id: str, work: Sequence[IntentRecord | OrderRecord]) -> None:
        """Hand on work that a person asked for and that is committed."""
        self._door.offer(account_id, work)

    async def submit(self, arrival: Arrival) -> Answer:
        """Read, decide, commit, answer, wake the dispatcher. Raises `StorageUnavailable` when nothing was kept."""
        failpoints.reach("accept.received")
        case = self._read(arrival)
        failpoints.reach("accept.read")
        refusal = messages.first_refusal(case, self._vault) or self._decider.decide(case)
        failpoints.reach("accept.planned")
        receipt = self._receipt(case, refusal)
        if arrival.dry_run:
            return replace(receipt.answer, status=200)
        kept: Receipt | None = None
        self._door.announce(case.orders, 1)
        try:
            kept = await self._commit(case, receipt)
            if kept is receipt:
                self._hand_over(case)
        finally:
            self._door.announce(case.orders, -1)
            if kept is not receipt:
                self._decider.give_back(case)
        return kept.answer

    def _read(self, arrival: Arrival) -> Case:
        strategy = arrival.strategy or self._directory.snapshot.strategies[arrival.source.strategy_id]
        settings = strategy.settings
        trace = Trace(self._clock, arrival.started)
        trace.add("received", "Received", "; ".join((f"from {arrival.sender}", *arrival.proofs)), at=arrival.started)
        context = Context(trading_mode={"long": "LONG", "short": "SHORT"}.get(settings.direction))
        pinned = arrival.source.settings.dialect or settings.dialect
        reading = arrival.reading or read(arrival.content_type, arrival.body, context=context, pinned=pinned)
        trace.add("read", f"Read as {reading.dialect}", "; ".join(reading.because), repaired=reading.repaired)
        age, bar = age_of(reading, arrival.received_at), bar_end(reading)
        return Case(new_id("al"), arrival, strategy, reading, trace, age, bar)

    def _receipt(self, case: Case, refusal: Refusal | None) -> Receipt:
        reading = case.reading
        noted = not refusal and not case.intents
        status = "refused" if refusal else "noted" if noted else "accepted"
        note = DRY_NOTE if reading.dry_run else NOTE
        answer = answer_for(case.id, status, refusal, case.intents, case.orders, note)
        if case.arrival.dry_run:
            answer = replace(
                answer, content={**answer.content, "trace": case.trace.steps, "reading": reading.to_json()}
            )
        return Receipt(status, refusal, answer)

    async def _commit(self, case: Case, receipt: Receipt) -> Receipt:
        arrival, reading = case.arrival, case.reading
        body_hash = hashlib.sha256(arrival.body.encode()).hexdigest()
        switched_off = messages.stops_its_strategy(reading) and not receipt.refusal
        accept = Accept(
            alert={
                "id": case.id,
                "user_id": case.strategy.user_id,
                "source_id": arrival.source.id,
                "strategy_id": case.strategy.id,
                "received_at": micros(arrival.received_at),
                "content_type": arrival.content_type[:120],
                "body": mask(arrival.body, reading.secret, messages.licence(reading)),
                "body_hash": body_hash,
                "sender": arrival.sender[:64],
                "dialect": reading.dialect,
                "kind": str(reading.kind),
            },
            receipt=receipt,
            trace=case.trace,
            claim=claim_for(case, body_hash),
            switches_off=case.strategy.id if switched_off else None,
            intents=case.intents,
            orders=case.orders,
        )
        failpoints.reach("accept.before_commit")
        kept = await self._writer.run(accept)
        failpoints.reach("accept.committed")
        return kept

    def _hand_over(self, case: Case) -> None:
        self._decider.keep(case)
        for account_id, work in _by_account([*case.intents, *case.orders]).items():
            self.offer(account_id, work)


def _by_account(work: Iterable[IntentRecord | OrderRecord]) -> dict[str, list[IntentRecord | OrderRecord]]:
    found: dict[str, list[IntentRecord | OrderRecord]] = {}
    for item in work:
        if isinstance(item, OrderRecord) or item.state is IntentState.RECEIVED:
            found.setdefault(item.account_id, []).append(item)
    return found
