"""Home-made text: `key=value` or `key: value` with any separator, perhaps led by a side and a symbol in bare words.

Nobody described these grammars, so what is not understood is refused instead of guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, some
from bridge.dialects.families.pairs import is_text
from bridge.dialects.families.tickers import HEADLINE_WORDS
from bridge.dialects.generic_kv.words import (
    ALL,
    CANCELS,
    CLOSES,
    ENTRIES,
    OPENS,
    ORDER_TYPES,
    meaning,
    plain,
    together,
)
from bridge.domain.intent import Level, OrderIntent, OrderType, QuantityType, Reading

LONGEST = 4000  # characters; longer texts are no orders
_PAIR = re.compile(r"([A-Za-z][\w -]{0,30}?)[ \t]{0,4}(=|:(?!\S*/|//))[ \t]{0,4}(\S.{0,200})?", re.ASCII)
_MARK = re.compile("[=:]")
_SPACED = re.compile(r"(?<=[=:])[ \t]+|[ \t]+(?=[=])")
_BARE_SEPARATORS = re.compile(r"[\s,;|]+")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.:/_!&-]{1,31}")
_VERBS = frozenset({*ENTRIES, *CLOSES, *CANCELS})
# Words that mean an order even without a key: a bare "close" is mostly the bar's price.
_BARE_VERBS = frozenset({*ENTRIES, *(word for word, position in CLOSES.items() if position != "both")})
_NUMBER = re.compile(r"@?[+-]?[\d.,]{1,32}")
_SIZES = {"units": QuantityType.UNITS, "lots": QuantityType.LOTS, "cash": QuantityType.CASH}
_MODES: dict[str, Literal["isolated", "cross"]] = {"isolated": "isolated", "cross": "cross", "crossed": "cross"}


@dataclass(slots=True)
class Said:
    """A message taken apart: pairs by meaning, keys nobody knows, and words outside pairs."""

    members: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    repeated: str | None = None
    verb: str | None = None
    ticker: str | None = None

    def take(self, key: str, value: str) -> None:
        """Put one pair where it belongs."""
        name = meaning(key)
        if name == "order_type" and plain(value) in _VERBS | OPENS:
            name = "side"  # type=entry, beside side=long
        if name is None:
            self.unknown.append(key)
        elif name == "side" and (both := together(self.members.get("side", ""), value)):
            self.members["side"] = both
        elif name in self.members and self.members[name] != value:
            self.repeated = key
        else:
            self.members[name] = value

    def sized_only(self) -> bool:
        """Whether a size stands there and nothing that is not understood: an order whose symbol was left out."""
        return not (self.unknown or self.words) and not _SIZES.keys().isdisjoint(self.members)

    def find(self) -> None:
        """Settle on the verb and the symbol: named by a key, or else the first bare words of that kind."""
        for place, (first, second) in enumerate(pairwise(self.words)):
            if both := together(first, second):
                self.words[place : place + 2] = [both]
                break
        self.verb = self.members.get("side") or next((word for word in self.words if plain(word) in _VERBS), None)
        bare = (word for word in self.words if word != self.verb and _TICKER.fullmatch(word))
        self.ticker = self.members.get("symbol") or next(bare, None)


def recognise(message: Message) -> str | None:
    """At least two pairs, of which one (or a bare word) says the side and one the symbol, if it was not left out."""
    if not is_text(message) or len(message.text) > LONGEST:
        return None
    said = _taken_apart(message.text)
    if not said.members and not said.unknown:
        return "it is only a side, tickers and numbers" if _only_order_words(said.words) else None
    named = "side" in said.members
    if named and plain(said.members["side"]) in ALL:
        return f'it says "{values.shown(said.members["side"])}"'
    if len(said.members) + len(said.unknown) < (2 if named else 1) or said.verb is None:
        return None
    if not named and len(said.words) > 4:
        return None  # a sentence that mentions a figure
    if said.ticker is None and not (named and said.sized_only()):
        return None
    return f'it has pairs, "{values.shown(said.verb)}" and "{values.shown(said.ticker or "a size")}"'


def _only_order_words(words: list[str]) -> bool:
    """A side, a ticker and numbers, none of which belongs to a sentence: `BTCUSDT LONG`, `BTCUSDT|buy|5|64000`."""
    verbs = [word for word in words if plain(word) in _BARE_VERBS]
    others = [word for word in words if word not in verbs]
    figures = [word for word in others if _NUMBER.fullmatch(word)]
    tickers = [word for word in others if word not in figures and plain(word) not in ORDER_TYPES]
    return (
        2 <= len(words) <= 6
        and len(verbs) == len(tickers) == 1
        and bool(_TICKER.fullmatch(tickers[0]))
        and tickers[0] not in HEADLINE_WORDS
    )


def _taken_apart(text: str) -> Said:
    said = Said()
    for part in _parts(text):
        if found := _PAIR.fullmatch(part):
            said.take(found[1], (found[3] or "").strip())
        else:
            said.words += part.split()
    if not said.members and not said.unknown:
        said.words = [word for word in _BARE_SEPARATORS.split(text) if word]
    said.find()
    return said


def _parts(text: str) -> Iterator[str]:
    """Cut at the strongest separator there is: line, semicolon, comma or bar, ampersand, blank."""
    for separator in ("\n", ";", ",", "|", "&"):
        parts = text.split(separator)
        if len(parts) > 1 and (separator in "\n;" or any(_MARK.search(part) for part in parts[1:])):
            for part in parts:
                yield from _parts(part) if separator in "\n;" else _blanks(part)
            return
    yield from _blanks(text)


def _blanks(part: str) -> Iterator[str]:
    said = part.strip()
    if said.count("=") + said.count(":") > 1 or ("=" in said and " " in said):
        yield from _SPACED.sub("", said).split()
    elif said:
        yield said


def read(message: Message, context: Context) -> Reading:
    """One order, if every part of the message is understood."""
    if len(message.text) > LONGEST:
        raise Unreadable("message_too_long", f"an order of this kind has at most {LONGEST} characters")
    said = _taken_apart(message.text)
    if said.repeated:
        raise Unreadable("repeated_key", f"{values.shown(said.repeated)}: stands twice with different values")
    if said.unknown:
        raise Unreadable("unknown_key", f'"{values.shown(said.unknown[0])}" is no key that is understood; take it out')
    rest = [word for word in said.words if word not in (said.verb, said.ticker)]
    if rest:
        raise Unreadable("unknown_words", f'"{values.shown(" ".join(rest))}" is not understood')
    members, verb = said.members, plain(said.verb or "")
    order = _of_all(verb) if verb in ALL else _order(verb, values.symbol(said.ticker), members)
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of([order]),
        orders=(order,),
        account=members.get("account") or None,
        strategy=members.get("strategy") or None,
        secret=members.get("secret") or None,
        alert_time=members.get("time") or None,
        interval=members.get("interval") or None,
    )


def _of_all(verb: str) -> OrderIntent:
    return moves.cancel(scope="all") if ALL[verb] == "cancel" else moves.flatten("all")


def _order(verb: str, symbol: str, members: dict[str, str]) -> OrderIntent:
    exchange, _, ticker = symbol.rpartition(":")
    where: dict[str, Any] = {
        "symbol": ticker,
        "exchange": members.get("exchange") or exchange or None,
        "tag": members.get("comment") or None,
    }
    if verb in CANCELS:
        return moves.cancel(scope="symbol", **where)
    if verb in CLOSES:
        return moves.leave(CLOSES[verb], **({"order_type": OrderType.DEFAULT} | where | _size(members)))
    if verb not in ENTRIES:
        raise Unreadable("unknown_side", f'"{values.shown(verb)}" is no side; expected buy, sell, long, short or close')
    side, intent = ENTRIES[verb]
    return OrderIntent(
        intent=intent,
        side=side,
        leverage=values.unless_zero(members.get("leverage", "").casefold().strip("x"), "leverage"),
        margin_mode=values.optional_word(members.get("margin"), "margin mode", _MODES),
        **where,
        **_size(members),
        **_prices(members),
        **_exits(members),
    )


def _size(members: dict[str, str]) -> dict[str, Any]:
    sent = [name for name in _SIZES if members.get(name)]
    if len(sent) > 1:
        raise Unreadable("duplicate_quantity", "the size is given twice; keep one of them")
    if not sent:
        return {}
    if members[sent[0]].endswith("%"):
        raise Unreadable("ambiguous_quantity", f"size: of what {values.shown(members[sent[0]])} is taken is not said")
    return {"quantity": values.positive(members[sent[0]], "size"), "quantity_type": _SIZES[sent[0]]}


def _prices(members: dict[str, str]) -> dict[str, Any]:
    """A bare price beside no or a market order type is only the price at the alert."""
    entry = values.unless_zero(members.get("entry"), "entry")
    limit = values.unless_zero(members.get("limit"), "limit price")
    trigger = values.unless_zero(members.get("trigger"), "stop price")
    said = members.get("order_type")
    order_type = values.word(plain(said), "order type", ORDER_TYPES, code="unknown_order_type") if said else None
    if order_type is None:
        order_type = _implied(limit, trigger)
    elif order_type is OrderType.LIMIT and limit is None:
        limit, entry = entry, None
    elif order_type is OrderType.STOP and trigger is None:
        trigger, entry = entry, None
    if order_type in NEEDS_LIMIT and limit is None:
        raise Unreadable("missing_limit_price", "a limit order needs its price")
    if order_type in NEEDS_TRIGGER and trigger is None:
        raise Unreadable("missing_stop_price", "a stop order needs its trigger price")
    return {"order_type": order_type, "price": limit, "trigger_price": trigger, "signal_price": entry}


def _implied(limit: Decimal | None, trigger: Decimal | None) -> OrderType:
    if trigger:
        return OrderType.STOP_LIMIT if limit else OrderType.STOP
    return OrderType.LIMIT if limit else OrderType.DEFAULT


def _exits(members: dict[str, str]) -> dict[str, Any]:
    entry = values.unless_zero(members.get("entry"), "entry")
    names = sorted((name for name in members if name.startswith("tp")), key=lambda name: int(name[2:] or 0))
    return {
        "stop_loss": _level(members.get("stop"), "stop loss", entry),
        "take_profit": some(*(_level(members[name], name, entry) for name in names)),
    }


def _level(said: str | None, name: str, entry: Decimal | None) -> Level | None:
    """A price when it lies in the range of the entry; else the strategy's settings say what the number counts."""
    if values.absent(said) or said is None:
        return None
    if said.endswith("%"):
        return Level(type="percent", value=abs(values.number(said[:-1], name)))
    figure = values.unless_zero(said, name)
    if figure is None:
        return None
    near = entry is not None and entry / 3 < figure < entry * 3
    return Level(type="price" if near else "setting", value=figure)


DIALECT = Dialect(name="generic_kv", title="Key and value, any words", rank=80, recognise=recognise, read=read)
