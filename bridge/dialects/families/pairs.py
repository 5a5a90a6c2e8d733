"""What the `key=value` grammars share: splitting, keys that are unknown or doubled, levels with or without a `%`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from typing import TypeVar

from bridge.dialects.base import Message, Unreadable
from bridge.dialects.families import values
from bridge.domain.intent import DistanceType, Level

T = TypeVar("T")
Pairs = Mapping[str, str]

_JSON_START = re.compile(r"\{\s*[\"“”'}\w]|\[\s*[\[{\"]")


def is_text(message: Message) -> bool:
    """Whether the body is words rather than JSON, be it whole or broken."""
    return not isinstance(message.json, dict | list) and not _JSON_START.match(message.text)


def items(text: str, mark: str, least: int, shape: str) -> list[str]:
    """The text between `mark`s, without blanks around; an empty last item is dropped. Fewer than `least` are refused."""
    found = [part.strip() for part in text.split(mark)]
    if not found[-1]:
        found.pop()  # a separator at the end, left behind when a parameter was deleted
    if len(found) < least:
        raise Unreadable("too_few_items", f'expected {shape}, was "{values.shown(text)}"')
    return found


def read_pairs(parts: Iterable[str], marks: str = "=") -> dict[str, str]:
    """`key=value` parts as a dict with lower-case keys; `marks` are the characters that may stand between the two.

    Raises `bad_pair` for a part without a mark or key and `repeated_key` when a key comes twice.
    """
    found: dict[str, str] = {}
    for part in parts:
        key, value = split_pair(part, marks)
        if key in found:
            raise Unreadable("repeated_key", f"{values.shown(key)}: stands twice; say it once")
        found[key] = value
    return found


def split_pair(part: str, marks: str = "=") -> tuple[str, str]:
    """The lower-case key and the value of one part; quotes around the whole value are dropped."""
    places = [place for mark in marks if (place := part.find(mark)) > 0]
    if not places or not (key := part[: min(places)].strip()):
        raise Unreadable("bad_pair", f'expected key{marks[0]}value, was "{values.shown(part.strip())}"')
    value = part[min(places) + 1 :].strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1].strip()
    return key.casefold(), value


def refuse_unknown(pairs: Iterable[str], known: Container[str], title: str) -> None:
    """Raise `unknown_key` for the first key that the dialect called `title` does not have."""
    for key in pairs:
        if key not in known:
            raise Unreadable(
                "unknown_key", f'{title} has no key "{values.shown(key)}"; take it out or correct its spelling'
            )


def one_of(pairs: Pairs, table: Mapping[str, T], code: str, what: str) -> tuple[str, T] | None:
    """The only key of `table` that was sent, with its entry; refused with `code` when several were sent."""
    sent = [key for key in table if not values.absent(pairs.get(key))]
    if len(sent) > 1:
        raise Unreadable(code, f"{' and '.join(sent)}: the {what} is given twice; keep one of them")
    return (sent[0], table[sent[0]]) if sent else None


def level(value: str | None, name: str, plain: DistanceType) -> Level | None:
    """A stop or target: `2%` is a percent distance, a bare number is of the type `plain`; zero means unused.

    Some senders sign distances; the side of the order already says which way they point, so the sign is dropped.
    """
    if values.absent(value) or value is None:
        return None
    said = value.strip()
    percent = said.endswith("%")
    figure = values.number(said[:-1] if percent else said, name)
    if figure < 0 and plain == "price" and not percent:
        raise Unreadable("number_negative", f"{name}: a price must not be negative, was {figure}")
    return Level(type="percent" if percent else plain, value=abs(figure)) if figure else None
