"""Mends the JSON damage that leaves no doubt about what was meant; everything else stays refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families.strict_json import parse

CURLY = "typographic quotes were read as plain ones"
COMMA = "a comma before a closing bracket was dropped"
BRACE = "the missing last bracket was added"
LINE = "a line break inside quotes was kept as it is"

_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟″", '"'))
_STRING = r'"(?:[^"\\]++|\\.)*+"?'
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_BRACKETS = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_CLOSER = {"{": "}", "[": "]"}


def mend(text: str) -> tuple[Any, tuple[str, ...]]:
    """The parsed text and a sentence for each repair. Raises `Unreadable` (`malformed_json`) when in doubt."""
    for candidate, repairs in _candidates(text):
        try:
            return parse(candidate), repairs
        except ValueError:
            continue
    try:
        return parse(text, lenient=True), (LINE,)
    except ValueError as fault:
        raise Unreadable("malformed_json", f"the message is not valid JSON: {fault}") from None


def _candidates(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    straight = text.translate(_STRAIGHT)
    yield from _tidied(text, ())
    if straight != text:
        yield straight, (CURLY,)
        yield from _tidied(straight, (CURLY,))


def _tidied(text: str, before: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    tidy = _TRAILING_COMMA.sub(lambda token: "" if token[0] == "," else token[0], text)
    done = (*before, COMMA) if tidy != text else before
    if tidy != text:
        yield tidy, done
    if closed := _closed(tidy):
        yield closed, (*done, BRACE)


def _closed(text: str) -> str | None:
    """The text with its one missing bracket, unless it may have been cut inside a number or a word."""
    if not text.endswith(('"', "}", "]", "true", "false", "null")):
        return None
    waiting: list[str] = []
    for token in _BRACKETS.finditer(text):
        if token[0] in _CLOSER:
            waiting.append(_CLOSER[token[0]])
        elif token[0] in "}]" and (not waiting or waiting.pop() != token[0]):
            return None
    return text + waiting[0] if len(waiting) == 1 else None
