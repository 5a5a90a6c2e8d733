"""A chat signal cut into what stands behind each of its keywords.

The rules are those that https://help.cornix.io/en/articles/5814956-signal-posting gives to people who post signals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values

# In this order: "Stop Targets" is a stop, "Take-Profit Targets" one keyword, "Risk management" no bare risk.
_KEYWORD = re.compile(
    r"(?P<stop>\bstop(?:[ -]?loss)?(?:[ -]?targets?)?\b|\bs/?l\b)"
    r"|(?P<target>\btake[ -]?profits?(?:[ -]?targets?)?\b|\btargets?\b|\btps?(?=\d{0,2}\b))"
    r"|(?P<entry>\bentr(?:y|ies)(?:[ -]?(?:targets?|zone|price|orders?|point))?\b|\benter\b|\bbuy(?:ing)?(?:[ -]?(?:zone|range))?\b)"
    r"|(?P<sell>\bsell(?:ing)?(?:[ -]?(?:targets?|zone|range))?\b)"
    r"|(?P<leverage>\bleverage\b|\blev\b)"
    r"|(?P<risk>\brisk[ -]?management\b|\brm\b)"
    r"|(?P<amount>\bamount(?:[ -]?per[ -]?trade)?\b|\binvest(?: up to)?\b|\bcapital invested\b)"
    r"|(?P<exchange>\bexchanges?\b)"
    r"|(?P<other>^[ \t]*[a-z][a-z /-]{1,30}:)",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTES = "USDT|USDC|BUSD|TUSD|FDUSD|USD|BTC|ETH|BNB|EUR|GBP|TRY|INR|DAI|PERP"
_PAIR = re.compile(rf"(?<![A-Za-z0-9])[#$]?([A-Z0-9]{{2,15}})\s{{0,3}}/\s{{0,3}}({_QUOTES})\b")
_JOINED = re.compile(rf"(?<![A-Za-z0-9/])[#$]?([A-Z0-9]{{2,12}}(?:{_QUOTES})(?:\.P)?)\b")
# An ordinal is followed by a bracket or colon, or stands in an emoji.
_NUMBER = re.compile(
    r"(?<![\w.,])\d{1,15}(?:[.,]\d{1,15}){0,6}(?P<k>k\b)?(?P<after>[ \t]?%|[):\ufe0f\u20e3]|\.(?=\s))?", re.IGNORECASE
)
_ORDINAL = re.compile(r"[ \t]?(\d{1,2})(?:[ \t]*([:)])|[ \t]+-[ \t])")
_SATOSHI = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers and the words behind one kind of keyword."""

    numbers: tuple[Decimal, ...] = ()
    percents: tuple[Decimal, ...] = ()
    text: str = ""


@dataclass(slots=True)
class _Collected:
    numbers: list[Decimal] = field(default_factory=list)
    percents: list[Decimal] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def pair(text: str) -> str | None:
    """The first currency pair, `BTC/USDT` or `BTCUSDT`, without `#` and blanks."""
    if found := _PAIR.search(text):
        return f"{found[1]}/{found[2]}"
    joined = _JOINED.search(text)
    return joined[1] if joined else None


def sections(text: str) -> dict[str, Figures]:
    """What is said under each keyword, keywords of one kind together."""
    collected: dict[str, _Collected] = {}
    for name, said in _cut(text):
        section = collected.setdefault(name, _Collected())
        section.text.append(said)
        if name not in ("other", "exchange"):
            _collect(said, name, section)
    return {name: Figures(_unnumbered(c.numbers), tuple(c.percents), " ".join(c.text)) for name, c in collected.items()}


def keywords(text: str) -> frozenset[str]:
    """The kinds of keywords in a text, without reading numbers."""
    return frozenset(match.lastgroup or "" for match in _KEYWORD.finditer(text))


def _cut(text: str) -> Iterator[tuple[str, str]]:
    marks = list(_KEYWORD.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):  # without keywords there is an end and no beginning
        # The keyword's own words count too: a "Buy zone" is a range.
        yield mark.lastgroup or "other", f"{mark[0]}\x00{text[mark.end() : end]}"


def _collect(said: str, name: str, section: _Collected) -> None:
    keyword, _, behind = said.partition("\x00")
    ordinal = _ORDINAL.match(behind)
    # "TP1:" and "Target 1 - 110"; in "Targets 15 - 17" the first number is a price like the other.
    if ordinal and (ordinal[2] or (int(ordinal[1]) == len(section.text) and keyword[-1:] not in "sS")):
        behind = behind[ordinal.end() :]
    for found in _NUMBER.finditer(behind):
        after = (found["after"] or "").strip()
        if after == "%":
            section.percents.append(values.number(found[0].rstrip("% \t"), name))
        elif not after:
            figure = values.number(found[0].casefold().rstrip("k"), name)
            section.numbers.append(figure * 1000 if found["k"] else figure)


def _unnumbered(numbers: list[Decimal]) -> tuple[Decimal, ...]:
    """Without the ordinals of `1 - 68000 2 - 69000`."""
    ordinals = numbers[0::2]
    if len(numbers) > 2 and len(numbers) % 2 == 0 and ordinals == [Decimal(n + 1) for n in range(len(ordinals))]:
        return tuple(numbers[1::2])
    return tuple(numbers)


def satoshis(prices: tuple[Decimal, ...], symbol: str) -> tuple[Decimal, ...]:
    """Prices in BTC may be written as whole satoshis: 30000 is 0.0003."""
    if not symbol.endswith("BTC") or not prices or not all(p == p.to_integral_value() and p >= 1 for p in prices):
        return prices
    return tuple(price * _SATOSHI for price in prices)


def only_positive(prices: tuple[Decimal, ...], name: str) -> tuple[Decimal, ...]:
    """The prices, none of which may be zero."""
    if any(price <= 0 for price in prices):
        raise Unreadable("number_zero", f"{name}: must be more than zero")
    return prices
