"""What a user notices on each page."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from bridge.kit.database import Transaction
from tests.admin.world import World, build


def text_of(page: httpx.Response) -> str:
    """The words of a page without its marks."""
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text))


async def test_home_says_first_what_needs_a_person(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/"))

    assert "One order needs you. Others are being checked." in page
    assert page.index("Look and decide") < page.index("Just now")
    assert "either 0 or 65 NIFTY23NOV26FUT from it, worth about ₹17.2 lakh" in page


async def test_home_counts_every_alert_of_today_exactly_once(asha: httpx.AsyncClient) -> None:
    page = (await asha.get("/")).text

    parts = [int(number) for number in re.findall(r'<dd class="num ml-auto font-medium">(\d+)</dd>', page)]
    assert parts == [2, 4, 2, 1, 2, 1]
    assert sum(parts) == int(re.findall(r'<dd class="num ml-auto">(\d+)</dd>', page)[0])


async def test_home_without_anything_says_what_comes_next(empty: World) -> None:
    page = text_of(await (await empty.signed_in()).get("/"))

    assert "Ready. No alert yet." in page
    assert "First comes a strategy" in page


async def test_live_and_paper_results_are_never_summed(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/positions"))

    assert "▲ +₹4,183.75 Open, on three positions" in page
    assert "PAPER not money SIMULATED ▼ −₹620.00 Open, on one position" in page
    assert "One position without a price and two undecided orders left out" in page


async def test_positions_say_what_nobody_knows_yet(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/positions"))

    assert "0 or +65 not certain yet" in page
    assert "+65 (1 lot) 26,481.35" in page
    assert "Closed, 1 HDFCBANK" in page


async def test_real_prices_are_not_called_simulated(tmp_path: Path) -> None:
    world = await build(tmp_path, simulated=False)
    page = await (await world.signed_in()).get("/positions")
    world.close()

    assert "SIMULATED" not in page.text


async def test_alerts_come_newest_first_with_what_became_of_them(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/alerts"))

    assert "12 today: 2 done , 4 working , 2 refused , 1 parked , 2 repeats , 1 note" in page
    ordered = [
        "Buy 400 SBIN: filled at 982.40",
        "being checked",
        "one filled, one needs you",
        "Buy 100 ADANIENT: rejected",
    ]
    assert [page.index(words) for words in ordered] == sorted(page.index(words) for words in ordered)
    assert "came two more times, answered and not done again" in page


@pytest.mark.parametrize(
    ("query", "found", "left_out"),
    [
        ("outcome=refused", {"al_refused", "al_rejected"}, {"al_parked", "al_filled"}),
        ("outcome=duplicate", {"al_repeat1", "al_repeat2"}, {"al_filled"}),
        ("q=ADANIENT", {"al_rejected"}, {"al_filled", "al_parked"}),
        ("q=banknifty", {"al_unknown"}, {"al_filled"}),
        ("q=100%25", set(), {"al_filled"}),
        ("dialect=chartink", {"al_filled", "al_part"}, {"al_parked"}),
        ("date=2026-11-20", {"al_filled"}, set()),
        ("date=2026-11-19", set(), {"al_filled"}),
        ("outcome=nonsense&date=yesterday&before=x", {"al_filled", "al_parked"}, set()),
    ],
)
async def test_alerts_are_found_by_what_the_address_asks(
    asha: httpx.AsyncClient, query: str, found: set[str], left_out: set[str]
) -> None:
    page = (await asha.get(f"/alerts?{query}")).text
    shown = set(re.findall(r'hover:underline" href="/alerts/(\w+)"', page))

    assert found <= shown
    assert not left_out & shown


async def test_alerts_are_found_by_the_symbol_they_were_mapped_to(asha: httpx.AsyncClient) -> None:
    page = (await asha.get("/alerts?q=nifty23nov26fut")).text

    assert set(re.findall(r'hover:underline" href="/alerts/(\w+)"', page)) == {"al_parked"}


async def test_fifty_alerts_stand_on_a_page_and_the_next_page_goes_on_after_them(world: World) -> None:
    def more(tx: Transaction) -> None:
        for number in range(60):
            tx.execute(
                "INSERT INTO alerts SELECT :id, user_id, source_id, strategy_id, received_at, content_type, body, body_hash,"
                " dedupe_key, sender, dialect, kind, status, code, message, duplicate_of, trace, reply FROM alerts"
                " WHERE id = :first",
                {"id": f"al_x{number:02d}", "first": "al_note"},
            )

    await world.writer.run(more)
    browser = await world.signed_in()
    first = (await browser.get("/alerts")).text
    older = re.search(r'href="(/alerts\?before=[^"]+)">Older', first)
    assert older
    second = (await browser.get(older[1])).text

    ids = [re.findall(r'hover:underline" href="/alerts/(\w+)"', page) for page in (first, second)]
    assert [len(found) for found in ids] == [50, 22]
    assert len({*ids[0], *ids[1]}) == 72
    assert ">Newest<" in second


async def test_an_empty_list_of_alerts_says_how_to_get_one(empty: World) -> None:
    page = text_of(await (await empty.signed_in()).get("/alerts"))

    assert "No alert yet." in page
    assert "send a test alert" in page


async def test_an_alert_tells_its_journey_step_by_step(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/alerts/al_parked"))

    journey = [
        "Buy NIFTY23NOV26FUT on two accounts: one filled, one needs you",
        "Received +0.0 ms",
        "Read as TradersPost JSON",
        "A comma too many in line 6 was taken out",
        "Mapped NIFTY1! to NIFTY23NOV26FUT",
        "Sized 65 for each account",
        "passed Alert is fresh 0.9 of 60 s",
        "Stored, then answered 202 +1.9 ms",
        "Asha · Zerodha",
        "Zerodha took it +99 ms",
        "Filled 65 at 26,481.35 +220 ms",
        "No clear answer from Samco +10.0 s",
        "Parked: a person must decide",
        "Message as received",
    ]
    places = [page.index(words) for words in journey]
    assert places == sorted(places)


async def test_the_time_bar_says_who_took_how_long(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/alerts/al_parked"))

    assert "Bridge 3.4 ms decided at 1.9 ms Broker 96 ms to its first word Exchange 121 ms to the last fill" in page


async def test_a_refused_alert_shows_the_failed_check_first_with_its_figures(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/alerts/al_refused"))

    assert "Why it was refused The alert was 94 s old and your limit is 60 s." in page
    assert page.index("failed Alert is fresh 94 of 60 s") < page.index("passed Order value within limit")


async def test_a_rejection_is_told_in_the_brokers_words(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/alerts/al_rejected"))

    assert "Rejected by Zerodha +96 ms" in page
    assert "“Margin shortfall 41,250.00”" in page


async def test_a_repeat_leads_to_the_first(asha: httpx.AsyncClient) -> None:
    page = await asha.get("/alerts/al_repeat1")

    assert "A repeat, which changed nothing" in page.text
    assert 'href="/alerts/al_parked"' in page.text


async def test_a_parked_order_offers_the_brokers_orders_and_preselects_none(asha: httpx.AsyncClient) -> None:
    page = await asha.get("/alerts/al_parked")

    assert re.findall(r'name="choice" value="(\w+)"', page.text) == ["26112000007731", "26112000007764", "none"]
    assert "checked>" not in page.text
    assert "BUY 65, limit 26,485.00, filled at 26,482.10" in text_of(page)


async def test_orders_stand_in_groups_with_what_needs_a_person_first(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/orders"))

    assert "1 needs you, 4 open, 4 done today" in page
    assert page.index("Needs you 1") < page.index("Parked 12 min") < page.index("Open 4") < page.index("Done 4 today")
    for words in (
        "0 or 65 / 65",
        "Part filled 120/200",
        "Cancel asked",
        "with Samco",
        "Market, protected",
        "Stop 3,212.00",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("money=paper", {"al_stop", "al_paper"}),
        ("group=needs", {"al_parked"}),
        ("q=itc", {"al_cancel"}),
        ("q=K7Q2M9X002", {"al_rejected"}),
        ("group=open&money=live", {"al_cancel", "al_part", "al_unknown"}),
    ],
)
async def test_orders_are_found_by_what_the_address_asks(asha: httpx.AsyncClient, query: str, found: set[str]) -> None:
    page = (await asha.get(f"/orders?{query}")).text

    assert set(re.findall(r'hover:underline" href="/alerts/(\w+)"', page)) == found


async def test_orders_are_found_by_account_and_strategy(world: World, asha: httpx.AsyncClient) -> None:
    by_account = (await asha.get(f"/orders?account={world.ids.samco}")).text
    by_strategy = (await asha.get(f"/orders?strategy={world.ids.strategies['Sheet ideas']}")).text

    assert set(re.findall(r'hover:underline" href="/alerts/(\w+)"', by_account)) == {"al_parked", "al_cancel"}
    assert set(re.findall(r'hover:underline" href="/alerts/(\w+)"', by_strategy)) == {"al_stop", "al_paper"}


async def test_only_what_is_open_can_be_cancelled(asha: httpx.AsyncClient) -> None:
    page = (await asha.get("/orders")).text

    assert set(re.findall(r'action="/orders/(\w+)/cancel"', page)) == {"or_part", "or_stop"}


async def test_paper_orders_are_badged_and_hatched(asha: httpx.AsyncClient) -> None:
    rows = re.findall(r'<tr role="row" class="item.*?</tr>', (await asha.get("/orders")).text, re.DOTALL)

    assert all(("PAPER" in row) == ("hatch" in row.split(">")[0]) for row in rows)
    assert sum("PAPER" in row for row in rows) == 2


async def test_the_stop_page_says_what_it_will_do(asha: httpx.AsyncClient) -> None:
    page = text_of(await asha.get("/stop"))

    assert "neither entries nor exits" in page
    assert "Four orders at the broker stay and can still fill: SELL 30 BANKNIFTY23NOV2658900CE (live)" in page
    assert "Three positions stay open, +₹4,183.75 now LIVE" in page


@pytest.mark.parametrize("path", ["/", "/alerts", "/alerts/al_parked", "/orders", "/positions", "/more"])
async def test_stop_trading_is_on_every_page(asha: httpx.AsyncClient, path: str) -> None:
    assert 'href="/stop" class="btn btn-stop' in (await asha.get(path)).text


async def test_times_are_the_exchanges(asha: httpx.AsyncClient) -> None:
    assert "Fri 20 Nov 2026, 11:30:00.000 IST" in text_of(await asha.get("/alerts/al_parked"))


async def test_what_waits_for_a_person_stands_in_the_title_of_every_page(asha: httpx.AsyncClient) -> None:
    assert "<title>(1) Positions · Bridge</title>" in (await asha.get("/positions")).text
