"""MetaApi CopyFactory's webhook signal. https://metaapi.cloud/docs/copyfactory/models/webhookSignal/"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import level, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import object_of, optional_text, positive, symbol, word
from bridge.domain.intent import Kind, OrderIntent, OrderType, QuantityType, Reading, Side

TYPES = {
    "position_type_buy": (Side.BUY, OrderType.MARKET),
    "position_type_sell": (Side.SELL, OrderType.MARKET),
    "order_type_buy_limit": (Side.BUY, OrderType.LIMIT),
    "order_type_sell_limit": (Side.SELL, OrderType.LIMIT),
    "order_type_buy_stop": (Side.BUY, OrderType.STOP),
    "order_type_sell_stop": (Side.SELL, OrderType.STOP),
}
# Where the pending order's openPrice goes.
PENDING = {OrderType.LIMIT: "price", OrderType.STOP: "trigger_price"}


def _recognise(message: Message) -> str | None:
    body = message.json
    kind = body.get("type") if isinstance(body, dict) else None
    if isinstance(kind, str) and kind.startswith(("POSITION_TYPE_", "ORDER_TYPE_")):
        return "its type is one of MetaTrader's"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        timestamp=optional_text(body.get("time"), "time"),
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    side, order_type = word(body.get("type"), "type", TYPES, code="unknown_side")
    pending = PENDING.get(order_type)
    entry: dict[str, Any] = {pending: positive(body.get("openPrice"), "openPrice")} if pending else {}
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol(body.get("symbol")),
        side=side,
        quantity=positive(body.get("volume"), "volume"),
        quantity_type=QuantityType.LOTS,
        order_type=order_type,
        take_profit=some(level("price", body.get("takeProfit"), "takeProfit")),
        stop_loss=level("price", body.get("stopLoss"), "stopLoss"),
        **entry,
    )


DIALECT = Dialect(name="copyfactory", title="MetaApi CopyFactory", rank=25, recognise=_recognise, read=_read)
