"""Changing and taking back: what became of each order or position is looked up afterwards, not assumed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from bridge.accounts.model import Account, Strategy
from bridge.api.openalgo.orders import Desk, Terms
from bridge.api.openalgo.wire import Body, Call, Name, NotNegative, Refused, Wire
from bridge.brokers.base import BrokerState
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Product
from bridge.domain.lifecycle import AT_BROKER, TERMINAL, IntentState, OrderState
from bridge.domain.refusal import Refusal
from bridge.orders.checks import BY_OWNER
from bridge.orders.operations import CANCEL, RESTATED
from bridge.orders.placing import IntentEnd, Placed
from bridge.orders.records import OrderRecord, describe, wish_of

SENT_WITHIN_S = 5.0  # an order on its way to its broker can be asked about when it has arrived
SEEN_WITHIN_S = 3.0  # for the broker's book to show what it has said yes to
ALL_WITHIN_S = 30.0
_OPEN_AT_BROKER = frozenset({BrokerState.OPEN, BrokerState.TRIGGER_PENDING})
_WAITING = frozenset({IntentState.RECEIVED, IntentState.HELD})
_SPENT = frozenset({IntentState.REFUSED, IntentState.EXPIRED, IntentState.CANCELLED})


class ModifyOrder(Terms):
    """An order as it is to be from now on: every term is stated again."""

    strategy: Name
    orderid: Name
    pricetype: Literal["MARKET", "LIMIT", "SL", "SL-M"]
    product: Literal["MIS", "NRML", "CNC"]
    price: NotNegative
    trigger_price: NotNegative
    disclosed_quantity: NotNegative


class CancelOrder(Body):
    """One order."""

    strategy: Name
    orderid: Name


class Everything(Body):
    """All that the strategy has at the account; with `scope` account, all that the person's strategies have there."""

    strategy: Name
    scope: Literal["strategy", "account"] = "strategy"


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """What became of the orders that a cancel named."""

    gone: list[str]
    asked: list[str]  # and the broker did not refuse, but its book does not show it yet
    failed: dict[str, str]  # and why


def add(wire: Wire, desk: Desk) -> None:
    """The endpoints of this module."""
    changes = Changes(desk)

    async def modifyorder(call: Call, body: ModifyOrder) -> Mapping[str, Any]:
        """Change quantity, prices or type of an order that rests at its broker. It is answered when the broker has."""
        desk.only_automatic(call, "Modify order", "modify orders")
        return wire.marked(call, {"orderid": await changes.modify(call, body)})

    async def cancelorder(call: Call, body: CancelOrder) -> Mapping[str, Any]:
        """Cancel an order, or withdraw one that was not sent yet. It is answered when the broker has."""
        desk.only_automatic(call, "Cancel order", "cancel orders")
        return wire.marked(call, await changes.cancel(call, body))

    async def cancelallorder(call: Call, body: Everything) -> Mapping[str, Any]:
        """Cancel every open order of the strategy, or of the account. An order counts as cancelled when the broker shows it.

        Orders that were not placed from here are left alone, and told of where the whole account is meant.
        """
        desk.only_automatic(call, "Cancel all orders", "cancel orders")
        return wire.marked(call, await changes.cancel_all(call, body))

    async def closeposition(call: Call, body: Everything) -> Mapping[str, Any]:
        """Close every position of the strategy, or of the account, and cancel what rests there. One counts as closed when it is flat.

        Positions that did not come about from here are left alone, and told of where the whole account is meant.
        """
        desk.only_automatic(call, "Close position", "close positions")
        return wire.marked(call, await changes.close_all(call, body))

    wire.post("modifyorder", ModifyOrder, modifyorder, scope="orders:write", pace="orders", fault="text")
    wire.post("cancelorder", CancelOrder, cancelorder, scope="orders:cancel", pace="orders", fault="text")
    wire.post("cancelallorder", Everything, cancelallorder, scope="orders:cancel", fault="text")
    wire.post("closeposition", Everything, closeposition, scope="orders:write", fault="text")


class Changes:
    """What may be asked about orders and positions that are there already."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ports = desk.ports

    # -- one order ----------------------------------------------------------------------------------------------

    async def modify(self, call: Call, body: ModifyOrder) -> str:
        """The id of the order that its broker has changed. Raises `Refused`."""
        account = self._desk.wire.account(call)
        order = await self._arrived(account, await self._desk.order(call, account, body.orderid))
        _refuse_contradictions(body, order, await self._spelled(order))
        if call.client_order_id is None:
            _refuse_ended(order, "changed")
        wish = body.on(
            order.exchange, order.symbol, intent=Intent.MODIFY_ORDER, order_id=order.id, extras={RESTATED: True}
        )
        strategy = self._strategy_of(call, account, order)
        placed = await self._desk.place(call, "modifyorder", strategy, [wish], Kind.MODIFY)
        refusal = placed.refusal or _refusal_of(placed.intents[0])
        if refusal is not None and refusal.code == "modify_unknown":
            raise Refused(502, refusal.message, reason=refusal.code, orderid=order.id)
        if refusal is not None:
            raise self._desk.refused(refusal, placed, orderid=order.id)
        if not placed.answered:
            raise Refused(
                502, f"The broker has not answered yet whether it changed {describe(order)}.", orderid=order.id
            )
        return order.id

    async def _spelled(self, order: OrderRecord) -> tuple[str, str]:
        """How exchange and symbol were spelled when the order was asked for: what its sender will say again."""
        sql = "SELECT payload FROM intents WHERE id = :id AND user_id = :user"
        row = await self._ports.reader.row(sql, {"id": order.intent_id, "user": order.user_id})
        wish = wish_of(row) if row else OrderIntent(intent=Intent.MODIFY_ORDER)
        return (wish.exchange or order.exchange).upper(), (wish.symbol or order.symbol).upper()

    async def cancel(self, call: Call, body: CancelOrder) -> dict[str, Any]:
        """The reply about an order that is cancelled, or whose broker has agreed to cancel it. Raises `Refused`."""
        account = self._desk.wire.account(call)
        order = await self._arrived(account, await self._desk.order(call, account, body.orderid))
        if call.client_order_id is None:
            _refuse_ended(order, "cancelled")
        placed = await self._desk.place(
            call,
            "cancelorder",
            self._strategy_of(call, account, order),
            [_cancel(order.id, "strategy")],
            Kind.CANCEL,
            needs_login=order.state is not OrderState.QUEUED,
        )
        if placed.refusal is not None:
            raise self._desk.refused(placed.refusal, placed, orderid=order.id)
        done = await self._became(account, placed)
        if why := done.failed.get(order.id):
            raise Refused(400, why, orderid=order.id, alert_id=placed.alert_id)
        unseen = (
            {} if done.gone else {"message": "The cancel was asked; until the broker shows it, the order can fill."}
        )
        return {"orderid": order.id, **unseen}

    async def _arrived(self, account: Account, order: OrderRecord) -> OrderRecord:
        """The order when it is not just on its way to its broker: then there would be nothing to ask about yet."""
        if order.state is not OrderState.SENDING:
            return order
        found = await self._ports.watch(account.id, [order.id], _is_answered, SENT_WITHIN_S)
        return found.get(order.id, order)

    def _strategy_of(self, call: Call, account: Account, order: OrderRecord) -> Strategy:
        """An order is changed in its own strategy's name, whatever the request calls it."""
        strategy = self._desk.strategies.of(call, order.strategy_id, account)
        if strategy is None:
            raise Refused(400, "The strategy of this order is gone; cancel the order on its page.", orderid=order.id)
        return strategy

    # -- all orders ---------------------------------------------------------------------------------------------

    async def cancel_all(self, call: Call, body: Everything) -> dict[str, Any]:
        """The reply about every open order that is meant. Raises `Refused` when not one could be cancelled."""
        account = self._desk.wire.account(call)
        strategy = await self._meant(call, body, account)
        if strategy is None:
            return _told_of_cancels(_Cancelled([], [], {}), "")
        open_now = await self._open(call, account, strategy, body.scope)
        seen = await self._ports.watch(account.id, open_now, _is_quiet, SEEN_WITHIN_S)
        open_now = [order_id for order_id in open_now if seen[order_id].state not in TERMINAL]
        # By name, so that each is answered for; then whatever came about meanwhile or waits for its hour.
        wishes = [_cancel(order_id, body.scope) for order_id in open_now] + [_cancel(None, body.scope)]
        placed = await self._desk.place(
            call, "cancelallorder", strategy, wishes, Kind.CANCEL, within_s=ALL_WITHIN_S, needs_login=False
        )
        if placed.refusal is not None:
            raise self._desk.refused(placed.refusal, placed)
        done = await self._became(account, placed)
        reply = _told_of_cancels(done, self._strangers_orders(account) if body.scope == "account" else "")
        if done.failed and not (done.gone or done.asked):
            raise Refused(400, reply.pop("message"), **self._desk.wire.marked(call, reply), alert_id=placed.alert_id)
        return reply

    async def _meant(self, call: Call, body: Everything, account: Account) -> Strategy | None:
        """In whose name it is asked; None for one strategy that is not known, which has nothing."""
        if body.scope == "strategy" and call.client_order_id is None:
            known = self._desk.strategies.known(call, body.strategy)
            return known and self._desk.strategies.feeding(known, account)
        return await self._desk.strategies.on(call, body.strategy, account)

    async def _open(self, call: Call, account: Account, strategy: Strategy, scope: str) -> list[str]:
        ended = {f"ended{n}": str(state) for n, state in enumerate(TERMINAL)}
        names = ", ".join(f":{name}" for name in ended)
        whose = "" if scope == "account" else " AND strategy_id = :strategy"
        sql = (
            "SELECT id FROM orders WHERE user_id = :user AND account_id = :account"  # noqa: S608 - our words
            f" AND state NOT IN ({names}){whose} ORDER BY queued_at, leg"
        )
        asked = {"user": call.caller.user.id, "account": account.id, "strategy": strategy.id, **ended}
        return [row["id"] for row in await self._ports.reader.rows(sql, asked)]

    async def _became(self, account: Account, placed: Placed) -> _Cancelled:
        """What became of the orders that the cancels of an alert name."""
        named = {intent.wish.order_id: intent for intent in placed.intents if intent.wish.order_id}
        orders = await self._ports.watch(account.id, list(named), _cancel_is_seen, SEEN_WITHIN_S)
        gone, asked, failed = [], [], {}
        for order_id, order in orders.items():
            if order.state is OrderState.CANCELLED or (
                order.state is OrderState.NOT_SENT and order.code == "cancelled"
            ):
                gone.append(order_id)
            elif order.state not in TERMINAL and (order.pending_op == CANCEL or named[order_id].state in _WAITING):
                asked.append(order_id)
            else:
                failed[order_id] = _why_not(order, named[order_id])
        return _Cancelled(gone, asked, failed)

    def _strangers_orders(self, account: Account) -> str:
        desk = self._ports.desk(account.id)
        rows = desk.book.external if desk is not None else ()
        left = [row.broker_order_id for row in rows if row.state in _OPEN_AT_BROKER]
        return f" Left alone, as they were not placed from here: {', '.join(left)}." if left else ""

    # -- all positions ------------------------------------------------------------------------------------------

    async def close_all(self, call: Call, body: Everything) -> dict[str, Any]:
        """The reply about every position that is meant. Raises `Refused` when not one could be closed."""
        account = self._desk.wire.account(call)
        strategy = await self._meant(call, body, account)
        if strategy is None:
            return _told_of_closures(0, 0, [], "")
        left_alone = await self._strangers_positions(call, account) if body.scope == "account" else ""
        wish = OrderIntent(intent=Intent.FLATTEN, scope=body.scope)
        placed = await self._desk.place(call, "closeposition", strategy, [wish], Kind.FLATTEN, within_s=ALL_WITHIN_S)
        if placed.refusal is not None:
            raise self._desk.refused(placed.refusal, placed)
        orders = await self._ports.watch(account.id, [o.id for o in placed.orders], _is_over, SEEN_WITHIN_S)
        closed, closing, failed = _closures(placed, list(orders.values()))
        reply = _told_of_closures(closed, closing, failed, left_alone)
        if failed and not (closed or closing):
            raise Refused(400, reply.pop("message"), **self._desk.wire.marked(call, reply), alert_id=placed.alert_id)
        return reply

    async def _strangers_positions(self, call: Call, account: Account) -> str:
        """What the broker shows beyond what the person's strategies hold."""
        rows = await self._ports.reader.rows(
            "SELECT exchange, symbol, product, quantity FROM positions WHERE user_id = :user AND account_id = :account",
            {"user": call.caller.user.id, "account": account.id},
        )
        ours: defaultdict[tuple[str, str, Product], Decimal] = defaultdict(Decimal)
        for row in rows:
            ours[row["exchange"], row["symbol"], Product(row["product"])] += Decimal(row["quantity"])
        broker = await self._ports.broker(account)
        left = [
            f"{held.quantity - ours[held.exchange, held.symbol, held.product]:f} {held.symbol}"
            for held in await broker.positions()
            if held.quantity != ours[held.exchange, held.symbol, held.product]
        ]
        return f" Left alone, as it did not come about from here: {', '.join(left)}." if left else ""


def _cancel(order_id: str | None, scope: Literal["strategy", "account"]) -> OrderIntent:
    return OrderIntent(intent=Intent.CANCEL_ORDERS, order_id=order_id, scope=scope, extras={BY_OWNER: True})


def _is_answered(order: OrderRecord) -> bool:
    return order.state is not OrderState.SENDING


def _is_quiet(order: OrderRecord) -> bool:
    """It is not on its way to its broker, and not a market order, which is about to be filled."""
    at_market = order.state in AT_BROKER and order.order_type is OrderType.MARKET
    return _is_answered(order) and not at_market


def _is_over(order: OrderRecord) -> bool:
    return order.state in TERMINAL


def _cancel_is_seen(order: OrderRecord) -> bool:
    return order.state in TERMINAL or order.pending_op != CANCEL


def _refuse_contradictions(body: ModifyOrder, order: OrderRecord, spelled: tuple[str, str]) -> None:
    """Raises `Refused` for a request that means another order than the one it names."""
    is_so = {
        "symbol": order.symbol,
        "exchange": order.exchange,
        "action": order.side.upper(),
        "product": str(order.product),
    }
    if (body.exchange, body.symbol) == spelled:
        del is_so["symbol"], is_so["exchange"]
    faults = {name: [f"the order is {value}"] for name, value in is_so.items() if getattr(body, name) != value}
    if faults:
        raise Refused(400, str(faults), orderid=order.id)


def _refuse_ended(order: OrderRecord, what: str) -> None:
    if order.state in TERMINAL:
        how = order.state.value.lower().replace("_", " ")
        raise Refused(400, f"{describe(order)} cannot be {what}: it is {how}.", orderid=order.id, reason="order_ended")


def _refusal_of(intent: IntentEnd) -> Refusal | None:
    if intent.state not in _SPENT:
        return None
    return Refusal(intent.code or "refused", intent.message or "It was refused.")


def _why_not(order: OrderRecord, intent: IntentEnd) -> str:
    if intent.message and intent.state in _SPENT:
        return intent.message
    return f"It cannot be cancelled: the order is {order.state.value.lower().replace('_', ' ')}."


def _told_of_cancels(done: _Cancelled, left_alone: str) -> dict[str, Any]:
    why = "".join(f" {order_id}: {reason}" for order_id, reason in done.failed.items())
    unseen = f" {len(done.asked)} cancels were asked and are not shown by the broker yet." if done.asked else ""
    counts = f"Canceled {len(done.gone)} orders. Failed to cancel {len(done.failed)} orders."
    reply: dict[str, Any] = {
        "canceled_orders": done.gone,
        "failed_cancellations": list(done.failed),
        "message": f"{counts}{unseen}{why}{left_alone}",
    }
    return reply | ({"unconfirmed_cancellations": done.asked} if done.asked else {})


def _closures(placed: Placed, orders: Sequence[OrderRecord]) -> tuple[int, int, list[str]]:
    """How many positions are closed, how many are being closed, and why others are not."""
    closed, closing, failed = 0, 0, []
    for intent in placed.intents:
        mine = [order for order in orders if order.intent_id == intent.id]
        if not intent.symbol or intent.code == "nothing_to_do":
            continue  # the wish itself, or orders alone that were taken back
        if mine and all(order.state is OrderState.FILLED for order in mine):
            closed += 1
        elif intent.state in _SPENT or (mine and all(order.state in TERMINAL for order in mine)):
            said = next((order.message for order in mine if order.state is not OrderState.FILLED), intent.message)
            failed.append(f"{intent.symbol}: {said or 'it was not filled'}")
        else:
            closing += 1
    return closed, closing, failed


def _told_of_closures(closed: int, closing: int, failed: Sequence[str], left_alone: str) -> dict[str, Any]:
    message = f"Closed {closed} positions" if closed or closing or failed else "No open positions to close"
    if failed:
        message += f" (Failed to close {len(failed)} positions: {'; '.join(failed)})"
    if closing:
        message += f". {closing} more are being closed and not flat yet"
    reply = {"message": f"{message}.{left_alone}" if left_alone else message}
    return {**reply, "closed_positions": closed, "failed_closures": len(failed)}
