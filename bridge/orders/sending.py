"""One order to one broker: commit the attempt, write, commit the outcome. Nothing is ever sent twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, OrderRequest
from bridge.domain.instrument import Instrument
from bridge.domain.lifecycle import TERMINAL, UNCERTAIN, Local, OrderState, Provenance, after
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Conflict, StorageUnavailable, Transaction, Writer, dumps
from bridge.orders import journal, lease, outcome, tables
from bridge.orders.journal import Notice
from bridge.orders.lease import Lease
from bridge.orders.outcome import Outcome, Result
from bridge.orders.records import IntentRecord, OrderRecord, describe, settings_of
from bridge.orders.updates import finish_intent

T = TypeVar("T")

SEND_BY_S = 2.0  # a process that slept longer than this after its commit does not write any more
RETRY_STORE_S = 1.0


class LeaseLost(Exception):
    """Another process sends for this account now."""


class _NoAllowance(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Opened:
    """The committed attempt that must exist before the first byte."""

    order: OrderRecord
    attempt: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: an account, its broker, the lease that allows it, and what sending needs besides."""

    account: Account
    broker: Broker
    lease: Lease
    writer: Writer
    clock: Clock
    worker: str
    known_broker_ids: Callable[[OrderRecord], list[str]]

    @property
    def now(self) -> int:
        """Microseconds."""
        return micros(self.clock.now())


async def send(
    sender: Sender, order: OrderRecord, instrument: Instrument, stopped: Callable[[], Refusal | None]
) -> OrderRecord | Refusal:
    """Send a queued order that may go out now; how it stands afterwards, or why it was withdrawn in the last moment.

    `stopped` is asked again after the commit, just before the first byte. Raises `LeaseLost` and `StorageUnavailable`;
    in both cases nothing was sent.
    """
    failpoints.reach("sending.before_commit")
    try:
        opened = await sender.writer.run(_Open(sender, order))
    except _NoAllowance as no:
        return no.refusal
    if isinstance(opened, Refusal):
        return opened
    committed = sender.clock.monotonic()
    failpoints.reach("sending.committed")
    late = sender.clock.monotonic() - committed > SEND_BY_S or not sender.lease.valid(sender.clock)
    refusal = stopped()
    if late or refusal:
        final = refusal or opened.order.sends >= outcome.SENDS_MAX
        evidence = Local.NO_BYTES_AGAIN if final else Local.NO_BYTES
        why = refusal.message if refusal else "the process stood still between its commit and the first byte"
        result = Result(Outcome.NOT_SENT, evidence, code=refusal.code if refusal else "stalled", message=why)
    else:
        failpoints.reach("sending.before_write")
        result = await outcome.place(sender.broker, request_of(opened.order, instrument), opened.order.sends)
    failpoints.reach("sending.answered")
    return await settle(sender, opened, result)


def request_of(order: OrderRecord, instrument: Instrument) -> OrderRequest:
    """The order in the words of the broker port."""
    return OrderRequest(
        ref=order.ref,
        instrument=instrument,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        product=order.product,
        price=order.price,
        trigger_price=order.trigger_price,
        time_in_force=order.time_in_force,
        market_protection_percent=order.protection,
    )


class _Open:
    """QUEUED → SENDING with an open attempt, if the lease, the switches and the day's allowance still say yes."""

    def __init__(self, sender: Sender, order: OrderRecord) -> None:
        self._sender = sender
        self._order = order
        self._cursor = dumps(sender.known_broker_ids(order))

    def __call__(self, tx: Transaction) -> Opened | Refusal:
        sender, order = self._sender, self._order
        if not lease.holds(tx, sender.lease):
            raise LeaseLost(sender.account.id)
        if refusal := stopped(tx, order):
            return refusal
        now = sender.now
        moved = journal.move_order(
            tx,
            order,
            after(order.state, Local.ATTEMPT_OPENED),
            Provenance.POLICY,
            now,
            fence=sender.lease.fence,
            sends=order.sends + 1,
            sent_at=now,
        )
        if moved is None:
            return Refusal("changed_meanwhile", "The order was changed or withdrawn before it could be sent.")
        if refusal := _allowance(tx, sender.account, order):
            raise _NoAllowance(refusal)  # takes the move back
        return Opened(moved, open_attempt(tx, sender, moved, "place", self._cursor))


def open_attempt(tx: Transaction, sender: Sender, order: OrderRecord, operation: str, cursor: str = "[]") -> int:
    """Commit to the journal that bytes may leave; the attempt's number."""
    found = tx.row("SELECT COALESCE(MAX(number), 0) AS last FROM attempts WHERE order_id = :id", {"id": order.id})
    number = int(found["last"]) + 1 if found else 1
    row = {
        "order_id": order.id,
        "account_id": order.account_id,
        "user_id": order.user_id,
        "number": number,
        "operation": operation,
        "fence": sender.lease.fence,
        "worker": sender.worker,
        "cursor": cursor,
        "opened_at": sender.now,
    }
    tx.insert(tables.attempts, row)
    return number


def close_attempt(tx: Transaction, order_id: str, number: int, result: Result, at: int) -> None:
    """The socket is closed or the process is proved dead: what came of the attempt."""
    row = {"id": order_id, "number": number, "at": at, "outcome": str(result.outcome), "reply": result.reply[:4096]}
    tx.execute(
        "UPDATE attempts SET closed_at = :at, outcome = :outcome, reply = :reply"
        " WHERE order_id = :id AND number = :number AND closed_at IS NULL",  # what was said first stays said
        row,
    )


def stopped(tx: Transaction, order: OrderRecord | IntentRecord) -> Refusal | None:
    """A kill switch thrown in any process, read in the transaction that would send."""
    row = tx.row(
        "SELECT scope, reason FROM switches WHERE stopped = 1 AND (scope = 'global'"
        " OR (scope = 'user' AND scope_id = :user_id) OR (scope = 'account' AND scope_id = :account_id)"
        " OR (scope = 'strategy' AND scope_id = :strategy_id)) LIMIT 1",
        {"user_id": order.user_id, "account_id": order.account_id, "strategy_id": order.strategy_id},
    )
    return Refusal("stopped", f"Trading is stopped ({row['scope']}): {row['reason']}.") if row else None


def _allowance(tx: Transaction, account: Account, order: OrderRecord) -> Refusal | None:
    """One more of the day's orders of the strategy and of the account; exits count but are never refused."""
    caps = (
        ("strategy", order.strategy_id, None if order.reduces else _strategy_cap(tx, order)),
        ("account", account.id, None if order.reduces else account.settings.orders_per_day),
    )
    for whose, scope_id, cap in caps:
        if not _use_one(tx, scope_id, order.trading_date, cap):
            return Refusal(f"{whose}_orders_per_day", f"The {whose} has had its {cap} orders of the day.")
    return None


def _strategy_cap(tx: Transaction, order: OrderRecord) -> int | None:
    """The strategy's, as it stood when the order was asked for."""
    row = tx.row("SELECT settings FROM intents WHERE id = :id", {"id": order.intent_id})
    return settings_of(row["settings"]).orders_per_day if row else None


def _use_one(tx: Transaction, scope_id: str, date: str, cap: int | None) -> bool:
    row = {"scope": scope_id, "date": date, "cap": cap or 2**31 - 1}
    more = "UPDATE usage SET sent = sent + 1 WHERE scope_id = :scope AND trading_date = :date AND sent < :cap"
    first = "INSERT INTO usage (scope_id, trading_date, sent) VALUES (:scope, :date, 1) ON CONFLICT DO NOTHING"
    # The third try is for the other process that made the row meanwhile.
    return bool(tx.execute(more, row) or tx.execute(first, row) or tx.execute(more, row))


def _give_back(tx: Transaction, order: OrderRecord) -> None:
    sql = "UPDATE usage SET sent = sent - 1 WHERE scope_id IN (:strategy, :account) AND trading_date = :date"
    tx.execute(sql, {"strategy": order.strategy_id, "account": order.account_id, "date": order.trading_date})


async def until_stored(writer: Writer, clock: Clock, work: Callable[[Transaction], T]) -> T:
    """Commit what a broker was asked or has answered. It cannot be had a second time, so it is tried until it is stored."""
    while True:
        try:
            return await writer.run(work, urgent=True)
        except StorageUnavailable:
            await clock.sleep(RETRY_STORE_S)


async def settle(sender: Sender, opened: Opened, result: Result) -> OrderRecord:
    """Commit what came of the attempt."""
    failpoints.reach("outcome.before_commit")
    try:
        moved = await until_stored(sender.writer, sender.clock, _Close(sender, opened, result))
    except Conflict as problem:
        # The broker gave an id that another order has: its answer proves nothing.
        why = f"the broker's answer contradicts the journal: {problem}"
        result = Result(Outcome.UNKNOWN, Local.UNCLEAR, message=why)
        moved = await until_stored(sender.writer, sender.clock, _Close(sender, opened, result))
    failpoints.reach("unknown.committed" if result.outcome is Outcome.UNKNOWN else "outcome.committed")
    if result.evidence is Local.NO_BYTES:
        failpoints.reach("requeue.committed")
    return moved


class _Close:
    """SENDING → where the outcome leads, unless somebody who outlived us has already said so."""

    def __init__(self, sender: Sender, opened: Opened, result: Result) -> None:
        self._sender = sender
        self._opened = opened
        self._result = result

    def __call__(self, tx: Transaction) -> OrderRecord:
        order, result, now = self._opened.order, self._result, self._sender.now
        close_attempt(tx, order.id, self._opened.attempt, result, now)
        to = after(OrderState.SENDING, result.evidence)
        changes = {"broker_order_id": result.broker_order_id} if result.broker_order_id else {}
        moved = journal.move_order(
            tx,
            order,
            to,
            _PROVENANCE[result.outcome],
            now,
            why=result.message,
            notice=_notice(order, to, result),
            extra={"outcome": result.outcome, "code": result.code},
            code=result.code or None,
            message=result.message or None,
            closed_at=now if result.outcome is Outcome.UNKNOWN else None,
            **changes,
        )
        if moved is None:
            return self._come_late(tx, now)
        if result.outcome is Outcome.NOT_SENT:
            _give_back(tx, order)
        if moved.state in TERMINAL:
            finish_intent(tx, moved, now)
        return moved

    def _come_late(self, tx: Transaction, now: int) -> OrderRecord:
        """The order is somebody else's to settle by now. Which of the broker's orders it is, only this answer may know."""
        result = self._result
        current = journal.load_order(tx, self._opened.order.id)
        if current is None:
            raise LookupError(f"order {self._opened.order.id} is gone")
        if current.state not in UNCERTAIN or not result.broker_order_id:
            return current
        linked = journal.move_order(
            tx,
            current,
            after(current.state, Local.LINKED),
            Provenance.BROKER_REPLY,
            now,
            why="the broker's answer came after the order had been given up as unknown",
            extra={"outcome": result.outcome},
            broker_order_id=result.broker_order_id,
        )
        return linked or current


_PROVENANCE = {
    Outcome.NOT_SENT: Provenance.LOCAL_PROOF,
    Outcome.ACCEPTED: Provenance.BROKER_REPLY,
    Outcome.REFUSED: Provenance.BROKER_REPLY,
    Outcome.UNKNOWN: Provenance.LOCAL_PROOF,
}


def _notice(order: OrderRecord, to: OrderState, result: Result) -> Notice | None:
    what = describe(order)
    if to is OrderState.UNKNOWN:
        return Notice(
            "order_unknown",
            "warning",
            f"We are asking the broker whether it took {what}. Nothing will be sent twice.",
        )
    if to is OrderState.REJECTED:
        return Notice("order_rejected", "warning", f"Rejected: {what}: “{result.message}”.")
    if to is OrderState.NOT_SENT:
        return Notice("order_not_sent", "warning", f"Not sent: {what}: {result.message}")
    return None


class Withdraw:
    """QUEUED → NOT_SENT: a deadline, a switch, a cap or a person, before any byte."""

    def __init__(
        self, order: OrderRecord, refusal: Refusal, at: int, provenance: Provenance = Provenance.POLICY
    ) -> None:
        self._order = order
        self._refusal = refusal
        self._at = at
        self._provenance = provenance

    def __call__(self, tx: Transaction) -> OrderRecord | None:
        refusal = self._refusal
        moved = journal.move_order(
            tx,
            self._order,
            after(self._order.state, Local.WITHDRAWN),
            self._provenance,
            self._at,
            why=refusal.message,
            notice=Notice("order_not_sent", "warning", f"Not sent: {describe(self._order)}: {refusal.message}"),
            code=refusal.code,
            message=refusal.message,
        )
        if moved is not None:
            finish_intent(tx, moved, self._at)
        return moved
