"""After an outcome nobody knows: ask, never resend.

An order is found by our reference in the broker's book, or by being the only new row of its shape and time; its absence is proved by
three complete reads after a quiet period; what stays open is parked, where a person sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.brokers.base import BrokerOrder, Capabilities
from bridge.domain.lifecycle import UNCERTAIN, IntentState, Local, OrderState, Provenance, after
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import Clock, from_micros, micros
from bridge.kit.database import Transaction, Writer
from bridge.kit.ids import new_id, new_ref
from bridge.orders import asking, journal
from bridge.orders.holdings import Ledger
from bridge.orders.journal import Notice
from bridge.orders.outcome import Outcome, Result
from bridge.orders.records import OrderRecord, describe
from bridge.orders.sending import Withdraw, close_attempt
from bridge.orders.updates import Updates, finish_intent

READS_AFTER_S = (0.5, 1, 2, 4, 8, 15, 30, 60, *range(120, 601, 60))
QUIET_S = 60.0  # how long after closing the first read that counts as "not there" may start, at the earliest
READS_TO_PROVE = 3
PARK_AFTER_S = 600.0
SENT_BEFORE = timedelta(seconds=2)  # a broker's clock may be this much behind ours
SEEN_AFTER = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class BookRead:
    """A complete, authenticated read of the day's book. `external` are the rows that are not linked to an order of ours."""

    started: float
    external: Sequence[BrokerOrder]


@dataclass(slots=True)
class _Watch:
    """What has been asked about one order since its attempt was closed."""

    closed: float
    reads: int = 0
    absent: int = 0
    cursor: frozenset[str] = field(default_factory=frozenset)


class Unknowns:
    """Finds out what became of an account's uncertain orders."""

    def __init__(
        self,
        writer: Writer,
        ledger: Ledger,
        updates: Updates,
        clock: Clock,
        capabilities: Capabilities,
        *,
        day_is_over: Callable[[OrderRecord], bool],
        may_resend: Callable[[OrderRecord], bool],
    ) -> None:
        self._writer = writer
        self._ledger = ledger
        self._updates = updates
        self._clock = clock
        self._capabilities = capabilities
        self._day_is_over = day_is_over
        self._may_resend = may_resend
        self._watches: dict[str, _Watch] = {}

    def open(self) -> list[OrderRecord]:
        """The account's uncertain orders."""
        return [order for order in self._ledger.unsettled() if order.state in UNCERTAIN]

    def next_read_in(self) -> float | None:
        """Seconds until the schedule wants a read; None when nothing is unknown."""
        now = self._clock.monotonic()
        waits = []
        for order in self.open():
            watch = self._watch(order)
            due = next((after_s for after_s in READS_AFTER_S[watch.reads :]), None)
            if due is not None:
                waits.append(max(watch.closed + due - now, 0.0))
        return min(waits, default=None)

    def asked(self) -> None:
        """A read was made, whether it succeeded or not: the schedule moves on."""
        now = self._clock.monotonic()
        self._watches = {order.id: self._watch(order) for order in self.open()}
        for watch in self._watches.values():
            while watch.reads < len(READS_AFTER_S) and watch.closed + READS_AFTER_S[watch.reads] <= now:
                watch.reads += 1

    def watch(self, order: OrderRecord) -> None:
        """Begin to ask about an order whose attempt was closed a moment ago."""
        if order.state in UNCERTAIN:
            self._watch(order)

    def _watch(self, order: OrderRecord) -> _Watch:
        return self._watches.setdefault(order.id, _Watch(self._clock.monotonic()))

    async def observe(self, read: BookRead) -> None:
        """Draw the conclusions of a read that counts. Orders it shows by reference were linked before."""
        for order in self.open():
            watch = self._watch(order)
            if read.started >= watch.closed:
                await self._conclude(order, watch, read)

    async def give_up_waiting(self) -> None:
        """Ten minutes without an answer: a person must see it. Also called when reads fail."""
        for order in self.open():
            age_s = (
                self._clock.monotonic() - self._watch(order).closed
            )  # a wall clock that is set must not park anything
            if order.state is OrderState.UNKNOWN and age_s >= PARK_AFTER_S:
                await self._park(order, (), "ten minutes went by without proof")

    async def _conclude(self, order: OrderRecord, watch: _Watch, read: BookRead) -> None:
        failpoints.reach("book.matched")
        candidates = await self._candidates(order, read.external)
        rivals = [other for other in self.open() if other.id != order.id and _shape(other) == _shape(order)]
        alone = len(candidates) == 1 and not rivals
        if not self._capabilities.ref_echo and alone and _in_time(candidates[0], order):
            await self._updates.link(
                order, candidates[0], Provenance.BOOK, "the only new row of this shape in the book"
            )
            return
        if candidates and order.state is OrderState.UNKNOWN:
            await self._park(order, candidates, "the book shows rows that may be this order")
            return
        if candidates or not self._absence_counts(order, watch, read):
            return
        watch.absent += 1
        if watch.absent >= READS_TO_PROVE:
            await self._prove_absent(order, watch, read)

    def _absence_counts(self, order: OrderRecord, watch: _Watch, read: BookRead) -> bool:
        """Long enough after closing; without an echoed reference only the final book of the day says "not there"."""
        quiet = max(QUIET_S, self._capabilities.visibility_lag_max_s)
        late_enough = read.started >= watch.closed + quiet
        return late_enough and (self._capabilities.ref_echo or self._day_is_over(order))

    async def _candidates(self, order: OrderRecord, external: Sequence[BrokerOrder]) -> list[BrokerOrder]:
        """Rows that carry no reference, were not there before sending, and look exactly like the order.

        Where none of the broker's rows carries one, a row of another time counts, too: its clock may not be ours, and what
        may be the order must not prove that there is none.
        """
        any_time = not self._capabilities.ref_echo
        found = [row for row in external if not row.ref and _looks_like(row, order)]
        found = [row for row in found if any_time or _in_time(row, order)]
        if not found:
            return []
        cursor = await self._cursor(order)
        return [row for row in found if row.broker_order_id not in cursor]

    async def _cursor(self, order: OrderRecord) -> frozenset[str]:
        sql = "SELECT cursor FROM attempts WHERE order_id = :id AND operation = 'place' ORDER BY number DESC LIMIT 1"
        row = await self._writer.run(lambda tx: tx.row(sql, {"id": order.id}))
        return frozenset(json.loads(row["cursor"])) if row else frozenset()

    async def _park(self, order: OrderRecord, candidates: Sequence[BrokerOrder], why: str) -> None:
        await self._move(order, Local.UNRESOLVED, why, {"candidates": [candidate_json(row) for row in candidates]})
        failpoints.reach("park.committed")

    async def _prove_absent(self, order: OrderRecord, watch: _Watch, read: BookRead) -> None:
        failpoints.reach("absence.before_commit")
        proof = {"reads": watch.absent, "last_read_after_s": round(read.started - watch.closed, 3)}
        await self._move(
            order, Local.ABSENCE_PROVED, f"{watch.absent} complete reads of the book do not show it", proof
        )
        failpoints.reach("absence.committed")

    async def _move(self, order: OrderRecord, evidence: Local, why: str, extra: dict[str, Any]) -> None:
        resend = evidence is Local.ABSENCE_PROVED and self._may_resend(order)
        work = _Conclusion(order, evidence, why, extra, micros(self._clock.now()), resend)
        for record in await self._writer.run(work, urgent=True):
            self._ledger.put(record)


def _shape(order: OrderRecord) -> tuple[object, ...]:
    return order.exchange, order.symbol, order.side, order.product, order.order_type, order.quantity, order.price


def _looks_like(row: BrokerOrder, order: OrderRecord) -> bool:
    same = (row.exchange, row.symbol, row.side, row.product, row.order_type, row.quantity)
    if same != (order.exchange, order.symbol, order.side, order.product, order.order_type, order.quantity):
        return False
    return (row.price or None, row.trigger_price or None) == (order.price, order.trigger_price)


def _in_time(row: BrokerOrder, order: OrderRecord) -> bool:
    sent = from_micros(order.sent_at or order.queued_at)
    closed = from_micros(order.closed_at or order.updated_at)
    return row.placed_at is None or sent - SENT_BEFORE <= row.placed_at <= closed + SEEN_AFTER


def candidate_json(row: BrokerOrder) -> dict[str, Any]:
    """A row of the broker's book as an event keeps it, for the person who decides."""
    return {
        "broker_order_id": row.broker_order_id,
        "side": row.side,
        "quantity": row.quantity,
        "filled": row.filled,
        "state": row.state,
        "price": row.price,
        "average_price": row.average_price,
        "placed_at": row.placed_at.isoformat() if row.placed_at else None,
    }


class _Conclusion:
    """UNKNOWN or PARKED → where our own evidence leads; for a proved-absent exit perhaps a new order in its place."""

    def __init__(
        self, order: OrderRecord, evidence: Local, why: str, extra: dict[str, Any], at: int, resend: bool
    ) -> None:
        self._order = order
        self._evidence = evidence
        self._why = why
        self._extra = extra
        self._at = at
        self._resend = resend

    def __call__(self, tx: Transaction) -> list[OrderRecord]:
        order = self._order
        to = after(order.state, self._evidence)
        notice = _NOTICES[to](order, self._why)
        moved = journal.move_order(
            tx, order, to, Provenance.POLICY, self._at, why=self._why, notice=notice, extra=self._extra
        )
        if moved is None:
            return []
        if to is not OrderState.NOT_PLACED:
            return [moved]
        replacement = _replacement(moved, self._at) if self._resend else None
        if replacement:
            journal.plan_orders(
                tx, [replacement], f"replaces {order.ref}, which is proved not to have reached the broker"
            )
        finish_intent(tx, moved, self._at)
        return [moved, *([replacement] if replacement else [])]


_NOTICES: dict[OrderState, Callable[[OrderRecord, str], Notice]] = {
    OrderState.NOT_PLACED: lambda order, why: Notice(
        "order_not_placed", "warning", f"{describe(order)} never reached the broker: {why}. It will not be sent again."
    ),
    OrderState.PARKED: lambda order, why: Notice(
        "order_parked", "critical", f"{describe(order)} needs you: {why}. Open the alert and say which order is ours."
    ),
}


def _replacement(order: OrderRecord, at: int) -> OrderRecord:
    return replace(
        order,
        id=new_id("or"),
        ref=new_ref(),
        state=OrderState.QUEUED,
        fence=0,
        sends=0,
        filled=Decimal(0),
        average_price=None,
        broker_order_id=None,
        code=None,
        message=None,
        queued_at=at,
        sent_at=None,
        updated_at=at,
        closed_at=None,
    )


class Takeover:
    """What a dead or killed sender left in SENDING becomes UNKNOWN; only then may anybody ask about it."""

    def __init__(self, account_id: str, fence: int, at: int) -> None:
        self._account_id = account_id
        self._fence = fence
        self._at = at

    def __call__(self, tx: Transaction) -> list[OrderRecord]:
        where = {"id": self._account_id, "fence": self._fence, "at": self._at}
        rows = tx.rows("SELECT * FROM orders WHERE account_id = :id AND state = 'SENDING' AND fence < :fence", where)
        moved = [abandon(tx, OrderRecord.of(row), self._at) for row in rows]
        tx.execute(
            "UPDATE attempts SET closed_at = :at, outcome = 'UNKNOWN'"
            " WHERE account_id = :id AND closed_at IS NULL AND fence < :fence",
            where,
        )
        return [order for order in moved if order]


def abandon(tx: Transaction, order: OrderRecord, at: int) -> OrderRecord | None:
    """SENDING → UNKNOWN: whoever was sending it can no longer say what happened."""
    why = "the process that was sending it ended before it could say what happened"
    moved = journal.move_order(
        tx,
        order,
        after(order.state, Local.UNCLEAR),
        Provenance.LOCAL_PROOF,
        at,
        why=why,
        notice=Notice(
            "order_unknown",
            "warning",
            f"We are asking the broker whether it took {describe(order)}. Nothing will be sent twice.",
        ),
        closed_at=at,
    )
    found = tx.row("SELECT MAX(number) AS last FROM attempts WHERE order_id = :id", {"id": order.id})
    if moved and found and found["last"]:
        close_attempt(tx, order.id, found["last"], Result(Outcome.UNKNOWN, Local.UNCLEAR, message=why), at)
    return moved


OVERDUE_AFTER_S = 10
OVERDUE = Refusal("deadline_passed", "Nobody served the account before it was too old. Nothing was sent.")


class Overdue:
    """Queued work that its account's desk should have ended long ago, because nobody serves the account; and what nobody
    approved in time, which is no desk's."""

    def __init__(self, now: int) -> None:
        self._now = now

    def __call__(self, tx: Transaction) -> None:
        where = {"before": self._now - OVERDUE_AFTER_S * 1_000_000}
        for row in tx.rows("SELECT * FROM orders WHERE state = 'QUEUED' AND deadline < :before LIMIT 200", where):
            Withdraw(OrderRecord.of(row), OVERDUE, self._now)(tx)
        sql = "SELECT * FROM intents WHERE state IN ('RECEIVED', 'HELD') AND deadline < :before LIMIT 200"
        notice = Notice("intent_refused", "warning", OVERDUE.message)
        for row in tx.rows(sql, where):
            journal.end_intent(tx, row, IntentState.EXPIRED, self._now, OVERDUE.code, OVERDUE.message, notice)
        asking.end_expired(tx, self._now)


class Decision:
    """A person says which of the broker's orders is ours, or (None) that it never arrived."""

    def __init__(self, order: OrderRecord, broker_order_id: str | None, who: str, at: int) -> None:
        self._order = order
        self._broker_order_id = broker_order_id
        self._who = who
        self._at = at

    def __call__(self, tx: Transaction) -> OrderRecord | None:
        order, broker_order_id = self._order, self._broker_order_id
        taken = "SELECT id FROM orders WHERE account_id = :account AND broker_order_id = :id AND trading_date = :date"
        where = {"account": order.account_id, "id": broker_order_id, "date": order.trading_date}
        if broker_order_id and tx.row(taken, where):
            return None  # it is another order's already
        said = f"it is the broker's order {broker_order_id}" if broker_order_id else "it never reached the broker"
        moved = journal.move_order(
            tx,
            order,
            after(order.state, Local.LINKED if broker_order_id else Local.DISMISSED),
            Provenance.PERSON,
            self._at,
            why=f"{self._who} says {said}",
            extra={"who": self._who},
            broker_order_id=broker_order_id,
        )
        if moved and moved.state is OrderState.NOT_PLACED:
            finish_intent(tx, moved, self._at)
        return moved
