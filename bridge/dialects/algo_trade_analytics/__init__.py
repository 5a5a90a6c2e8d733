"""Algo Trade Analytics' webhook. https://docs.algo-trade-analytics.com"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, ORDER_TYPES, TIME_IN_FORCE, level, some
from bridge.dialects.families.positions import SIDE_OF
from bridge.dialects.families.values import (
    absent,
    object_of,
    optional_number,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    word,
)
from bridge.domain.intent import Intent, Kind, Level, OrderIntent, OrderType, QuantityType, Reading, Trailing

DIRECTIONS = {
    "long": Intent.ENTER_LONG,
    "entrylong": Intent.ENTER_LONG,
    "short": Intent.ENTER_SHORT,
    "entryshort": Intent.ENTER_SHORT,
    "exitlong": Intent.EXIT_LONG,
    "exitshort": Intent.EXIT_SHORT,
}

_EXITS = frozenset({Intent.EXIT_LONG, Intent.EXIT_SHORT})


def _recognise(message: Message) -> str | None:
    body = message.json
    if (
        isinstance(body, dict)
        and {"auth_key", "ticker"} <= body.keys()
        and {"direction", "positionDirection"} & body.keys()
    ):
        return "it has an auth_key, a ticker and a direction"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    about = object_of(body["metadata"], "metadata") if not absent(body.get("metadata")) else {}
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        strategy=optional_text(about.get("strategy"), "metadata strategy"),
        timestamp=optional_text(about.get("timestamp"), "metadata timestamp"),
        secret=optional_text(body.get("auth_key"), "auth_key"),
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    member = "direction" if absent(body.get("positionDirection")) else "positionDirection"
    intent = word(body.get(member), member, DIRECTIONS, code="unknown_side")
    order_type = optional_word(body.get("orderType"), "orderType", ORDER_TYPES) or OrderType.MARKET
    quantity, quantity_type = _size(body, intent)
    return OrderIntent(
        intent=intent,
        symbol=symbol(body.get("ticker"), "ticker"),
        side=SIDE_OF[intent],
        quantity=quantity,
        quantity_type=quantity_type,
        order_type=order_type,
        price=positive(body.get("limitPrice"), "limitPrice") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(body.get("stopPrice"), "stopPrice") if order_type in NEEDS_TRIGGER else None,
        signal_price=optional_number(body.get("marketPrice"), "marketPrice"),
        time_in_force=optional_word(body.get("timeInForce"), "timeInForce", TIME_IN_FORCE),
        take_profit=some(_target(body)),
        stop_loss=_stop_loss(body),
        trailing=_trailing(body),
    )


def _size(body: dict[str, Any], intent: Intent) -> tuple[Any, QuantityType]:
    if not absent(body.get("qty")):
        return positive(body["qty"], "qty"), QuantityType.UNITS
    if not absent(body.get("notional")):
        return positive(body["notional"], "notional"), QuantityType.CASH
    return (None, QuantityType.FULL_POSITION) if intent in _EXITS else (positive(1, "qty"), QuantityType.UNITS)


def _target(body: dict[str, Any]) -> Level | None:
    block = object_of(body["takeProfit"], "takeProfit") if not absent(body.get("takeProfit")) else {}
    found = level("price", block.get("limitPrice"), "takeProfit limitPrice")
    return found or level("price", body.get("profitTarget"), "profitTarget")


def _stop_loss(body: dict[str, Any]) -> Level | None:
    block = object_of(body["stopLoss"], "stopLoss") if not absent(body.get("stopLoss")) else {}
    found = level("price", block.get("stopPrice"), "stopLoss stopPrice")
    if found is None:
        return level("price", body.get("stopLossTarget"), "stopLossTarget")
    return Level(
        type="price",
        value=found.value,
        limit_price=optional_positive(block.get("limitPrice"), "stopLoss limitPrice"),
    )


def _trailing(body: dict[str, Any]) -> Trailing | None:
    if not absent(body.get("trailPrice")):
        return Trailing(type="trail_offset", distance=positive(body["trailPrice"], "trailPrice"))
    if not absent(body.get("trailPercent")):
        return Trailing(type="trail_percent", distance=positive(body["trailPercent"], "trailPercent"))
    return None


DIALECT = Dialect(name="algo_trade_analytics", title="Algo Trade Analytics", rank=20, recognise=_recognise, read=_read)
