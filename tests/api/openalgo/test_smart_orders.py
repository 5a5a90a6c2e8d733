"""`placesmartorder`: the position that a strategy is to hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.openalgo.conftest import ORDER, Trader
from tests.api.openalgo.test_placeorder import state

SMART = ORDER | {"quantity": "0", "position_size": "10"}
MATCHED = "Positions Already Matched. No Action needed."


async def smart(who: Trader, target: int | str, **changes: Any) -> dict[str, Any]:
    return await who.told("placesmartorder", **(SMART | {"position_size": str(target)} | changes))


async def held(who: Trader, symbol: str = "RELIANCE", strategy: str = "Python") -> str:
    await who.settled()
    row = await who.house.reader.row(
        "SELECT p.quantity FROM positions p JOIN strategies s ON s.id = p.strategy_id"
        " WHERE p.symbol = :symbol AND s.name = :strategy AND p.user_id = :user",
        {"symbol": symbol, "strategy": strategy, "user": who.user_id},
    )
    return "0" if row is None else str(row["quantity"])


async def sides(who: Trader) -> list[tuple[str, str]]:
    rows = await who.house.reader.rows("SELECT side, quantity FROM orders ORDER BY queued_at")
    return [(row["side"], row["quantity"]) for row in rows]


async def test_a_position_is_brought_to_its_target_and_the_order_answered(asha: Trader) -> None:
    for target in (10, 4, -6, 0):
        reply = await smart(asha, target)
        assert reply == {"status": "success", "orderid": reply["orderid"]}
        assert await state(asha, reply["orderid"]) in ("WORKING", "FILLED")

    assert await sides(asha) == [("buy", "10"), ("sell", "6"), ("sell", "10"), ("buy", "6")]


async def test_a_target_that_is_reached_needs_no_order(asha: Trader) -> None:
    await smart(asha, 10)

    reply = await smart(asha, 10)

    assert (reply["message"], "orderid" in reply) == (MATCHED, False)
    assert len(await sides(asha)) == 1


@pytest.mark.parametrize(("action", "side"), [("BUY", "buy"), ("SELL", "sell")])
async def test_a_target_of_zero_while_flat_places_the_order_that_is_described(
    asha: Trader, action: str, side: str
) -> None:
    await smart(asha, 0, action=action, quantity="7")

    assert await sides(asha) == [(side, "7")]


async def test_a_target_of_zero_while_flat_without_a_quantity_does_nothing(asha: Trader) -> None:
    assert (await smart(asha, 0))["message"] == MATCHED
    assert await sides(asha) == []


async def test_what_another_strategy_holds_does_not_count(asha: Trader) -> None:
    await smart(asha, 10, strategy="One")
    await smart(asha, 10, strategy="Two")
    await smart(asha, 0, strategy="One")

    assert (await held(asha, strategy="One"), await held(asha, strategy="Two")) == ("0", "10")


async def test_an_order_that_was_just_sent_counts(asha: Trader) -> None:
    replies = await asyncio.gather(*(smart(asha, 10) for _ in range(5)))

    assert await sides(asha) == [("buy", "10")]
    assert sum("orderid" in reply for reply in replies) == 1
    assert sum(reply.get("message") == MATCHED for reply in replies) == 4


async def test_an_order_that_rests_is_taken_back_before_the_target_is_counted(asha: Trader) -> None:
    resting = await asha.order(pricetype="LIMIT", price="1", quantity="10")
    assert await state(asha, resting["orderid"]) == "WORKING"

    await smart(asha, 10)

    assert await state(asha, resting["orderid"]) == "CANCELLED"
    assert await sides(asha) == [("buy", "10"), ("buy", "10")]
    assert await held(asha) == "10"


async def test_twenty_symbols_at_once_do_not_wait_for_each_other(asha: Trader) -> None:
    listed = [i.symbol for i in asha.house.market.instruments() if i.exchange == "NSE"][:20]
    clock = asha.house.clock
    began = clock.monotonic()

    replies = await asyncio.gather(*(smart(asha, 1, symbol=symbol) for symbol in listed))

    assert len({reply["orderid"] for reply in replies}) == 20
    assert clock.monotonic() - began < 10  # at one a second it would be twenty


async def test_a_smart_order_with_an_id_is_taken_once_and_answered_alike(asha: Trader) -> None:
    first = await smart(asha, 0, quantity="7", client_order_id="mine-1")
    again = await smart(asha, 0, quantity="7", client_order_id="mine-1")  # without the id it would close

    assert first == again
    assert await held(asha) == "7"


async def test_a_position_that_is_not_a_number_is_named(asha: Trader) -> None:
    message = await asha.refused("placesmartorder", 400, **(SMART | {"position_size": "ten"}))

    assert message == "{'position_size': ['expected a number']}"


async def test_what_a_check_refuses_is_an_error_with_its_reason(asha: Trader) -> None:
    answer = await asha.post("placesmartorder", **(SMART | {"symbol": "NOSUCH"}))

    assert (answer.status_code, answer.json()["reason"]) == (400, "symbol_unknown")


async def test_nobody_sees_what_another_person_holds(asha: Trader, ravi: Trader) -> None:
    await smart(asha, 10)

    await smart(ravi, 0)

    assert await held(asha) == "10"
    assert await held(ravi) == "0"


async def test_who_asks_at_once_what_is_held_is_told_of_what_was_just_traded(asha: Trader) -> None:
    for target in (10, -5, 0, 3):
        await smart(asha, target)

        reply = await asha.told("openposition", strategy="Python", symbol="RELIANCE", exchange="NSE", product="MIS")

        assert reply["quantity"] == target


async def test_a_strategy_that_asks_for_entries_tells_what_waits_and_lets_the_way_out_go_at_once(asha: Trader) -> None:
    await smart(asha, 10)
    await held(asha)
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    asks = strategy.settings.model_copy(update={"approval": "entries"})
    await asha.house.accounts.change_strategy(asha.user_id, strategy.id, settings=asks)
    await asha.house.directory.refresh()

    more = await smart(asha, 15)
    turned = await smart(asha, -5)

    user = asha.house.directory.snapshot.users[asha.user_id]
    waiting = {each.intent.id for each in await asha.house.approvals.waiting(user)}
    assert (more["mode"], "orderid" in more) == (turned["mode"], "orderid" not in turned) == ("semi_auto", False)
    assert {more["pending_order_id"], turned["pending_order_id"]} <= waiting
    assert await held(asha) == "0"
