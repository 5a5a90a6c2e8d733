"""PickMyTrade's alert JSON: everything may be text, and zero means unused. https://docs.pickmytrade.io"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import level, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import (
    absent,
    object_of,
    objects_of,
    optional_boolean,
    optional_text,
    optional_word,
    positive,
    symbol,
    text,
    unless_zero,
    word,
)
from bridge.domain.intent import (
    DistanceType,
    Intent,
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

ACTIONS = {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL, "close": None, "exit": None}
ORDER_TYPES = {
    "mkt": OrderType.MARKET,
    "market": OrderType.MARKET,
    "lmt": OrderType.LIMIT,
    "limit": OrderType.LIMIT,
    "stp": OrderType.STOP,
    "stop": OrderType.STOP,
}
WAYS: dict[str, DistanceType] = {"": "price", "dollar_": "offset", "percentage_": "percent"}


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and isinstance(body.get("data"), str) and {"symbol", "token"} <= body.keys():
        return "it has symbol and token, and the action stands in data"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    date = optional_text(body.get("date"), "date")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        timestamp=date,
        dedupe_key="date" if date else None,
        dedupe_value=date,
        accounts=_accounts(body.get("multiple_accounts")),
        strategy=optional_text(body.get("strategy_name"), "strategy_name"),
        secret=optional_text(body.get("token"), "token"),
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    side = word(body.get("data"), "data", ACTIONS, code="unknown_action")
    name = symbol(body.get("symbol"))
    if side is None:
        return OrderIntent(intent=Intent.EXIT, symbol=name, quantity_type=QuantityType.FULL_POSITION)
    stop_loss = _exit(body, "sl")
    quantity, quantity_type = _size(body, stop_loss)
    allow_add = optional_boolean(body.get("duplicate_position_allow"), "duplicate_position_allow")
    return OrderIntent(
        intent=PLAIN[side],
        symbol=name,
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        **_entry(body),
        take_profit=some(_exit(body, "tp")),
        stop_loss=stop_loss,
        trailing=_trailing(body),
        close_opposite=optional_boolean(body.get("reverse_order_close"), "reverse_order_close"),
        extras={} if allow_add is None else {"allow_add": allow_add},
    )


def _size(body: dict[str, Any], stop_loss: Level | None) -> tuple[Any, QuantityType]:
    if quantity := unless_zero(body.get("quantity"), "quantity"):
        return quantity, QuantityType.CONTRACTS
    risk = unless_zero(body.get("risk_percentage"), "risk_percentage")
    if risk is None:
        return None, QuantityType.DEFAULT
    if stop_loss is None:
        raise Unreadable("risk_needs_a_stop", "risk_percentage: a size by risk needs a stop to measure the risk to")
    return risk, QuantityType.RISK_PERCENT


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("order_type"), "order_type", ORDER_TYPES) or OrderType.DEFAULT
    if order_type is OrderType.LIMIT:
        return {"order_type": order_type, "price": positive(body.get("price"), "price")}
    if order_type is OrderType.STOP:
        return {"order_type": order_type, "trigger_price": positive(body.get("price"), "price")}
    return {"order_type": order_type, "signal_price": unless_zero(body.get("price"), "price")}


def _exit(body: dict[str, Any], name: str) -> Level | None:
    """The stop (`sl`) or target (`tp`), which can be written as a price, a distance or a percentage."""
    sent = [found for way, kind in WAYS.items() if (found := level(kind, body.get(way + name), way + name))]
    if len(sent) > 1:
        raise Unreadable("two_levels", f"{name}: say it in one way only and set the others to 0")
    return sent[0] if sent else None


def _trailing(body: dict[str, Any]) -> Trailing | None:
    if not unless_zero(body.get("trail"), "trail"):
        return None
    return Trailing(
        type="offset",
        trigger=unless_zero(body.get("trail_trigger"), "trail_trigger"),
        distance=unless_zero(body.get("trail_stop"), "trail_stop"),
        step=unless_zero(body.get("trail_freq"), "trail_freq"),
    )


def _accounts(block: Any) -> tuple[dict[str, Any], ...]:
    """The accounts an alert names, without their tokens."""
    if absent(block) or block == []:
        return ()
    return tuple(_account(part) for part in objects_of(block, "multiple_accounts"))


def _account(part: dict[str, Any]) -> dict[str, Any]:
    said = {
        "id": text(part.get("account_id"), "multiple_accounts account_id"),
        "risk_percent": unless_zero(part.get("risk_percentage"), "multiple_accounts risk_percentage"),
        "multiplier": unless_zero(part.get("quantity_multiplier"), "multiple_accounts quantity_multiplier"),
    }
    return {name: value for name, value in said.items() if value is not None}


DIALECT = Dialect(name="pickmytrade", title="PickMyTrade", rank=15, recognise=_recognise, read=_read)
