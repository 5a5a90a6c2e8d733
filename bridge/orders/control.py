"""What people do to orders: cancel, decide, stop, replay. Through the journal, so that it works from any process."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bridge.accounts.directory import Directory
from bridge.accounts.model import Role, StrategySettings, User
from bridge.accounts.service import Accounts
from bridge.domain.intent import Intent, OrderIntent
from bridge.domain.lifecycle import AT_BROKER, UNCERTAIN, IntentState, OrderState, Provenance
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Reader, Transaction, Writer
from bridge.kit.ids import new_id
from bridge.orders import journal, tables
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.pipeline import Pipeline
from bridge.orders.records import IntentRecord, OrderRecord, describe
from bridge.orders.recovery import Decision

ASK_FOR = timedelta(seconds=60)


class Control:
    """The acts of people. Everything is looked up under the person's own id; another's is simply not there."""

    def __init__(
        self, directory: Directory, accounts: Accounts, pipeline: Pipeline, writer: Writer, reader: Reader, clock: Clock
    ) -> None:
        self._directory = directory
        self._accounts = accounts
        self._pipeline = pipeline
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def _order(self, order_id: str, user: User) -> OrderRecord:
        sql = "SELECT * FROM orders WHERE id = :id AND user_id = :user_id"
        row = await self._reader.row(sql, {"id": order_id, "user_id": user.id})
        if row is None:
            raise LookupError(f"no order {order_id}")
        return OrderRecord.of(row)

    async def cancel(self, order_id: str, user: User) -> str:
        """Ask for a cancel; the order's account desk carries it out. Raises `LookupError`."""
        order = await self._order(order_id, user)
        if order.state not in AT_BROKER and order.state is not OrderState.QUEUED:
            return f"{describe(order)} cannot be cancelled: it is {order.state.value.lower().replace('_', ' ')}."
        now = self._clock.now()
        intent = IntentRecord(
            id=new_id("in"),
            alert_id=order.alert_id,
            number=0,
            user_id=user.id,
            strategy_id=order.strategy_id,
            account_id=order.account_id,
            state=IntentState.RECEIVED,
            wish=OrderIntent(
                intent=Intent.CANCEL_ORDERS, symbol=order.symbol, exchange=order.exchange, order_id=order.id
            ),
            settings=StrategySettings(),
            settings_text="{}",
            multiplier=Decimal(1),
            exchange="",  # a lane of its own: a cancel does not wait behind what it is to stop
            symbol="",
            product=None,
            basket=None,
            deadline=micros(now + ASK_FOR),
            opens_until=micros(now),
            reduces=True,
            not_before=0,
            created_at=micros(now),
        )

        def work(tx: Transaction) -> None:
            tx.insert(tables.intents, intent.row())
            journal.event(
                tx,
                "person.cancel_asked",
                Provenance.PERSON,
                intent.created_at,
                user.id,
                {"who": user.name},
                account_id=order.account_id,
                alert_id=order.alert_id,
                order_id=order.id,
            )

        await self._writer.run(work)
        self._pipeline.offer(order.account_id, [intent])
        return f"Cancel asked. {describe(order)} is still open and can still fill until the broker confirms."

    async def decide(self, order_id: str, user: User, broker_order_id: str | None) -> str:
        """Settle a parked or unknown order by a person's word. Raises `LookupError`."""
        order = await self._order(order_id, user)
        if order.state not in UNCERTAIN:
            return f"{describe(order)} needs no decision any more: it is {order.state.value.lower().replace('_', ' ')}."
        moved = await self._writer.run(
            Decision(order, broker_order_id, user.name, micros(self._clock.now())), urgent=True
        )
        if moved is None:
            return "The order changed in the same moment; look again."
        if broker_order_id:
            return f"{describe(order)} is the broker's order {broker_order_id}. Its fills follow with the next look at the book."
        return f"{describe(order)} is booked as not placed. It will not be sent again."

    async def panic(self, scope: str, scope_id: str, stopped: bool, reason: str, user: User) -> None:
        """Throw or release a kill switch; everybody's only the owner. What belongs to others is not there: `LookupError`."""
        snapshot = self._directory.snapshot
        owners: dict[str, dict[str, str]] = {
            "user": {user.id: user.id},
            "account": {found.id: found.user_id for found in snapshot.accounts.values()},
            "strategy": {found.id: found.user_id for found in snapshot.strategies.values()},
            "source": {found.id: found.user_id for found in snapshot.sources.values()},
        }
        mine = user.role is Role.OWNER if scope == "global" else owners[scope].get(scope_id) == user.id
        if not mine:
            raise LookupError(f"no {scope} {scope_id}")
        await self._accounts.throw_switch(scope, scope_id, stopped=stopped, reason=reason, by=user.name)
        await self._directory.refresh()

    async def replay(self, alert_id: str, user: User, live: bool, once: str | None = None) -> Answer:
        """Send an alert through again under today's settings; nothing is kept or sent unless `live`. Raises `LookupError`.

        `once` is the asker's own id of this wish: under the same one it comes true once in seven days.
        """
        sql = "SELECT * FROM alerts WHERE id = :id AND user_id = :user_id"
        row = await self._reader.row(sql, {"id": alert_id, "user_id": user.id})
        source = self._directory.snapshot.sources.get(row["source_id"]) if row else None
        if row is None or source is None:
            raise LookupError(f"no alert {alert_id} with a source that is still there")
        plans = await self._reader.rows(
            "SELECT plan FROM intents WHERE alert_id = :id AND user_id = :user_id", {"id": alert_id, "user_id": user.id}
        )
        open_source = source.settings.model_copy(update={"body_secret_hash": None})  # the secret is masked by now
        arrival = Arrival(
            source=replace(source, settings=open_source),
            content_type=row["content_type"],
            body=row["body"],
            sender=f"replay by {user.name}",
            received_at=self._clock.now(),
            started=self._clock.monotonic(),
            dry_run=not live,
            idempotency_key=once,
            replay_of=alert_id,
            # Going through again is no way around the key that asked a person first.
            needs_approval=any(json.loads(row["plan"]).get("approval", {}).get("forced") for row in plans),
        )
        return await self._pipeline.submit(arrival)
