"""TradeSender: `Key=Value` (or `:`) separated by `,` or `;`, any order and case, https://tradesender.app/docs/syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import some
from bridge.dialects.families.pairs import Pairs, is_text, read_pairs
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import (
    BreakEven,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

LONGEST = 512  # characters
_SEPARATOR = re.compile(r"[,;\n]")
_ACTION = re.compile(r"\s*action\s*[=:]\s*(buy|sell|close)\s*", re.IGNORECASE)
_ACTIONS: Mapping[str, Side | None] = {"buy": Side.BUY, "sell": Side.SELL, "close": None}
_TRADE_KEYS = frozenset({"action", "symbol", "price", "size", "sl", "tp", "break", "trail", "comment"})
_CLOSE_KEYS = frozenset({"action", "size", "ticket", "type", "symbol", "profit", "comment"})


def recognise(message: Message) -> str | None:
    """A part says `action=Buy|Sell|Close`, and the rest are this grammar's pairs (`price` and `size` for a trade)."""
    text = message.text
    if not is_text(message) or "action" not in text[: LONGEST * 2].casefold():
        return None
    parts = [part for part in _SEPARATOR.split(text[: LONGEST * 2]) if part.strip()]
    found = next((match for part in parts if (match := _ACTION.fullmatch(part))), None)
    keys = {re.split("[=:]", part, maxsplit=1)[0].strip().casefold() for part in parts if re.search("[=:]", part)}
    if found is None or "command" in keys or "instrument" in keys:
        return None
    if found[1].casefold() == "close":
        return "it says action=Close with filters" if keys <= _CLOSE_KEYS else None
    return (
        f"it says action={found[1]} with price and size" if {"price", "size"} <= keys or keys <= _TRADE_KEYS else None
    )


def read(message: Message, context: Context) -> Reading:
    """One order, or one close that may reach over several positions. Unknown keys are ignored, as documented."""
    if len(message.text) > LONGEST:
        raise Unreadable("message_too_long", f"a TradeSender message has at most {LONGEST} characters")
    pairs = read_pairs((part for part in _SEPARATOR.split(message.text) if part.strip()), "=:")
    side = values.word(pairs.get("action"), "action", _ACTIONS, code="unknown_command")
    order = _trade(pairs, side) if side else _close(pairs)
    known = _TRADE_KEYS if side else _CLOSE_KEYS
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of([order]),
        orders=(order,),
        because=tuple(
            f'"{values.shown(key)}" is no key of this action and was ignored' for key in pairs if key not in known
        ),
    )


def _trade(pairs: Pairs, side: Side) -> OrderIntent:
    symbol = values.symbol(pairs.get("symbol"))
    at_market = values.text(pairs.get("price"), "price").casefold() == "market"
    price = None if at_market else values.positive(pairs["price"], "price")
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol,
        side=side,
        # Whether a price rests as limit or stop depends on the market; a limit never fills worse than asked.
        order_type=OrderType.MARKET if at_market else OrderType.LIMIT,
        price=price,
        stop_loss=_level(pairs.get("sl"), "sl", price),
        take_profit=some(_level(pairs.get("tp"), "tp", price)),
        break_even=_break_even(pairs.get("break")),
        trailing=_trailing(pairs.get("trail")),
        tag=values.optional_text(pairs.get("comment"), "comment"),
        **_size(values.text(pairs.get("size"), "size")),
    )


def _size(said: str) -> dict[str, Any]:
    if said.endswith("$"):
        return {"quantity": values.positive(said[:-1], "size"), "quantity_type": QuantityType.CASH}
    figure, percent = values.amount(said, "size")
    return {"quantity": figure, "quantity_type": QuantityType.PERCENT_EQUITY if percent else QuantityType.LOTS}


def _level(said: str | None, name: str, entry: Decimal | None) -> Level | None:
    """A price, points or percent. The grammar marks only percent; a price is what lies near the entry or has decimals."""
    if values.absent(said) or said is None:
        return None
    figure, percent = values.amount(said, name)
    if percent:
        return Level(type="percent", value=figure)
    near = entry / 2 < figure < entry * 2 if entry else "." in said
    return Level(type="price" if near else "points", value=figure)


def _numbers(said: str, name: str, most: int) -> list[Decimal]:
    figures = [values.not_negative(part, name) for part in said.split(":")]
    if len(figures) > most:
        raise Unreadable("too_many_numbers", f'{name}: at most {most} numbers with ":" between them')
    return figures


def _break_even(said: str | None) -> BreakEven | None:
    if values.absent(said) or said is None:
        return None
    trigger, *offset = _numbers(said, "break", 2)
    return BreakEven(trigger=trigger, offset=offset[0] if offset else None, unit="points")


def _trailing(said: str | None) -> Trailing | None:
    if values.absent(said) or said is None:
        return None
    figures: list[Decimal | None] = [*_numbers(said, "trail", 3), None, None]
    return Trailing(type="points", trigger=figures[0], distance=figures[1], step=figures[2])


_TYPES = {"buy": "long", "long": "long", "sell": "short", "short": "short"}


def _close(pairs: Pairs) -> OrderIntent:
    symbol = values.symbol(pairs["symbol"]) if pairs.get("symbol") else None
    narrowed = dict(_filters(pairs))
    held = values.optional_word(pairs.get("type"), "type", _TYPES)
    size = _close_size(pairs.get("size"))
    if not (symbol or narrowed or size):
        return moves.flatten("all")
    members: dict[str, Any] = {"filter": narrowed or None, "extras": {"per_position": True} if size else {}}
    members["scope"] = None if symbol or "ticket" in narrowed else "all"
    return moves.leave("long" if held == "long" else "short" if held else "both", symbol=symbol, **(members | size))


def _filters(pairs: Pairs) -> Iterator[tuple[str, str]]:
    for key in ("ticket", "type", "profit"):
        if (said := values.optional_text(pairs.get(key), key)) is not None:
            yield key, said


def _close_size(said: str | None) -> dict[str, Any]:
    if values.absent(said):
        return {}
    figure, percent = values.amount(said, "size")
    return {"quantity": figure, "quantity_type": QuantityType.PERCENT_POSITION if percent else QuantityType.LOTS}


DIALECT = Dialect(name="tradesender", title="TradeSender", rank=30, recognise=recognise, read=read)
