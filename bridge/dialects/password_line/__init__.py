"""A MetaTrader bridge whose first line is the password and whose second is `long|short|flat SYMBOL q=lots …`."""

from __future__ import annotations

import re
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import level as absolute
from bridge.dialects.families.levels import some
from bridge.dialects.families.pairs import Pairs, is_text, items, level, read_pairs, refuse_unknown
from bridge.domain.intent import Level, OrderIntent, OrderType, QuantityType, Reading, Side

_SECOND = re.compile(r"(long|short|flat)[ \t]+([^\s=]{1,64})(?=\s|$)", re.IGNORECASE)
_MISSPELT = re.compile(r"([a-z]{2,12})[ \t]+([A-Z0-9.]{3,32})[ \t]+q=\S", re.ASCII)
_SIDES = {"long": Side.BUY, "short": Side.SELL}
_UNITS = {"percent": QuantityType.PERCENT_EQUITY, "lots": QuantityType.LOTS}
_KEYS = frozenset({"q", "qt", "sl", "tp", "slp", "tpp", "p"})


def recognise(message: Message) -> str | None:
    """A line of one word, then a line that begins with long, short or flat and a symbol."""
    if not is_text(message):
        return None
    first, _, rest = message.text.partition("\n")
    password = first.strip()
    if not password or len(password.split()) > 1 or "=" in password or password.endswith(":"):
        return None
    found = _SECOND.match(rest.lstrip()) or _MISSPELT.match(rest.lstrip())
    if not found or ("=" not in rest and not found[2].isupper()):
        return None  # two lines of prose
    return f'the second line begins with "{found[1]} {found[2]}", under a line that is the password'


def read(message: Message, context: Context) -> Reading:
    """One entry or close; the first line is the secret."""
    password, *lines = [line.strip() for line in message.text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise Unreadable("bad_lines", "expected the password and below it one line with the order")
    word, symbol, *rest = items(" ".join(lines[0].split()), " ", 2, "long|short|flat SYMBOL q=…")
    pairs = read_pairs(rest)
    refuse_unknown(pairs, _KEYS, "this grammar")
    order = _order(word.casefold(), values.symbol(symbol), pairs)
    return Reading(dialect=DIALECT.name, kind=moves.kind_of([order]), orders=(order,), secret=password)


def _order(word: str, symbol: str, pairs: Pairs) -> OrderIntent:
    if word == "flat":
        return moves.leave("both", symbol=symbol)  # q= only matters for entries
    side = values.word(word, "action", _SIDES, code="unknown_side")
    return OrderIntent(
        intent=moves.ENTER[side],
        symbol=symbol,
        side=side,
        quantity=values.positive(pairs.get("q"), "q"),
        quantity_type=values.optional_word(pairs.get("qt"), "qt", _UNITS) or QuantityType.LOTS,
        stop_loss=_exit(pairs, "sl"),
        take_profit=some(_exit(pairs, "tp")),
        **_entry(pairs.get("p")),
    )


def _exit(pairs: Pairs, key: str) -> Level | None:
    distance, price = level(pairs.get(key), key, "points"), absolute("price", pairs.get(f"{key}p"), f"{key}p")
    if distance and price:
        raise Unreadable("repeated_level", f"{key} and {key}p both say it; keep one of them")
    return distance or price


def _entry(said: str | None) -> dict[str, Any]:
    if values.absent(said):
        return {"order_type": OrderType.MARKET}
    figure, percent = values.amount(said, "p")
    if percent:
        return {"order_type": OrderType.LIMIT, "price_offset": Level(type="percent", value=figure)}
    return {"order_type": OrderType.LIMIT, "price": figure}


DIALECT = Dialect(
    name="password_line", title="MetaTrader bridge with a password line", rank=25, recognise=recognise, read=read
)
