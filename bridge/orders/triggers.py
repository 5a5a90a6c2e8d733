"""Standing instructions (GTT) of one account: asked for once, followed, and ended when trading is stopped.

The intent of such an instruction is its record here and its reference at the broker: PLANNED while the broker's answer is
out, DONE once the broker keeps it, REFUSED when it does not. What became of it afterwards the broker's trigger book tells;
the order that it placed is taken over from the order book and belongs to the intent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import structlog

from bridge.accounts.model import Stop
from bridge.brokers.base import BrokerError, BrokerOrder, Trigger, TriggerBroker, TriggerRequest, TriggerState
from bridge.domain.intent import TimeInForce, plain
from bridge.domain.lifecycle import IntentState, OrderState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit.clock import micros
from bridge.kit.database import Conflict, Transaction
from bridge.kit.ids import new_id, ref_of
from bridge.orders import journal, lease, sending
from bridge.orders.conditional import request_of, terms_of
from bridge.orders.journal import Notice
from bridge.orders.outcome import Outcome, of_error
from bridge.orders.records import IntentRecord, OrderRecord, describe

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

log = structlog.get_logger("bridge.triggers")

PROVED_AFTER_S = 10.0  # an instruction that the broker's book does not show by then did not reach it
RECALL_EVERY_S = 60.0
_BY_BROKER = (Outcome.ACCEPTED, Outcome.REFUSED)
_TITLES = {
    Outcome.ACCEPTED: "The broker does it",
    Outcome.REFUSED: "The broker refuses",
    Outcome.NOT_SENT: "It did not reach the broker",
    Outcome.UNKNOWN: "No clear answer: its trigger book is asked, nothing is sent twice",
}
_UNCLEAR = (
    "SELECT i.* FROM intents i JOIN alerts a ON a.id = i.alert_id WHERE i.account_id = :id AND i.state = 'PLANNED'"
    " AND a.kind = 'conditional'"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a broker made of a request about a trigger. `trigger_id` when it did what was asked."""

    outcome: Outcome
    trigger_id: str = ""
    code: str = ""
    message: str = ""


class Triggers:
    """What the account's desk does about them."""

    def __init__(self, desk: AccountDesk, shared: Services) -> None:
        self._desk = desk
        self._shared = shared
        self._clock = shared.clock
        self._out: set[str] = set()  # intents whose broker is being asked in this process
        self._unclear: dict[str, IntentRecord] = {}
        self._strangers: set[tuple[str, str | None]] = set()  # rows of the order book that no trigger of ours placed
        self._heeded: frozenset[Stop] = frozenset()
        self._recalled = -RECALL_EVERY_S

    @property
    def _broker(self) -> TriggerBroker | None:
        return cast(TriggerBroker, self._desk.broker) if self._desk.capabilities.gtt else None

    async def _recall(self) -> None:
        """Instructions of which nobody knows whether the broker took them, whoever left them so."""
        now = self._clock.monotonic()
        if now < self._recalled + RECALL_EVERY_S:
            return
        self._recalled = now
        rows = await self._shared.reader.rows(_UNCLEAR, {"id": self._desk.account.id})
        self._unclear = {row["id"]: IntentRecord.of(row) for row in rows} | self._unclear

    # -- asked for ------------------------------------------------------------------------------------------------

    async def place(self, intent_id: str, user_id: str, who: str) -> Answer:
        """Leave the instruction of an intent, or change the one that it names; one that was asked for before is only told of.

        An answer that is unclear is looked up, never asked again. Raises `LeaseLost` and `StorageUnavailable`: then
        nothing was asked.
        """
        sql = "SELECT * FROM intents WHERE id = :id AND user_id = :user AND account_id = :account"
        mine = {"id": intent_id, "user": user_id, "account": self._desk.account.id}
        row = await self._shared.reader.row(sql, mine)
        if row is None:
            raise LookupError(f"no intent {intent_id}")
        intent = IntentRecord.of(row)
        if intent.state is not IntentState.PLANNED or intent.id in self._out:
            return await self._told(intent)
        self._out.add(intent.id)
        self._unclear[intent.id] = intent
        try:
            return await self._place(intent, who)
        finally:
            self._out.discard(intent.id)
            self._heeded = frozenset()  # trading may have been stopped while the request was out

    async def _place(self, intent: IntentRecord, who: str) -> Answer:
        instrument = self._shared.market.instrument(intent.exchange, intent.symbol)
        terms = terms_of(intent.wish)
        if self._broker is None or instrument is None or terms is None:
            raise ValueError(f"intent {intent.id} cannot be left with this broker")
        request = request_of(intent, instrument, ref=intent.id)
        asked_before, refusal = await self._shared.writer.run(lambda tx: self._asked(tx, intent, who))
        if asked_before:
            return await self._told(intent)
        if refusal:
            self._unclear.pop(intent.id, None)
            return Answer(Outcome.REFUSED, code=refusal.code, message=refusal.message)
        answer = await _answer(self._request(request, terms.changes))
        if answer.outcome is Outcome.UNKNOWN:
            answer = await self._looked_up(request, terms.changes) or answer
        await self._settle(intent, answer)
        return answer

    async def _told(self, intent: IntentRecord) -> Answer:
        """What is known of an instruction that was asked for before."""
        if intent.state is IntentState.REFUSED:
            return Answer(Outcome.REFUSED, code=intent.code or "", message=intent.message or "")
        said = await self._shared.reader.rows(
            "SELECT payload FROM events WHERE alert_id = :alert AND intent_id = :id AND type = 'trigger.answered'"
            " ORDER BY seq DESC",
            {"alert": intent.alert_id, "id": intent.id},
        )
        ids = (json.loads(row["payload"])["trigger_id"] for row in said)
        if trigger_id := next((found for found in ids if found), None):
            return Answer(Outcome.ACCEPTED, trigger_id)
        return Answer(Outcome.UNKNOWN, message="its answer is still out")

    def _request(self, request: TriggerRequest, changes: str | None) -> Callable[[], Awaitable[str]]:
        broker = cast(TriggerBroker, self._desk.broker)

        async def ask() -> str:
            if changes is None:
                return await broker.place_trigger(request)
            await broker.modify_trigger(changes, request)
            return changes

        return ask

    def _asked(self, tx: Transaction, intent: IntentRecord, who: str) -> tuple[bool, Refusal | None]:
        """On disk before the first byte, once, unless the lease or a switch says no; whether it was asked before."""
        self._hold_lease(tx)
        sql = "SELECT seq FROM events WHERE alert_id = :alert AND intent_id = :id AND type = 'trigger.asked'"
        if tx.row(sql, {"alert": intent.alert_id, "id": intent.id}):
            return True, None
        refusal = sending.stopped(tx, intent)
        if refusal:
            now = micros(self._clock.now())
            journal.move_intent(tx, intent, IntentState.REFUSED, now, code=refusal.code, message=refusal.message)
        else:
            title = "Broker asked to wait for the price"
            asked = {"title": title, "why": f"By {who}", "who": who, "terms": plain(intent.wish.extras)}
            self._tell(tx, "trigger.asked", Provenance.PERSON, intent, asked)
        return False, refusal

    def _hold_lease(self, tx: Transaction) -> None:
        if not lease.holds(tx, self._desk.lease):
            raise sending.LeaseLost(self._desk.account.id)

    def _tell(
        self, tx: Transaction, kind: str, provenance: Provenance, intent: IntentRecord, payload: Mapping[str, Any]
    ) -> None:
        journal.event(
            tx,
            kind,
            provenance,
            micros(self._clock.now()),
            intent.user_id,
            payload,
            account_id=intent.account_id,
            alert_id=intent.alert_id,
            intent_id=intent.id,
        )

    async def _settle(self, intent: IntentRecord, answer: Answer) -> None:
        """Commit what the broker said. What is unclear goes on being looked up."""
        now = micros(self._clock.now())
        kept = answer.outcome is Outcome.ACCEPTED
        message = f"The broker waits for its price: trigger {answer.trigger_id}." if kept else answer.message
        said = {"title": _TITLES[answer.outcome], "outcome": answer.outcome, "message": message}
        said |= {"trigger_id": answer.trigger_id}
        provenance = Provenance.BROKER_REPLY if answer.outcome in _BY_BROKER else Provenance.LOCAL_PROOF

        def work(tx: Transaction) -> None:
            self._tell(tx, "trigger.answered", provenance, intent, said)
            if kept:
                journal.move_intent(tx, intent, IntentState.DONE, now, message=message, provenance=provenance)
            elif answer.outcome is not Outcome.UNKNOWN:
                code = answer.code or "trigger_refused"
                notice = Notice("trigger_refused", "warning", f"GTT not kept: {intent.symbol}: “{answer.message}”.")
                journal.move_intent(
                    tx,
                    intent,
                    IntentState.REFUSED,
                    now,
                    code=code,
                    message=answer.message,
                    provenance=provenance,
                    notice=notice,
                )

        await sending.until_stored(self._shared.writer, self._clock, work)
        if answer.outcome is not Outcome.UNKNOWN:
            self._unclear.pop(intent.id, None)

    async def _looked_up(self, request: TriggerRequest, changes: str | None) -> Answer | None:
        """What the broker's own book says about an instruction; None when it cannot be read, or does not show it (yet)."""
        try:
            rows = await cast(TriggerBroker, self._desk.broker).triggers()
        except BrokerError as problem:
            log.warning("triggers not read", account=self._desk.account.id, problem=type(problem).__name__)
            return None
        if changes is None:
            found = next((row for row in rows if row.ref == request.ref), None)
        else:
            found = next((row for row in rows if row.trigger_id == changes and _is_as_asked(row, request)), None)
        return Answer(Outcome.ACCEPTED, found.trigger_id) if found else None

    # -- withdrawn ------------------------------------------------------------------------------------------------

    async def cancel(self, trigger: Trigger, who: str, why: str) -> Answer:
        """End one. An answer that is unclear is looked up."""
        intent = next(iter((await self._intents([trigger.ref])).values()), None)
        broker, account = cast(TriggerBroker, self._desk.broker), self._desk.account
        told = {"who": who, "trigger_id": trigger.trigger_id}
        whose = {"intent_id": intent.id, "alert_id": intent.alert_id} if intent else {}

        def tell(kind: str, provenance: Provenance, **more: Any) -> Callable[[Transaction], None]:
            def work(tx: Transaction) -> None:
                self._hold_lease(tx)
                at, payload = micros(self._clock.now()), {**told, **more}
                journal.event(tx, kind, provenance, at, account.user_id, payload, account_id=account.id, **whose)

            return work

        await self._shared.writer.run(
            tell("trigger.cancel_asked", Provenance.PERSON, title="Withdrawal asked", why=f"By {who}: {why}")
        )

        async def ask() -> str:
            await broker.cancel_trigger(trigger.trigger_id)
            return trigger.trigger_id

        answer = await _answer(ask)
        if answer.outcome is Outcome.UNKNOWN and await self._is_over(trigger.trigger_id):
            answer = Answer(Outcome.ACCEPTED, trigger.trigger_id)
        came = {"title": _TITLES[answer.outcome], "outcome": answer.outcome, "message": answer.message}
        said = tell("trigger.cancel_answered", Provenance.BROKER_REPLY, **came)
        await sending.until_stored(self._shared.writer, self._clock, said)
        return answer

    async def _is_over(self, trigger_id: str) -> bool:
        try:
            rows = await cast(TriggerBroker, self._desk.broker).triggers()
        except BrokerError:
            return False
        return any(row.trigger_id == trigger_id and row.state is TriggerState.CANCELLED for row in rows)

    # -- every second ---------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Look up what is unclear; where trading was stopped, withdraw what would trade on its own."""
        if self._broker is None:
            return
        await self._recall()
        for intent in [each for each in self._unclear.values() if each.id not in self._out]:
            await self._look_up(intent)
        account, stops = self._desk.account, self._shared.directory.snapshot.stops.values()
        scopes = {("global", ""), ("user", account.user_id), ("account", account.id)}
        heeded = frozenset(s for s in stops if s.scope == "strategy" or (s.scope, s.scope_id) in scopes)
        if not heeded - self._heeded or await self._withdraw(heeded):
            self._heeded = heeded

    async def _look_up(self, intent: IntentRecord) -> None:
        instrument = self._shared.market.instrument(intent.exchange, intent.symbol)
        terms = terms_of(intent.wish)
        if instrument is None or terms is None:
            return
        started = micros(self._clock.now())
        answer = await self._looked_up(request_of(intent, instrument, ref=intent.id), terms.changes)
        since = intent.created_at + int((PROVED_AFTER_S + self._desk.capabilities.visibility_lag_max_s) * 1e6)
        if answer is None and started > since and await self._is_readable():
            said = "It did not reach the broker: its trigger book does not show it."
            answer = Answer(Outcome.NOT_SENT, code="trigger_not_placed", message=said)
        if answer is not None:
            await self._settle(intent, answer)

    async def _is_readable(self) -> bool:
        try:
            await self._desk.broker.check_login()
        except BrokerError:
            return False
        return True

    async def _withdraw(self, stops: frozenset[Stop]) -> bool:
        """Cancel the triggers of ours that a kill switch stands over; whether each of them is known to be over."""
        broker = cast(TriggerBroker, self._desk.broker)
        try:
            active = [row for row in await broker.triggers() if row.state is TriggerState.ACTIVE]
        except BrokerError as problem:
            log.warning("triggers not read", account=self._desk.account.id, problem=type(problem).__name__)
            return False
        intents = await self._intents(row.ref for row in active)
        strategies = {stop.scope_id: stop for stop in stops if stop.scope == "strategy"}
        whole = next((stop for stop in stops if stop.scope != "strategy"), None)
        done, all_over = 0, True
        for row in active:
            intent = intents.get(row.ref or "")
            stop = (whole or strategies.get(intent.strategy_id)) if intent else None
            if intent and stop:
                why = f"trading is stopped ({stop.scope}): {stop.reason}"
                answer = await self.cancel(row, stop.changed_by, why)
                done += answer.outcome is Outcome.ACCEPTED
                all_over &= answer.outcome in (Outcome.ACCEPTED, Outcome.REFUSED)  # refused: it has fired or ended
        if done:
            text = (
                f"Trading is stopped: {done} GTT order{'s' if done > 1 else ''} of {self._desk.account.name} withdrawn."
            )
            at, user_id = micros(self._clock.now()), self._desk.account.user_id
            notice = Notice("triggers_withdrawn", "warning", text)
            await self._shared.writer.run(lambda tx: journal.tell(tx, notice, at, user_id), urgent=True)
        return all_over

    async def _intents(self, refs: Iterable[str | None]) -> dict[str, IntentRecord]:
        """This account's intents of these references."""
        found = {}
        for ref in {ref for ref in refs if ref}:
            sql = "SELECT * FROM intents WHERE id = :id AND account_id = :account"
            row = await self._shared.reader.row(sql, {"id": ref, "account": self._desk.account.id})
            if row is not None:
                found[ref] = IntentRecord.of(row)
        return found

    # -- fired ----------------------------------------------------------------------------------------------------

    async def adopt(self, rows: Sequence[BrokerOrder]) -> bool:
        """Take strangers' orders that triggers of ours placed for our own; whether there were any."""
        if self._broker is None:
            return False
        unknown = [row for row in rows if (row.broker_order_id, row.ref) not in self._strangers]
        if not unknown:
            return False
        try:
            kept = await self._broker.triggers()
        except BrokerError as problem:
            log.warning("triggers not read", account=self._desk.account.id, problem=type(problem).__name__)
            return False
        theirs = {row.broker_order_id for row in unknown}
        by_order = {each.order_id: each for each in kept if each.order_id in theirs}
        intents = await self._intents(each.ref for each in by_order.values())
        adopted = False
        for row in unknown:
            trigger = by_order.get(row.broker_order_id)
            intent = intents.get(trigger.ref or "") if trigger else None
            if trigger is None or intent is None:
                self._strangers.add((row.broker_order_id, row.ref))
                continue
            await self._adopt(row, trigger, intent)
            adopted = True
        return adopted

    async def _adopt(self, row: BrokerOrder, trigger: Trigger, intent: IntentRecord) -> None:
        order = self._order(row, trigger, intent)

        def work(tx: Transaction) -> OrderRecord:
            journal.plan_orders(tx, [order], f"placed by the broker: trigger {trigger.trigger_id} was reached")
            moved = journal.move_order(
                tx,
                order,
                OrderState.WORKING,
                Provenance.BOOK,
                order.queued_at,
                why=f"trigger {trigger.trigger_id} placed it at the broker",
                notice=Notice("trigger_fired", "info", f"A GTT was reached: {describe(order)} is at the broker."),
                broker_order_id=row.broker_order_id,
                fence=self._desk.lease.fence,
                sends=1,
                sent_at=order.queued_at,
            )
            if moved is None:
                raise LookupError(f"order {order.id} is gone")
            return moved

        try:
            self._desk.ledger.put(await self._shared.writer.run(work, urgent=True))
        except Conflict:
            # Another process took it over a moment ago: its row is the truth.
            sql = "SELECT id FROM orders WHERE account_id = :account AND intent_id = :intent AND ref = :ref"
            mine = {"account": intent.account_id, "intent": intent.id, "ref": order.ref}
            if known := await self._shared.reader.row(sql, mine):
                await self._desk.inbox.reload(known["id"])

    def _order(self, row: BrokerOrder, trigger: Trigger, intent: IntentRecord) -> OrderRecord:
        """The order as it would have been queued here."""
        placed_at = row.placed_at or self._clock.now()
        now = micros(placed_at)
        held = self._desk.ledger.holding((row.exchange, row.symbol, row.product, intent.strategy_id)).quantity
        return OrderRecord(
            id=new_id("or"),
            ref=ref_of(trigger.trigger_id),
            trading_date=self._shared.survey.calendar.trading_date(row.exchange, placed_at).isoformat(),
            user_id=intent.user_id,
            account_id=intent.account_id,
            strategy_id=intent.strategy_id,
            intent_id=intent.id,
            alert_id=intent.alert_id,
            leg=intent.number * 100,
            exchange=row.exchange,
            symbol=row.symbol,
            product=row.product,
            side=row.side,
            quantity=row.quantity,
            order_type=row.order_type,
            price=row.price,
            trigger_price=row.trigger_price,
            time_in_force=TimeInForce.DAY,
            protection=None,
            reduces=held * row.side.sign < 0 and row.quantity <= abs(held),
            basket=None,
            state=OrderState.QUEUED,
            code=None,
            message=None,
            fence=0,
            sends=0,
            deadline=now,
            filled=Decimal(0),
            average_price=None,
            pending_op=None,
            broker_order_id=None,
            queued_at=now,
            sent_at=None,
            updated_at=now,
            closed_at=None,
        )


async def _answer(request: Callable[[], Awaitable[str]]) -> Answer:
    """What the broker makes of a request about a trigger."""
    try:
        return Answer(Outcome.ACCEPTED, await request())
    except Exception as problem:  # noqa: BLE001 - whatever broke, the request may have left: unknown, never an escape
        result = of_error(problem, sends=1)
    return Answer(result.outcome, code=result.code, message=result.message)


def _is_as_asked(row: Trigger, request: TriggerRequest) -> bool:
    """Whether an active trigger stands as a change asked for; its legs stand by price."""
    legs = tuple(sorted(request.legs, key=lambda leg: leg.trigger_price))
    known = tuple(sorted(row.legs, key=lambda leg: leg.trigger_price))
    same = (row.quantity, row.product, known) == (request.quantity, request.product, legs)
    return same and row.state is TriggerState.ACTIVE
