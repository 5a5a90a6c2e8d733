"""NextLevelBot's array of terse orders. https://pastebin.com/Y2NFAMLs"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import TIME_IN_FORCE, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import absent, number, objects_of, optional_word, positive, symbol, word
from bridge.domain.intent import Kind, Level, OrderIntent, QuantityType, Reading, Side

VERBS = {"od": Kind.ORDER}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def _recognise(message: Message) -> str | None:
    parts = message.json if isinstance(message.json, list) else [message.json]
    if parts and all(isinstance(part, dict) and {"V", "TS", "TT"} <= part.keys() for part in parts):
        return "it has V, TS and TT"
    return None


def _read(message: Message, context: Context) -> Reading:
    orders = tuple(_order(part) for part in objects_of(message.json))
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=orders)


def _order(part: dict[str, Any]) -> OrderIntent:
    word(part.get("V"), "V", VERBS, code="unknown_action")
    side = word(part.get("TT"), "TT", SIDES, code="unknown_side")
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol(part.get("TS"), "TS"),
        side=side,
        quantity=positive(part.get("Q"), "Q"),
        quantity_type=QuantityType.SETTING,
        time_in_force=optional_word(part.get("TIF"), "TIF", TIME_IN_FORCE),
        take_profit=some(_distance(part.get("TP"), "TP")),
        stop_loss=_distance(part.get("SL"), "SL"),
    )


def _distance(value: Any, name: str) -> Level | None:
    """A signed distance, with % or in price; the sign only repeats the direction."""
    if absent(value):
        return None
    is_percent = isinstance(value, str) and value.rstrip().endswith("%")
    figure = number(value.rstrip()[:-1] if is_percent else value, name)
    return Level(type="percent" if is_percent else "offset", value=positive(abs(figure), name))


DIALECT = Dialect(name="nextlevelbot", title="NextLevelBot", rank=15, recognise=_recognise, read=_read)
