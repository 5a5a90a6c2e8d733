"""tradingview-alerts-processor: one order or an array of them. https://github.com/thibaultyou/tradingview-alerts-processor"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.values import (
    absent,
    amount,
    objects_of,
    optional_positive,
    optional_word,
    symbol,
    text,
    word,
)
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading, Side

DIRECTIONS = {
    "long": (Intent.ENTER_LONG, Side.BUY),
    "short": (Intent.ENTER_SHORT, Side.SELL),
    "buy": (Intent.BUY, Side.BUY),
    "sell": (Intent.SELL, Side.SELL),
    "close": (Intent.EXIT, None),
}
MODES = {"reverse": "reverse", "overflow": "overflow"}


def _recognise(message: Message) -> str | None:
    parts = message.json if isinstance(message.json, list) else [message.json]
    if parts and all(isinstance(part, dict) and {"stub", "direction"} <= part.keys() for part in parts):
        return "it has a stub and a direction"
    return None


def _read(message: Message, context: Context) -> Reading:
    parts = objects_of(message.json)
    stubs = {text(part.get("stub"), "stub") for part in parts}
    if len(stubs) > 1:
        raise Unreadable(
            "two_accounts", "stub: the orders of one alert name different accounts; send one alert for each"
        )
    return Reading(
        dialect=DIALECT.name, kind=Kind.ORDER, orders=tuple(_order(part) for part in parts), account=stubs.pop()
    )


def _order(part: dict[str, Any]) -> OrderIntent:
    intent, side = word(part.get("direction"), "direction", DIRECTIONS, code="unknown_side")
    quantity, quantity_type = _size(part.get("size"), intent)
    mode = optional_word(part.get("mode"), "mode", MODES)
    cap = optional_positive(part.get("max"), "max")
    extras = {"mode": mode, "max_position_cash": cap}
    return OrderIntent(
        intent=intent,
        symbol=symbol(part.get("symbol")),
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        order_type=OrderType.MARKET,
        close_opposite=True if mode == "reverse" else None,
        extras={name: value for name, value in extras.items() if value is not None},
    )


def _size(value: Any, intent: Intent) -> tuple[Any, QuantityType]:
    """Money, or a percentage: of the position when closing, else of what is available."""
    closing = intent is Intent.EXIT
    if absent(value):
        return None, QuantityType.FULL_POSITION if closing else QuantityType.DEFAULT
    found, is_percent = amount(value, "size")
    if not is_percent:
        return found, QuantityType.CASH
    return found, QuantityType.PERCENT_POSITION if closing else QuantityType.PERCENT_AVAILABLE


DIALECT = Dialect(
    name="tv_alerts_processor", title="TradingView alerts processor", rank=20, recognise=_recognise, read=_read
)
