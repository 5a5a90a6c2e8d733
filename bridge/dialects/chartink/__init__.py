"""Chartink's scan alerts: which stocks matched, and nothing about side or size. https://chartink.com/articles/alerts/webhook-support-for-alerts

The format is fixed by Chartink, as JSON or as form fields; a token can only stand in the address.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import zip_longest
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.values import absent, object_of, optional_text, symbol, text, unless_zero
from bridge.domain.intent import Intent, Kind, OrderIntent, Reading

# OpenAlgo's convention for the scan's name, in the order in which it looks.
KEYWORDS = {
    "BUY": Intent.ENTER_LONG,
    "SELL": Intent.EXIT_LONG,
    "SHORT": Intent.ENTER_SHORT,
    "COVER": Intent.EXIT_SHORT,
}

_KEYWORD = {word: re.compile(rf"\b{word}\b(?![ -]term)", re.IGNORECASE) for word in KEYWORDS}
_BESIDE = frozenset({"trigger_prices", "triggered_at", "scan_name", "scan_url", "alert_name"})
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\s*([ap]m)?", re.IGNORECASE)


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and "stocks" in body and (_BESIDE & body.keys() or len(body) == 1):
        return "it lists stocks as Chartink's scans do"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    name = optional_text(body.get("scan_name"), "scan_name")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.SCAN,
        orders=tuple(_hits(body)),
        alert_time=_time(body.get("triggered_at")),
        keyword_action=_keyword_action(name or ""),
        scan={
            kept: body[sent]
            for kept, sent in (("name", "scan_name"), ("slug", "scan_url"), ("alert_name", "alert_name"))
            if not absent(body.get(sent))
        },
    )


def _hits(body: dict[str, Any]) -> list[OrderIntent]:
    stocks = _items(body.get("stocks"), "stocks")
    prices = _items(body.get("trigger_prices"), "trigger_prices")[: len(stocks)]
    if not any(stocks):
        raise Unreadable("missing_member", "stocks: the scan named no symbol")
    return [_hit(stock, price) for stock, price in zip_longest(stocks, prices) if stock]


def _hit(stock: str, price: str | None) -> OrderIntent:
    return OrderIntent(
        intent=Intent.SCAN_HIT,
        symbol=symbol(stock, "stocks"),
        trigger_price=unless_zero(price, f"trigger_prices of {stock[:20]}"),
    )


def _items(value: Any, name: str) -> list[str]:
    if absent(value):
        return []
    items = [text(part, name) for part in value] if isinstance(value, list) else text(value, name).split(",")
    return [item.strip() for item in items]


def _time(value: Any) -> str | None:
    """`2:34 pm` as `14:34`; a date-time stays as it is."""
    said = optional_text(value, "triggered_at")
    match = _CLOCK.fullmatch(said or "")
    if not match or not match[3]:
        return said
    try:
        return datetime.strptime(f"{match[1]}:{match[2]} {match[3]}", "%I:%M %p").strftime("%H:%M")  # noqa: DTZ007 - local clock time
    except ValueError:
        return said


def _keyword_action(name: str) -> str | None:
    """The action a scan's name asks for. A part of a longer word, or the "short" of "short term", asks for nothing."""
    return next((KEYWORDS[word].value for word, pattern in _KEYWORD.items() if pattern.search(name)), None)


DIALECT = Dialect(name="chartink", title="Chartink", rank=15, recognise=_recognise, read=_read)
