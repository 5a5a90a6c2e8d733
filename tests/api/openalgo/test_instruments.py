"""Symbols, searches, expiries and the whole list."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from bridge.domain.instrument import OptionRight, option_symbol
from bridge.market.contracts import live_futures
from tests.api.openalgo.conftest import Trader

ROW: dict[str, type] = {
    "id": int,
    "symbol": str,
    "brsymbol": str,
    "name": str,
    "exchange": str,
    "brexchange": str,
    "token": str,
    "expiry": str,
    "strike": float,
    "lotsize": int,
    "instrumenttype": str,
    "tick_size": float,
    "freeze_qty": int,
}


def nearest_future(asha: Trader) -> Any:
    house = asha.house
    return live_futures(house.market, "NFO", "NIFTY", house.clock.now(), house.calendar)[0]


def by_expiry(word: str) -> datetime:
    return datetime.strptime(word, "%d-%b-%y")  # noqa: DTZ007


async def test_a_share_is_told_with_every_field_and_its_type(asha: Trader) -> None:
    data = (await asha.told("symbol", symbol="RELIANCE", exchange="NSE"))["data"]

    assert {name: isinstance(data[name], kind) for name, kind in ROW.items()} == dict.fromkeys(ROW, True)
    assert set(data) == set(ROW)
    assert {name: data[name] for name in ("symbol", "brsymbol", "name", "exchange", "brexchange")} == {
        "symbol": "RELIANCE",
        "brsymbol": "RELIANCE",
        "name": "Reliance Industries",
        "exchange": "NSE",
        "brexchange": "NSE",
    }
    assert (data["instrumenttype"], data["expiry"], data["strike"]) == ("EQ", "", 0)
    assert (data["lotsize"], data["tick_size"], data["freeze_qty"]) == (1, 0.1, 1)


async def test_an_id_is_the_same_at_every_time_and_no_other_symbols(asha: Trader) -> None:
    first = (await asha.told("symbol", symbol="RELIANCE", exchange="NSE"))["data"]
    again = (await asha.told("symbol", symbol="reliance", exchange="nse"))["data"]
    other = (await asha.told("symbol", symbol="RELIANCE", exchange="BSE"))["data"]

    assert (first["id"], first["token"]) == (again["id"], again["token"]) == (12435242090985, "12435242090985")
    assert other["id"] != first["id"]


async def test_a_contract_has_its_underlyings_name_its_expiry_and_its_freeze_quantity(asha: Trader) -> None:
    future = nearest_future(asha)
    strike = Decimal(26000)
    option = option_symbol("NIFTY", future.expiry, strike, OptionRight.PUT)

    told = [(await asha.told("symbol", symbol=name, exchange="NFO"))["data"] for name in (future.symbol, option)]

    assert [row["instrumenttype"] for row in told] == ["FUT", "PE"]
    assert [row["strike"] for row in told] == [0, 26000]
    for row in told:
        assert row["name"] == "NIFTY"
        assert by_expiry(row["expiry"]).date() == future.expiry
        assert row["expiry"] == row["expiry"].upper()
        assert row["lotsize"] == future.lot_size
        assert row["freeze_qty"] >= 600


@pytest.mark.parametrize(
    ("symbol", "exchange", "kind"),
    [("NIFTY", "NSE_INDEX", "INDEX"), ("BTCUSDT", "CRYPTO", "SPOT"), ("BTCUSDFUT", "CRYPTO", "PERPFUT")],
)
async def test_every_kind_has_its_word(asha: Trader, symbol: str, exchange: str, kind: str) -> None:
    assert (await asha.told("symbol", symbol=symbol, exchange=exchange))["data"]["instrumenttype"] == kind


async def test_an_unlisted_symbol_is_not_found(asha: Trader) -> None:
    assert await asha.refused("symbol", 404, symbol="NIFTY", exchange="NSE") == "NIFTY is not in the list of NSE."


# -- search -------------------------------------------------------------------------------------------------------


async def test_a_search_ranks_the_exact_symbol_then_what_begins_so_then_the_rest(asha: Trader) -> None:
    reply = await asha.told("search", query="nifty")

    symbols = [row["symbol"] for row in reply["data"]]
    assert reply["message"] == "Found 500 matching symbols"
    assert len(symbols) == 500
    assert symbols[0] == "NIFTY"
    assert {"NIFTYBEES", "NIFTYNXT50"} <= set(symbols[1:5])  # what never expires, before the contracts
    assert all(symbol.startswith("NIFTY") for symbol in symbols)


async def test_what_a_word_is_only_contained_in_comes_last(asha: Trader) -> None:
    rows = (await asha.told("search", query="BANK", exchange="NSE"))["data"]

    begins = [row["symbol"].startswith("BANK") for row in rows]
    assert begins == sorted(begins, reverse=True)
    assert {"BANKBARODA", "HDFCBANK"} <= {row["symbol"] for row in rows}
    assert {row["exchange"] for row in rows} == {"NSE"}
    assert all(set(row) == set(ROW) for row in rows)


async def test_every_word_of_a_search_must_fit_and_a_name_is_searched_too(asha: Trader) -> None:
    options = (await asha.told("search", query="NIFTY 26000 CE", exchange="NFO"))["data"]
    industries = (await asha.told("search", query="reliance indus"))["data"]

    assert options
    assert all(row["strike"] == 26000 and row["instrumenttype"] == "CE" for row in options if row["name"] == "NIFTY")
    expiries = [by_expiry(row["expiry"]) for row in options if row["name"] == "NIFTY"]
    assert expiries == sorted(expiries)
    assert {(row["symbol"], row["exchange"]) for row in industries if not row["expiry"]} == {
        ("RELIANCE", "NSE"),
        ("RELIANCE", "BSE"),
    }


async def test_a_search_without_a_match_is_an_empty_success(asha: Trader) -> None:
    reply = await asha.told("search", query="NOSUCHTHING")

    assert (reply["message"], reply["data"]) == ("No matching symbols found", [])


@pytest.mark.parametrize(("members", "field"), [({"query": "  "}, "query"), ({}, "query")])
async def test_a_search_for_nothing_is_named(asha: Trader, members: dict[str, str], field: str) -> None:
    answer = await asha.post("search", **members)

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {field}


# -- expiry -------------------------------------------------------------------------------------------------------


async def test_expiries_are_those_of_live_contracts_nearest_first(asha: Trader) -> None:
    futures = await asha.told("expiry", symbol="NIFTY", exchange="NFO", instrumenttype="futures")
    options = await asha.told("expiry", symbol="nifty", exchange="nfo", instrumenttype="Options")

    for reply in (futures, options):
        days = [by_expiry(word) for word in reply["data"]]
        assert days == sorted(set(days))
    assert futures["message"] == "Found 3 expiry dates for NIFTY futures in NFO"
    assert by_expiry(futures["data"][0]).date() == nearest_future(asha).expiry
    assert set(futures["data"]) <= set(options["data"])
    assert len(options["data"]) > len(futures["data"])


async def test_an_underlying_without_options_has_no_expiries_of_options(asha: Trader) -> None:
    reply = await asha.told("expiry", symbol="GOLDM", exchange="MCX", instrumenttype="options")

    assert (reply["message"], reply["data"]) == ("No expiry dates for GOLDM options in MCX", [])


@pytest.mark.parametrize(
    ("changes", "field"), [({"exchange": "NSE"}, "exchange"), ({"instrumenttype": "swaps"}, "instrumenttype")]
)
async def test_expiries_of_what_has_none_are_refused(asha: Trader, changes: dict[str, str], field: str) -> None:
    answer = await asha.post(
        "expiry", **({"symbol": "NIFTY", "exchange": "NFO", "instrumenttype": "futures"} | changes)
    )

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {field}


async def test_expiries_of_an_unknown_underlying_are_not_found(asha: Trader) -> None:
    message = await asha.refused("expiry", 404, symbol="NOSUCH", exchange="NFO", instrumenttype="futures")

    assert message == "No contracts on NOSUCH are listed on NFO."


# -- the whole list -----------------------------------------------------------------------------------------------


async def test_the_whole_list_is_every_instrument_once(asha: Trader) -> None:
    rows = (await asha.get("instruments")).json()["data"]

    listed = {(i.exchange, i.symbol) for i in asha.house.market.instruments()}
    assert len(rows) == len(listed) > 10_000
    assert {(row["exchange"], row["symbol"]) for row in rows} == listed
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(set(row) == set(ROW) for row in rows)


async def test_the_list_of_one_exchange_as_a_file_has_the_same_rows(asha: Trader) -> None:
    rows = (await asha.get("instruments", exchange="NSE")).json()["data"]
    file = await asha.get("instruments", exchange="NSE", format="csv")

    read = list(csv.DictReader(StringIO(file.text)))
    assert file.headers["content-type"].startswith("text/csv")
    assert file.headers["content-disposition"] == "attachment; filename=instruments_NSE.csv"
    assert read == [{name: str(value) for name, value in row.items() if name != "id"} for row in rows]
    assert read[0].keys() == {name: 0 for name in ROW if name != "id"}.keys()


async def test_an_exchange_without_a_list_is_an_empty_one(asha: Trader) -> None:
    rows = (await asha.get("instruments", exchange="GLOBAL_INDEX")).json()
    file = await asha.get("instruments", exchange="GLOBAL_INDEX", format="csv")

    assert rows == {"status": "success", "data": []}
    assert file.text.startswith("symbol,brsymbol,name,exchange,brexchange,token,expiry,strike,lotsize,instrumenttype")
    assert len(file.text.splitlines()) == 1


@pytest.mark.parametrize(("query", "field"), [({"exchange": "LSE"}, "exchange"), ({"format": "xml"}, "format")])
async def test_a_wrong_query_names_the_member(asha: Trader, query: dict[str, str], field: str) -> None:
    answer = await asha.get("instruments", **query)

    assert answer.status_code == 400
    assert set(answer.json()["message"]) == {field}


async def test_the_list_wants_a_key(asha: Trader) -> None:
    missing = await asha.client.get("/api/v1/instruments")
    wrong = await asha.client.get("/api/v1/instruments", params={"apikey": "f" * 64})
    by_header = await asha.client.get(
        "/api/v1/instruments", params={"exchange": "NSE_INDEX"}, headers={"X-API-KEY": asha.key}
    )

    assert [answer.status_code for answer in (missing, wrong, by_header)] == [401, 403, 200]
