"""TradeSgnl: `LicenseID,SYMBOL,action,risk=…[,sl= tp= tp1= … pct= comment=]`, https://docs.tradesgnl.com/signals.

Looks like PineConnector with the symbol before the action. Distances are pips; what `risk`, `pct` and `pending`
count is a setting of the receiver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import some
from bridge.dialects.families.pairs import Pairs, is_text, items, level, read_pairs
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import BreakEven, Level, OrderIntent, OrderType, QuantityType, Reading, Side, Trailing

ENTRIES: Mapping[str, tuple[Side, OrderType]] = {
    "buy": (Side.BUY, OrderType.MARKET),
    "sell": (Side.SELL, OrderType.MARKET),
    "buystop": (Side.BUY, OrderType.STOP),
    "sellstop": (Side.SELL, OrderType.STOP),
    "buylimit": (Side.BUY, OrderType.LIMIT),
    "selllimit": (Side.SELL, OrderType.LIMIT),
}
CLOSES: Mapping[str, Literal["long", "short", "both"]] = {
    "closebuy": "long",
    "closelong": "long",
    "closesell": "short",
    "closeshort": "short",
    "closeall": "both",
}
CANCELS: Mapping[str, Side | None] = {
    "cancellong": Side.BUY,
    "cancelbuy": Side.BUY,
    "cancelshort": Side.SELL,
    "cancelsell": Side.SELL,
    "cancelall": None,
}
ACTIONS = frozenset({*ENTRIES, *CLOSES, *CANCELS})

_SWITCHES = ("py", "re")  # pyramiding and recovery of the receiver
_KEYS = frozenset(
    {"risk", "sl", "tp", "pending", "pct", "comment", "secret", *_SWITCHES}
    | {"trtrig", "trdist", "trstep", "betrig", "bedist"}
)
_TARGET = re.compile(r"tp\d{0,2}")
_TICKER = re.compile(r"[A-Za-z0-9][\w.#!&/-]{1,23}", re.ASCII)


def recognise(message: Message) -> str | None:
    """A licence, a symbol, then an action; or `risk=` fourth, behind an action that is misspelt."""
    if not is_text(message):
        return None
    parts = [part.strip() for part in message.text.split(",", 4)]
    if len(parts) < 3 or not parts[0] or "=" in parts[0] + parts[1] or not _TICKER.fullmatch(parts[1]):
        return None
    if parts[1].casefold() in ACTIONS:
        return None  # PineConnector's order
    if parts[2].casefold() in ACTIONS:
        return f'"{parts[2]}" stands behind a licence and a symbol'
    return "risk= stands fourth" if len(parts) > 3 and parts[3].casefold().startswith("risk=") else None


def read(message: Message, context: Context) -> Reading:
    """One action for one symbol."""
    parts = items(message.text, ",", 3, "LicenseID,SYMBOL,action")
    licence, symbol, action = parts[0], values.symbol(parts[1]), parts[2].casefold()
    if action not in ACTIONS:
        raise Unreadable("unknown_command", f'TradeSgnl has no action "{values.shown(parts[2])}"')
    pairs = read_pairs(parts[3:])
    for key in pairs:
        if key not in _KEYS and not _TARGET.fullmatch(key):
            raise Unreadable("unknown_key", f'TradeSgnl has no key "{values.shown(key)}"')
    order = _order(symbol, action, pairs)
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of([order]),
        orders=(order,),
        account=licence,
        secret=values.optional_text(pairs.get("secret"), "secret"),
    )


def _order(symbol: str, action: str, pairs: Pairs) -> OrderIntent:
    tag = values.optional_text(pairs.get("comment"), "comment")
    if action in CANCELS:
        return moves.cancel(CANCELS[action], symbol=symbol, scope="symbol", tag=tag)
    if action in CLOSES:
        return _close(symbol, action, pairs, tag)
    side, order_type = ENTRIES[action]
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol,
        side=side,
        quantity=values.positive(pairs.get("risk"), "risk"),
        quantity_type=QuantityType.SETTING,
        order_type=order_type,
        entry=_entry(pairs, order_type),
        stop_loss=level(pairs.get("sl"), "sl", "pips"),
        take_profit=_targets(pairs),
        trailing=_trailing(pairs),
        break_even=_break_even(pairs),
        tag=tag,
        extras={key: pairs[key] for key in _SWITCHES if key in pairs},
    )


def _close(symbol: str, action: str, pairs: Pairs, tag: str | None) -> OrderIntent:
    members: dict[str, Any] = {"symbol": symbol, "tag": tag}
    if CLOSES[action] == "both":
        members["scope"] = "symbol"
    if tag:
        members["filter"] = {"comment": tag}
    if (part := values.optional_positive(pairs.get("pct"), "pct")) is not None:
        members |= {"quantity": part, "quantity_type": QuantityType.SETTING}
    return moves.leave(CLOSES[action], **members)


def _entry(pairs: Pairs, order_type: OrderType) -> Level | None:
    if order_type is not OrderType.MARKET:
        return Level(type="setting", value=values.positive(pairs.get("pending"), "pending"))
    if "pending" in pairs:
        raise Unreadable("unexpected_entry", "pending: a market order has no entry price; use a stop or limit action")
    return None


def _targets(pairs: Pairs) -> tuple[Level, ...]:
    keys = sorted((key for key in pairs if _TARGET.fullmatch(key)), key=lambda key: int(key[2:] or 0))
    return some(*(level(pairs[key], key, "pips") for key in keys))


def _trailing(pairs: Pairs) -> Trailing | None:
    trigger, distance, step = (values.unless_zero(pairs.get(key), key) for key in ("trtrig", "trdist", "trstep"))
    if distance is None and (trigger or step):
        raise Unreadable("missing_trail_distance", "trdist: a trailing stop needs its distance")
    return Trailing(type="pips", trigger=trigger, distance=distance, step=step) if distance else None


def _break_even(pairs: Pairs) -> BreakEven | None:
    trigger = values.unless_zero(pairs.get("betrig"), "betrig")
    return BreakEven(trigger=trigger, offset=values.optional_number(pairs.get("bedist"), "bedist")) if trigger else None


DIALECT = Dialect(name="tradesgnl", title="TradeSgnl", rank=21, recognise=recognise, read=read)
