"""Orders: each request is an alert like any other, read here instead of by a dialect, and answered when its broker has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from bridge.accounts.model import Account, Source, Strategy
from bridge.api.openalgo.strategies import Strategies
from bridge.api.openalgo.wire import (
    Body,
    Call,
    Name,
    NotNegative,
    Number,
    Positive,
    Refused,
    Upper,
    Wire,
    misfit,
    plain_number,
)
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Product, QuantityType, Reading, Side
from bridge.domain.lifecycle import UNCERTAIN, IntentState, OrderState
from bridge.domain.refusal import Refusal
from bridge.orders.arrival import Arrival
from bridge.orders.checks import SPLIT_MAX
from bridge.orders.placing import ANSWER_WITHIN_S, Placed
from bridge.orders.planning import OPENS_WHEN_FLAT
from bridge.orders.records import OrderRecord

ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.STOP_LIMIT,
    "SL-M": OrderType.STOP,
}
_WORDS = ("action", "pricetype", "product", "exchange", "symbol", "option_type", "offset", "underlying")
EACH_S = 0.25  # to wait for each further order: an account sends eight a second, unless its owner says otherwise
FORBIDDEN = frozenset(
    {"stopped", "account_disabled", "user_may_not_trade", "strategy_disabled", "approval_not_possible"}
)
_QUEUED = "Order queued for approval."
_NEVER_PLACED = frozenset({OrderState.REJECTED, OrderState.NOT_SENT, OrderState.NOT_PLACED})


def _whole(value: Decimal) -> Decimal:
    if value != value.to_integral_value():
        raise ValueError("expected a whole number")
    return value


Whole = Annotated[Number, AfterValidator(_whole)]


class Traded(Body):
    """How much is to be traded, and how."""

    action: Literal["BUY", "SELL"]
    quantity: Positive
    pricetype: Literal["MARKET", "LIMIT", "SL", "SL-M"] = "MARKET"
    product: Literal["MIS", "NRML", "CNC"] = "MIS"
    price: NotNegative = Decimal(0)
    trigger_price: NotNegative = Decimal(0)
    disclosed_quantity: NotNegative = Decimal(0)

    @model_validator(mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        """Words in any case, as OpenAlgo takes them."""
        if not isinstance(given, Mapping):
            return given
        return {**given, **{name: given[name].strip().upper() for name in _WORDS if isinstance(given.get(name), str)}}

    @model_validator(mode="after")
    def _prices_fit(self) -> Traded:
        """What the order type needs is there: a broker must not be the first to notice."""
        if self.pricetype in ("LIMIT", "SL") and not self.price:
            raise misfit("price", f"a {self.pricetype} order needs a price above 0")
        if self.pricetype in ("SL", "SL-M") and not self.trigger_price:
            raise misfit("trigger_price", f"a {self.pricetype} order needs a trigger price above 0")
        return self

    def on(self, exchange: str, symbol: str, *, extras: Mapping[str, Any] | None = None, **more: Any) -> OrderIntent:
        """As an intent in that instrument."""
        side = Side.BUY if self.action == "BUY" else Side.SELL
        kind = ORDER_TYPES[self.pricetype]
        disclosed = {"disclosed_quantity": self.disclosed_quantity} if self.disclosed_quantity else {}
        said: dict[str, Any] = {
            "intent": Intent.BUY if side is Side.BUY else Intent.SELL,
            "symbol": symbol,
            "exchange": exchange,
            "side": side,
            "quantity": self.quantity,
            "quantity_type": QuantityType.UNITS,
            "order_type": kind,
            "price": self.price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
            "trigger_price": self.trigger_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
            "product": Product(self.product),
            "extras": {**disclosed, **(extras or {})},
        }
        return OrderIntent(**{**said, **more})


class Terms(Traded):
    """One order."""

    exchange: Upper
    symbol: Upper

    def wish(self, **more: Any) -> OrderIntent:
        """As an intent."""
        return self.on(self.exchange, self.symbol, **more)


class PlaceOrder(Terms):
    """One order of a strategy."""

    strategy: Name
    underlying_ltp: NotNegative | None = None


class SmartOrder(PlaceOrder):
    """The position that a strategy is to hold. Action and quantity count only for a target of 0 where nothing is held."""

    quantity: NotNegative
    position_size: Number

    def wish(self, **more: Any) -> OrderIntent:
        """As an intent."""
        extras = {} if self.position_size else {OPENS_WHEN_FLAT: True}
        wanted = {"intent": Intent.TARGET_POSITION, "target_position": self.position_size}
        return super().wish(extras=extras, **wanted, **more)


class SplitOrder(PlaceOrder):
    """One order to be sent in pieces of `splitsize`; the last one is the rest."""

    splitsize: Annotated[Whole, Field(ge=1)]

    @model_validator(mode="after")
    def _few_enough(self) -> SplitOrder:
        refuse_many(self.quantity, self.splitsize)
        return self


def refuse_many(quantity: Decimal, splitsize: Decimal) -> None:
    """Raises `Refused` for a quantity that would be sent in too many pieces."""
    if quantity > splitsize * SPLIT_MAX:
        raise Refused(400, f"Total number of orders would exceed maximum limit of {SPLIT_MAX}")


def _pieces(wish: OrderIntent) -> int:
    """How many orders a wish asks for."""
    return ceil(wish.quantity / wish.split_size) if wish.quantity and wish.split_size else 1


class Desk:
    """The way from a request to the pipeline and back, for every endpoint that trades."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ports = wire.ports
        self.strategies = Strategies(wire.ports)

    # -- there --------------------------------------------------------------------------------------------------

    async def submit(
        self, call: Call, endpoint: str, strategy: str, wishes: Sequence[OrderIntent], kind: Kind = Kind.ORDER
    ) -> Placed:
        """What became of the wishes. Raises `Refused` when not one of them may go on."""
        placed = await self.place(call, endpoint, strategy, wishes, kind)
        if placed.refusal is not None:
            raise self.refused(placed.refusal, placed)
        return placed

    async def place(
        self,
        call: Call,
        endpoint: str,
        strategy: str | Strategy,
        wishes: Sequence[OrderIntent],
        kind: Kind = Kind.ORDER,
        *,
        within_s: float | None = None,
        needs_login: bool = True,
    ) -> Placed:
        """As `submit`; when no wish may go on, that is left to the caller to tell, leg by leg.

        Without `within_s` it waits as long as one order may take, and longer by what an account's pace makes of many.
        """
        account = self.wire.account(call)
        desk = self.ports.desk(account.id)
        if needs_login and desk is not None and desk.book.login_lost:
            raise Refused(403, f"The broker login of {account.name} is over: log in to the broker again.")
        named = await self.strategies.on(call, strategy, account) if isinstance(strategy, str) else strategy
        arrival = self._arrival(call, endpoint, named, wishes, kind)
        patience = ANSWER_WITHIN_S + EACH_S * (sum(map(_pieces, wishes)) - 1) if within_s is None else within_s
        placed = await self.ports.place(arrival, account.id, patience)
        if placed.refusal is not None and placed.conflict:
            raise self.refused(placed.refusal, placed)
        return placed

    def asks_first(self, call: Call) -> bool:
        """Whether a person must say yes before what this key asks for goes out, wherever its orders go."""
        return call.caller.settings.order_mode == "semi_auto"

    def only_automatic(self, call: Call, operation: str, purpose: str) -> None:
        """Raises `Refused` for what a key that asks first may not do by itself, unless it only practises."""
        if self.asks_first(call) and not call.caller.settings.analyze:
            said = f"{operation} operation is not allowed in Semi-Auto mode. Switch the key to Auto mode to {purpose}."
            raise Refused(403, said)

    def _arrival(
        self, call: Call, endpoint: str, strategy: Strategy, wishes: Sequence[OrderIntent], kind: Kind
    ) -> Arrival:
        source = Source(
            id=call.caller.source_id,
            public_id="",
            user_id=call.caller.user.id,
            strategy_id=strategy.id,
            name=call.caller.name,
            secret_hash="",
        )
        # The endpoint is part of what was said: the same members under the same id mean another thing elsewhere.
        said = {**call.raw, "endpoint": endpoint}
        return Arrival(
            source=source,
            content_type="application/json",
            body=json.dumps(said, default=str, ensure_ascii=False),
            sender=call.address or "api",
            received_at=self.ports.clock.now(),
            started=call.started,
            idempotency_key=call.client_order_id,
            proofs=(f"with the API key {call.caller.name}",),
            reading=Reading(
                dialect="openalgo",
                kind=kind,
                endpoint=endpoint,
                orders=tuple(wishes),
                strategy=strategy.name,
                because=(f"sent to /api/v1/{endpoint}",),
            ),
            strategy=strategy,
            # What is no order came past `only_automatic`: such a key may do it without a person only where it practises.
            needs_approval=self.asks_first(call) and kind is Kind.ORDER,
            conditional=kind is Kind.CONDITIONAL,
        )

    async def order(self, call: Call, account: Account, name: str) -> OrderRecord:
        """The order of the account with that id, ours or its broker's (whose numbers may begin anew each day: the newest).

        Raises `Refused`.
        """
        sql = (
            "SELECT * FROM orders WHERE user_id = :user AND account_id = :account AND (id = :name OR broker_order_id = :name)"
            " ORDER BY queued_at DESC LIMIT 1"
        )
        row = await self.ports.reader.row(sql, {"user": call.caller.user.id, "account": account.id, "name": name})
        if row is not None:
            return OrderRecord.of(row)
        desk = self.ports.desk(account.id)
        if desk is not None and any(name == stranger.broker_order_id for stranger in desk.book.external):
            raise Refused(
                400, f"The order {name} was not placed from here, so it is left alone: change it at the broker."
            )
        raise Refused(404, f"There is no order {name} in the account {account.name}.")

    # -- and back -----------------------------------------------------------------------------------------------

    def refused(self, refusal: Refusal, placed: Placed, **more: Any) -> Refused:
        """The error that tells of a refusal."""
        status = 409 if placed.conflict else 403 if refusal.code in FORBIDDEN else 400
        return Refused(status, refusal.message, reason=refusal.code, alert_id=placed.alert_id, **more)

    def result(self, placed: Placed) -> dict[str, Any]:
        """The reply for a request that asked for one order. Raises `Refused` when it led to none, or to a dead one."""
        # What only the position could tell is asked by the desk, as an intent of its own: perhaps beside an order that closes.
        asked = next((intent for intent in placed.intents if intent.state is IntentState.AWAITING_CONFIRM), None)
        waits = {"message": _QUEUED, "mode": "semi_auto", "pending_order_id": asked.id} if asked else {}
        if placed.orders:
            return self._sliced(placed.orders, placed.alert_id) | waits
        if waits:
            return waits
        intent = next(iter(placed.intents), None)
        if intent is None:  # the alert was refused before anybody looked at its legs
            raise self.refused(placed.refusal or Refusal("refused", "The order was refused."), placed)
        if intent.code == "nothing_to_do":
            return {"message": "Positions Already Matched. No Action needed.", "reason": intent.message}
        if intent.state in (IntentState.RECEIVED, IntentState.HELD):
            return {"message": "Accepted; what it leads to is not decided yet.", "alert_id": placed.alert_id}
        refusal = Refusal(intent.code or "refused", intent.message or "The order was refused.")
        raise self.refused(refusal, placed)

    def leg(self, placed: Placed, number: int) -> dict[str, Any]:
        """The reply about one leg of several, counted from 1: its `status`, with an order id or a message."""
        orders = [order for order in placed.orders if order.leg // 10_000 == number]
        intents = [intent for intent in placed.intents if intent.number // 100 == number]
        try:
            return {"status": "success", **self.result(replace(placed, orders=orders, intents=intents))}
        except Refused as no:
            return {name: value for name, value in no.content.items() if name != "alert_id"}

    def legs(self, call: Call, placed: Placed, results: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        """The reply for several legs, beside `more`. Raises `Refused`, with the same results, when not one went on."""
        if any(result["status"] == "success" for result in results):
            waits = next((result for result in results if "pending_order_id" in result), {})
            asked = {name: waits[name] for name in ("message", "mode", "pending_order_id") if name in waits}
            return self.wire.marked(call, {**asked, **more, "results": list(results)})
        refusal = placed.refusal or Refusal("all_refused", f"Nothing was placed: {results[0]['message']}")
        raise self.refused(refusal, placed, **self.wire.marked(call, {**more, "results": list(results)}))

    def pieces(self, placed: Placed, number: int = 1) -> list[dict[str, Any]]:
        """The pieces that one leg was split into, each with its own outcome; the one refusal when it came to none."""
        orders = [order for order in placed.orders if order.leg // 10_000 == number]
        return [
            {"order_num": place, "quantity": plain_number(order.quantity), **self._piece(order, placed.alert_id)}
            for place, order in enumerate(orders, start=1)
        ]

    def _piece(self, order: OrderRecord, alert_id: str) -> dict[str, Any]:
        try:
            return {"status": "success", **self.one(order, alert_id)}
        except Refused as no:
            return {name: value for name, value in no.content.items() if name != "alert_id"}

    def _sliced(self, orders: Sequence[OrderRecord], alert_id: str) -> dict[str, Any]:
        """The reply about one wish, which the exchange's freeze quantity may have made several orders of."""
        placed = [order for order in orders if order.state not in _NEVER_PLACED]
        reply = self.one((placed or orders)[0], alert_id)
        if len(orders) > 1:
            reply["orderids"] = [order.id for order in placed]
        if failed := [order for order in orders if order not in placed]:
            reply["message"] = f"{len(failed)} of its {len(orders)} orders were turned away: {failed[0].message}"
        return reply

    def one(self, order: OrderRecord, alert_id: str) -> dict[str, Any]:
        """The reply about one order. Raises `Refused` for one that its broker or a check turned away."""
        if order.state in _NEVER_PLACED:
            said = order.message or f"The order was {order.state.value.lower().replace('_', ' ')}."
            raise Refused(400, said, orderid=order.id, reason=order.code, alert_id=alert_id)
        reply = {"orderid": order.id}
        if order.state in UNCERTAIN:
            reply["message"] = (
                "Nobody knows yet whether the broker has this order. It will not be sent twice; ask orderstatus, and do not send it again."
            )
        elif order.state in (OrderState.QUEUED, OrderState.SENDING):
            reply["message"] = (
                "The order is kept and will be sent; its broker has not answered yet. Do not send it again."
            )
        return reply


def add(wire: Wire, desk: Desk) -> None:
    """The endpoints of this module."""

    async def placeorder(call: Call, body: PlaceOrder) -> Mapping[str, Any]:
        """Place one order."""
        placed = await desk.submit(call, "placeorder", body.strategy, [body.wish()])
        return wire.marked(call, desk.result(placed))

    async def placesmartorder(call: Call, body: SmartOrder) -> Mapping[str, Any]:
        """Bring what the strategy holds in the symbol and product to `position_size`, whatever it holds now.

        Orders of the strategy that still rest there are cancelled first, and what was sent a moment ago counts. A
        `position_size` of 0 closes; where nothing is held it places `action` and `quantity` instead, if there is a quantity.
        """
        placed = await desk.submit(call, "placesmartorder", body.strategy, [body.wish()])
        return wire.marked(call, desk.result(placed))

    async def splitorder(call: Call, body: SplitOrder) -> Mapping[str, Any]:
        """Place one order in pieces of `splitsize`, one after the other; the last one is the rest."""
        placed = await desk.submit(call, "splitorder", body.strategy, [body.wish(split_size=body.splitsize)])
        whole = {"split_size": plain_number(body.splitsize), "total_quantity": plain_number(body.quantity)}
        if not placed.orders:
            return wire.marked(call, {**whole, **desk.result(placed), "results": []})
        return desk.legs(call, placed, desk.pieces(placed), **whole)

    wire.post("placeorder", PlaceOrder, placeorder, scope="orders:write", pace="orders", fault="text")
    wire.post("placesmartorder", SmartOrder, placesmartorder, scope="orders:write", pace="orders", fault="text")
    wire.post("splitorder", SplitOrder, splitorder, scope="orders:write", fault="text")
