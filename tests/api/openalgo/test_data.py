"""Quotes, depth and bars as OpenAlgo's clients ask for them and read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from bridge.app import Bridge
from bridge.kit.settings import Settings
from bridge.market.base import Candle
from bridge.market.simulated import SimulatedMarket
from tests.api.openalgo.conftest import Trader, trader

IST = ZoneInfo("Asia/Kolkata")
RELIANCE = {"symbol": "RELIANCE", "exchange": "NSE"}
BAR = {"timestamp", "open", "high", "low", "close", "volume", "oi"}


@pytest.fixture
async def priceless(tmp_path: Path) -> AsyncIterator[Trader]:
    """Somebody in a house that knows instruments and has no prices."""
    folder = tmp_path / "priceless"
    folder.mkdir()
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'bridge.db'}", market="none")
    house = Bridge(settings)
    await house.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.asgi()), base_url="http://bridge.test") as client:
        yield await trader(house, client, "asha")
    await house.stop()


def wanted(**changes: Any) -> dict[str, Any]:
    """A request for bars as the client sends it."""
    days = {"start_date": "2026-01-05", "end_date": "2026-01-06"}
    return {**RELIANCE, "interval": "1h", **days, "source": "api", **changes}


# -- quotes -------------------------------------------------------------------------------------------------------


async def test_a_quote_has_every_figure_as_a_number(asha: Trader) -> None:
    data = (await asha.told("quotes", **RELIANCE))["data"]

    assert set(data) == {"open", "high", "low", "ltp", "ask", "bid", "prev_close", "volume", "oi"}
    assert all(type(figure) is float for name, figure in data.items() if name not in ("volume", "oi"))
    assert type(data["volume"]) is int
    assert data["low"] <= data["ltp"] <= data["high"]
    assert data["bid"] < data["ask"]
    assert data["oi"] == 0


async def test_a_key_that_may_not_read_is_told_no_price(asha: Trader) -> None:
    asha.key = await asha.house.accounts.add_key(asha.user_id, "alerts", ("orders:write",))

    assert "scope read" in await asha.refused("quotes", 403, **RELIANCE)


async def test_a_symbol_in_small_letters_is_the_same_symbol(asha: Trader) -> None:
    assert (await asha.told("quotes", symbol="reliance", exchange="nse"))["data"]["ltp"] > 0


@pytest.mark.parametrize("path", ["quotes", "depth"])
async def test_what_is_not_listed_is_not_found_by_its_name(asha: Trader, path: str) -> None:
    assert await asha.refused(path, 404, symbol="NOSUCH", exchange="NSE") == "NOSUCH is not in the list of NSE."


@pytest.mark.parametrize("path", ["quotes", "depth"])
async def test_a_name_without_a_price_is_not_found(priceless: Trader, path: str) -> None:
    message = await priceless.refused(path, 404, **RELIANCE)

    assert message == "There is no price of NSE:RELIANCE that is fresh."


@pytest.mark.parametrize("path", ["quotes", "depth", "history", "symbol"])
async def test_an_unknown_exchange_is_named_with_those_there_are(asha: Trader, path: str) -> None:
    answer = await asha.post(path, **wanted(exchange="LSE"))

    assert answer.status_code == 400
    (said,) = answer.json()["message"]["exchange"]
    assert said.startswith("expected one of NSE, BSE")


async def test_a_missing_member_is_named(asha: Trader) -> None:
    answer = await asha.post("quotes", exchange="NSE")

    assert answer.status_code == 400
    assert answer.json()["message"] == {"symbol": ["Missing data for required field."]}


async def test_depth_has_five_levels_a_side_and_their_sums(asha: Trader) -> None:
    data = (await asha.told("depth", **RELIANCE))["data"]

    sides = {"totalbuyqty", "totalsellqty", "asks", "bids"}
    assert set(data) == {"open", "high", "low", "ltp", "ltq", "prev_close", "volume", "oi"} | sides
    for side, total, downwards in (("bids", "totalbuyqty", True), ("asks", "totalsellqty", False)):
        levels = data[side]
        assert [set(level) for level in levels] == [{"price", "quantity"}] * 5
        assert [level["price"] for level in levels] == sorted((at["price"] for at in levels), reverse=downwards)
        assert sum(level["quantity"] for level in levels) == data[total]


async def test_an_index_has_a_depth_of_nothing(asha: Trader) -> None:
    data = (await asha.told("depth", symbol="NIFTY", exchange="NSE_INDEX"))["data"]

    assert data["bids"] == data["asks"] == [{"price": 0, "quantity": 0}] * 5
    assert data["totalbuyqty"] == data["totalsellqty"] == 0
    assert data["ltp"] > 0


async def test_many_quotes_come_in_the_order_asked_with_what_is_wrong_in_its_place(asha: Trader) -> None:
    symbols = [RELIANCE, {"symbol": "NOSUCH", "exchange": "NSE"}, {"symbol": "NIFTY", "exchange": "NSE_INDEX"}]

    reply = await asha.told("multiquotes", symbols=symbols)

    first, second, third = reply["results"]
    assert set(reply) == {"status", "results"}
    assert (first["symbol"], first["exchange"], first["data"]["oi"]) == ("RELIANCE", "NSE", 0)
    assert second == {"symbol": "NOSUCH", "exchange": "NSE", "error": "NOSUCH is not in the list of NSE."}
    assert third["data"]["ltp"] > 0


async def test_many_quotes_of_which_not_one_is_listed_are_refused(asha: Trader) -> None:
    answer = await asha.post("multiquotes", symbols=[{"symbol": "NOSUCH", "exchange": "NSE"}])

    assert answer.status_code == 400
    assert answer.json()["invalid_symbols"] == [{"symbol": "NOSUCH", "exchange": "NSE"}]


@pytest.mark.parametrize("symbols", [[], [RELIANCE] * 501, "RELIANCE", None])
async def test_a_list_of_symbols_that_is_none_is_named(asha: Trader, symbols: Any) -> None:
    answer = await asha.post("multiquotes", symbols=symbols)

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {"symbols"}


async def test_a_wrong_entry_of_a_list_is_named_by_its_number(asha: Trader) -> None:
    answer = await asha.post("multiquotes", symbols=[RELIANCE, {"symbol": "TCS"}])

    assert answer.json()["message"] == {"symbols": {"1": {"exchange": ["Missing data for required field."]}}}


async def test_many_quotes_without_a_price_say_so_one_by_one(priceless: Trader) -> None:
    reply = await priceless.told("multiquotes", symbols=[RELIANCE])

    assert reply["results"][0]["error"] == "There is no price of NSE:RELIANCE that is fresh."


# -- bars ---------------------------------------------------------------------------------------------------------


def as_the_client_reads(rows: list[dict[str, Any]], interval: str) -> list[datetime]:
    """The index of its frame: seconds since 1970, moved to India unless the bars are of days or longer."""
    stamps = [datetime.fromtimestamp(row["timestamp"], UTC) for row in rows]
    return [at.replace(tzinfo=None) if interval in "DWM" else at.astimezone(IST) for at in stamps]


async def test_bars_are_rows_of_numbers_with_rising_whole_seconds(asha: Trader) -> None:
    data = (await asha.told("history", **wanted()))["data"]

    assert all(set(row) == BAR for row in data)
    assert all(type(row["timestamp"]) is int and row["oi"] == 0 for row in data)
    assert all(type(row[name]) is float for row in data for name in ("open", "high", "low", "close"))
    assert all(a["timestamp"] < b["timestamp"] for a, b in pairwise(data))
    assert all(row["low"] <= min(row["open"], row["close"]) for row in data)


async def test_the_client_reads_indian_hours_of_both_dates(asha: Trader) -> None:
    data = (await asha.told("history", **wanted()))["data"]

    index = as_the_client_reads(data, "1h")
    assert index == [datetime(2026, 1, 5, tzinfo=IST) + timedelta(hours=n) for n in range(48)]


async def test_the_client_reads_the_date_of_a_days_bar(asha: Trader) -> None:
    data = (await asha.told("history", **wanted(interval="D", end_date="2026-01-09")))["data"]

    assert as_the_client_reads(data, "D") == [datetime(2026, 1, day) for day in range(5, 10)]  # noqa: DTZ001


@pytest.mark.parametrize(("interval", "dates"), [("W", [5, 12, 19]), ("M", [1])])
async def test_weeks_and_months_are_dated_by_their_first_day(asha: Trader, interval: str, dates: list[int]) -> None:
    month = wanted(interval=interval, start_date="2026-01-01", end_date="2026-01-25")
    data = (await asha.told("history", **month))["data"]
    days = (await asha.told("history", **wanted(interval="D", start_date="2026-01-05", end_date="2026-01-11")))["data"]

    assert [at.day for at in as_the_client_reads(data, interval)] == dates
    if interval == "W":
        assert data[0]["volume"] == sum(day["volume"] for day in days)
        assert (data[0]["open"], data[0]["close"]) == (days[0]["open"], days[-1]["close"])


async def test_long_bars_are_made_of_short_ones(asha: Trader) -> None:
    hours = (await asha.told("history", **wanted(end_date="2026-01-05")))["data"]
    minutes = (await asha.told("history", **wanted(end_date="2026-01-05", interval="1m")))["data"]

    assert (len(hours), len(minutes)) == (24, 1440)
    assert hours[0]["high"] == max(row["high"] for row in minutes[:60])
    assert sum(row["volume"] for row in hours) == sum(row["volume"] for row in minutes)


async def test_every_interval_that_is_told_is_served(asha: Trader) -> None:
    data = (await asha.told("intervals"))["data"]

    assert {unit: data[unit][0] for unit in data} == {
        "seconds": "1s",
        "minutes": "1m",
        "hours": "1h",
        "days": "D",
        "weeks": "W",
        "months": "M",
    }
    for interval in (*data["minutes"], *data["hours"], "D", "W", "M"):
        assert (await asha.told("history", **wanted(interval=interval, start_date="2026-01-01")))["data"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"interval": "7m"}, "interval"),
        ({"interval": "Q"}, "interval"),
        ({"end_date": "2026-01-04"}, "end_date"),
        ({"start_date": "05-01-2026"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "0001-01-01"}, "start_date"),
        ({"start_date": 20260105}, "start_date"),
        ({"start_date": "2020-01-05", "interval": "1m"}, "start_date"),
        ({"start_date": "2015-01-05", "interval": "D"}, "start_date"),
        ({"source": "cloud"}, "source"),
        ({"symbol": ""}, "symbol"),
    ],
)
async def test_a_request_for_bars_that_makes_no_sense_names_the_member(
    asha: Trader, changes: dict[str, Any], field: str
) -> None:
    answer = await asha.post("history", **wanted(**changes))

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {field}


async def test_nothing_is_stored_and_nothing_unknown_has_bars(asha: Trader) -> None:
    assert "stored" in await asha.refused("history", 404, **wanted(source="db"))
    assert "NOSUCH" in await asha.refused("history", 404, **wanted(symbol="NOSUCH"))


async def test_a_time_without_bars_has_none(asha: Trader, priceless: Trader) -> None:
    past = wanted(start_date="2019-01-01", end_date="2019-01-02")

    assert (await asha.told("history", **past))["data"] == []
    assert (await priceless.told("history", **wanted()))["data"] == []


async def test_a_member_that_is_not_known_is_told_of_beside_long_data_too(asha: Trader) -> None:
    reply = await asha.told("history", **wanted(adjusted="true"))

    assert reply["warnings"] == ["adjusted: not known here, ignored"]


async def test_others_have_a_turn_between_any_two_pieces_of_many_bars(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, going_on = 0, True
    read_in: list[int] = []
    history = SimulatedMarket.history

    def noted(*arguments: Any) -> Sequence[Candle]:
        read_in.append(turn)
        return history(*arguments)

    async def others() -> None:
        nonlocal turn
        while going_on:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(SimulatedMarket, "history", noted)
    watching = asyncio.create_task(others())
    rows = (await asha.told("history", **wanted(interval="15m", end_date="2026-03-31")))["data"]
    going_on = False
    await watching

    assert len(rows) == 86 * 96
    assert len(read_in) > len(rows) / 200
    assert len(set(read_in)) == len(read_in)


# -- ticker -------------------------------------------------------------------------------------------------------


def as_amibroker_reads(text: str, columns: str) -> list[dict[str, str]]:
    """The importer's rows, by a `$FORMAT` and `$SEPARATOR ,`."""
    names = columns.split(", ")
    rows = [line.split(",") for line in text.splitlines()]
    assert all(len(row) == len(names) for row in rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


async def test_amibroker_reads_bars_of_a_day(asha: Trader) -> None:
    query = {"interval": "5m", "from": "2026-01-05", "to": "2026-01-05", "format": "txt"}
    answer = await asha.get("ticker/NSE:RELIANCE", **query)

    rows = as_amibroker_reads(answer.text, "Ticker, Date_YMD, Time, Open, High, Low, Close, Volume")
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(rows) == 288
    assert {row["Ticker"] for row in rows} == {"NSE:RELIANCE"}
    times = [datetime.strptime(f"{row['Date_YMD']} {row['Time']}", "%Y-%m-%d %H:%M:%S") for row in rows]  # noqa: DTZ007
    assert times == [datetime(2026, 1, 5) + timedelta(minutes=5 * n) for n in range(288)]  # noqa: DTZ001
    assert all(float(row["Low"]) <= float(row["Open"]) <= float(row["High"]) for row in rows)
    assert all(row["Volume"].isdigit() for row in rows)


async def test_amibroker_reads_days_without_a_time(asha: Trader) -> None:
    query = {"from": "2026-01-05", "to": "2026-01-07", "format": "txt"}
    text = (await asha.get("ticker/NSE:RELIANCE", **query)).text

    rows = as_amibroker_reads(text, "Ticker, Date_YMD, Open, High, Low, Close, Volume")
    assert [date.fromisoformat(row["Date_YMD"]).day for row in rows] == [5, 6, 7]


async def test_text_and_json_tell_the_same_bars(asha: Trader) -> None:
    query = {"interval": "1h", "from": "2026-01-05", "to": "2026-01-05"}
    text = (await asha.get("ticker/NSE:RELIANCE", **query, format="txt")).text
    data = (await asha.get("ticker/NSE:RELIANCE", **query)).json()["data"]

    rows = as_amibroker_reads(text, "Ticker, Date_YMD, Time, Open, High, Low, Close, Volume")
    assert [float(row["Close"]) for row in rows] == [row["close"] for row in data]
    assert data == (await asha.told("history", **wanted(end_date="2026-01-05")))["data"]


async def test_the_ends_of_a_ticker_may_be_epoch_milliseconds_or_seconds(asha: Trader) -> None:
    noon = datetime(2026, 1, 5, 12, tzinfo=IST)
    by_epoch = {"from": f"{int(noon.timestamp())}000", "to": f"{int(noon.timestamp())}"}
    by_date = {"from": "2026-01-05", "to": "2026-01-05"}

    told = [(await asha.get("ticker/NSE:RELIANCE", **query, interval="1h")).json() for query in (by_epoch, by_date)]

    assert told[0] == told[1]
    assert len(told[0]["data"]) == 24


async def test_a_ticker_over_a_long_time_is_cut_to_its_last_thirty_days(asha: Trader) -> None:
    query = {"interval": "4h", "from": "2025-06-01", "to": "2026-01-31"}
    data = (await asha.get("ticker/NSE:RELIANCE", **query)).json()["data"]

    index = as_the_client_reads(data, "4h")
    assert (index[0].date(), index[-1].date()) == (date(2026, 1, 1), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        ("ticker/RELIANCE", {}, "symbol"),
        ("ticker/LSE:RELIANCE", {}, "symbol"),
        ("ticker/NSE:RELIANCE", {"to": "2026-01-04"}, "to"),
        ("ticker/NSE:RELIANCE", {"from": "yesterday"}, "from"),
        ("ticker/NSE:RELIANCE", {"from": ""}, "from"),
        ("ticker/NSE:RELIANCE", {"interval": "d"}, "interval"),
        ("ticker/NSE:RELIANCE", {"format": "xml"}, "format"),
    ],
)
async def test_a_wrong_ticker_names_the_member(asha: Trader, path: str, changes: dict[str, str], field: str) -> None:
    answer = await asha.get(path, **({"from": "2026-01-05", "to": "2026-01-05"} | changes))

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {field}


async def test_an_unknown_ticker_is_said_in_the_form_that_was_asked_for(asha: Trader) -> None:
    query = {"from": "2026-01-05", "to": "2026-01-05"}
    text = await asha.get("ticker/NSE:NOSUCH", **query, format="txt")
    told = await asha.get("ticker/NSE:NOSUCH", **query)

    assert (text.status_code, text.text) == (404, "NOSUCH is not in the list of NSE.\n")
    assert (told.status_code, told.json()["message"]) == (404, "NOSUCH is not in the list of NSE.")


async def test_a_ticker_takes_its_key_from_the_query_or_a_header(asha: Trader) -> None:
    async def answer(headers: dict[str, str]) -> httpx.Response:
        query = {"from": "2026-01-05", "to": "2026-01-05"}
        return await asha.client.get("/api/v1/ticker/NSE:RELIANCE", params=query, headers=headers)

    assert (await answer({"X-API-KEY": asha.key})).status_code == 200
    assert (await answer({})).status_code == 401
    assert (await answer({"X-API-KEY": "f" * 64})).status_code == 403
