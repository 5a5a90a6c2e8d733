"""Replies that are made in pieces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from bridge.api.openalgo.long import Long, Turns, by_pieces


def numbers(said: list[str], name: str) -> Iterator[int]:
    for number in range(3):
        said.append(f"{name}{number}")
        yield number


async def read(turns: Turns, pieces: Iterator[int]) -> list[int]:
    return [piece async for piece in turns.over(pieces)]


async def text_of(pieces: list[list[dict[str, Any]]], **more: Any) -> str:
    async def rows() -> AsyncIterator[list[dict[str, Any]]]:
        for piece in pieces:
            yield piece

    response = Long(rows()).response(more)
    assert isinstance(response, StreamingResponse)
    return "".join([str(part) async for part in response.body_iterator])


async def test_two_long_reads_take_turns_and_others_come_between() -> None:
    said: list[str] = []
    turns = Turns()

    async def others() -> None:
        for _ in range(20):
            said.append("-")
            await asyncio.sleep(0)

    first, second, _ = await asyncio.gather(read(turns, numbers(said, "a")), read(turns, numbers(said, "b")), others())

    assert first == second == [0, 1, 2]
    told = "".join(said)
    assert [each for each in said if each != "-"] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert not any(f"{x}{n}{y}" in told for x, y in ("ab", "ba") for n in range(3))


async def test_pieces_are_read_only_as_they_are_asked_for() -> None:
    said: list[str] = []

    pieces = by_pieces(numbers(said, "a"), 2)

    assert said == []
    assert next(pieces) == [0, 1]
    assert said == ["a0", "a1"]
    assert list(pieces) == [[2]]


async def test_rows_become_one_json_object_however_they_are_cut() -> None:
    whole = json.loads(await text_of([[], [{"a": 1}, {"a": 2.5}], [], [{"a": 'x"'}]], warnings=["w"]))

    assert whole == {"status": "success", "data": [{"a": 1}, {"a": 2.5}, {"a": 'x"'}], "warnings": ["w"]}
    assert json.loads(await text_of([])) == {"status": "success", "data": []}
