"""Finandy's hook: side and symbol, the rest from its settings unless the message replaces them. https://docs.finandy.com"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import level, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import absent, boolean, object_of, objects_of, side, symbol, text, unless_zero
from bridge.domain.intent import Kind, Level, OrderIntent, Reading

_MEMBERS = frozenset({"name", "secret", "side", "symbol", "tp", "sl", "positionSide", "open", "close", "dca"})
_UNREAD = frozenset({"open", "close", "dca"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and {"name", "secret", "side"} <= body.keys() <= _MEMBERS:
        return "it has a hook's name, secret and side"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    if unread := sorted(_UNREAD & body.keys()):
        raise Unreadable("unknown_member", f"{unread[0]}: this block is not read here; set it in the strategy instead")
    found = side(body.get("side"), "side")
    order = OrderIntent(
        intent=PLAIN[found],
        symbol=symbol(body.get("symbol")),
        side=found,
        take_profit=_take_profit(body.get("tp")),
        stop_loss=_stop_loss(body.get("sl")),
    )
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(order,),
        strategy=text(body.get("name"), "name"),
        secret=text(body.get("secret"), "secret"),
    )


def _replaces(block: Any, name: str) -> dict[str, Any] | None:
    """The block, if it says that it replaces the hook's own settings."""
    if absent(block):
        return None
    part = object_of(block, name)
    return part if not absent(part.get("update")) and boolean(part["update"], f"{name} update") else None


def _take_profit(block: Any) -> tuple[Level, ...]:
    part = _replaces(block, "tp")
    if part is None or absent(part.get("orders")):
        return ()
    return some(*(_target(order) for order in objects_of(part["orders"], "tp orders")))


def _target(order: dict[str, Any]) -> Level | None:
    found = _level(order, "tp")
    piece = unless_zero(order.get("piece"), "tp piece")
    return found and Level(type=found.type, value=found.value, portion_percent=piece)


def _stop_loss(block: Any) -> Level | None:
    part = _replaces(block, "sl")
    return None if part is None else _level(part, "sl")


def _level(part: dict[str, Any], name: str) -> Level | None:
    return level("price", part.get("price"), f"{name} price") or level("percent", part.get("ofs"), f"{name} ofs")


DIALECT = Dialect(name="finandy", title="Finandy", rank=30, recognise=_recognise, read=_read)
