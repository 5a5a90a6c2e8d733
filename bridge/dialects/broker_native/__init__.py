"""Bodies that users know from their broker's own API: Alpaca orders, Kite alerts, Dhan conditional triggers.

Sources: https://docs.alpaca.markets/reference/postorder, https://kite.trade/docs/connect/v3/alerts/,
https://dhanhq.co/docs/v2/conditional-trigger/. The last two wait for a condition: they are shown, never traded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import (
    INDIAN_ORDER_TYPES,
    NEEDS_LIMIT,
    NEEDS_TRIGGER,
    ORDER_TYPES,
    PRODUCTS,
    TIME_IN_FORCE,
    level,
    some,
)
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.strict_json import parse
from bridge.dialects.families.values import (
    absent,
    boolean,
    object_of,
    objects_of,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    text,
    word,
)
from bridge.domain.intent import (
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
KITE_NAMES = {
    "side": "transaction_type",
    "type": "order_type",
    "trigger": "trigger_price",
    "product": "product",
}
DHAN_NAMES = {"side": "transactionType", "type": "orderType", "trigger": "triggerPrice", "product": "productType"}

_ALPACA = frozenset({"symbol", "side", "type", "time_in_force"})
_KITE = frozenset({"lhs_tradingsymbol", "operator", "type"})
_DHAN = frozenset({"condition", "orders"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or reports_an_order(body):
        return None
    if body.keys() >= _ALPACA:
        return "it has what Alpaca's orders must have"
    if body.keys() >= _KITE:
        return "it is a Kite alert"
    if body.keys() >= _DHAN and isinstance(body["condition"], dict):
        return "it is a Dhan conditional trigger"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    if "condition" in body:
        return _dhan(body)
    return _kite(body) if "lhs_tradingsymbol" in body else _alpaca(body)


def _alpaca(body: dict[str, Any]) -> Reading:
    own_id = optional_text(body.get("client_order_id"), "client_order_id")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_alpaca_order(body),),
        dedupe_key="client_order_id" if own_id else None,
        dedupe_value=own_id,
        extras={"broker": "alpaca"},
    )


def _alpaca_order(body: dict[str, Any]) -> OrderIntent:
    side = word(body.get("side"), "side", SIDES, code="unknown_side")
    order_type = word(body.get("type"), "type", ORDER_TYPES, code="unknown_order_type")
    quantity, quantity_type = _alpaca_size(body)
    order_class = optional_text(body.get("order_class"), "order_class")
    extended = None if absent(body.get("extended_hours")) else boolean(body["extended_hours"], "extended_hours")
    extras = {"order_class": order_class, "extended_hours": extended}
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol(body.get("symbol")),
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        order_type=order_type,
        price=positive(body.get("limit_price"), "limit_price") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(body.get("stop_price"), "stop_price") if order_type in NEEDS_TRIGGER else None,
        trailing=_alpaca_trailing(body) if order_type is OrderType.TRAILING_STOP else None,
        time_in_force=word(body.get("time_in_force"), "time_in_force", TIME_IN_FORCE),
        take_profit=some(_alpaca_level(body.get("take_profit"), "take_profit", "limit_price")),
        stop_loss=_alpaca_level(body.get("stop_loss"), "stop_loss", "stop_price"),
        extras={name: value for name, value in extras.items() if value is not None},
    )


def _alpaca_size(body: dict[str, Any]) -> tuple[Decimal, QuantityType]:
    if not absent(body.get("qty")) and not absent(body.get("notional")):
        raise Unreadable("two_sizes", "qty and notional both say how much; send only one of them")
    if not absent(body.get("notional")):
        return positive(body["notional"], "notional"), QuantityType.CASH
    return positive(body.get("qty"), "qty"), QuantityType.UNITS


def _alpaca_trailing(body: dict[str, Any]) -> Trailing:
    if absent(body.get("trail_price")):
        return Trailing(type="trail_percent", distance=positive(body.get("trail_percent"), "trail_percent"))
    return Trailing(type="trail_offset", distance=positive(body["trail_price"], "trail_price"))


def _alpaca_level(block: Any, name: str, member: str) -> Level | None:
    if absent(block):
        return None
    part = object_of(block, name)
    found = level("price", part.get(member), f"{name} {member}")
    if found is None or name == "take_profit":
        return found
    limit = optional_positive(part.get("limit_price"), f"{name} limit_price")
    return Level(type="price", value=found.value, limit_price=limit)


def _kite(body: dict[str, Any]) -> Reading:
    """A simple alert only tells; one of the type `ato` carries a basket, as JSON inside the form."""
    condition = ("lhs_exchange", "lhs_tradingsymbol", "lhs_attribute", "operator", "rhs_type", "rhs_constant")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.CONDITIONAL,
        orders=() if absent(body.get("basket")) else _kite_basket(body["basket"]),
        extras={"broker": "zerodha", "condition": {name: body[name] for name in condition if name in body}},
    )


def _kite_basket(value: Any) -> tuple[OrderIntent, ...]:
    try:
        basket = object_of(parse(value) if isinstance(value, str) else value, "basket")
    except ValueError:
        raise Unreadable("malformed_json", "basket: is no JSON") from None
    return tuple(_kite_order(item) for item in objects_of(basket.get("items"), "basket items"))


def _kite_order(item: dict[str, Any]) -> OrderIntent:
    return OrderIntent(
        symbol=symbol(item.get("tradingsymbol"), "tradingsymbol"),
        exchange=text(item.get("exchange"), "exchange"),
        **_indian(object_of(item.get("params"), "params"), KITE_NAMES),
    )


def _dhan(body: dict[str, Any]) -> Reading:
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.CONDITIONAL,
        orders=tuple(_dhan_order(part) for part in objects_of(body.get("orders"), "orders")),
        extras={"broker": "dhan", "condition": body["condition"]},
    )


def _dhan_order(part: dict[str, Any]) -> OrderIntent:
    return OrderIntent(
        symbol_from="security_id",
        exchange=text(part.get("exchangeSegment"), "exchangeSegment"),
        **_indian(part, DHAN_NAMES),
        extras={"security_id": text(part.get("securityId"), "securityId")},
    )


def _indian(part: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The terms of an order, which Kite and Dhan write alike but for the spelling of the names."""
    side = word(part.get(names["side"]), names["side"], SIDES, code="unknown_side")
    order_type = word(part.get(names["type"]), names["type"], INDIAN_ORDER_TYPES, code="unknown_order_type")
    trigger = part.get(names["trigger"])
    return {
        "intent": PLAIN[side],
        "side": side,
        "quantity": positive(part.get("quantity"), "quantity"),
        "quantity_type": QuantityType.UNITS,
        "order_type": order_type,
        "price": positive(part.get("price"), "price") if order_type in NEEDS_LIMIT else None,
        "trigger_price": positive(trigger, names["trigger"]) if order_type in NEEDS_TRIGGER else None,
        "product": optional_word(part.get(names["product"]), names["product"], PRODUCTS),
        "time_in_force": optional_word(part.get("validity"), "validity", TIME_IN_FORCE),
    }


DIALECT = Dialect(name="broker_native", title="Broker APIs", rank=20, recognise=_recognise, read=_read)
