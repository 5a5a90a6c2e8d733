"""What the API shows, and to whom."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bridge.api.queries import _written
from bridge.kit.clock import micros
from bridge.kit.database import Transaction
from bridge.orders import tables
from tests.api.test_keys import assert_problem
from tests.api.world import World, alert, order, position


async def add_alerts(world: World, number: int) -> list[str]:
    """More alerts of asha's, newest first; some came in the same microsecond."""
    now = micros(world.clock.now())
    rows = [alert(f"al_{place:03}", world.asha.id, now + 1 + place // 3) for place in range(1, number + 1)]
    await world.writer.run(lambda tx: tx.insert_many(tables.alerts, rows))
    return [row["id"] for row in sorted(rows, key=lambda row: (row["received_at"], row["id"]), reverse=True)]


async def walked(world: World, path: str, limit: int, **params: Any) -> list[Any]:
    """Every item of a list, page by page."""
    items, cursor = [], None
    while True:
        page = (await world.get(path, limit=limit, **params, **({"cursor": cursor} if cursor else {}))).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if not (cursor := page["next_cursor"]):
            return items


async def test_an_alert_tells_its_story(world: World) -> None:
    story = (await world.get("/alerts/al_asha")).json()

    assert story["received_at"] == "2026-01-05T04:00:00Z"
    assert story["trace"] == [{"step": "read", "ms": 0.4, "title": "Read as TradersPost", "detail": ""}]
    assert [each["id"] for each in story["orders"]] == ["or_asha"]
    assert [(each["type"], each["provenance"]) for each in story["events"]] == [("order.working", "broker_reply")]
    assert story["events"][0]["payload"] == {"set": {"state": "WORKING"}}


async def test_an_order_tells_its_story_in_exact_numbers(world: World) -> None:
    story = (await world.get("/orders/or_asha")).json()

    assert (story["quantity"], story["price"], story["filled"], story["trigger_price"]) == ("10", "1500.10", "0", None)
    assert [each["type"] for each in story["events"]] == ["order.working"]


@pytest.mark.parametrize("path", ["/alerts/al_ravi", "/orders/or_ravi", "/alerts/al_none", "/orders/or_none"])
async def test_what_is_somebody_elses_is_not_there(world: World, path: str) -> None:
    answer = await world.get(path)

    assert_problem(answer, 404, "not_found")


async def test_lists_hold_only_what_is_ones_own(world: World) -> None:
    alerts = (await world.get("/alerts")).json()["items"]
    orders = (await world.get("/orders")).json()["items"]
    positions = (await world.get("/positions")).json()["items"]

    assert [each["id"] for each in alerts] == ["al_asha"]
    assert [each["id"] for each in orders] == ["or_asha"]
    assert [each["account_id"] for each in positions] == ["ac_asha"]


@pytest.mark.parametrize("name", ["alert_id", "account_id", "strategy_id"])
async def test_a_filter_does_not_reach_into_another_persons_rows(world: World, name: str) -> None:
    theirs = (await world.get("/orders/or_ravi", key=world.ravi.key)).json()

    found = (await world.get("/orders", **{name: theirs[name]})).json()["items"]

    assert [each["id"] for each in found if each["id"] == "or_ravi"] == []


async def test_a_story_has_nothing_of_another_person_even_under_the_same_alert(world: World) -> None:
    now = micros(world.clock.now())

    def work(tx: Transaction) -> None:
        tx.insert(tables.orders, order("or_stray", "al_asha", world.ravi.id, now))

    await world.writer.run(work)

    story = (await world.get("/alerts/al_asha")).json()

    assert [each["id"] for each in story["orders"]] == ["or_asha"]


async def test_nobodys_id_is_shown(world: World) -> None:
    answers = [
        await world.get(path) for path in ("/alerts", "/orders", "/positions", "/alerts/al_asha", "/orders/or_asha")
    ]

    assert not any(world.asha.id in answer.text for answer in answers)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_show_every_alert_once_newest_first(world: World, limit: int) -> None:
    expected = await add_alerts(world, 11)

    found = [each["id"] for each in await walked(world, "/alerts", limit)]

    assert found == [*expected, "al_asha"]


async def test_an_alert_that_comes_in_between_pages_moves_none(world: World) -> None:
    await add_alerts(world, 4)
    first = (await world.get("/alerts", limit=2)).json()
    later = alert("al_new", world.asha.id, micros(world.clock.now()) + 99)
    await world.writer.run(lambda tx: tx.insert(tables.alerts, later))

    second = (await world.get("/alerts", limit=50, cursor=first["next_cursor"])).json()

    ids = [each["id"] for each in first["items"] + second["items"]]
    assert "al_new" not in ids
    assert len(ids) == len(set(ids)) == 5


async def test_positions_come_in_pages_and_flat_ones_only_when_asked_for(world: World) -> None:
    now = micros(world.clock.now())
    rows = [
        position(world.asha.id, "ac_asha", f"STOCK{number}", quantity, now)
        for number, quantity in enumerate(["5", "-5", "0", "0.00", "0.001"])
    ]
    await world.writer.run(lambda tx: tx.insert_many(tables.positions, rows))

    held = [each["symbol"] for each in await walked(world, "/positions", 2)]
    every = [each["symbol"] for each in await walked(world, "/positions", 2, flat=True)]

    assert held == ["INFY", "STOCK0", "STOCK1", "STOCK4"]
    assert every == ["INFY", *(f"STOCK{number}" for number in range(5))]


async def test_orders_are_found_by_state(world: World) -> None:
    working = (await world.get("/orders", state="WORKING")).json()["items"]
    filled = (await world.get("/orders", state="FILLED")).json()["items"]

    assert [each["id"] for each in working] == ["or_asha"]
    assert filled == []


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"state": "sold"},
        *({"cursor": c} for c in ("!", "e30", "W10", "WyJhIiwiYiJd")),
    ],
)
async def test_what_cannot_be_read_is_named(world: World, params: dict[str, Any]) -> None:
    answer = await world.get("/orders", **params)

    assert_problem(answer, 400, "bad_request")
    assert next(iter(params)) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/alerts/al%00", {}),
        ("/orders/or%00", {}),
        ("/orders", {"account_id": "\0"}),
        ("/alerts", {"status": "\0"}),
        ("/orders", {"cursor": _written([10**30, "or"])}),
        ("/alerts", {"cursor": _written([-(2**63) - 1, "al"])}),
        ("/orders", {"cursor": _written([1, "\ud800"])}),
        ("/orders", {"cursor": _written([1, "\0"])}),
        ("/positions", {"cursor": _written(["a", "b", "c", "d", "\ud800"])}),
    ],
)
async def test_what_no_database_can_hold_is_the_callers_fault(
    everywhere: World, path: str, params: dict[str, str]
) -> None:
    answer = await everywhere.get(path, **params)

    assert answer.status_code in (200, 400, 404), answer.text
    assert "or_asha" not in answer.text


async def test_a_database_that_is_away_is_not_the_callers_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.get("/alerts")

    def away(*_: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("locked"))

    monkeypatch.setattr(world.reader, "read", away)

    answer = await world.get("/alerts")

    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "locked" not in answer.text
