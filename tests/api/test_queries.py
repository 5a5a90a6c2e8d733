"""The questions behind resources, once on each kind of database."""

from __future__ import annotations

from typing import Any

from bridge.api.queries import Queries
from bridge.kit.clock import micros
from bridge.kit.database import Row, Transaction
from bridge.orders import tables
from tests.api.world import Person, World, order

DAY = 86_400 * 1_000_000


async def furnished(world: World) -> Queries:
    """Both people have an account, fills of two days, an undecided order and notices, under one strategy's id."""
    now = micros(world.clock.now())
    for person, name in ((world.asha, "asha"), (world.ravi, "ravi")):
        account_id = await world.accounts.add_account(person.id, "Practice", "paper")

        def work(tx: Transaction, who: Person = person, account: str = account_id, name: str = name) -> None:
            for number in range(5):
                tx.insert(tables.fills, fill(who, account, number, now - DAY * (number // 3)))
            tx.insert(
                tables.orders,
                order(f"or_odd_{name}", who.alert_id, who.id, now) | {"account_id": account, "state": "PARKED"},
            )
            tx.insert_many(tables.outbox, [notice(who, number, now) for number in range(3)])

        await world.writer.run(work)
    return Queries(world.reader)


def fill(person: Person, account_id: str, number: int, at: int) -> Row:
    return {
        "order_id": person.order_id,
        "account_id": account_id,
        "user_id": person.id,
        "fill_key": str(number),
        "quantity": "1",
        "price": f"{100 + number}.05",
        "realised": f"{number}.50",
        "strategy_id": "st_1",
        "at": at,
        "provenance": "book",
    }


def notice(person: Person, number: int, at: int) -> Row:
    told = {"kind": "order.filled", "severity": "info", "message": f"{person.id} {number}"}
    return {"at": at, "user_id": person.id, **told}


async def test_trades_come_in_pages_and_of_one_day_and_one_person(everywhere: World) -> None:
    queries, now = await furnished(everywhere), micros(everywhere.clock.now())

    async def page(limit: int, cursor: str | None = None) -> tuple[list[Any], str | None]:
        rows, following = await queries.trades(everywhere.asha.id, "st_1", now, now + 1, limit, cursor)
        return [(row["price"], row["symbol"], row["alert_id"]) for row in rows], following

    whole, _ = await page(50)
    first, cursor = await page(2)
    second, end = await page(2, cursor)

    assert [price for price, _, _ in whole] == ["102.05", "101.05", "100.05"]
    assert {row[1:] for row in whole} == {("INFY", "al_asha")}
    assert (first + second, end) == (whole, None)


async def test_what_was_realised_is_that_of_the_time_asked_for(everywhere: World) -> None:
    queries, now = await furnished(everywhere), micros(everywhere.clock.now())

    today = await queries.realised(everywhere.asha.id, "st_1", now, now + 1)
    before = await queries.realised(everywhere.asha.id, "st_1", now - DAY, now)

    assert sorted(row["realised"] for row in today) == ["0.50", "1.50", "2.50"]
    assert sorted(row["realised"] for row in before) == ["3.50", "4.50"]


async def test_a_book_has_nothing_of_a_namesake(everywhere: World) -> None:
    queries = await furnished(everywhere)

    held = await queries.held_by(everywhere.asha.id, "st_1")
    undecided = await queries.undecided(everywhere.asha.id, "st_1")

    assert [row["account_id"] for row in held] == ["ac_asha"]
    assert [row["id"] for row in undecided] == ["or_odd_asha"]


async def test_notices_of_one_moment_are_all_walked_through(everywhere: World) -> None:
    queries, user_id = await furnished(everywhere), everywhere.asha.id

    first, cursor = await queries.notices(user_id, {"kind": "order.filled"}, 2, None)
    second, end = await queries.notices(user_id, {"kind": "order.filled"}, 2, cursor)

    assert [row["message"] for row in first + second] == [f"{user_id} {number}" for number in (2, 1, 0)]
    assert end is None


async def test_one_thing_and_lists_of_things_are_their_owners_alone(everywhere: World) -> None:
    queries, (asha, ravi) = await furnished(everywhere), (everywhere.asha.id, everywhere.ravi.id)
    (account,), _ = await queries.accounts(asha, 50, None)
    (key,), _ = await queries.keys(asha, 50, None)

    assert await queries.account(asha, account["id"]) == account
    assert await queries.account(ravi, account["id"]) is None
    assert await queries.key(asha, key["id"]) is not None
    assert await queries.key(ravi, key["id"]) is None
    assert await queries.strategies(asha, 50, None) == ([], None)
    assert await queries.sources(asha, {"strategy_id": "st_1"}, 50, None) == ([], None)
