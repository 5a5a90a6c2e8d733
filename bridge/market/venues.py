"""From a sender's word for a place of trading to our exchanges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from bridge.market.bundled import rows
from bridge.market.sessions import SEGMENT_OF_EXCHANGE

_DELAYED = re.compile(r"_DLY?$")


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a word may mean, in order of preference; `perpetual` when its pairs are perpetual futures."""

    exchanges: tuple[str, ...]
    perpetual: bool = False


@cache
def venues() -> Mapping[str, Venue]:
    """Every known word, without blanks and underscores. OpenAlgo's own exchange names mean themselves."""
    own = {_bare(exchange): Venue((exchange,)) for exchange in SEGMENT_OF_EXCHANGE}
    return own | {row["word"]: Venue(tuple(row["exchanges"].split()), bool(row["perpetual"])) for row in rows("venues")}


def venue_of(word: str) -> Venue | None:
    """The place a word names (`BINANCE`, `NSE_DLY`, `Binance Futures`), `None` when it is not known."""
    return venues().get(_bare(_DELAYED.sub("", word.strip().upper())))


def is_delayed(word: str) -> bool:
    """Whether the word names a delayed feed (`NSE_DL`, `NSE_DLY`)."""
    return bool(_DELAYED.search(word.strip().upper()))


def nearest_venues(word: str) -> list[str]:
    """Known words that look like an unknown one, for a sentence; never to be acted on."""
    return get_close_matches(_bare(word.upper()), venues(), n=3)


def _bare(word: str) -> str:
    return word.replace("_", "").replace(" ", "").replace("-", "")
