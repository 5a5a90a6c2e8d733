"""Cancel and modify: asked, and believed only when the broker's book shows it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bridge.domain.intent import OrderIntent
from bridge.domain.lifecycle import AT_BROKER, TERMINAL, Local, OrderState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import micros
from bridge.kit.database import Transaction
from bridge.orders import journal, lease, sending
from bridge.orders.building import protection
from bridge.orders.outcome import Outcome, Result, of_error
from bridge.orders.records import OrderRecord, describe

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

CANCEL = "cancel"
MODIFY = "modify"
VISIBLE_WITHIN_S = 10.0  # a cancel that the book does not show by then was not carried out


_THERE = frozenset({*AT_BROKER, OrderState.FILLED})
_TAKEN_BACK = frozenset({OrderState.QUEUED, *AT_BROKER})
_CHANGEABLE = ("quantity", "order_type", "price", "trigger_price", "protection")
RESTATED = "restated"  # in the extras of a change: it states every term anew, the order type too; no dialect writes it


def as_changed(order: OrderRecord, wish: OrderIntent) -> OrderRecord:
    """The order as a change would leave it: what the wish does not name stays."""
    changed = replace(
        order,
        quantity=wish.quantity or order.quantity,
        price=wish.price or order.price,
        trigger_price=wish.trigger_price or order.trigger_price,
    )
    if not wish.extras.get(RESTATED):
        return changed
    return replace(changed, order_type=wish.order_type, price=wish.price, trigger_price=wish.trigger_price)


class Operations:
    """What may be asked about an order that is at its broker."""

    def __init__(self, desk: AccountDesk, shared: Services) -> None:
        self._desk = desk
        self._shared = shared
        self._closed: dict[str, float] = {}  # when the last request about an order was answered or given up
        self._began = shared.clock.monotonic()

    async def cancel(self, order: OrderRecord, why: str, provenance: Provenance = Provenance.POLICY) -> str | Refusal:
        """Withdraw a queued order, ask the broker to cancel a working one: a sentence that says where it stands.

        Codes: order_ended (there is nothing to cancel), cancel_refused (by the broker), cancel_not_sent.
        """
        order = self._desk.ledger.orders.get(order.id, order)
        if order.state is OrderState.QUEUED:
            await self._desk.withdraw(order, Refusal("cancelled", f"Cancelled before it was sent: {why}."), provenance)
            return "Cancelled before it was sent."
        if order.state not in AT_BROKER or not order.broker_order_id:
            text = f"It cannot be cancelled: the order is {order.state.value.lower().replace('_', ' ')}."
            return Refusal("order_ended" if order.state in TERMINAL else "cancel_not_sent", text)
        if order.pending_op:
            return f"{order.pending_op.capitalize()} was asked already."
        opened = await self._open(order, CANCEL, why, provenance)
        if isinstance(opened, Refusal):
            return "The order changed in the same moment; look again."
        failpoints.reach("cancel.committed")
        result = await _answer(self._desk.broker.cancel(order.broker_order_id))
        failpoints.reach("cancel.answered")
        await self._close(opened, result)
        self._desk.book.read_soon()
        if result.outcome is Outcome.REFUSED:
            return Refusal("cancel_refused", f"The broker refused: “{result.message}”.")
        what = f"{describe(order)} is still open and can still fill"
        if result.outcome is Outcome.NOT_SENT:
            text = f"The cancel did not reach the broker (“{result.message}”). {what}."
            return Refusal("cancel_not_sent", text)
        return f"Cancel asked. {what} until the broker confirms."

    async def modify(self, order: OrderRecord, wish: OrderIntent) -> str | Refusal:
        """Change size or prices of a working order: a sentence when the broker took it, else why it did not.

        `modify_unknown`: nobody knows whether it did; the order cannot be asked about again before the book has shown it.
        """
        instrument = self._shared.market.instrument(order.exchange, order.symbol)
        if order.state not in AT_BROKER or not order.broker_order_id or order.pending_op or instrument is None:
            return Refusal("modify_refused", f"{describe(order)} cannot be changed now.")
        changed = self._protected(as_changed(order, wish))
        opened = await self._open(order, MODIFY, "asked for by the alert", Provenance.POLICY)
        if isinstance(opened, Refusal):
            return opened
        request = sending.request_of(changed, instrument)
        result = await _answer(self._desk.broker.modify(order.broker_order_id, request))
        if result.outcome is Outcome.ACCEPTED:
            changes = {name: getattr(changed, name) for name in _CHANGEABLE}
            await self._close(opened, result, changes)
            return f"Changed: {describe(changed)}."
        await self._close(opened, result)
        if result.outcome is Outcome.UNKNOWN:
            what = f"Nobody knows yet whether the broker changed {describe(order)}"
            return Refusal("modify_unknown", f"{what} ({result.message}). Its order book will show it.")
        return Refusal("modify_refused", result.message)

    def _protected(self, order: OrderRecord) -> OrderRecord:
        """The order with the protection that its type, which a change may have made another, needs at this broker."""
        needed = protection(order.order_type, self._desk.capabilities)
        return order if order.protection == needed else replace(order, protection=needed)

    async def release(self, read_started: float) -> None:
        """What a later look at the book does not show was not done: the order may be asked about again."""
        unsettled = self._desk.ledger.unsettled()
        self._closed = {order.id: self._closed[order.id] for order in unsettled if order.id in self._closed}
        for order in unsettled:
            closed = self._closed.get(order.id, self._began)
            if order.pending_op and order.state in AT_BROKER and read_started >= closed + VISIBLE_WITHIN_S:
                await self._release(order)

    async def _release(self, order: OrderRecord) -> None:
        at = micros(self._shared.clock.now())
        why = f"the broker's book does not show the {order.pending_op} that was asked"
        moved = await self._shared.writer.run(
            lambda tx: journal.move_order(tx, order, order.state, Provenance.BOOK, at, why=why, pending_op=None),
            urgent=True,
        )
        if moved:
            self._desk.ledger.put(moved)

    async def end_doubles(self) -> None:
        """An exit that was proved absent and sent again has turned up after all: the order that took its place is taken back."""
        exits = [o for o in self._desk.ledger.unsettled() if o.reduces and not o.pending_op and o.state in _TAKEN_BACK]
        legs = {(order.intent_id, order.leg) for order in exits}
        placed: dict[tuple[str, int], int] = {}  # when the first that its broker really has was asked for
        for order in self._desk.ledger.orders.values() if legs else ():
            if (leg := (order.intent_id, order.leg)) in legs and order.state in _THERE:
                placed[leg] = min(placed.get(leg, order.queued_at), order.queued_at)
        for order in exits:
            if order.queued_at > placed.get((order.intent_id, order.leg), order.queued_at):
                await self.cancel(order, "the order that it replaced has reached the broker after all")

    async def _open(
        self, order: OrderRecord, operation: str, why: str, provenance: Provenance
    ) -> sending.Opened | Refusal:
        sender = self._desk.sender()

        def work(tx: Transaction) -> sending.Opened | Refusal:
            if not lease.holds(tx, sender.lease):
                raise sending.LeaseLost(sender.account.id)
            if operation == MODIFY and (refusal := sending.stopped(tx, order)):
                return refusal
            moved = journal.move_order(
                tx, order, order.state, provenance, sender.now, why=f"{operation} asked: {why}", pending_op=operation
            )
            if moved is None:
                return Refusal("modify_refused", f"{describe(order)} changed in the same moment.")
            return sending.Opened(moved, sending.open_attempt(tx, sender, moved, operation))

        opened = await self._shared.writer.run(work)
        if isinstance(opened, sending.Opened):
            self._desk.ledger.put(opened.order)
        return opened

    async def _close(self, opened: sending.Opened, result: Result, changes: dict[str, Any] | None = None) -> None:
        """A refused request is over; an accepted cancel waits for the book; an unknown one too, before anything else is asked."""
        at = micros(self._shared.clock.now())
        settled = result.outcome in (Outcome.REFUSED, Outcome.NOT_SENT) or changes is not None

        def work(tx: Transaction) -> OrderRecord | None:
            sending.close_attempt(tx, opened.order.id, opened.attempt, result, at)
            current = journal.load_order(tx, opened.order.id)
            if current is None or current.state not in AT_BROKER or not settled:
                return current
            return journal.move_order(
                tx,
                current,
                current.state,
                Provenance.BROKER_REPLY,
                at,
                why=result.message or f"{opened.order.pending_op} answered",
                pending_op=None,
                **(changes or {}),
            )

        moved = await sending.until_stored(self._shared.writer, self._shared.clock, work)
        self._closed[opened.order.id] = self._shared.clock.monotonic()
        if moved:
            self._desk.ledger.put(moved)


async def _answer(request: Awaitable[None]) -> Result:
    """What the broker makes of a request about one of its orders."""
    try:
        await request
    except Exception as problem:  # noqa: BLE001 - whatever broke, the request may have left: unknown, never an escape
        return of_error(problem, sends=1)
    return Result(Outcome.ACCEPTED, Local.ACCEPTED)
