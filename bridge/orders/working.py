"""Intents about orders that are at the broker: which are meant, and whether a change of one may be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bridge.domain.intent import Intent
from bridge.domain.lifecycle import Provenance
from bridge.domain.refusal import Refusal
from bridge.orders.operations import Operations, as_changed
from bridge.orders.rechecks import CHECKS_OF_CHANGES, recheck
from bridge.orders.records import IntentRecord, OrderRecord, describe
from bridge.orders.situation import Candidate

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

_FILTERS = frozenset({"side", "order_type", "opened_by"})


class WorkingOrders:
    """Cancels and changes what one account has at its broker, as its intents ask."""

    def __init__(self, desk: AccountDesk, shared: Services, operations: Operations) -> None:
        self._ledger = desk.ledger
        self._shared = shared
        self._operations = operations

    async def cancel(self, intent: IntentRecord) -> str | Refusal:
        """Cancel the order that is named, or all that are meant; a sentence that says what was done."""
        if intent.wish.order_id:
            return await self._cancel_one(intent, intent.wish.order_id)
        wanted = intent.wish.filter or {}
        if unknown := sorted(set(wanted) - _FILTERS):
            said = f"Which orders are meant by {', '.join(unknown)} is not known here, so nothing was cancelled."
            return Refusal("cancel_filter_unsupported", said)
        chosen = [order for order in self._mine(intent) if _is_meant(order, intent, wanted)]
        for order in chosen:
            await self._operations.cancel(
                order, "asked for by the alert"
            )  # each order's own events tell what came of it
        return f"{len(chosen)} working orders: cancel asked" if chosen else "no working orders to cancel"

    def _mine(self, intent: IntentRecord) -> list[OrderRecord]:
        """The strategy's; the whole account's when its owner asks for that."""
        everybody = intent.wish.scope == "account"
        return [o for o in self._ledger.unsettled() if everybody or o.strategy_id == intent.strategy_id]

    async def _cancel_one(self, intent: IntentRecord, wanted: str) -> str | Refusal:
        """An order by name: a person's any of the account, an alert's only of its own strategy."""
        by_person = intent.number == 0 or intent.wish.scope == "account"
        named = (o for o in self._ledger.orders.values() if wanted in (o.id, o.ref, o.broker_order_id))
        order = next((o for o in named if by_person or o.strategy_id == intent.strategy_id), None)
        if order is None:
            return Refusal("order_unknown", f"No order of this strategy is called {wanted}.")
        who = Provenance.PERSON if by_person else Provenance.POLICY
        return await self._operations.cancel(order, "asked for by name", who)

    async def modify(self, intent: IntentRecord) -> str | Refusal:
        """Change the order that is named, if what it becomes passes what a new one would."""
        wanted = intent.wish.order_id or ""
        order = next((o for o in self._mine(intent) if wanted in (o.id, o.ref, o.broker_order_id)), None)
        if order is None:
            return Refusal("order_unknown", f"No working order of this strategy is called {wanted}.")
        return self._refuse_change(intent, order) or await self._operations.modify(order, intent.wish)

    def _refuse_change(self, intent: IntentRecord, order: OrderRecord) -> Refusal | None:
        """A changed order must pass what a new one would."""
        instrument = self._shared.market.instrument(order.exchange, order.symbol)
        if instrument is None:
            return Refusal("symbol_unknown", f"{order.symbol} is not in the instrument master any more.")
        wish, after = intent.wish, as_changed(order, intent.wish)
        changed = Candidate(
            intent=wish,
            instrument=instrument,
            side=order.side,
            quantity=after.quantity,
            order_type=after.order_type,
            product=order.product,
            time_in_force=order.time_in_force,
            price=after.price,
            trigger_price=after.trigger_price,
            reduces=order.reduces,
        )
        if after.quantity <= order.filled:
            filled = order.filled.normalize()
            return Refusal("quantity_filled_already", f"{filled:f} of {describe(order)} are filled already.")
        if order.reduces and (no := self._refuse_larger_exit(order, after.quantity)):
            return no
        if not order.reduces and _risks_more(order, after):
            # It may open more, or sooner: judged as the entry that it is.
            changed = replace(changed, intent=replace(wish, intent=Intent(order.side.value)))
        return recheck(intent, changed, self._shared, CHECKS_OF_CHANGES)

    def _refuse_larger_exit(self, order: OrderRecord, quantity: Decimal) -> Refusal | None:
        """No check limits what closes, so it must not become more than what is left to close."""
        if quantity <= order.quantity:
            return None
        held = self._ledger.holding(order.lane).quantity
        others = [o for o in self._ledger.open_in(order.lane) if o.reduces and o.id != order.id]
        left = max(-order.side.sign * held, Decimal(0)) - sum((o.rest for o in others), Decimal(0))
        if quantity - order.filled <= left:
            return None
        return Refusal(
            "exit_above_position",
            f"{quantity.normalize():f} {order.symbol} would be more than this exit can close; the strategy holds"
            f" {held.normalize():f}.",
            {"quantity": quantity, "held": held},
        )


def _is_meant(order: OrderRecord, intent: IntentRecord, wanted: Mapping[str, Any]) -> bool:
    """An alert's cancel is for what earlier ones placed, unless it asks for what the same alert did."""
    of_this_alert = order.alert_id == intent.alert_id
    return (
        (not intent.symbol or (order.exchange, order.symbol) == (intent.exchange, intent.symbol))
        and of_this_alert is ("opened_by" in wanted)
        and order.side == wanted.get("side", order.side)
        and order.order_type == wanted.get("order_type", order.order_type)
    )


def _risks_more(order: OrderRecord, after: OrderRecord) -> bool:
    """A larger size, another price or type; a smaller size alone takes nothing back that was allowed."""
    terms = ((o.order_type, o.price, o.trigger_price) for o in (order, after))
    return after.quantity > order.quantity or len(set(terms)) > 1
