"""3Commas signal bot, both alert types: strategy (buy, sell, positions) and custom (enter, exit, disable).

Sources: https://help.3commas.io articles 9374557 and 8894481.
"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.positions import PLAIN, SIDE_OF, claim, intent_between, side_of
from bridge.dialects.families.values import (
    HUNDRED,
    absent,
    boolean,
    number,
    object_of,
    objects_of,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    unless_zero,
    word,
)
from bridge.domain.intent import (
    Intent,
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
)

ACTIONS = {
    "enter_long": Intent.ENTER_LONG,
    "enter_short": Intent.ENTER_SHORT,
    "exit_long": Intent.EXIT_LONG,
    "exit_short": Intent.EXIT_SHORT,
    "buy": Intent.BUY,
    "sell": Intent.SELL,
    "disable": None,
}
CURRENCY_TYPES = {
    "quote": QuantityType.QUOTE,
    "base": QuantityType.BASE,
    "margin_percent": QuantityType.PERCENT_MARGIN,
    "position_percent": QuantityType.PERCENT_POSITION,
}
ORDER_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT}
EXIT_ORDERS: dict[str, Any] = {"market": "market", "limit": "limit"}
SUB_ACTIONS = {"market_close": Intent.FLATTEN, "cancel": Intent.CANCEL_ORDERS}

_EXITS = frozenset({Intent.EXIT_LONG, Intent.EXIT_SHORT})
_STRATEGY_TYPE = frozenset({Intent.BUY, Intent.SELL})


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and "bot_uuid" in body and ("action" in body or "tv_instrument" in body):
        return "it has a bot_uuid"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    action = word(body.get("action"), "action", ACTIONS, code="unknown_action")
    said: dict[str, Any] = {
        "dialect": DIALECT.name,
        "bot": optional_text(body.get("bot_uuid"), "bot_uuid"),
        "timestamp": optional_text(body.get("timestamp"), "timestamp"),
        "max_age_s": optional_positive(body.get("max_lag"), "max_lag"),
        "secret": optional_text(body.get("secret"), "secret"),
    }
    if action is None:
        return Reading(kind=Kind.CONTROL, control="disable", orders=_disabling(body), **said)
    return Reading(kind=Kind.ORDER, orders=(_order(body, action),), **said)


def _disabling(body: dict[str, Any]) -> tuple[OrderIntent, ...]:
    found = optional_word(body.get("positions_sub_action"), "positions_sub_action", SUB_ACTIONS)
    if found is None:
        return ()
    order_type = OrderType.MARKET if found is Intent.FLATTEN else OrderType.DEFAULT
    return (OrderIntent(intent=found, scope="bot", order_type=order_type),)


def _order(body: dict[str, Any], action: Intent) -> OrderIntent:
    side = SIDE_OF[action]
    exchange = optional_text(body.get("tv_exchange"), "tv_exchange")
    return OrderIntent(
        symbol=symbol(body.get("tv_instrument"), "tv_instrument"),
        exchange=exchange,
        side=side,
        signal_price=unless_zero(body.get("trigger_price"), "trigger_price"),
        **_verb(body.get("strategy_info"), action, side),
        **_terms({} if absent(body.get("order")) else object_of(body["order"], "order"), action),
        take_profit=_take_profit(body.get("take_profit")),
        stop_loss=_stop_loss(body.get("stop_loss")),
    )


def _verb(block: Any, action: Intent, side: Side) -> dict[str, Any]:
    if action not in _STRATEGY_TYPE or absent(block):
        return {"intent": action}
    info = object_of(block, "strategy_info")
    after = claim(info.get("market_position"), info.get("market_position_size"), "market_position")
    before = claim(info.get("prev_market_position"), info.get("prev_market_position_size"), "prev_market_position")
    intent = intent_between(side_of(before), side_of(after), side) if after else PLAIN[side]
    return {"intent": intent, "position_before": before, "position_after": after}


def _terms(order: dict[str, Any], action: Intent) -> dict[str, Any]:
    leaving = action in _EXITS
    amount = unless_zero(order.get("amount"), "order amount")
    default = QuantityType.FULL_POSITION if leaving else QuantityType.DEFAULT
    kind = None if amount is None else word(order.get("currency_type"), "order currency_type", CURRENCY_TYPES)
    return {"quantity": amount, "quantity_type": kind or default} | _entry(order, leaving, bool(order))


def _entry(order: dict[str, Any], leaving: bool, sent: bool) -> dict[str, Any]:
    """The order's type and price. Exits are market whatever is written."""
    found = optional_word(order.get("order_type"), "order order_type", ORDER_TYPES)
    if leaving or (found is None and sent):
        found = OrderType.MARKET
    if found is not OrderType.LIMIT:
        return {"order_type": found or OrderType.DEFAULT}
    price = unless_zero(order.get("price"), "order price")
    away = None if absent(order.get("price_percent")) else abs(number(order["price_percent"], "order price_percent"))
    return {
        "order_type": found,
        "price": price,
        "price_offset": Level(type="percent", value=away) if away and price is None else None,
    }


def _enabled(block: Any, name: str) -> dict[str, Any] | None:
    if absent(block):
        return None
    part = object_of(block, name)
    switched = part.get("enabled")
    return part if absent(switched) or boolean(switched, f"{name} enabled") else None


def _take_profit(block: Any) -> tuple[Level, ...]:
    part = _enabled(block, "take_profit")
    if part is None or absent(part.get("steps")):
        return ()
    steps = tuple(_step(step) for step in objects_of(part["steps"], "take_profit steps"))
    portions = [step.portion_percent for step in steps if step.portion_percent is not None]
    if portions and sum(portions) != HUNDRED:
        raise Unreadable(
            "portions_do_not_add_up", "take_profit steps: the volume_percent of all steps must add up to 100"
        )
    return steps


def _step(step: dict[str, Any]) -> Level:
    return Level(
        type="percent",
        value=_distance(step.get("price_percent"), "take_profit price_percent"),
        portion_percent=None
        if absent(step.get("volume_percent"))
        else positive(step["volume_percent"], "take_profit volume_percent"),
        order=optional_word(step.get("order_type"), "take_profit order_type", EXIT_ORDERS),
    )


def _stop_loss(block: Any) -> Level | None:
    part = _enabled(block, "stop_loss")
    if part is None:
        return None
    return Level(
        type="trail_percent" if _trails(part.get("trailing")) else "percent",
        value=_distance(part.get("trigger_price_percent"), "stop_loss trigger_price_percent"),
        order=optional_word(part.get("order_type"), "stop_loss order_type", EXIT_ORDERS),
    )


def _trails(value: Any) -> bool:
    if isinstance(value, dict):
        return absent(value.get("enabled")) or boolean(value["enabled"], "stop_loss trailing enabled")
    return not absent(value) and boolean(value, "stop_loss trailing")


def _distance(value: Any, name: str) -> Any:
    """A distance in percent; some senders sign it, only its size counts."""
    return positive(abs(number(value, name)), name)


DIALECT = Dialect(name="3commas_signal", title="3Commas signal bot", rank=10, recognise=_recognise, read=_read)
