"""The market's hours in the header."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from bridge.admin.market_clock import market_clock
from bridge.market.calendar import ALWAYS_OPEN, CALENDAR
from bridge.market.sessions import IST
from tests.admin.test_pages import text_of
from tests.admin.world import World


@pytest.mark.parametrize(
    ("moment", "word", "detail"),
    [
        ("2026-11-20 11:42:07", "NSE open", "until 15:30"),
        ("2026-11-20 15:29:59", "NSE open", "until 15:30"),
        ("2026-11-20 09:14:20", "NSE closed", "opens 09:15, in 1 min"),
        ("2026-11-20 08:37:00", "NSE closed", "opens 09:15, in 38 min"),
        ("2026-11-20 03:00:00", "NSE closed", "opens 09:15"),
        ("2026-11-20 15:30:00", "NSE closed", "opens Mon 23 Nov 09:15"),
        ("2026-12-25 10:00:00", "NSE closed", "opens Mon 28 Dec 09:15"),
    ],
)
def test_the_clock_says_whether_orders_reach_the_exchange(moment: str, word: str, detail: str) -> None:
    clock = market_clock(CALENDAR, datetime.fromisoformat(moment).replace(tzinfo=IST))

    assert (clock.word, clock.detail) == (word, detail)
    assert clock.is_open is (word == "NSE open")


def test_a_holiday_is_named() -> None:
    assert market_clock(CALENDAR, datetime(2026, 12, 25, 10, tzinfo=IST)).why == "Christmas"


def test_a_market_that_never_closes_names_no_hour() -> None:
    clock = market_clock(ALWAYS_OPEN, datetime(2026, 12, 25, 10, tzinfo=IST))

    assert (clock.is_open, clock.word, clock.detail) == (True, "Always open", "for practice")


def test_a_year_without_a_calendar_promises_nothing() -> None:
    clock = market_clock(CALENDAR, datetime(2199, 1, 2, 10, tzinfo=IST))

    assert (clock.is_open, clock.detail) == (False, "")
    assert clock.why == "no calendar for 2199"


async def test_every_page_shows_the_hours_of_its_own_moment(world: World, asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/orders"))
    assert "NSE open until 15:30" in page

    world.clock.advance(4 * 3600)
    page = text_of(await (await world.signed_in()).get("/orders"))
    assert "NSE closed opens Mon 23 Nov 09:15" in page
