"""Words and numbers of alerts, parsed strictly; whatever is doubtful is refused by the member's name.

Numbers are plain decimals, as JSON numbers or as text (`"0.05"`, `"+3"`, blanks around are trimmed). Refused, each
with a code of its own: `number_comma` (`1,5`: decimal comma or thousands?), `number_exponent` (`1e5`; only a JSON number may have a
negative exponent, because that is how JavaScript writes a tiny price), `number_nan`, `number_negative`, `number_zero`,
`number_too_long` and `bad_number` for the rest. `None` and empty text mean that a member was not sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from bridge.dialects.base import Unreadable
from bridge.domain.intent import Side

T = TypeVar("T")

ZERO = Decimal(0)
HUNDRED = Decimal(100)
MOST_DIGITS = 32

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_COMMA = re.compile(r"[+-]?[\d.]*\d,\d[\d.,]*", re.ASCII)
_EXPONENT = re.compile(r"[+-]?[\d.]+e[+-]?\d+", re.ASCII | re.IGNORECASE)
_NAN = frozenset({"nan", "na", "n/a", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
# What TradingView ({{…}}, also with a brace lost) and TrendSpider (%…%) leave behind when they cannot fill a value in.
PLACEHOLDER = re.compile(
    r"\{\{[^{}]{0,80}\}\}|\{\{?(?:strategy|syminfo|plot|ticker|exchange|interval|timenow|time|open|high|low|close|volume)[\w.]*\}"
    r"|%[a-z][a-z_]{2,40}%"
)
_SYMBOL = re.compile(r"[A-Za-z0-9$^#@_.*-][A-Za-z0-9 ._:/!&^+*@#$=()_-]{0,63}")

_SIDES = {"buy": Side.BUY, "b": Side.BUY, "long": Side.BUY, "bull": Side.BUY, "bullish": Side.BUY}
_SIDES |= {"sell": Side.SELL, "s": Side.SELL, "short": Side.SELL, "bear": Side.SELL, "bearish": Side.SELL}
_BOOLEANS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


def shown(value: Any) -> str:
    """A value as a refusal may quote it: short, and with nothing unprintable."""
    said = str(value)
    return ascii(said if len(said) <= 40 else said[:39] + "…").strip("'") if not said.isprintable() else said[:40]


def absent(value: Any) -> bool:
    """Whether a member was not sent: missing, null or only blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def refuse_placeholder(value: Any, name: str) -> None:
    """Raise `unresolved_placeholder` when the value still holds one."""
    if isinstance(value, str) and ("{" in value or "%" in value) and (found := PLACEHOLDER.search(value)):
        raise Unreadable(
            "unresolved_placeholder",
            f"{name}: the placeholder {found[0]} was not filled in; it does not apply to this kind of alert, "
            "so write the value itself or use a placeholder that does",
        )


def object_of(value: Any, name: str = "message") -> dict[str, Any]:
    """The members of a JSON object or of form fields."""
    if isinstance(value, dict):
        return value
    raise Unreadable("not_an_object", f'{name}: expected an object such as {{"name": "value"}}')


def objects_of(value: Any, name: str = "message") -> list[dict[str, Any]]:
    """The objects of a list that has at least one; a lone object counts as a list of one."""
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise Unreadable("empty_list", f"{name}: the list is empty, there is nothing to do")
    return [object_of(part, name) for part in parts]


def number(value: Any, name: str) -> Decimal:
    """The decimal a member holds, of either sign. Refuses what is missing or not plainly a number."""
    if isinstance(value, Decimal):
        return _number_of_json(value, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if absent(value):
        raise Unreadable("missing_member", f"{name}: expected a number, was not sent")
    if isinstance(value, str) and len(value) <= MOST_DIGITS + 8 and _NUMBER.fullmatch(said := value.strip()):
        return Decimal(said)
    raise _no_number(value, name)


def _number_of_json(value: Decimal, name: str) -> Decimal:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise Unreadable("number_nan", f"{name}: expected a number, was {value}")
    if exponent > 0:
        raise Unreadable("number_exponent", f"{name}: write {value} out in digits, exponents are not accepted")
    return value


def _no_number(value: Any, name: str) -> Unreadable:
    refuse_placeholder(value, name)
    said = value.strip() if isinstance(value, str) else value
    if not isinstance(said, str):
        return Unreadable("bad_number", f"{name}: expected a number, was {type(said).__name__} {shown(said)}")
    if said.casefold() in _NAN:
        return Unreadable("number_nan", f"{name}: expected a number, was {said}: the chart had no value here")
    if len(said) > MOST_DIGITS + 8:
        return Unreadable("number_too_long", f"{name}: a number has at most {MOST_DIGITS} digits")
    if _COMMA.fullmatch(said):
        return Unreadable(
            "number_comma", f'{name}: "{said}" may be a decimal comma or thousands; write it with a point only'
        )
    if _EXPONENT.fullmatch(said):
        return Unreadable("number_exponent", f"{name}: write {said} out in digits, exponents are not accepted")
    return Unreadable("bad_number", f'{name}: expected a number, was "{shown(said)}"')


def optional_number(value: Any, name: str) -> Decimal | None:
    """`number`, or `None` when it was not sent."""
    return None if absent(value) else number(value, name)


def not_negative(value: Any, name: str) -> Decimal:
    """A number ≥ 0."""
    found = number(value, name)
    if found < 0:
        raise Unreadable("number_negative", f"{name}: must not be negative, was {found}")
    return found


def positive(value: Any, name: str) -> Decimal:
    """A number > 0: sizes and prices."""
    found = not_negative(value, name)
    if found == 0:
        raise Unreadable("number_zero", f"{name}: must be more than zero")
    return found


def optional_positive(value: Any, name: str) -> Decimal | None:
    """`positive`, or `None` when it was not sent; an explicit zero is refused."""
    return None if absent(value) else positive(value, name)


def unless_zero(value: Any, name: str) -> Decimal | None:
    """A number > 0, or `None` when it was not sent or is the zero with which some senders say "unused"."""
    return None if absent(value) else (not_negative(value, name) or None)


def amount(value: Any, name: str) -> tuple[Decimal, bool]:
    """A positive number and whether a `%` stands behind it: `"50%"` is `(50, True)`."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        refuse_placeholder(value, name)
        return positive(value.rstrip()[:-1], name), True
    return positive(value, name), False


def text(value: Any, name: str) -> str:
    """The trimmed words of a member that must be there, without placeholders. A JSON number is written out."""
    if absent(value):
        raise Unreadable("missing_member", f"{name}: expected a word, was not sent")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        raise Unreadable("bad_word", f"{name}: expected a word, was {type(value).__name__}")
    refuse_placeholder(value, name)
    return value.strip()


def optional_text(value: Any, name: str) -> str | None:
    """`text`, or `None` when it was not sent."""
    return None if absent(value) else text(value, name)


def word(value: Any, name: str, table: Mapping[str, T], *, code: str = "unknown_word") -> T:
    """The table's entry for a word in any case. The table's keys are lower case; `code` is the refusal's."""
    said = text(value, name)
    try:
        return table[said.casefold()]
    except KeyError:
        known = ", ".join(sorted(table))
        raise Unreadable(code, f'{name}: "{shown(said)}" is not known here; expected one of {known}') from None


def optional_word(value: Any, name: str, table: Mapping[str, T], *, code: str = "unknown_word") -> T | None:
    """`word`, or `None` when it was not sent."""
    return None if absent(value) else word(value, name, table, code=code)


def side(value: Any, name: str) -> Side:
    """Buy or sell, also from long and short, B and S, bull and bear. Anything else is refused as `unknown_side`."""
    return word(value, name, _SIDES, code="unknown_side")


def boolean(value: Any, name: str) -> bool:
    """True or false, also as words, as yes/no, on/off, 1/0."""
    if isinstance(value, bool):
        return value
    return word(value, name, _BOOLEANS, code="bad_boolean")


def optional_boolean(value: Any, name: str) -> bool | None:
    """`boolean`, or `None` when it was not sent."""
    return None if absent(value) else boolean(value, name)


def symbol(value: Any, name: str = "symbol") -> str:
    """A symbol as written, trimmed: plain ASCII letters, digits and the usual marks, at most 64 characters."""
    said = text(value, name)
    if not _SYMBOL.fullmatch(said):
        raise _odd_symbol(said, name)
    return said


def _odd_symbol(said: str, name: str) -> Unreadable:
    for character in said:
        if not _SYMBOL.fullmatch("A" + character):
            called = unicodedata.name(character, f"U+{ord(character):04X}")
            return Unreadable(
                "odd_characters",
                f"{name}: contains {called}, which no symbol has; type the symbol again in plain letters",
            )
    return Unreadable("bad_symbol", f'{name}: "{shown(said)}" is too long or does not begin like a symbol')
