"""Books that are read again and again: what has not changed costs nothing, and long ones let others have their turn."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from bridge.brokers import declaration
from bridge.brokers.base import Broker, Connection, Unavailable
from bridge.brokers.families.books import YIELD_EVERY, Book


def row(number: int, **changes: Any) -> dict[str, Any]:
    """An order as the simulated broker shows it."""
    return {
        "order_id": f"B{number}",
        "tag": None,
        "symbol": "INFY",
        "exchange": "NSE",
        "side": "BUY",
        "quantity": "10",
        "filled_quantity": "0",
        "status": "OPEN",
        "order_type": "MARKET",
        "product": "MIS",
        "price": None,
        "trigger_price": None,
        "average_price": None,
        "placed_at": "2026-01-05T09:30:00+05:30",
        "message": "",
    } | changes


class Shown:
    """A broker that shows these rows, and its adapter."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        connection = Connection(
            account_id="a",
            user_id="u",
            credentials={"token": "T"},
            rest_url="http://broker.test",
            services={"transport": httpx.MockTransport(self._answer)},
        )
        self.adapter: Broker = declaration("fakebroker").connect(connection)

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        body = {"status": "success", "data": {"orders": self.rows, "pages": 1, "total": len(self.rows)}}
        return httpx.Response(200, content=json.dumps(body))


async def test_an_unchanged_book_is_not_translated_again() -> None:
    translated: list[str] = []

    def status(each: dict[str, str]) -> str:
        translated.append(each["order_id"])
        return each["status"]

    book = Book("order_id", status)
    for _ in range(3):
        assert await book.translate([row(1), row(2)]) == ["OPEN", "OPEN"]
        book.turn()

    assert translated == ["B1", "B2"]


async def test_of_a_book_only_the_rows_that_changed_are_new() -> None:
    broker = Shown([row(1), row(2), row(3)])
    first = await broker.adapter.order_book()
    broker.rows = [row(4), row(1), row(2, filled_quantity="4"), row(3)]  # a new one before the others
    added, one, two, three = await broker.adapter.order_book()

    assert (one is first[0], two is first[1], three is first[2]) == (True, False, True)
    assert (added.broker_order_id, two.filled) == ("B4", 4)


async def test_a_row_that_was_away_for_a_read_is_read_anew() -> None:
    broker = Shown([row(1), row(2)])
    _, second = await broker.adapter.order_book()
    broker.rows = [row(1)]
    await broker.adapter.order_book()
    broker.rows = [row(1), row(2)]
    _, again = await broker.adapter.order_book()

    assert again == second
    assert again is not second


async def test_a_row_that_becomes_unreadable_is_no_book() -> None:
    broker = Shown([row(1), row(2)])
    await broker.adapter.order_book()
    broker.rows = [row(1), row(2, status="DREAMING")]
    with pytest.raises(Unavailable):
        await broker.adapter.order_book()


async def test_a_long_book_lets_others_have_their_turn() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    meanwhile = asyncio.create_task(others())
    await Book("order_id", lambda each: each).translate([row(number) for number in range(2000)])
    meanwhile.cancel()

    assert turns >= 2000 // YIELD_EVERY
