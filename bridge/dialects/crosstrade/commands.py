"""What each CrossTrade command asks for; the payload's members in, orders out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families import levels, moves, values
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, TIME_IN_FORCE
from bridge.dialects.families.pairs import Pairs
from bridge.dialects.families.positions import PLAIN, claim
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, QuantityType

_ORDER_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stopmarket": OrderType.STOP,
    "stop": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
}
_DISTANCE = re.compile(r"[+-]?(\d{1,12}(?:\.\d{1,8})?)\s*(%|ticks?|t)", re.IGNORECASE)
_OUT_OF_SYNC = {word: word for word in ("flatten", "resync", "wait", "ignore")}


def place(pairs: Pairs, intent: Intent | None = None) -> tuple[OrderIntent, ...]:
    """An order with all four members it must have; `flatten_first` closes and cancels before."""
    side = values.side(pairs.get("action"), "action")
    order_type = values.word(pairs.get("order_type"), "order_type", _ORDER_TYPES, code="unknown_order_type")
    order = OrderIntent(
        intent=intent or PLAIN[side],
        side=side,
        quantity=values.positive(pairs.get("qty"), "qty"),
        quantity_type=QuantityType.CONTRACTS,
        order_type=order_type,
        time_in_force=values.word(pairs.get("tif"), "tif", TIME_IN_FORCE, code="unknown_time_in_force"),
        position_before=claim(pairs.get("prev_market_position"), None, "prev_market_position"),
        position_after=claim(pairs.get("market_position"), None, "market_position"),
        delay_s=values.unless_zero(pairs.get("delay"), "delay"),
        extras=_extras(pairs),
        **instrument(pairs),
        **prices(pairs, order_type),
        **_bracket(pairs),
    )
    flatten_first = values.optional_boolean(pairs.get("flatten_first"), "flatten_first")
    return (*flatten(pairs), order) if flatten_first else (order,)


def instrument(pairs: Pairs) -> dict[str, Any]:
    """The contract, and the strategy's tag, that most commands need."""
    return {
        "symbol": values.symbol(pairs.get("instrument"), "instrument"),
        "tag": values.optional_text(pairs.get("strategy_tag"), "strategy_tag"),
    }


def prices(pairs: Pairs, order_type: OrderType) -> dict[str, Any]:
    """Limit and stop price as the order type needs them; a distance is from the market."""
    found: dict[str, Any] = {}
    if order_type in NEEDS_LIMIT:
        found |= _price(pairs.get("limit_price"), "limit_price", "price")
    if order_type in NEEDS_TRIGGER:
        found |= _price(pairs.get("stop_price"), "stop_price", "trigger_price")
    return found


def _price(said: str | None, name: str, member: str) -> dict[str, Any]:
    if distance := _DISTANCE.fullmatch(said or ""):
        figure = values.positive(distance[1], name)
        return {"price_offset": Level(type="percent" if distance[2] == "%" else "points", value=figure)}
    return {member: values.positive(said, name)}


def _level(pairs: Pairs, name: str) -> Level | None:
    if distance := _DISTANCE.fullmatch(pairs.get(name, "")):
        figure = values.unless_zero(distance[1], name)
        return Level(type="percent" if distance[2] == "%" else "points", value=figure) if figure else None
    return levels.level("price", pairs.get(name), name)


def _bracket(pairs: Pairs) -> dict[str, Any]:
    return {"stop_loss": _level(pairs, "stop_loss"), "take_profit": levels.some(_level(pairs, "take_profit"))}


def _extras(pairs: Pairs) -> dict[str, Any]:
    if not values.optional_boolean(pairs.get("sync_strategy"), "sync_strategy"):
        return {}
    doing = values.optional_word(pairs.get("out_of_sync"), "out_of_sync", _OUT_OF_SYNC)
    return {"on_out_of_sync": doing} if doing else {}


def flatten(pairs: Pairs) -> tuple[OrderIntent, ...]:
    """Close the position and cancel its working orders; without an instrument, of the whole account."""
    if values.absent(pairs.get("instrument")):
        return (moves.flatten("all", cancel_open_orders=True),)
    return (moves.flatten("symbol", cancel_open_orders=True, **instrument(pairs)),)


def _flatten_everything(pairs: Pairs) -> tuple[OrderIntent, ...]:
    return (moves.flatten("all", cancel_open_orders=True),)


def _close_position(pairs: Pairs) -> tuple[OrderIntent, ...]:
    return (moves.leave("both", **instrument(pairs), **_part(pairs)),)


def _part(pairs: Pairs) -> dict[str, Any]:
    part = values.optional_positive(pairs.get("qty"), "qty")
    return {"quantity": part, "quantity_type": QuantityType.CONTRACTS} if part else {}


def _reverse(pairs: Pairs) -> tuple[OrderIntent, ...]:
    """Turn whatever is open; the order may be spelt out as for PLACE."""
    if values.absent(pairs.get("action")):
        members = instrument(pairs) | _part(pairs)
        return (OrderIntent(intent=Intent.REVERSE, order_type=OrderType.MARKET, **members),)
    return place(pairs, Intent.REVERSE)


def _cancel(pairs: Pairs) -> tuple[OrderIntent, ...]:
    order_id = values.optional_text(pairs.get("order_id"), "order_id")
    if order_id is None:
        return _cancel_orders(pairs)
    symbol = values.symbol(pairs["instrument"], "instrument") if pairs.get("instrument") else None
    return (moves.cancel(order_id=order_id, symbol=symbol),)


def _cancel_orders(pairs: Pairs) -> tuple[OrderIntent, ...]:
    if values.absent(pairs.get("instrument")):
        return (moves.cancel(scope="all"),)
    return (moves.cancel(scope="symbol", **instrument(pairs)),)


def _cancel_all_orders(pairs: Pairs) -> tuple[OrderIntent, ...]:
    return (moves.cancel(scope="all"),)


def _change(pairs: Pairs) -> tuple[OrderIntent, ...]:
    # Zero leaves a member as it is, as in NinjaTrader's own interface.
    quantity = _part(pairs) if values.unless_zero(pairs.get("qty"), "qty") else {}
    price = values.unless_zero(pairs.get("limit_price"), "limit_price")
    trigger = values.unless_zero(pairs.get("stop_price"), "stop_price")
    if not (quantity or price or trigger):
        raise Unreadable("nothing_to_modify", "CHANGE: needs a new qty, limit_price or stop_price")
    return (
        OrderIntent(
            intent=Intent.MODIFY_ORDER,
            order_id=values.text(pairs.get("order_id"), "order_id"),
            symbol=values.symbol(pairs["instrument"], "instrument") if pairs.get("instrument") else None,
            price=price,
            trigger_price=trigger,
            **quantity,
        ),
    )


def _cancel_and_bracket(pairs: Pairs) -> tuple[OrderIntent, ...]:
    """Cancel what works in the instrument, then give the position a new stop and target."""
    bracket = _bracket(pairs)
    if not (bracket["stop_loss"] or bracket["take_profit"]):
        raise Unreadable("nothing_to_modify", "CANCELANDBRACKET: needs a take_profit or stop_loss")
    return (*_cancel_orders(pairs), OrderIntent(intent=Intent.MODIFY_POSITION, **instrument(pairs), **bracket))


def _close_strategy(pairs: Pairs) -> tuple[OrderIntent, ...]:
    name = next((pairs[key] for key in ("strategy_id", "strategy_tag", "strategy") if pairs.get(key)), None)
    tag = values.text(name, "strategy_id")
    symbol = values.symbol(pairs["instrument"], "instrument") if pairs.get("instrument") else None
    return (moves.leave("both", symbol=symbol, scope="strategy", tag=tag),)


COMMANDS: Mapping[str, Callable[[Pairs], tuple[OrderIntent, ...]]] = {
    "place": place,
    "flatplace": lambda pairs: (*flatten(pairs), *place(pairs)),
    "closeposition": _close_position,
    "flatten": flatten,
    "flatteneverything": _flatten_everything,
    "reverse": _reverse,
    "reverseposition": _reverse,
    "cancel": _cancel,
    "cancelorders": _cancel_orders,
    "cancelallorders": _cancel_all_orders,
    "change": _change,
    "cancelreplace": lambda pairs: (*_cancel(pairs), *place(pairs)),
    "closestrategy": _close_strategy,
    "cancelandbracket": _cancel_and_bracket,
}
