"""JSON read strictly: exact decimals, no NaN, no doubled keys, and bounds on depth, keys, strings and digits."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable

MOST_DEPTH = 16
MOST_KEYS = 500
MOST_STRING_BYTES = 4096
MOST_DIGITS = 32

_SHORTEST_MEMBER = 5  # `"":1,`
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse(text: str, *, lenient: bool = False) -> Any:
    """The parsed text; every number a `Decimal`. `lenient` lets raw line breaks stand inside strings.

    Raises `Unreadable` for what is JSON but beyond the bounds, `ValueError` for what is no JSON.
    """
    if text.count("{") + text.count("[") > MOST_DEPTH:
        _refuse_depth(text)
    value = (_LENIENT if lenient else _STRICT).decode(text)
    # A short text cannot break these bounds, and nearly all alerts are short.
    if len(text) > MOST_KEYS * _SHORTEST_MEMBER:
        _refuse_size(value)
    return value


def _refuse_depth(text: str) -> None:
    """Counted before parsing, so that no parser ever recurses deeply."""
    depth = 0
    for token in _BRACKETS.finditer(text):
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
        if depth > MOST_DEPTH:
            raise Unreadable("json_too_deep", f"the JSON is nested more than {MOST_DEPTH} levels deep")


def _refuse_size(value: Any) -> None:
    keys, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            keys += len(part)
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            keys += len(part)
            waiting.extend(part)
        elif isinstance(part, str) and len(part) > MOST_STRING_BYTES // 4 and len(part.encode()) > MOST_STRING_BYTES:
            raise Unreadable("json_long_string", f"a text in the JSON is longer than {MOST_STRING_BYTES} bytes")
        if keys > MOST_KEYS:
            raise Unreadable("json_too_many_keys", f"the JSON has more than {MOST_KEYS} members")


def _number(literal: str) -> Decimal:
    if len(literal) > MOST_DIGITS + 2:
        raise Unreadable("number_too_long", f"a number has at most {MOST_DIGITS} digits")
    return Decimal(literal)


def _no_number(literal: str) -> Decimal:
    raise Unreadable("number_nan", f"{literal} is not a number; the chart had no value here")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", f"{twice[:40]} is there twice; it is not clear which one counts")
    return found


def _decoder(*, strict: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_float=_number, parse_int=_number, parse_constant=_no_number, object_pairs_hook=_object, strict=strict
    )


_STRICT = _decoder(strict=True)
_LENIENT = _decoder(strict=False)
