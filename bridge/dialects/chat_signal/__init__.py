"""Signals that people post in chats: pair, entry, targets, stop, leverage, amount.

Source: https://help.cornix.io/en/articles/5814956-signal-posting. The side is written, or follows from the prices.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.chat_signal.sections import Figures, keywords, only_positive, pair, satoshis, sections
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text
from bridge.domain.intent import Kind, Level, OrderIntent, OrderType, QuantityType, Reading, Side

LONGEST = 6000  # characters
_LONG = re.compile(r"\blong\b(?![ -]?term)", re.IGNORECASE)
_SHORT = re.compile(r"\bshort\b(?![ -]?(?:term|/))", re.IGNORECASE)
_MARKET = re.compile(r"\b(?:current(?: market)? price|market|now|cmp)\b", re.IGNORECASE)
_BREAKOUT = re.compile(r"\b(?:above|below)\b", re.IGNORECASE)
_ZONE = re.compile(r"\b(?:zone|range)\b", re.IGNORECASE)
_FOLLOWED = re.compile(
    r"\b(?:entr(?:y|ies)|enter|buy|sell|targets?|take[ -]?profits?|tps?\d{0,2}|stop|s/?l)\b[^\n\d]{0,40}\n?[^\n\d]{0,20}\d",
    re.IGNORECASE,
)
# An entry without a figure; it is cut out, so that the figure of the next line counts by itself.
_AT_MARKET = re.compile(
    r"\b(?:entry|enter|buy|sell)\b[^\n\d]{0,20}\b(?:current(?: market)? price|market|now|cmp)\b[^\n\d]{0,40}$",
    re.IGNORECASE | re.MULTILINE,
)
_MODE = re.compile(r"\b(isolated|cross)\b", re.IGNORECASE)
_KEY_VALUE = re.compile(r"\w[ \t]?=[ \t]?[\w.]")
_SYMBOL_LINE = re.compile(r"^[ \t]*symbol[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SIDE_LINE = re.compile(r"^[ \t]*(?:side|action)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_NOTHING = Figures()


def recognise(message: Message) -> str | None:
    """A pair, an entry or buy keyword, a target or stop, and figures behind at least two of them."""
    if not is_text(message) or len(message.text) > LONGEST:
        return None
    text = message.text
    found = keywords(text)
    if _KEY_VALUE.search(text) or (_SYMBOL_LINE.search(text) and _SIDE_LINE.search(text)):
        return None  # a grammar of keys and values, not of people
    if not found & {"entry", "sell"} or not found & {"stop", "target", "sell"}:
        return None
    symbol = pair(text)
    figures = sum(1 for _ in _FOLLOWED.finditer(_AT_MARKET.sub("", text)))
    return f"it names {symbol}, an entry and a target or stop" if symbol and figures >= 2 else None


def read(message: Message, context: Context) -> Reading:
    """One entry with its targets and stop. Several entry prices are told in `entries`, a zone in `entry_zone`."""
    text = message.text
    if len(text) > LONGEST:
        raise Unreadable("message_too_long", f"a signal has at most {LONGEST} characters")
    symbol = values.symbol(pair(text))
    said = sections(text)
    entry, target, stop = (said.get(name, _NOTHING) for name in ("entry", "target", "stop"))
    if not entry.numbers and not entry.text:
        entry, said["sell"] = said.get("sell", _NOTHING), _NOTHING  # a short that is only called Sell
    entries = satoshis(only_positive(entry.numbers, "entry"), symbol)
    targets = satoshis(only_positive((*target.numbers, *said.get("sell", _NOTHING).numbers), "target"), symbol)
    stops = satoshis(only_positive(stop.numbers, "stop"), symbol)
    if len(stops) > 1:
        raise Unreadable("duplicate_stop_loss", f"stop: expected one price, were {len(stops)}")
    side = _side(text, entries, targets, stops)
    leverage = said.get("leverage", _NOTHING)
    order = OrderIntent(
        intent=moves.ENTER[side],
        symbol=symbol,
        exchange=_exchange(said.get("exchange", _NOTHING)),
        side=side,
        take_profit=tuple(Level(type="price", value=price) for price in sorted(targets, reverse=side is Side.SELL)),
        stop_loss=Level(type="price", value=stops[0]) if stops else None,
        leverage=_times(leverage),
        margin_mode=_mode(leverage.text),
        **_amount(said),
        **_entry(entries, entry.text, side),
    )
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(order,))


def _side(text: str, entries: tuple[Decimal, ...], targets: tuple[Decimal, ...], stops: tuple[Decimal, ...]) -> Side:
    """The written side when the prices bear it out; without a word, the side that they imply."""
    written = {side for side, word in ((Side.BUY, _LONG), (Side.SELL, _SHORT)) if word.search(text)}
    implied = _implied(entries, targets, stops)
    if len(implied) > 1:
        raise Unreadable("ambiguous_side", "stop and targets lie on the same side of the entry; check the prices")
    if len(written) == 1:
        if implied and implied != written:
            raise Unreadable(
                "ambiguous_side", f"the text says {_named(written)}, but the prices are those of a {_named(implied)}"
            )
        return written.pop()
    if not implied:
        raise Unreadable("missing_side", "say long or short, or give an entry price with a stop")
    return implied.pop()


def _named(sides: set[Side]) -> str:
    return "long" if Side.BUY in sides else "short"


def _implied(entries: tuple[Decimal, ...], targets: tuple[Decimal, ...], stops: tuple[Decimal, ...]) -> set[Side]:
    """A stop lies on the losing side and targets on the winning side of every entry."""
    sides: set[Side] = set()
    if entries:
        sides |= {Side.BUY if stop < min(entries) else Side.SELL for stop in stops}
        sides |= {Side.BUY if target > max(entries) else Side.SELL for target in targets}
    elif stops and targets:
        sides |= {Side.BUY if stops[0] < target else Side.SELL for target in targets}
    return sides


def _entry(entries: tuple[Decimal, ...], text: str, side: Side) -> dict[str, Any]:
    if _MARKET.search(text):
        return {"order_type": OrderType.MARKET, "signal_price": entries[0] if entries else None}
    if not entries:
        raise Unreadable("missing_entry", "entry: expected a price, or the words current price")
    # Of several entries the order names the one that the market meets first.
    nearest = max(entries) if side is Side.BUY else min(entries)
    extras: dict[str, Any] = {}
    if len(entries) > 1:
        zone = {"from": min(entries), "to": max(entries)}
        extras = {"entry_zone": zone} if _ZONE.search(text) else {"entries": list(entries)}
    if _BREAKOUT.search(text):
        first = min(entries) if side is Side.BUY else max(entries)
        return {"order_type": OrderType.STOP, "trigger_price": first, "extras": extras}
    return {"order_type": OrderType.LIMIT, "price": nearest, "extras": extras}


def _amount(said: dict[str, Figures]) -> dict[str, Any]:
    """The first percentage named; with the word risk it is what may be lost at the stop."""
    risk, amount = said.get("risk", _NOTHING), said.get("amount", _NOTHING)
    found = risk if risk.percents else amount
    if not found.percents:
        return {}
    at_risk = found is risk or "risk" in found.text.casefold()
    unit = QuantityType.RISK_PERCENT if at_risk else QuantityType.PERCENT_EQUITY
    return {"quantity": values.positive(found.percents[0], "amount"), "quantity_type": unit}


def _times(leverage: Figures) -> Decimal | None:
    found = re.search(r"(\d{1,4}(?:\.\d{1,2})?)[ \t]?x|x[ \t]?(\d{1,4})|(\d{1,4})", leverage.text, re.IGNORECASE)
    return values.positive(found[1] or found[2] or found[3], "leverage") if found else None


def _mode(text: str) -> Literal["isolated", "cross"] | None:
    found = _MODE.search(text)
    if not found:
        return None
    return "cross" if found[1].casefold() == "cross" else "isolated"


def _exchange(section: Figures) -> str | None:
    line = section.text.partition("\x00")[2].strip(" :\t-").split("\n", 1)[0]
    return line.split(",")[0].strip() or None


DIALECT = Dialect(name="chat_signal", title="Chat signal (Cornix)", rank=60, recognise=recognise, read=read)
