"""Alerts from the dialects' examples, and what may happen to one on its way."""

from __future__ import annotations

import copy
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import bridge.dialects

FRAGMENTS = (
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "'",
    "=",
    ";",
    "|",
    "\n",
    "%",
    "{{close}}",
    "１",
    "\u200b",
    "\\",
    " ",
    "0",
    "-",
    "e9",
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**20, 1.5, "", " ", [], {}, [1], {"a": 1}, "NaN", "1e5", "-5", "1,5", "{{close}}", "50%", "buy",
    "flat", "\u0410\u0410PL", "x" * 200, "\U0001f600", "../../etc/passwd", "<script>", "'; DROP TABLE orders; --",
)  # fmt: skip
SIZE_NAMES = frozenset({"quantity", "qty", "contracts", "amount", "size", "volume", "lots", "shares"})
NO_SIZES: tuple[Any, ...] = (
    -5, "-5", "1e5", "NaN", "Infinity", "1,5", "ten", "{{strategy.order.contracts}}", True, [], {}, ["5"], {"a": 5}, "１０",
    "5\u200b", "0x10", "5 5", "--5", "1_000",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damaged:
    """A body that is sent to a good address. Without `may_trade`, an order that comes of it is a fault."""

    body: bytes
    may_trade: bool = False
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@cache
def examples() -> Sequence[tuple[str, str]]:
    """Content type and body of every example of every dialect, but for those that would switch the strategy off."""
    folder = Path(bridge.dialects.__file__).parent
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/examples/*.json"))]
    return [(one["content_type"], one["body"]) for one in found if one["reading"].get("kind") != "control"]


@cache
def objects() -> Sequence[Any]:
    """The examples that are JSON objects, or lists of them."""
    return [value for _, body in examples() if isinstance(value := _parsed(body), dict | list)]


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


# ---- still an alert, perhaps


def untouched(dice: Random) -> Damaged:
    """As the sender's documentation has it."""
    content_type, body = dice.choice(examples())
    return Damaged(body.encode(), True, content_type)


def scratched(dice: Random) -> Damaged:
    """Pieces cut out, put in, doubled or exchanged."""
    content_type, body = dice.choice(examples())
    for _ in range(dice.randint(1, 4)):
        start = dice.randint(0, len(body))
        end = min(start + dice.choice((0, 1, 1, 2, 8)), len(body))
        piece = dice.choice((dice.choice(FRAGMENTS), body[start:end] * 2, chr(dice.randint(1, 0x2FFF)), ""))
        body = body[:start] + piece + body[end:]
    return Damaged(body.encode("utf-8", "replace"), True, content_type)


def odd_member(dice: Random) -> Damaged:
    """One member holds something of another kind, or is gone."""
    value = copy.deepcopy(dice.choice(objects()))
    holder, name = dice.choice(list(_members(value)) or [({}, "x")])
    if dice.random() < 0.2:
        holder.pop(name, None)
    else:
        holder[name] = dice.choice(ODD)
    return Damaged(json.dumps(value).encode(), True)


def _members(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield value, name
            yield from _members(member)
    elif isinstance(value, list):
        for member in value:
            yield from _members(member)


# ---- certainly no order any more


def no_size(dice: Random) -> Damaged:
    """The member that says how much does not."""
    value = copy.deepcopy(dice.choice(_sized()))
    holder, name = dice.choice([found for found in _members(value) if found[1].lower() in SIZE_NAMES])
    holder[name] = dice.choice(NO_SIZES)
    return Damaged(json.dumps(value).encode())


@cache
def _sized() -> Sequence[Any]:
    return [value for value in objects() if any(name.lower() in SIZE_NAMES for _, name in _members(value))]


def cut(dice: Random) -> Damaged:
    """The end is missing, and more of it than one bracket."""
    body = json.dumps(dice.choice(objects()))
    kept = body[: dice.randint(1, len(body) - 1)]
    whole = any(_parsed(kept + end) is not None for end in ("", "}", "]"))
    return Damaged(kept.encode(), may_trade=whole)


def random_bytes(dice: Random) -> Damaged:
    """Noise."""
    return Damaged(dice.randbytes(dice.choice((1, 7, 100, 3000))))


def random_text(dice: Random) -> Damaged:
    """Noise in letters."""
    letters = (
        chr(dice.choice((dice.randint(32, 126), dice.randint(160, 0xD7FF)))) for _ in range(dice.randint(1, 400))
    )
    return Damaged("".join(letters).encode(), content_type=dice.choice(("text/plain", "application/json", "")))


def bad_utf8(dice: Random) -> Damaged:
    """A real alert with bytes in it that are no text."""
    content_type, body = dice.choice(examples())
    whole, place = body.encode(), dice.randint(0, len(body))
    return Damaged(
        whole[:place] + dice.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88", b"\x00")) + whole[place:],
        content_type=content_type,
    )


def deep(dice: Random) -> Damaged:
    """An order around or under too many brackets."""
    depth = dice.choice((17, 40, 500, 5_000, 30_000))
    opened, closed = dice.choice((("[", "]"), ('{"a":', "}")))
    depth = min(depth, 60_000 // len(opened + closed))
    inner = dice.choice(("1", '{"ticker":"SBIN","action":"buy","quantity":1}'))
    nested = opened * depth + inner + (closed * depth if dice.random() < 0.8 else "")
    said = dice.choice((nested, '{"ticker":"SBIN","action":"buy","quantity":1,"extras":' + nested + "}"))
    return Damaged(said.encode())


def huge(dice: Random) -> Damaged:
    """Too long, too many members, or a member that is too long."""
    order = '"ticker":"SBIN","action":"buy","quantity":'
    said = dice.choice(
        (
            "{" + order + "1" + " " * 70_000 + "}",
            "{" + order + "1," + ",".join(f'"k{n}":{n}' for n in range(600)) + "}",
            "{" + order + '1,"comment":"' + "x" * 5_000 + '"}',
            "{" + order + "1" * dice.choice((40, 400, 30_000)) + "}",
            "{" + order + "0." + "3" * 40 + "}",
            "{" + order + '"' + "9" * 60 + '"}',
        )
    )
    return Damaged(said.encode())


def no_number(dice: Random) -> Damaged:
    """What Python reads as JSON and JSON does not know."""
    figure = dice.choice(("NaN", "Infinity", "-Infinity", "1e999", "-0.0", "01", "0x1", "1_0", "+1", ".5"))
    return Damaged(f'{{"ticker":"SBIN","action":"buy","quantity":{figure}}}'.encode())


def said_twice(dice: Random) -> Damaged:
    """Two sizes, or two sides, under one name."""
    second = dice.choice(('"quantity":2', '"action":"sell"', '"ticker":"TCS"'))
    return Damaged(f'{{"ticker":"SBIN","action":"buy","quantity":1,{second}}}'.encode())


def packed(dice: Random) -> Damaged:
    """Compressed, and said so or not."""
    body = dice.choice(examples())[1].encode() * dice.choice((1, 1, 2_000))
    name, pack = dice.choice((("gzip", gzip.compress), ("deflate", zlib.compress), ("br", gzip.compress)))
    headers = (("Content-Encoding", dice.choice((name, name.upper(), f"{name}, identity"))),)
    return Damaged(pack(body), headers=headers if dice.random() < 0.7 else ())


def as_form(dice: Random) -> Damaged:
    """A form with files where the alert should be the body."""
    body = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + dice.choice(examples())[1] + "\r\n--x--\r\n"
    return Damaged(body.encode(), content_type="multipart/form-data; boundary=x")


DAMAGES: tuple[Callable[[Random], Damaged], ...] = (
    untouched, scratched, scratched, scratched, odd_member, odd_member, no_size, cut, random_bytes, random_text, bad_utf8, deep,
    huge, no_number, said_twice, packed, as_form,
)  # fmt: skip
