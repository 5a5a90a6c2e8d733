"""TradeWzrd: `ACTION, SYMBOL, KEY=value, …`, https://docs.tradewzrd.com/reference/actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, some
from bridge.dialects.families.pairs import Pairs, is_text, items, level, one_of, read_pairs, refuse_unknown
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import (
    DistanceType,
    Intent,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
)

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {
    "": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
}
ENTRIES: Mapping[str, tuple[Side, OrderType]] = {
    f"{word}{suffix}": (side, order_type) for word, side in _SIDES.items() for suffix, order_type in _TYPES.items()
}
_SIZES = {"vol": QuantityType.LOTS, "risk": QuantityType.RISK_PERCENT}
_UNITS: Mapping[str, DistanceType] = {"pips": "pips", "price": "price"}
_TICKER = re.compile(r"[A-Z0-9]{3,}[a-z.#!]{0,4}")
_KEYS = frozenset({*_SIZES, "price", "stoplimitprice", "sl", "tp", "tpsltype", "slip", "magic", "comment"})


def recognise(message: Message) -> str | None:
    """An action, a symbol, and from the third part on `KEY=value`."""
    if not is_text(message):
        return None
    parts = [part.strip() for part in message.text.split(",", 4)]
    if len(parts) < 2 or "=" in parts[1] or parts[0].casefold() not in {*ENTRIES, "modify"}:
        return None
    if len(parts) == 2:
        return f'"{parts[0]}" stands first and only a symbol follows' if _TICKER.fullmatch(parts[1]) else None
    key = parts[2].split("=", 1)[0].strip().casefold() if "=" in parts[2] else ""
    return f'"{parts[0]}" stands first, a symbol and {key.upper()}= follow' if key else None


def read(message: Message, context: Context) -> Reading:
    """One action for one symbol."""
    action, symbol, *rest = items(message.text, ",", 2, "ACTION, SYMBOL, KEY=value")
    pairs = read_pairs(rest)
    refuse_unknown(pairs, _KEYS, "TradeWzrd")
    order = _order(action.casefold(), values.symbol(symbol), pairs)
    return Reading(dialect=DIALECT.name, kind=moves.kind_of([order]), orders=(order,))


def _order(action: str, symbol: str, pairs: Pairs) -> OrderIntent:
    unit = values.optional_word(pairs.get("tpsltype"), "TPSLType", _UNITS) or "setting"
    members: dict[str, Any] = {
        "symbol": symbol,
        "stop_loss": level(pairs.get("sl"), "SL", unit),
        "take_profit": some(level(pairs.get("tp"), "TP", unit)),
        "tag": values.optional_text(pairs.get("comment"), "COMMENT"),
        "extras": _extras(pairs),
    }
    if action == "modify":
        return _modify(pairs, members)
    side, order_type = values.word(action, "action", ENTRIES, code="unknown_command")
    members |= _prices(pairs, order_type) | _size(pairs)
    return OrderIntent(intent=PLAIN[side], side=side, order_type=order_type, **members)


def _modify(pairs: Pairs, members: dict[str, Any]) -> OrderIntent:
    # With a price it is a pending order that moves; without one, a position whose exits move.
    price = values.unless_zero(pairs.get("price"), "PRICE")
    if price is None and members["stop_loss"] is None and not members["take_profit"]:
        raise Unreadable("nothing_to_modify", "MODIFY: needs a new SL, TP or PRICE")
    return OrderIntent(intent=Intent.MODIFY_ORDER if price else Intent.MODIFY_POSITION, price=price, **members)


def _prices(pairs: Pairs, order_type: OrderType) -> dict[str, Any]:
    prices: dict[str, Any] = {}
    if order_type in NEEDS_TRIGGER:
        prices["trigger_price"] = values.positive(pairs.get("price"), "PRICE")
    if order_type in NEEDS_LIMIT:
        key = "stoplimitprice" if order_type is OrderType.STOP_LIMIT else "price"
        prices["price"] = values.positive(pairs.get(key), key.upper())
    if order_type is OrderType.MARKET and (price := values.unless_zero(pairs.get("price"), "PRICE")):
        prices["signal_price"] = price  # a market order has no price of its own
    return prices


def _size(pairs: Pairs) -> dict[str, Any]:
    found = one_of(pairs, _SIZES, "duplicate_volume", "size")
    if found is None:
        raise Unreadable("missing_volume", "an order needs VOL= (lots) or RISK= (percent of the balance)")
    key, unit = found
    if key == "risk" and not values.unless_zero(pairs.get("sl"), "SL"):
        raise Unreadable("missing_stop_loss", "RISK: the size follows from the loss at the stop, so SL= is needed")
    return {"quantity": values.positive(pairs[key], key.upper()), "quantity_type": unit}


def _extras(pairs: Pairs) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if (slippage := values.optional_number(pairs.get("slip"), "SLIP")) is not None:
        extras["slippage"] = slippage
    if (magic := values.optional_text(pairs.get("magic"), "MAGIC")) is not None:
        extras["magic"] = magic
    return extras


DIALECT = Dialect(name="tradewzrd", title="TradeWzrd", rank=20, recognise=recognise, read=read)
