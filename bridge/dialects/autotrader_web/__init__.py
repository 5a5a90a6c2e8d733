"""AutoTrader Web's alert JSON. https://stocksdeveloper.in/documentation/trading-view"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import INDIAN_ORDER_TYPES, NEEDS_LIMIT, NEEDS_TRIGGER, PRODUCTS, level, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import (
    object_of,
    objects_of,
    optional_text,
    optional_word,
    positive,
    symbol,
    text,
    word,
)
from bridge.domain.intent import Kind, OrderIntent, OrderType, QuantityType, Reading, Side

COMMANDS = {"place_orders": Kind.ORDER}
SIDES = {"buy": Side.BUY, "sell": Side.SELL, "short": Side.SELL, "cover": Side.BUY}
VARIETIES = {"regular": "regular", "bo": "bracket", "co": "cover"}


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and isinstance(body.get("command"), str) and "orders" in body:
        return "it has a command with orders"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=word(body.get("command"), "command", COMMANDS, code="unknown_action"),
        orders=tuple(_order(part) for part in objects_of(body.get("orders"), "orders")),
        account=optional_text(body.get("account") or body.get("group"), "account"),
        secret=optional_text(body.get("apiKey"), "apiKey"),
    )


def _order(part: dict[str, Any]) -> OrderIntent:
    side = word(part.get("tradeType"), "tradeType", SIDES, code="unknown_side")
    order_type = optional_word(part.get("orderType"), "orderType", INDIAN_ORDER_TYPES) or OrderType.DEFAULT
    variety = optional_word(part.get("variety"), "variety", VARIETIES) or "regular"
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol(part.get("symbol")),
        exchange=text(part.get("exchange"), "exchange"),
        side=side,
        quantity=positive(part.get("quantity"), "quantity"),
        quantity_type=QuantityType.UNITS,
        order_type=order_type,
        price=positive(part.get("price"), "price") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(part.get("triggerPrice"), "triggerPrice") if order_type in NEEDS_TRIGGER else None,
        product=optional_word(part.get("productType"), "productType", PRODUCTS),
        take_profit=some(level("offset", part.get("target"), "target")),
        stop_loss=level("offset", part.get("stoploss"), "stoploss"),
        extras={} if variety == "regular" else {"variety": variety},
    )


DIALECT = Dialect(name="autotrader_web", title="AutoTrader Web", rank=15, recognise=_recognise, read=_read)
