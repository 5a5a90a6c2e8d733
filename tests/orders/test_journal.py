"""The append-only record: what it keeps, how it is followed, and that its rows come back as they were."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.model import StrategySettings
from bridge.domain.intent import BreakEven, Intent, Level, OrderIntent, OrderType, Product, Side
from bridge.domain.lifecycle import IntentState, Provenance
from bridge.kit.database import Transaction
from bridge.orders import journal, tables
from bridge.orders.journal import Claim, Cursor
from bridge.orders.records import IntentRecord, OrderRecord, stored
from tests.support.house import House, buy, wish


async def test_a_follower_sees_every_event_once_and_in_order(house: House) -> None:
    cursor, seen = Cursor(), []
    for _ in range(3):
        await house.alert(buy())
        await house.run(1)
        rows, cursor = journal.follow(house.process.reader, cursor, postgres=False, limit=4)
        while rows:
            seen += [row["seq"] for row in rows]
            rows, cursor = journal.follow(house.process.reader, cursor, postgres=False, limit=4)

    assert seen == [row["seq"] for row in house.rows("SELECT seq FROM events ORDER BY seq")]
    assert journal.follow(house.process.reader, cursor, postgres=False) == ([], cursor)


async def test_a_key_whose_alert_was_removed_after_its_retention_is_free(house: House) -> None:
    arrival = house.arrival(buy(), key="42")
    await house.send(arrival)
    house.process.writer.submit(lambda tx: tx.execute("DELETE FROM alerts"))

    assert (await house.send(arrival)).content["status"] == "accepted"


async def test_a_key_is_taken_once_however_many_ask_at_once(house: House) -> None:
    def take(number: int) -> journal.Seen | None:
        def work(tx: Transaction) -> journal.Seen | None:
            row = {"id": f"al_{number}", "user_id": "u", "source_id": "so", "strategy_id": "st", "received_at": 0}
            row |= {"content_type": "", "body": "", "body_hash": "h", "sender": "", "dialect": "", "kind": ""}

            found = journal.claim(tx, "so", Claim("id:1", 10**18, strict=True), f"al_{number}", "h", 1)
            if found is None:
                tx.insert(tables.alerts, row | {"status": "accepted", "trace": "[]", "reply": "{}"})
            return found

        return house.process.writer.submit(work).result()

    found = [take(number) for number in range(4)]

    assert [seen and seen.alert_id for seen in found] == [None, "al_0", "al_0", "al_0"]
    assert not any(seen and seen.conflict for seen in found)


async def test_a_change_of_a_row_that_moved_on_changes_nothing(house: House) -> None:
    await house.alert(buy())
    before = house.order()
    await house.run(1)
    events = len(house.rows("SELECT * FROM events"))

    moved = house.process.writer.submit(
        lambda tx: journal.move_order(tx, before, before.state, Provenance.POLICY, 1)
    ).result()

    assert moved is None
    assert len(house.rows("SELECT * FROM events")) == events
    missing = house.process.writer.submit(lambda tx: journal.load_order(tx, "or_nobody")).result()
    assert missing is None


async def test_an_order_comes_back_from_its_row_as_it_was(house: House) -> None:
    await house.alert(
        buy("INFY", 10, order_type=OrderType.STOP_LIMIT, price=Decimal("100.50"), trigger_price=Decimal(99))
    )
    order = house.order()

    assert OrderRecord.of(order.row()) == order
    assert order.row()["price"] == "100.50"
    assert order.rest == 10


WISHES = st.builds(
    OrderIntent,
    intent=st.sampled_from(Intent),
    symbol=st.none() | st.text(max_size=20),
    quantity=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=8),
    side=st.none() | st.sampled_from(Side),
    stop_loss=st.none() | st.builds(Level, type=st.just("percent"), value=st.decimals(0, 100, places=4)),
    break_even=st.none() | st.builds(BreakEven, trigger=st.decimals(0, 100, places=2)),
    extras=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=3),
)


@given(
    WISHES,
    st.none() | st.sampled_from(Product),
    st.decimals("0.01", 100, places=2),
    st.booleans(),
    st.none() | st.integers(0, 2**60),
)
def test_an_intent_comes_back_from_its_row_as_it_was(
    wish: OrderIntent, product: Product | None, multiplier: Decimal, reduces: bool, bar: int | None
) -> None:
    settings = StrategySettings(any_symbol=True)
    record = IntentRecord(
        id="in_1",
        alert_id="al_1",
        number=100,
        user_id="us",
        strategy_id="st",
        account_id="ac",
        state=IntentState.RECEIVED,
        wish=wish,
        settings=settings,
        settings_text=settings.model_dump_json(),
        multiplier=multiplier,
        exchange="NSE",
        symbol="INFY",
        product=product,
        basket="stop",
        deadline=1,
        opens_until=1,
        not_before=0,
        created_at=0,
        reduces=reduces,
        bar=bar,
    )

    row = record.row()

    assert IntentRecord.of({**row, "code": None, "message": None, "result": None}) == record
    assert replace(record, product=None).lane == ("NSE", "INFY", "", "st")


@pytest.mark.parametrize(("verb", "opens"), [(Intent.BUY, True), (Intent.EXIT, False), (Intent.CANCEL_ORDERS, False)])
async def test_an_intent_of_an_earlier_version_is_judged_by_its_verb(house: House, verb: Intent, opens: bool) -> None:
    await house.alert(wish(verb))
    (row,) = house.rows("SELECT * FROM intents")
    plan = json.loads(row["plan"])
    del plan["reduces"]

    assert IntentRecord.of({**row, "plan": json.dumps(plan)}).opens is opens


def test_values_are_stored_as_every_engine_takes_them() -> None:
    assert stored(Decimal("1E+3")) == "1000"
    assert stored(True) == 1
    assert type(stored(Side.BUY)) is str
    assert stored(None) is None


async def test_alerts_that_come_together_are_all_kept(house: House) -> None:
    answers = await asyncio.gather(*(house.process.pipeline.submit(house.arrival(buy())) for _ in range(20)))

    assert {answer.status for answer in answers} == {202}
    assert len(house.orders()) == 20
    assert len({order.ref for order in house.orders()}) == 20
