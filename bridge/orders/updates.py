"""What brokers report later: book rows, postbacks and socket messages, all on one path into the journal.

A report never moves an order backwards (`domain/lifecycle.py`), and quantities are cumulative, so reports may come
late, twice or in any order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from bridge.brokers.base import BrokerOrder, BrokerState
from bridge.domain.lifecycle import (
    TERMINAL,
    Change,
    IllegalMove,
    IntentState,
    OrderState,
    Provenance,
    Standing,
    after_broker,
    intent_result,
)
from bridge.kit import failpoints
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Transaction, Writer
from bridge.orders import journal
from bridge.orders.baskets import ask_to_unwind
from bridge.orders.holdings import ZERO, Held, Ledger, correct_price, load, record_fill
from bridge.orders.journal import Notice
from bridge.orders.records import OrderRecord, describe

YIELD_EVERY = 200
TOGETHER = 50  # reports with news that share a commit
SEEN = {
    BrokerState.OPEN: OrderState.WORKING,
    BrokerState.TRIGGER_PENDING: OrderState.WORKING,
    BrokerState.PARTIALLY_FILLED: OrderState.PARTIALLY_FILLED,
    BrokerState.FILLED: OrderState.FILLED,
    BrokerState.CANCELLED: OrderState.CANCELLED,
    BrokerState.REJECTED: OrderState.REJECTED,
    BrokerState.EXPIRED: OrderState.EXPIRED_AT_BROKER,
}


class Updates:
    """Applies one account's broker reports to its journal and ledger."""

    def __init__(self, writer: Writer, ledger: Ledger, clock: Clock) -> None:
        self._writer = writer
        self._ledger = ledger
        self._clock = clock
        self._settled: dict[str, tuple[OrderRecord, BrokerOrder]] = {}  # by order: a row of the last book with no news

    async def apply(self, reports: Sequence[BrokerOrder], provenance: Provenance) -> list[BrokerOrder]:
        """Take in what the broker shows; what is not ours comes back.

        Adapters give the identical row for what has not changed, so that most of a book is passed over at a glance.
        """
        external = []
        news: list[tuple[OrderRecord, BrokerOrder]] = []
        settled: dict[str, tuple[OrderRecord, BrokerOrder]] = {}
        for place, report in enumerate(reports, start=1):
            if place % YIELD_EVERY == 0:
                await asyncio.sleep(0)  # a long book must not make an alert wait
            order = self._ledger.find(report.broker_order_id, report.ref)
            if order is None:
                external.append(report)
                continue
            known = self._settled.get(order.id)
            if known and known[0] is order and known[1] is report:
                settled[order.id] = known
            elif _says_more(order, report):
                news.append((order, report))
            else:
                settled[order.id] = order, report
            if len(news) == TOGETHER:
                await self._link_all(news, provenance)
                news = []
        await self._link_all(news, provenance)
        if provenance is Provenance.BOOK:
            self._settled = settled
        return external

    async def _link_all(self, news: Sequence[tuple[OrderRecord, BrokerOrder]], provenance: Provenance) -> None:
        """Side by side, so that they share a commit. They are stored, and come into memory, in the book's order."""
        links = (self.link(order, report, provenance) for order, report in news)
        for problem in await asyncio.gather(*links, return_exceptions=True):
            if isinstance(problem, BaseException):
                raise problem

    async def link(self, order: OrderRecord, report: BrokerOrder, provenance: Provenance, why: str = "") -> None:
        """This report is about this order: bring the order to where its broker has it."""
        failpoints.reach("fill.before_commit")
        work = _Report(order.id, report, provenance, micros(self._clock.now()), why)
        # Urgent: an order that is at the broker is recorded even when the disk has no room for new ones.
        moved = await self._writer.run(work, urgent=True)
        if moved is None:
            return
        record, held = moved
        self._ledger.put(record)
        if held is not None:
            self._ledger.held[record.lane] = held
        failpoints.reach("fill.committed")


def _change(order: OrderRecord, report: BrokerOrder) -> Change | None:
    """What the report makes of the order; None while its own reply is still out."""
    standing = Standing(order.state, _quantity(order, report), order.filled, order.broker_order_id is not None)
    try:
        return after_broker(standing, SEEN[report.state], report.filled)
    except IllegalMove:
        return None


def _quantity(order: OrderRecord, report: BrokerOrder) -> Decimal:
    """The broker's own, if it names one: a change of the order that nobody confirmed may have been made."""
    return max(report.quantity or order.quantity, order.filled)


def _average(report: BrokerOrder, change: Change) -> Decimal | None:
    """The average price of everything that was filled; None where the report names none, or tells of an earlier time."""
    whole = report.state is BrokerState.FILLED or report.filled >= change.filled
    return report.average_price or None if whole and change.filled else None


def _says_more(order: OrderRecord, report: BrokerOrder) -> bool:
    change = _change(order, report)
    if change is None:
        return False
    known = (order.state, order.filled, order.quantity)
    if (change.state, change.filled, _quantity(order, report)) != known or order.broker_order_id is None:
        return True
    return _average(report, change) not in (None, order.average_price)


class _Report:
    """One report as a transaction: the order as it stands now decides, not what memory held."""

    def __init__(self, order_id: str, report: BrokerOrder, provenance: Provenance, at: int, why: str) -> None:
        self._order_id = order_id
        self._report = report
        self._provenance = provenance
        self._at = at
        self._why = why

    def __call__(self, tx: Transaction) -> tuple[OrderRecord, Held | None] | None:
        order = journal.load_order(tx, self._order_id)
        change = _change(order, self._report) if order else None
        if order is None:
            return None
        if change is None or not _says_more(order, self._report):
            return order, None
        report = self._report
        average = _average(report, change) or self._assumed(tx, order, change)
        held = self._book(tx, order, change.filled, average) if average is not None else None
        moved = journal.move_order(
            tx,
            order,
            change.state,
            self._provenance,
            self._at,
            why=self._why or report.message,
            notice=_notice(order, change, report),
            extra={"broker": report.state, "late": change.late} if change.late else {"broker": report.state},
            broker_order_id=report.broker_order_id,
            quantity=_quantity(order, report),
            filled=change.filled,
            average_price=average,
            pending_op=None if change.state in TERMINAL else order.pending_op,
            message=report.message or order.message,
        )
        if moved is None:
            return order, None
        if moved.state in TERMINAL:
            finish_intent(tx, moved, self._at)
        return moved, held

    def _assumed(self, tx: Transaction, order: OrderRecord, change: Change) -> Decimal | None:
        """The price to book at until a report names it: the quantity that is held must be right at once."""
        if change.filled == order.filled:
            return order.average_price
        return order.average_price or order.price or order.trigger_price or load(tx, order).average_price

    def _book(self, tx: Transaction, order: OrderRecord, filled: Decimal, average: Decimal) -> Held | None:
        """The executions between the cumulative quantity we had and the one we see, as one fill at their own average."""
        quantity, before = filled - order.filled, order.average_price or ZERO
        if quantity:
            spent = average * filled - before * order.filled
            key = f"cum:{filled.normalize():f}"
            return record_fill(tx, order, quantity, spent / quantity, self._at, key, str(self._provenance))
        if filled and average != before:
            return correct_price(tx, order, average, self._at, str(self._provenance))
        return None


def _notice(order: OrderRecord, change: Change, report: BrokerOrder) -> Notice | None:
    what = describe(order)
    if change.late:
        return Notice(
            "late_evidence",
            "critical",
            f"{what} had been written off as {order.state}, and the broker has it after all: {report.state}.",
        )
    if change.state is order.state:
        return None
    said = f": “{report.message}”" if report.message else ""
    price = f" at {report.average_price}" if report.average_price else ""
    return {
        OrderState.FILLED: Notice("order_filled", "info", f"Filled: {what}{price}."),
        OrderState.REJECTED: Notice("order_rejected", "warning", f"Rejected by the broker: {what}{said}."),
        OrderState.CANCELLED: Notice("order_cancelled", "info", f"Cancelled: {what}."),
        OrderState.EXPIRED_AT_BROKER: Notice("order_expired", "info", f"Expired at the broker: {what}."),
    }.get(change.state)


def finish_intent(tx: Transaction, order: OrderRecord, at: int) -> None:
    """An order has ended: when it was the last of its intent, so has the intent; a basket may have become a question."""
    ask_to_unwind(tx, order, at)
    rows = tx.rows("SELECT state, filled, quantity FROM orders WHERE intent_id = :id", {"id": order.intent_id})
    result = intent_result(
        [OrderState(row["state"]) for row in rows],
        [Decimal(row["filled"]) for row in rows],
        [Decimal(row["quantity"]) for row in rows],
    )
    if result is None:
        return
    sql = "UPDATE intents SET state = :done, result = :result, updated_at = :at WHERE id = :id"
    tx.execute(sql, {"done": str(IntentState.DONE), "result": result, "at": at, "id": order.intent_id})
    journal.event(
        tx,
        "intent.done",
        Provenance.POLICY,
        at,
        order.user_id,
        {"result": result},
        account_id=order.account_id,
        alert_id=order.alert_id,
        intent_id=order.intent_id,
    )
