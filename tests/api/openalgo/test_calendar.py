"""Holidays of a year and hours of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from bridge.app import Bridge
from bridge.kit.settings import Settings
from tests.api.openalgo.conftest import Trader, trader

IST = ZoneInfo("Asia/Kolkata")


@pytest.fixture
async def meera(tmp_path: Path) -> AsyncIterator[Trader]:
    """Somebody in a house that keeps the exchanges' hours."""
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'bridge.db'}", market="simulated")
    house = Bridge(settings)
    await house.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.asgi()), base_url="http://bridge.test") as client:
        yield await trader(house, client, "meera")
    await house.stop()


def millis(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=IST).timestamp()) * 1000


async def holiday(who: Trader, day: str) -> dict[str, Any]:
    data = (await who.told("market/holidays", year=int(day[:4])))["data"]
    (found,) = [entry for entry in data if entry["date"] == day]
    return dict(found)


async def hours(who: Trader, day: str) -> dict[str, tuple[int, int]]:
    data = (await who.told("market/timings", date=day))["data"]
    assert all(set(entry) == {"exchange", "start_time", "end_time"} for entry in data)
    return {entry["exchange"]: (entry["start_time"], entry["end_time"]) for entry in data}


async def test_the_holidays_of_a_year_come_in_order_with_every_field(meera: Trader) -> None:
    reply = await meera.told("market/holidays", year="2026")

    assert {name: reply[name] for name in ("year", "timezone")} == {"year": 2026, "timezone": "Asia/Kolkata"}
    days = [entry["date"] for entry in reply["data"]]
    assert days == sorted(set(days))
    fields = {"date", "description", "holiday_type", "closed_exchanges", "open_exchanges"}
    assert all(set(entry) == fields for entry in reply["data"])


async def test_a_holiday_on_which_commodities_trade_in_the_evening(meera: Trader) -> None:
    holi = await holiday(meera, "2026-03-03")

    assert (holi["description"], holi["holiday_type"]) == ("Holi", "TRADING_HOLIDAY")
    assert holi["closed_exchanges"] == ["NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "NCDEX"]
    evening = {"start_time": millis(2026, 3, 3, 17), "end_time": millis(2026, 3, 3, 23, 55)}
    assert holi["open_exchanges"] == [{"exchange": "MCX", **evening}, {"exchange": "NCO", **evening}]


async def test_a_day_on_which_only_banks_are_closed(meera: Trader) -> None:
    closing = await holiday(meera, "2026-04-01")

    assert closing["holiday_type"] == "SETTLEMENT_HOLIDAY"
    assert (closing["closed_exchanges"], closing["open_exchanges"]) == (["CDS", "BCD"], [])


async def test_a_special_session_has_its_own_hours(meera: Trader) -> None:
    muhurat = await holiday(meera, "2025-10-21")

    assert (muhurat["holiday_type"], muhurat["description"]) == ("SPECIAL_SESSION", "Diwali Laxmi Pujan, Muhurat")
    opened = {entry["exchange"]: (entry["start_time"], entry["end_time"]) for entry in muhurat["open_exchanges"]}
    assert opened["NSE"] == (millis(2025, 10, 21, 13, 45), millis(2025, 10, 21, 14, 45))
    assert muhurat["closed_exchanges"] == ["NCDEX"]


async def test_holidays_of_other_countries_are_not_in_the_list(meera: Trader) -> None:
    days = {entry["date"] for entry in (await meera.told("market/holidays", year=2026))["data"]}

    assert "2026-07-03" not in days


async def test_without_a_year_it_is_this_one(meera: Trader) -> None:
    assert (await meera.told("market/holidays"))["year"] == datetime.now(UTC).astimezone(IST).year


async def test_a_year_nobody_has_announced_is_not_found_rather_than_without_holidays(meera: Trader) -> None:
    assert await meera.refused("market/holidays", 404, year=2045) == "The holidays of 2045 are not known here."


@pytest.mark.parametrize("year", [2019, 2051, "soon", 2026.5])
async def test_a_year_that_is_none_is_named(meera: Trader, year: Any) -> None:
    answer = await meera.post("market/holidays", year=year)

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {"year"}


async def test_the_hours_of_an_ordinary_day(meera: Trader) -> None:
    found = await hours(meera, "2026-07-08")

    assert found["NSE"] == found["BSE"] == (millis(2026, 7, 8, 9, 15), millis(2026, 7, 8, 15, 30))
    assert found["NFO"] == found["BFO"] == found["NSE"]
    assert found["CDS"] == found["BCD"] == (millis(2026, 7, 8, 9), millis(2026, 7, 8, 17))
    assert found["MCX"] == found["NCO"] == (millis(2026, 7, 8, 9), millis(2026, 7, 8, 23, 30))
    new_york = ZoneInfo("America/New_York")
    assert found["NASDAQ"][0] == int(datetime(2026, 7, 8, 9, 30, tzinfo=new_york).timestamp()) * 1000


async def test_derivatives_trade_longer_since_august_2026(meera: Trader) -> None:
    assert (await hours(meera, "2026-08-03"))["NFO"][1] == millis(2026, 8, 3, 15, 40)


@pytest.mark.parametrize("day", ["2026-01-26", "2026-01-25"])
async def test_on_a_holiday_and_a_sunday_only_crypto_trades_in_india(meera: Trader, day: str) -> None:
    found = await hours(meera, day)

    assert not found.keys() & {"NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NCDEX"}
    assert found["CRYPTO"][1] - found["CRYPTO"][0] == 24 * 60 * 60 * 1000


@pytest.mark.parametrize("day", ["26-01-2026", "2026-13-01", "today", "", 20260101, None])
async def test_a_date_that_is_none_is_named(meera: Trader, day: Any) -> None:
    answer = await meera.post("market/timings", date=day)

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {"date"}


async def test_where_the_market_never_closes_no_day_is_a_holiday(asha: Trader) -> None:
    reply = await asha.told("market/holidays", year=2026)

    assert reply["data"] == []
    assert "NSE" in await hours(asha, "2026-01-26")


@pytest.mark.parametrize(("path", "members"), [("market/holidays", {}), ("market/timings", {"date": "2026-01-05"})])
async def test_the_calendar_wants_a_good_key(meera: Trader, path: str, members: dict[str, str]) -> None:
    missing = await meera.client.post(f"/api/v1/{path}", json=members)
    wrong = await meera.client.post(f"/api/v1/{path}", json={"apikey": "f" * 64, **members})

    assert [answer.status_code for answer in (missing, wrong)] == [400, 403]
