"""The grammar `Name(SYMBOL) { command(name=value, …); … }` of Alertatron, Instabot and their relatives.

`#` begins a comment, commands end at `;` or at the end of the line, anything outside the braces is free text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values

_HEAD = re.compile(r"(?<![\w-])([A-Za-z][\w-]{0,39})[ \t]{0,8}\(([^(){};\n]{1,80})\)\s{0,20}\{")
_COMMENT = re.compile(r"(?:^|(?<=[\s;{}]))(?:#|//)[^\n]*", re.MULTILINE)
_CALL = re.compile(r"([A-Za-z]\w{0,39})\s{0,8}\((.*)\)", re.DOTALL)
_NAME = re.compile(r"(?<!\w)([A-Za-z]\w{0,39})\s{0,8}\(")
_OLDER = frozenset(
    {"limitorder", "marketorder", "stopmarketorder", "stoplimitorder", "scaledorder", "steppedmarketorder"}
    | {"icebergorder", "cancelorders", "aggressiveentryorder", "trailingstoplossorder", "stoportakeprofitorder"}
    | {"twaporder", "accdisorder", "pingpongorder", "account", "slack", "sms"}
)
_MARK = re.compile(r'[()";\n]')


@dataclass(frozen=True, slots=True)
class Step:
    """One command: its lower-case name, named arguments and bare ones. `called` is false for `type=market,side=buy`."""

    name: str
    named: Mapping[str, str]
    bare: tuple[str, ...] = ()
    called: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """The commands for one symbol with one set of keys, in order."""

    account: str
    symbol: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A message: its blocks, which run side by side, and the free text around them."""

    blocks: tuple[Block, ...]
    text: str


def has_block(text: str) -> bool:
    """Whether a block opens anywhere outside comments."""
    return "{" in text and "(" in text and bool(_HEAD.search(text)) and bool(_HEAD.search(_COMMENT.sub("", text)))


def is_older(text: str) -> bool:
    """Whether the commands bear Instabot's names, or are only such as Alertatron would not be sent without its marker."""
    bare = _COMMENT.sub("", text[:8000])  # the first commands tell
    heads = {match[1].casefold() for match in _HEAD.finditer(bare)}
    names = {match[1].casefold() for match in _NAME.finditer(bare)} - heads
    return bool(names & _OLDER) or (bool(names) and names <= {"wait"} and "=" not in bare)


def parse(text: str) -> Script:
    """The blocks of a message. Raises `Unreadable` for braces, brackets or commands that do not add up."""
    bare = _COMMENT.sub("", text)
    found: list[Block] = []
    outside: list[str] = []
    place = 0
    while head := _HEAD.search(bare, place):
        end = bare.find("}", head.end())
        body = bare[head.end() : end]
        if end < 0 or "{" in body:
            raise Unreadable("unclosed_block", f"{head[1]}({values.shown(head[2])}): the closing }} is missing")
        outside.append(bare[place : head.start()])
        found.append(Block(head[1], values.symbol(head[2]), tuple(_step(said) for said in _statements(body))))
        place = end + 1
    outside.append(bare[place:])
    return Script(tuple(found), " ".join(" ".join(outside).split()))


def _statements(body: str) -> Iterator[str]:
    """The body cut at every `;` and line end that is outside brackets and quotes."""
    depth, quoted, start = 0, False, 0
    for mark in _MARK.finditer(body):
        character = mark[0]
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0:
            yield from _said(body[start : mark.start()])
            start = mark.end()
    if depth or quoted:
        raise Unreadable("unclosed_bracket", "a bracket or quotation mark is not closed")
    yield from _said(body[start:])


def _said(statement: str) -> Iterator[str]:
    if stripped := statement.strip():
        yield stripped


def _step(statement: str) -> Step:
    if found := _CALL.fullmatch(statement):
        named, bare = _arguments(found[2])
        return Step(found[1].casefold(), named, bare)
    named, bare = _arguments(statement)
    if "type" not in named:
        raise Unreadable("bad_statement", f'expected command(name=value, …), was "{values.shown(statement)}"')
    return Step(named["type"].casefold(), {k: v for k, v in named.items() if k != "type"}, bare, called=False)


def _arguments(said: str) -> tuple[dict[str, str], tuple[str, ...]]:
    named: dict[str, str] = {}
    bare = []
    for part in _split(said):
        key, mark, value = part.partition("=")
        if not mark:
            bare.append(part.strip('"'))
            continue
        key = key.strip().casefold()
        if key in named:
            raise Unreadable("repeated_key", f"{values.shown(key)}: stands twice in one command; say it once")
        named[key] = value.strip().strip('"')
    return named, tuple(bare)


def _split(said: str) -> Iterator[str]:
    """Arguments between commas; a comma between quotation marks does not separate."""
    start, quoted = 0, False
    for place, character in enumerate(said):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            yield from _said(said[start:place])
            start = place + 1
    yield from _said(said[start:])
