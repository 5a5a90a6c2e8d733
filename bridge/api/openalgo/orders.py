"""Orders: each request is an alert like any other, read here instead of by a dialect, and answered when its broker has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import model_validator

from bridge.accounts.model import Account, Source
from bridge.api.openalgo.strategies import Strategies
from bridge.api.openalgo.wire import Body, Call, Name, NotNegative, Positive, Refused, Upper, Wire, misfit
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Product, QuantityType, Reading, Side
from bridge.domain.lifecycle import UNCERTAIN, IntentState, OrderState
from bridge.orders.arrival import Arrival
from bridge.orders.placing import Placed
from bridge.orders.records import OrderRecord

ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.STOP_LIMIT,
    "SL-M": OrderType.STOP,
}
EXCHANGES = Literal[
    "NSE", "NFO", "CDS", "BSE", "BFO", "BCD", "MCX", "NCDEX", "NCO", "NSE_INDEX", "BSE_INDEX", "MCX_INDEX",
    "GLOBAL_INDEX", "CRYPTO", "NASDAQ", "NYSE", "AMEX",
]  # fmt: skip
FORBIDDEN = frozenset({"stopped", "account_disabled", "user_may_not_trade", "strategy_off", "approval_not_possible"})
_NEVER_PLACED = frozenset({OrderState.REJECTED, OrderState.NOT_SENT, OrderState.NOT_PLACED})


class Terms(Body):
    """How an order is to trade."""

    exchange: Upper
    symbol: Upper
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
        words = ("action", "pricetype", "product", "exchange", "symbol")
        return {**given, **{name: given[name].strip().upper() for name in words if isinstance(given.get(name), str)}}

    @model_validator(mode="after")
    def _prices_fit(self) -> Terms:
        """What the order type needs is there: a broker must not be the first to notice."""
        if self.pricetype in ("LIMIT", "SL") and not self.price:
            raise misfit("price", f"a {self.pricetype} order needs a price above 0")
        if self.pricetype in ("SL", "SL-M") and not self.trigger_price:
            raise misfit("trigger_price", f"a {self.pricetype} order needs a trigger price above 0")
        return self

    def wish(self, **more: Any) -> OrderIntent:
        """As an intent."""
        side = Side.BUY if self.action == "BUY" else Side.SELL
        kind = ORDER_TYPES[self.pricetype]
        said: dict[str, Any] = {
            "intent": Intent.BUY if side is Side.BUY else Intent.SELL,
            "symbol": self.symbol,
            "exchange": self.exchange,
            "side": side,
            "quantity": self.quantity,
            "quantity_type": QuantityType.UNITS,
            "order_type": kind,
            "price": self.price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
            "trigger_price": self.trigger_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
            "product": Product(self.product),
            "extras": {"disclosed_quantity": self.disclosed_quantity} if self.disclosed_quantity else {},
        }
        return OrderIntent(**{**said, **more})


class PlaceOrder(Terms):
    """One order."""

    strategy: Name
    underlying_ltp: NotNegative | None = None


class Desk:
    """The way from a request to the pipeline and back, for every endpoint that trades."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ports = wire.ports
        self.strategies = Strategies(wire.ports)

    async def submit(
        self, call: Call, endpoint: str, strategy: str, wishes: Sequence[OrderIntent], kind: Kind = Kind.ORDER
    ) -> Placed:
        """What became of the wishes. Raises `Refused` when not one of them may go on."""
        account = self.wire.account(call)
        if (desk := self.ports.desk(account.id)) is not None and desk.book.login_lost:
            raise Refused(403, f"The broker login of {account.name} is over: log in to the broker again.")
        arrival = await self._arrival(call, endpoint, strategy, account, wishes, kind)
        placed = await self.ports.place(arrival, account.id)
        if placed.refusal is not None:
            status = 409 if placed.conflict else 403 if placed.refusal.code in FORBIDDEN else 400
            raise Refused(status, placed.refusal.message, reason=placed.refusal.code, alert_id=placed.alert_id)
        return placed

    async def _arrival(
        self, call: Call, endpoint: str, strategy: str, account: Account, wishes: Sequence[OrderIntent], kind: Kind
    ) -> Arrival:
        named = await self.strategies.on(call, strategy, account)
        source = Source(
            id=call.caller.source_id,
            public_id="",
            user_id=call.caller.user.id,
            strategy_id=named.id,
            name=call.caller.name,
            secret_hash="",
        )
        because = (f"sent to /api/v1/{endpoint}",)
        return Arrival(
            source=source,
            content_type="application/json",
            body=json.dumps(call.raw, default=str, ensure_ascii=False),
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
                strategy=strategy,
                because=because,
            ),
            strategy=named,
            conditional=kind is Kind.CONDITIONAL,
        )

    def result(self, placed: Placed) -> dict[str, Any]:
        """The reply for a request that asked for one order. Raises `Refused` when it led to none, or to a dead one."""
        if placed.orders:
            return self.one(placed.orders[0], placed.alert_id)
        intent = placed.intents[0]
        if intent.state is IntentState.AWAITING_CONFIRM:
            return {
                "message": "Order queued for approval.",
                "mode": "semi_auto",
                "pending_order_id": intent.id,
            }
        if intent.code == "nothing_to_do":
            return {"message": "Positions Already Matched. No Action needed.", "reason": intent.message}
        if intent.state in (IntentState.RECEIVED, IntentState.HELD):
            return {"message": "Accepted; what it leads to is not decided yet.", "alert_id": placed.alert_id}
        raise Refused(400, intent.message or "The order was refused.", reason=intent.code, alert_id=placed.alert_id)

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


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    desk = Desk(wire)

    async def placeorder(call: Call, body: PlaceOrder) -> Mapping[str, Any]:
        """Place one order."""
        placed = await desk.submit(call, "placeorder", body.strategy, [body.wish()])
        return wire.marked(call, desk.result(placed))

    wire.post("placeorder", PlaceOrder, placeorder, scope="orders:write", pace="orders", fault="text")
