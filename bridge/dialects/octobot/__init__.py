"""OctoBot: `KEY=value` on lines or between `;`.

Source: github.com/Drakkar-Software/OctoBot-Tentacles, trading_view_signals_trading_mode; the amount and price syntaxes
on octobot.cloud/en/guides/octobot-trading-modes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import some
from bridge.dialects.families.pairs import Pairs, is_text, read_pairs
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import Level, OrderIntent, OrderType, QuantityType, Reading, Side

_KEY = re.compile(r"(?:^|[;\n])[ \t]*(exchange|symbol|signal)[ \t]*=", re.IGNORECASE)
_KEYS = frozenset(
    {
        "exchange",
        "symbol",
        "signal",
        "order_type",
        "volume",
        "price",
        "stop_price",
        "reduce_only",
        "tag",
        "token",
        "leverage",
    }
)
_TARGET = re.compile(r"take_profit_(price|volume_ratio)(?:_(\d{1,2}))?")
_TYPES = {"limit": OrderType.LIMIT, "market": OrderType.MARKET, "stop": OrderType.STOP}
_VOLUME = re.compile(r"([\d.]{1,32})(q|a?%|[st]%)?", re.IGNORECASE)
_UNITS: Mapping[str, QuantityType] = {
    "": QuantityType.BASE,
    "q": QuantityType.QUOTE,
    "%": QuantityType.PERCENT_EQUITY,
    "a%": QuantityType.PERCENT_AVAILABLE,
    # Shares of what is held in this pair's, or in all traded pairs', assets.
    "s%": QuantityType.PERCENT_AVAILABLE,
    "t%": QuantityType.PERCENT_AVAILABLE,
}
_HOLDINGS = {"s%": "pair", "t%": "traded_pairs"}
_ORDERS_SIDE = {"buy": Side.BUY, "sell": Side.SELL}


def recognise(message: Message) -> str | None:
    """`SYMBOL=` and `SIGNAL=` stand on lines or between semicolons."""
    if not is_text(message):
        return None
    keys = {match[1].casefold() for match in _KEY.finditer(message.text[:4000])}
    return "it has SYMBOL= and SIGNAL= on lines or between semicolons" if {"symbol", "signal"} <= keys else None


def read(message: Message, context: Context) -> Reading:
    """One signal: buy, sell, or cancel."""
    pairs = read_pairs(part for part in re.split("[;\n]", message.text) if part.strip())
    _refuse_unknown(pairs)
    where = {
        "symbol": values.symbol(pairs.get("symbol"), "SYMBOL"),
        "exchange": values.optional_text(pairs.get("exchange"), "EXCHANGE"),
        "tag": values.optional_text(pairs.get("tag"), "TAG"),
    }
    signal = values.text(pairs.get("signal"), "SIGNAL").casefold()
    order = _cancel(pairs, where) if signal == "cancel" else _trade(pairs, signal, where)
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of([order]),
        orders=(order,),
        secret=values.optional_text(pairs.get("token"), "TOKEN"),
    )


def _refuse_unknown(pairs: Pairs) -> None:
    for key in pairs:
        if key not in _KEYS and not _TARGET.fullmatch(key) and not key.startswith("param_"):
            raise Unreadable("unknown_key", f'OctoBot has no key "{values.shown(key.upper())}"')


def _cancel(pairs: Pairs, where: dict[str, Any]) -> OrderIntent:
    side = values.optional_word(pairs.get("param_side"), "PARAM_SIDE", _ORDERS_SIDE, code="unknown_side")
    narrowed = ({"side": side.value} if side else {}) | ({"tag": where["tag"]} if where["tag"] else {})
    return moves.cancel(filter=narrowed or None, scope="symbol", **where)


def _trade(pairs: Pairs, signal: str, where: dict[str, Any]) -> OrderIntent:
    side = values.side(signal, "SIGNAL")
    order_type = values.optional_word(pairs.get("order_type"), "ORDER_TYPE", _TYPES, code="unknown_order_type")
    if order_type is None and not values.absent(pairs.get("price")):
        order_type = OrderType.LIMIT  # PRICE is documented as the price of the limit order
    return OrderIntent(
        intent=PLAIN[side],
        side=side,
        take_profit=_targets(pairs),
        reduce_only=values.optional_boolean(pairs.get("reduce_only"), "REDUCE_ONLY"),
        leverage=values.unless_zero(pairs.get("leverage"), "LEVERAGE"),
        extras=_extras(pairs),
        **where,
        **_volume(pairs),
        **_prices(pairs, order_type or OrderType.DEFAULT),
    )


def _volume(pairs: Pairs) -> dict[str, Any]:
    said = values.optional_text(pairs.get("volume"), "VOLUME")
    if said is None:
        return {}
    found = _VOLUME.fullmatch(said)
    unit = (found[2] or "").casefold() if found else ""
    return {"quantity": values.positive(found[1] if found else said, "VOLUME"), "quantity_type": _UNITS[unit]}


def _prices(pairs: Pairs, order_type: OrderType) -> dict[str, Any]:
    members: dict[str, Any] = {"order_type": order_type}
    stop = _level(pairs.get("stop_price"), "STOP_PRICE")
    if order_type is OrderType.STOP:
        trigger = stop or _level(pairs.get("price"), "PRICE")
        if trigger is None:
            raise Unreadable("missing_stop_price", "STOP_PRICE: a stop order needs its trigger")
        return members | _rests(trigger, "trigger_price")
    members["stop_loss"] = _distance(stop)
    if order_type is not OrderType.MARKET and (price := _level(pairs.get("price"), "PRICE")):
        members |= _rests(price, "price")
    return members


def _rests(level: Level, member: str) -> dict[str, Any]:
    return {member: level.value} if level.type == "price" else {"price_offset": replace(level, signed=True)}


def _level(said: str | None, name: str) -> Level | None:
    """Absolute, `10d` from the current price, or `-5%` from it; signed as sent."""
    if values.absent(said) or said is None:
        return None
    if said.endswith("%"):
        return Level(type="percent", value=values.number(said[:-1], name))
    if said.casefold().endswith("d"):
        return Level(type="offset", value=values.number(said[:-1], name))
    return Level(type="price", value=values.positive(said, name))


def _distance(level: Level | None) -> Level | None:
    """A stop or target lies on one side only, so its distance needs no sign."""
    return replace(level, value=abs(level.value)) if level and level.value else None


def _targets(pairs: Pairs) -> tuple[Level, ...]:
    found = sorted(
        (int(match[2] or 0), key) for key in pairs if (match := _TARGET.fullmatch(key)) and match[1] == "price"
    )
    return some(*(_target(pairs, key) for _, key in found))


def _target(pairs: Pairs, key: str) -> Level | None:
    level = _distance(_level(pairs[key], key.upper()))
    share = values.unless_zero(pairs.get(key.replace("price", "volume_ratio")), "TAKE_PROFIT_VOLUME_RATIO")
    return replace(level, portion_percent=share * values.HUNDRED) if level and share else level


def _extras(pairs: Pairs) -> dict[str, str]:
    extras = {key: value for key, value in pairs.items() if key.startswith("param_")}
    unit = pairs.get("volume", "")[-2:].casefold()
    return extras | ({"holdings": _HOLDINGS[unit]} if unit in _HOLDINGS else {})


DIALECT = Dialect(name="octobot", title="OctoBot", rank=25, recognise=recognise, read=read)
