"""Strategies as a resource, and the book of each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.openalgo.conftest import Trader
from tests.api.program import Program, address, program


def settings(trader: Trader, **members: object) -> dict[str, object]:
    return {"accounts": [{"account_id": trader.account_id, "multiplier": "2"}], **members}


async def made(mine: Program, **members: object) -> str:
    body = {"name": "Breakout", "settings": settings(mine.trader, **members)}
    return str((await mine.done("POST", "/strategies", body, status=201))["id"])


async def test_a_strategy_is_made_with_what_is_said_and_defaults_for_the_rest(mine: Program) -> None:
    strategy_id = await made(
        mine, direction="long", quantity="2.5", symbols={"nifty": {"exchange": "NFO", "symbol": "X"}}
    )

    shown = await mine.get(f"/strategies/{strategy_id}")

    assert (shown["name"], shown["enabled"]) == ("Breakout", True)
    assert (shown["settings"]["direction"], shown["settings"]["quantity"]) == ("long", "2.5")
    assert shown["settings"]["orders_per_day"] == 1000
    assert list(shown["settings"]["symbols"]) == ["NIFTY"]
    assert mine.trader.house.directory.snapshot.strategies[strategy_id].name == "Breakout"


async def test_strategies_are_listed_newest_first_in_pages(mine: Program) -> None:
    ids = [await made(mine) for _ in range(3)]

    first = await mine.get("/strategies", limit=2)
    second = await mine.get("/strategies", limit=2, cursor=first["next_cursor"])

    assert [each["id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


async def test_a_change_touches_only_what_is_given(mine: Program) -> None:
    strategy_id = await made(mine, direction="long", quantity="3", window={"start": "09:20", "end": "15:00"})

    changed = await mine.done("PATCH", f"/strategies/{strategy_id}", {"settings": {"quantity": "4", "value_max": None}})

    assert (changed["settings"]["quantity"], changed["settings"]["direction"]) == ("4", "long")
    assert changed["settings"]["window"]["start"] == "09:20:00"
    assert changed["settings"]["accounts"][0]["multiplier"] == "2"


async def test_a_strategy_is_switched_off_and_on(mine: Program) -> None:
    strategy_id = await made(mine)

    assert (await mine.done("POST", f"/strategies/{strategy_id}/disable"))["enabled"] is False
    assert not mine.trader.house.directory.snapshot.strategies[strategy_id].enabled
    assert (await mine.done("POST", f"/strategies/{strategy_id}/enable"))["enabled"] is True
    assert (await mine.done("PATCH", f"/strategies/{strategy_id}", {"enabled": False}))["enabled"] is False


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": " x"}, "visible characters"),
        ({"name": "x\u0000"}, "visible characters"),
        ({"name": "x", "user_id": "us_1"}, "user_id"),
        ({"name": "x", "settings": {"quantity": "-1"}}, "settings.quantity"),
        ({"name": "x", "settings": {"quantity": "NaN"}}, "settings.quantity"),
        ({"name": "x", "settings": {"colour": "red"}}, "settings.colour"),
        ({"name": "x", "settings": {"dialect": "klingon"}}, "settings.dialect"),
        ({"name": "x", "settings": {"exchange": "MOON"}}, "settings.exchange"),
        ({"name": "x", "settings": {"window": {"zone": "Mars/Crater"}}}, "settings.window.zone"),
        ([1], "body"),
    ],
)
async def test_what_is_no_strategy_is_refused_by_its_member(mine: Program, body: object, said: str) -> None:
    assert said in await mine.refused("POST", "/strategies", 400, "bad_request", body)
    assert (await mine.get("/strategies"))["items"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 40_000])
async def test_a_body_that_is_no_json_is_a_bad_request(mine: Program, content: bytes) -> None:
    headers = {"X-API-KEY": mine.key, "Content-Type": "application/json"}

    answer = await mine.trader.client.post("/api/v1/strategies", content=content, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_body_without_end_is_not_read(mine: Program) -> None:
    content = b'{"name": "' + b"x" * 70_000 + b'"}'

    answer = await mine.trader.client.post("/api/v1/strategies", content=content, headers={"X-API-KEY": mine.key})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_strategy_feeds_no_account_of_another_person(mine: Program, ravi: Trader) -> None:
    strategy_id = await made(mine)
    stolen = {"accounts": [{"account_id": ravi.account_id}]}

    await mine.refused("POST", "/strategies", 404, "not_found", {"name": "x", "settings": stolen})
    await mine.refused("PATCH", f"/strategies/{strategy_id}", 404, "not_found", {"settings": stolen})

    assert len((await mine.get("/strategies"))["items"]) == 1


async def test_a_key_without_the_scope_only_looks(mine: Program) -> None:
    strategy_id = await made(mine)
    reader = await program(mine.trader, ("read", "orders:write"))

    assert await reader.get(f"/strategies/{strategy_id}")
    said = await reader.refused("POST", f"/strategies/{strategy_id}/disable", 403, "insufficient_scope")
    assert "strategies:write" in said


@pytest.mark.parametrize(
    "guard", [{"quantity_max": None}, {"daily_loss_max": "1e9"}, {"approval": "off"}, {"approval_above": None}]
)
async def test_a_key_that_may_change_rules_takes_no_guard_away(mine: Program, guard: dict[str, object]) -> None:
    strategy_id = await made(mine)
    ruling = await program(mine.trader, ("read", "strategies:write"))

    for method, path, body in (
        ("PATCH", f"/strategies/{strategy_id}", {"settings": guard}),
        ("POST", "/strategies", {"name": "x", "settings": guard}),
    ):
        assert "limits:write" in await ruling.refused(method, path, 403, "insufficient_scope", body)
    assert await ruling.done("PATCH", f"/strategies/{strategy_id}", {"settings": {"direction": "short"}})


async def test_a_key_whose_own_orders_ask_a_person_does_not_stop_a_strategy_from_asking(mine: Program) -> None:
    strategy_id = await made(mine, approval="all")
    asking = await program(mine.trader, order_mode="semi_auto")

    await asking.refused(
        "PATCH", f"/strategies/{strategy_id}", 403, "needs_approval", {"settings": {"approval": "off"}}
    )


async def test_a_key_for_one_account_lets_no_strategy_trade_on_another(asha: Trader) -> None:
    other = await asha.house.accounts.add_account(asha.user_id, "Other", "paper")
    await asha.house.directory.refresh()
    elsewhere = await program(asha, account_id=other)

    body = {"name": "x", "settings": settings(asha)}
    await elsewhere.refused("POST", "/strategies", 403, "not_this_account", body)


# -- the book ----------------------------------------------------------------------------------------------------------


async def filled(trader: Trader, **changes: str) -> None:
    """An order at the market, waited for until it is filled."""
    order_id = (await trader.order(**changes))["orderid"]
    sql = "SELECT id FROM orders WHERE id = :id AND state <> 'FILLED'"
    desk = trader.house.dispatcher.desks[trader.account_id]
    while await trader.house.reader.rows(sql, {"id": order_id}):
        await desk.change(0.05)


async def strategy_of(trader: Trader, name: str) -> str:
    found = trader.house.directory.snapshot.strategies.values()
    return next(s.id for s in found if (s.user_id, s.name) == (trader.user_id, name))


async def test_the_book_shows_what_is_held_earned_and_traded(asha: Trader, mine: Program) -> None:
    await filled(asha, strategy="Swing", quantity="10")
    await filled(asha, strategy="Swing", quantity="4", action="SELL")
    await filled(asha, strategy="Other", quantity="3")

    book = await mine.get(f"/strategies/{await strategy_of(asha, 'Swing')}/book")

    (held,), (result,), trades = book["positions"], book["results"], book["trades"]["items"]
    sold, bought = trades
    realised = (Decimal(sold["price"]) - Decimal(bought["price"])) * 4
    assert (held["symbol"], held["quantity"], held["average_price"]) == ("RELIANCE", "6", bought["price"])
    assert (sold["side"], sold["quantity"], bought["side"], bought["quantity"]) == ("sell", "4", "buy", "10")
    assert Decimal(sold["realised"]) == realised
    assert Decimal(held["unrealised"]) == (Decimal(held["last"]) - Decimal(bought["price"])) * 6
    assert (result["account_id"], result["paper"], result["currency"]) == (asha.account_id, True, "INR")
    assert Decimal(result["realised"]) == Decimal(result["realised_today"]) == realised
    assert Decimal(result["today"]) == realised + Decimal(result["unrealised"])
    assert (book["simulated"], book["undecided"], result["unpriced"]) == (True, [], 0)


async def test_the_trades_of_a_book_come_in_pages_and_by_day(asha: Trader, mine: Program) -> None:
    for _ in range(3):
        await filled(asha, strategy="Swing")
    path = f"/strategies/{await strategy_of(asha, 'Swing')}/book"

    whole = (await mine.get(path))["trades"]["items"]
    first = (await mine.get(path, limit=2))["trades"]
    second = (await mine.get(path, limit=2, cursor=first["next_cursor"]))["trades"]
    other_day = await mine.get(path, day="2020-01-06")

    assert first["items"] + second["items"] == whole
    assert len({trade["id"] for trade in whole}) == 3
    assert (other_day["day"], other_day["trades"]["items"]) == ("2020-01-06", [])
    assert other_day["positions"] != []


async def test_a_book_of_nothing_is_empty(asha: Trader, mine: Program) -> None:
    to = await address(asha)

    book = await mine.get(f"/strategies/{to.strategy_id}/book")

    assert (book["positions"], book["results"], book["trades"]) == ([], [], {"items": [], "next_cursor": None})


@pytest.mark.parametrize("query", [{"day": "yesterday"}, {"cursor": "nonsense"}, {"limit": "0"}, {"day": "9999-12-31"}])
async def test_what_a_book_cannot_be_asked_is_a_bad_request(asha: Trader, mine: Program, query: dict[str, str]) -> None:
    to = await address(asha)

    answer = await mine.ask("GET", f"/strategies/{to.strategy_id}/book", None, None, **query)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
