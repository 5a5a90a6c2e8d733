"""Altrady's signal bot. https://support.altrady.com (webhook signals for trading bots)"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import ORDER_TYPES, level, some
from bridge.dialects.families.positions import ENTER, LEAVE, SIDE_OF, Stance
from bridge.dialects.families.values import (
    absent,
    object_of,
    objects_of,
    optional_boolean,
    optional_positive,
    optional_text,
    optional_word,
    symbol,
    word,
)
from bridge.domain.intent import Intent, Kind, Level, OrderIntent, OrderType, QuantityType, Reading

ACTIONS = ("open", "close", "reverse", "increase", "start_bot", "start_and_open", "stop_bot", "stop_and_close")
SIDES: dict[str, Stance] = {"long": "long", "short": "short", "buy": "long", "sell": "short"}
CONTROLS = {"start_bot": "start", "start_and_open": "start", "stop_bot": "stop", "stop_and_close": "stop"}


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and {"api_key", "api_secret"} <= body.keys() and {"action", "side"} & body.keys():
        return "it has api_key and api_secret beside an action or side"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    action = optional_word(body.get("action"), "action", {name: name for name in ACTIONS}, code="unknown_action")
    signal_id = optional_text(body.get("signal_id"), "signal_id")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.CONTROL if action in CONTROLS else Kind.ORDER,
        orders=_orders(body, action or "open"),
        control=CONTROLS.get(action or "open"),
        dry_run=optional_boolean(body.get("test"), "test") or None,
        secret=optional_text(body.get("api_secret"), "api_secret"),
        extras={"signal_id": signal_id} if signal_id else {},
    )


def _orders(body: dict[str, Any], action: str) -> tuple[OrderIntent, ...]:
    if action in ("start_bot", "stop_bot"):
        return ()
    if action == "stop_and_close":
        return (OrderIntent(intent=Intent.FLATTEN, scope="bot", order_type=OrderType.MARKET),)
    return (_closing(body) if action == "close" else _opening(body, action),)


def _stance(body: dict[str, Any]) -> Stance:
    return word(body.get("side"), "side", SIDES, code="unknown_side")


def _closing(body: dict[str, Any]) -> OrderIntent:
    intent = Intent.EXIT if absent(body.get("side")) else LEAVE[_stance(body)]
    return OrderIntent(
        intent=intent, side=SIDE_OF.get(intent), quantity_type=QuantityType.FULL_POSITION, **_instrument(body)
    )


def _opening(body: dict[str, Any], action: str) -> OrderIntent:
    entering = ENTER[_stance(body)]
    verbs = {"reverse": Intent.REVERSE, "increase": Intent.ADD}
    quantity = optional_positive(body.get("quote_amount"), "quote_amount")
    return OrderIntent(
        intent=verbs.get(action, entering),
        side=SIDE_OF[entering],
        quantity=quantity,
        quantity_type=QuantityType.DEFAULT if quantity is None else QuantityType.QUOTE,
        order_type=optional_word(body.get("order_type"), "order_type", ORDER_TYPES) or OrderType.DEFAULT,
        leverage=optional_positive(body.get("leverage"), "leverage"),
        signal_price=optional_positive(body.get("signal_price"), "signal_price"),
        take_profit=_take_profit(body.get("take_profit")),
        stop_loss=None
        if absent(body.get("stop_loss"))
        else _level(object_of(body["stop_loss"], "stop_loss"), "stop_loss"),
        extras={"dca_orders": body["dca_orders"]} if isinstance(body.get("dca_orders"), list) else {},
        **_instrument(body),
    )


def _instrument(body: dict[str, Any]) -> dict[str, Any]:
    return {"symbol": symbol(body.get("symbol")), "exchange": optional_text(body.get("exchange"), "exchange")}


def _take_profit(block: Any) -> tuple[Level, ...]:
    if absent(block):
        return ()
    return some(*(_target(part) for part in objects_of(block, "take_profit")))


def _target(part: dict[str, Any]) -> Level:
    found = _level(part, "take_profit")
    portion = optional_positive(part.get("position_percentage"), "take_profit position_percentage")
    return Level(type=found.type, value=found.value, portion_percent=portion)


def _level(part: dict[str, Any], name: str) -> Level:
    for member in ("price_percentage", "stop_percentage", "percentage"):
        if found := level("percent", part.get(member), f"{name} {member}"):
            return found
    for member in ("price", "stop_price"):
        if found := level("price", part.get(member), f"{name} {member}"):
            return found
    raise Unreadable("missing_member", f"{name}: needs a percentage or a price")


DIALECT = Dialect(name="altrady", title="Altrady", rank=20, recognise=_recognise, read=_read)
