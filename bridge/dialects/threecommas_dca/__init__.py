"""3Commas DCA bot messages, one or an array of them. https://help.3commas.io/en/articles/3108940"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.values import objects_of, optional_text, optional_word, symbol, text, unless_zero
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading, Side

CLOSE = {
    "intent": Intent.EXIT,
    "scope": "bot",
    "quantity_type": QuantityType.FULL_POSITION,
    "order_type": OrderType.MARKET,
}
CLOSE_ALL = {"intent": Intent.FLATTEN, "scope": "bot", "order_type": OrderType.MARKET}
ACTIONS: dict[str, dict[str, Any]] = {
    "start_deal": {"intent": Intent.START_DEAL, "side": Side.BUY},
    "close_at_market_price": CLOSE,
    "panic_close": CLOSE,
    "close_at_market_price_all": CLOSE_ALL,
    "cancel": {"intent": Intent.CANCEL_ORDERS, "scope": "bot"},
}
CONTROLS = {"start_bot": "start", "stop_bot": "stop"}


def _recognise(message: Message) -> str | None:
    parts = message.json if isinstance(message.json, list) else [message.json]
    if parts and all(isinstance(part, dict) and part.get("message_type") == "bot" for part in parts):
        return "every message is of the type bot"
    return None


def _read(message: Message, context: Context) -> Reading:
    parts = objects_of(message.json)
    secrets = {text(part.get("email_token"), "email_token") for part in parts}
    if len(secrets) > 1:
        raise Unreadable("two_secrets", "email_token: the messages of one alert carry different tokens")
    said: dict[str, Any] = {"dialect": DIALECT.name, "secret": secrets.pop()}
    if len(parts) == 1 and (control := CONTROLS.get(str(parts[0].get("action")))):
        return Reading(kind=Kind.CONTROL, control=control, bot=_bot(parts[0]), **said)
    delays = {unless_zero(part.get("delay_seconds"), "delay_seconds") for part in parts}
    if len(delays) == 1:  # it holds for the whole message
        return Reading(kind=Kind.ORDER, orders=tuple(map(_order, parts)), delay_s=delays.pop(), **said)
    orders = (replace(_order(part), delay_s=unless_zero(part.get("delay_seconds"), "delay_seconds")) for part in parts)
    return Reading(kind=Kind.ORDER, orders=tuple(orders), **said)


def _bot(part: dict[str, Any]) -> str:
    return text(part.get("bot_id"), "bot_id")


def _order(part: dict[str, Any]) -> OrderIntent:
    action = optional_word(part.get("action"), "action", ACTIONS, code="unknown_action")
    action = ACTIONS["start_deal"] if action is None else action
    pair = optional_text(part.get("pair"), "pair")
    if pair is None and action["intent"] in (Intent.START_DEAL, Intent.EXIT):
        raise Unreadable("missing_member", "pair: is needed to know what to trade, for example USDT_ADA")
    return OrderIntent(
        symbol=_symbol(pair) if pair else None,
        raw_symbol=pair,
        extras={"bot": _bot(part)},
        **action,
    )


def _symbol(pair: str) -> str:
    """`USDT_ADA`, quote first, as `ADA/USDT`."""
    quote, mark, base = pair.partition("_")
    if not (quote and mark and base):
        raise Unreadable("bad_symbol", "pair: expected QUOTE_BASE, for example USDT_ADA")
    return symbol(f"{base}/{quote}", "pair")


DIALECT = Dialect(name="3commas_dca", title="3Commas DCA bot", rank=10, recognise=_recognise, read=_read)
