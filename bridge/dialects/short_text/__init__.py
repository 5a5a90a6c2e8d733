"""Orders of a few words, as Trade Relay and SignalStack take them, and `SYMBOL, TIMEFRAME - Buy Signal`.

Source: github.com/LuxAlgo/trade-relay docs/payload.md and docs/migrate-signalstack.md. A word that the grammar does not
have is refused: `buy 10 AAPL limit 180` must not become a market order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.tickers import HEADLINE_WORDS
from bridge.domain.intent import Kind, OrderIntent, OrderType, QuantityType, Reading, Side

_TRADES = {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL}
_CLOSES = frozenset({"close", "exit", "flat"})
_FLATTENS = frozenset({"flatten", "close_all", "exit_all", "closeall"})
_CANCELS = frozenset({"cancel", "cancel_all"})
_CONTROLS: Mapping[str, str] = {"pause": "pause", "resume": "resume", "kill": "kill"}
_COUNTED: Mapping[str, QuantityType] = {
    **dict.fromkeys(("share", "shares", "unit", "units"), QuantityType.UNITS),
    **dict.fromkeys(("contract", "contracts"), QuantityType.CONTRACTS),
    **dict.fromkeys(("lot", "lots"), QuantityType.LOTS),
}

LONGEST = 400  # characters
_QUANTITY = re.compile(r"[+-]?[\d.,]+(?:e[+-]?\d+)?%?", re.IGNORECASE)
_TICKER = re.compile(r"(?:[A-Z]{2,12}:)?[A-Z0-9][A-Z0-9.&/_!-]{0,31}")
_SIGNAL = re.compile(
    r"(?P<symbol>[A-Z0-9][\w.:/!-]{0,31}),[ \t]{0,4}(?P<interval>\d{0,4}[A-Za-z]{0,7})[ \t]{0,4}"
    r"-[ \t]{0,4}(?P<side>buy|sell)[ \t]{1,4}signal",
    re.ASCII | re.IGNORECASE,
)


def recognise(message: Message) -> str | None:
    """A verb, then a quantity or a ticker in capitals; one of the single words; or `SYMBOL, TIMEFRAME - Buy Signal`.

    Several lines are several orders when every one of them is.
    """
    text = message.text
    if not is_text(message) or len(text) > LONGEST or "=" in text or "|" in text:
        return None
    why = [_recognised(line) for line in text.splitlines() if line.strip()]
    return why[0] if all(why) else None


def _recognised(line: str) -> str | None:
    text = line.strip()
    if _SIGNAL.fullmatch(text):
        return "it reads SYMBOL, TIMEFRAME - Buy|Sell Signal"
    words = _words(text)
    if not words:
        return None
    verb = words[0].casefold()
    if len(words) == 1:
        return f'"{text}" is a command' if verb in _FLATTENS | _CANCELS | _CONTROLS.keys() else None
    counted = 2 if words[1].casefold() in _TRADES else 1  # "sell short 10 AAPL" is no verb here, but an order
    if verb in _TRADES and len(words) <= 12 and any(map(_QUANTITY.fullmatch, words[counted : counted + 1])):
        return f'it begins with "{words[0]} {words[1]}"'
    if verb in _TRADES or verb in _CLOSES | _CANCELS | _FLATTENS:
        known = _TICKER.fullmatch(words[1]) and words[1] not in HEADLINE_WORDS and len(words) <= 8
        posted = "/" in words[1] and len(words) > 2 and words[2].casefold() != "at"  # a chat signal on one line
        return f'it begins with "{words[0]} {words[1]}"' if known and not posted else None
    return None


def _words(text: str) -> list[str]:
    """The words; `close all` and its like are one."""
    words = text.split()
    both = "_".join(words).casefold()
    return [both] if len(words) == 2 and both in _FLATTENS | _CANCELS else words


def read(message: Message, context: Context) -> Reading:
    """The orders, or a word to the receiver itself."""
    lines = [line.strip() for line in message.text.splitlines() if line.strip()]
    moves.refuse_many(len(lines))
    if lines[0].casefold() in _CONTROLS and len(lines) == 1:
        return Reading(dialect=DIALECT.name, kind=Kind.CONTROL, control=_CONTROLS[lines[0].casefold()])
    orders = tuple(map(_line, lines))
    intervals = {found["interval"] for line in lines if (found := _SIGNAL.fullmatch(line)) and found["interval"]}
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of(orders),
        orders=orders,
        interval=intervals.pop() if len(intervals) == 1 else None,
    )


def _line(line: str) -> OrderIntent:
    if found := _SIGNAL.fullmatch(line):
        side = Side(found["side"].casefold())
        return OrderIntent(intent=PLAIN[side], symbol=values.symbol(found["symbol"]), side=side)
    verb, *words = _words(line)
    return _order(verb.casefold(), words)


def _order(verb: str, words: list[str]) -> OrderIntent:
    if verb in _TRADES:
        return _trade(_TRADES[verb], words)
    ticker = words.pop(0) if words else None
    _refuse_rest(words)
    if verb in _FLATTENS:
        if ticker:
            raise Unreadable(
                "unexpected_symbol", f"{verb} closes every position of the account; to close one write: close {ticker}"
            )
        return moves.flatten("all", cancel_open_orders=True)
    where: dict[str, Any] = _named(ticker) if ticker else {}
    if verb in _CANCELS:
        return moves.cancel(scope="symbol" if where else "all", **where)
    return moves.leave("both", cancel_open_orders=True, **where)


def _trade(side: Side, words: list[str]) -> OrderIntent:
    quantity, unit = None, QuantityType.DEFAULT
    if words and _QUANTITY.fullmatch(words[0]):
        quantity, unit = values.positive(words.pop(0), "quantity"), QuantityType.UNITS
        if words and words[0].casefold() in _COUNTED:
            unit = _COUNTED[words.pop(0).casefold()]
            if words and words[0].casefold() == "of":
                words.pop(0)
    if not words:
        raise Unreadable("missing_symbol", "expected a symbol behind the quantity")
    where = _named(words.pop(0))
    price = _limit(words)
    return OrderIntent(
        intent=PLAIN[side],
        side=side,
        quantity=quantity,
        quantity_type=unit,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        price=values.positive(price, "price") if price is not None else None,
        **where,
    )


def _named(said: str) -> dict[str, Any]:
    if not _TICKER.fullmatch(said):
        raise Unreadable("bad_symbol", f'expected a symbol in capitals, was "{values.shown(said)}"')
    exchange, _, ticker = said.rpartition(":")
    return {"symbol": values.symbol(ticker), "exchange": exchange or None, "raw_symbol": said if exchange else None}


def _limit(words: list[str]) -> str | None:
    """The price of `at PRICE limit`; nothing else may stand behind the symbol except `at market`."""
    said = [word.casefold() for word in words]
    if len(said) == 3 and said[0] == "at" and said[2] == "limit":
        return words[1]
    if said not in ([], ["at", "market"], ["market"]):
        _refuse_rest(words)
    return None


def _refuse_rest(words: list[str]) -> None:
    if words:
        rest = values.shown(" ".join(words))
        raise Unreadable(
            "unknown_words", f'"{rest}" is not understood here; a limit order reads: buy 10 AAPL at 180 limit'
        )


DIALECT = Dialect(
    name="short_text", title="A few words (Trade Relay, SignalStack)", rank=40, recognise=recognise, read=read
)
