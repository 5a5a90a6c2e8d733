"""The lists as CSV files: the filters of the page, figures a spreadsheet can add up, and nothing that it would run."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import httpx
import pytest

from bridge.admin import sheets
from bridge.kit.database import Transaction
from tests.admin.world import World


def read(answer: httpx.Response) -> list[dict[str, str]]:
    """The rows as Excel sees them: after the mark that says UTF-8."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_orders_come_with_their_figures_and_their_kind_of_money(asha: httpx.AsyncClient) -> None:
    answer = await asha.get("/orders.csv")
    rows = {row["Order"]: row for row in read(answer)}

    filled, paper = rows["or_filled"], rows["or_paper"]
    assert (filled["Side"], filled["Quantity"], filled["Filled"], filled["Average"]) == ("BUY", "400", "400", "982.4")
    assert (filled["Account"], filled["Money"]) == ("Asha · Zerodha", "live, SIMULATED prices")
    assert paper["Money"] == "paper, SIMULATED prices"
    assert rows["or_part"]["Queued (IST)"].startswith("2026-11-20 11:40:22.")
    assert "attachment" in answer.headers["content-disposition"]


async def test_what_is_not_proved_adds_up_to_nothing(asha: httpx.AsyncClient) -> None:
    parked = [row for row in read(await asha.get("/orders.csv")) if row["State"] == "PARKED"]

    assert [row["Filled"] for row in parked] == ["0 or 65"]


async def test_a_sheet_has_what_the_page_was_filtered_for(asha: httpx.AsyncClient) -> None:
    assert {row["Money"] for row in read(await asha.get("/orders.csv?money=paper"))} == {"paper, SIMULATED prices"}
    assert {row["Outcome"] for row in read(await asha.get("/alerts.csv?outcome=refused"))} == {"refused"}
    assert read(await asha.get("/alerts.csv?date=2026-11-19")) == []


async def test_alerts_say_what_they_meant_and_why_they_were_refused(asha: httpx.AsyncClient) -> None:
    rows = {row["Alert"]: row for row in read(await asha.get("/alerts.csv"))}

    assert rows["al_filled"]["Meaning"] == "Buy 400 SBIN: filled at 982.40"
    assert rows["al_repeat1"]["Repeat of"] == "al_parked"
    assert rows["al_refused"]["Code"]


async def test_a_sheet_goes_on_where_a_page_ends(world: World, asha: httpx.AsyncClient) -> None:
    def more(tx: Transaction) -> None:
        for number in range(1100):  # more than are read at once
            tx.execute(
                "INSERT INTO alerts SELECT :id, user_id, source_id, strategy_id, received_at, content_type, body, body_hash,"
                " dedupe_key, sender, dialect, kind, status, code, message, duplicate_of, trace, reply FROM alerts"
                " WHERE id = 'al_note'",
                {"id": f"al_x{number:04d}"},
            )

    before = len(read(await asha.get("/alerts.csv")))
    await world.writer.run(more)
    rows = read(await asha.get("/alerts.csv"))

    assert len(rows) == before + 1100
    assert len({row["Alert"] for row in rows}) == len(rows)


async def test_nothing_of_another_person_is_in_a_sheet(asha: httpx.AsyncClient) -> None:
    text = (await asha.get("/orders.csv")).text + (await asha.get("/alerts.csv")).text

    assert "WIPRO" not in text
    assert "Ravi’s strategy" not in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n@", " =", "＝", "＠"])
async def test_no_words_of_a_sender_or_a_broker_become_a_formula(
    world: World, asha: httpx.AsyncClient, start: str
) -> None:
    words = f'{start}HYPERLINK("http://evil.example")'
    await world.writer.run(
        lambda tx: tx.execute(
            "UPDATE alerts SET body = :words, message = :words, code = :words, sender = :words", {"words": words}
        )
    )
    await world.writer.run(
        lambda tx: tx.execute("UPDATE orders SET message = :words, code = :words, symbol = :words", {"words": words})
    )

    cells = [
        cell
        for path in ("/alerts.csv", "/orders.csv")
        for row in read(await asha.get(path))
        for cell in row.values()
        if "HYPERLINK" in cell
    ]

    assert cells
    assert [cell for cell in cells if cell.lstrip()[0] in "=+-@＝＠"] == []


def test_a_figure_below_nought_stays_a_figure() -> None:
    answer = sheets.sheet("x", ("a", "b"), [(Decimal("-1.50"), "-1.50")])

    assert bytes(answer.body).decode("utf-8-sig").splitlines()[1] == "-1.50,'-1.50"
