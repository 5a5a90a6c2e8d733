"""A list that is read again and again, like a day's order book: only rows that changed since the last read are translated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")

YIELD_EVERY = 100  # rows: two milliseconds when all of them are new


class Book(Generic[Row]):
    """What the rows of a broker's list mean. A row that reads as it did the last time gives the identical value, so that who
    works with it can tell by identity that there is nothing new.

    `key` names the member that tells rows apart; `translated` may raise what `replies.shaped` understands.
    """

    def __init__(self, key: str, translated: Callable[[Any], Row]) -> None:
        self._key = key
        self._translated = translated
        self._last: dict[Any, tuple[Any, Row]] = {}
        self._now: dict[Any, tuple[Any, Row]] = {}

    async def translate(self, rows: Sequence[Any]) -> list[Row]:
        """The rows of a page in our words."""
        values = []
        for place, row in enumerate(rows, start=1):
            if place % YIELD_EVERY == 0:
                await asyncio.sleep(0)  # a long book must not make an alert wait
            known = self._last.get(row[self._key])
            if known is None or known[0] != row:
                known = row, self._translated(row)
            self._now[row[self._key]] = known
            values.append(known[1])
        return values

    def turn(self) -> None:
        """The whole list was read: remember what it showed, and only that."""
        self._last, self._now = self._now, {}
