"""Signum's bot messages: a share of the bot's funds and the position afterwards. https://docs.signum.money"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.positions import PLAIN, intent_between, stance_of
from bridge.dialects.families.values import absent, amount, number, object_of, optional_text, side, symbol
from bridge.domain.intent import Kind, OrderIntent, PositionClaim, QuantityType, Reading


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and {"bot_id", "ticker", "action"} <= body.keys():
        return "it has a bot_id beside ticker and action"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(body),),
        bot=optional_text(body.get("bot_id"), "bot_id"),
        timestamp=optional_text(body.get("timestamp"), "timestamp"),
    )


def _order(body: dict[str, Any]) -> OrderIntent:
    found = side(body.get("action"), "action")
    held = None if absent(body.get("position_size")) else number(body["position_size"], "position_size")
    leaves = held == 0
    quantity, quantity_type = (None, QuantityType.FULL_POSITION) if leaves else _size(body.get("order_size"))
    return OrderIntent(
        intent=intent_between(None, "flat", found) if leaves else PLAIN[found],
        symbol=symbol(body.get("ticker"), "ticker"),
        side=found,
        quantity=quantity,
        quantity_type=quantity_type,
        position_after=None if held is None else PositionClaim(side=stance_of(held), size=abs(held)),
    )


def _size(value: Any) -> tuple[Decimal | None, QuantityType]:
    if absent(value):
        return None, QuantityType.DEFAULT
    found, is_percent = amount(value, "order_size")
    return found, QuantityType.PERCENT_AVAILABLE if is_percent else QuantityType.UNITS


DIALECT = Dialect(name="signum", title="Signum", rank=20, recognise=_recognise, read=_read)
