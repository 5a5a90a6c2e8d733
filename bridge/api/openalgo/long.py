"""Replies too long to be held at once: read, written and sent in pieces, so that no order waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from fastapi.responses import Response, StreamingResponse

from bridge.api.openalgo.encoding import written

T = TypeVar("T")
Row = Mapping[str, Any]


class Turns:
    """Long reads that take turns: however many there are, only one piece is made between two other things.

    Not threads: what markets keep in memory belongs to the event loop.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def over(self, pieces: Iterable[T]) -> AsyncIterator[T]:
        """Every piece, each made when the event loop has seen to everything else that was due."""
        source: Iterator[T] = iter(pieces)
        while True:
            async with self._turn:
                found = list(islice(source, 1))
                await asyncio.sleep(0)
            if not found:
                return
            yield found[0]


def by_pieces(source: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """So many at a time; read from `source` only as they are asked for."""
    items = iter(source)
    while piece := list(islice(items, size)):
        yield piece


class Long:
    """A success whose `data` is these rows."""

    def __init__(self, pieces: AsyncIterator[Sequence[Row]]) -> None:
        self._pieces = pieces

    def response(self, more: Mapping[str, Any]) -> Response:
        """The envelope as it is sent, with `more` members beside `data`."""
        return StreamingResponse(self._text(more), media_type="application/json")

    async def _text(self, more: Mapping[str, Any]) -> AsyncIterator[str]:
        yield '{"status":"success","data":['
        comma = ""
        async for piece in self._pieces:
            if piece:
                yield comma + (await written(list(piece)))[1:-1]
                comma = ","
        yield "]" + "".join([f",{await written(name)}:{await written(value)}" for name, value in more.items()]) + "}"
