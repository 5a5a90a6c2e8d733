"""Standing instructions (GTT): asked for as orders are, kept by the broker, and booked to their strategy when they fire."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any, cast

import httpx
import pytest

from bridge.accounts.model import KeySettings
from bridge.accounts.service import touch
from bridge.app import Bridge
from bridge.brokers.base import OutcomeUnknown, Trigger, TriggerBroker, TriggerRequest, Unavailable
from bridge.brokers.paper.adapter import PaperBroker
from bridge.kit.database import Transaction
from bridge.orders.desk import AccountDesk
from tests.api.openalgo.conftest import Trader, trader


def last_price(who: Trader, symbol: str = "RELIANCE") -> Decimal:
    instrument = who.house.market.instrument("NSE", symbol)
    assert instrument is not None
    quote = who.house.market.quote(instrument)
    assert quote is not None
    return quote.last


def near(who: Trader, percent: int) -> str:
    """A price about so many percent from the last one, on every tick, as text."""
    return f"{(last_price(who) * (100 + percent) / 100).to_integral_value():f}"


def single(who: Trader, **changes: Any) -> dict[str, Any]:
    """A buy far below the market as OpenAlgo's client sends it."""
    return {
        "strategy": "Python",
        "trigger_type": "SINGLE",
        "exchange": "NSE",
        "symbol": "RELIANCE",
        "action": "BUY",
        "product": "CNC",
        "quantity": "10",
        "pricetype": "LIMIT",
        "price": near(who, -20),
        "triggerprice_sl": near(who, -20),
        "triggerprice_tg": "0",
        **changes,
    }


def oco(who: Trader, **changes: Any) -> dict[str, Any]:
    """A stop and a target around the market."""
    return single(who, trigger_type="OCO", action="SELL", price="0") | {
        "triggerprice_sl": near(who, -20),
        "stoploss": near(who, -21),
        "triggerprice_tg": near(who, 20),
        "target": near(who, 20),
        **changes,
    }


def desk(who: Trader) -> AccountDesk:
    return who.house.dispatcher.desks[who.account_id]


def paper(who: Trader) -> PaperBroker:
    return cast(PaperBroker, desk(who).broker)


async def kept(who: Trader) -> list[dict[str, Any]]:
    return list((await who.told("gttorderbook"))["data"])


async def events(who: Trader, like: str) -> list[str]:
    sql = "SELECT type FROM events WHERE type LIKE :like AND user_id = :user ORDER BY seq"
    return [row["type"] for row in await who.house.reader.rows(sql, {"like": like, "user": who.user_id})]


async def test_a_trigger_is_kept_by_the_broker_and_listed(asha: Trader) -> None:
    body = single(asha)

    reply = await asha.told("placegttorder", **body)

    (row,) = await kept(asha)
    assert reply == {"status": "success", "trigger_id": row["trigger_id"]}
    assert row == {
        "trigger_id": reply["trigger_id"],
        "trigger_type": "single",
        "status": "active",
        "symbol": "RELIANCE",
        "exchange": "NSE",
        "trigger_prices": [float(body["triggerprice_sl"])],
        "last_price": row["last_price"],
        "legs": [
            {
                "action": "BUY",
                "quantity": 10,
                "price": float(body["price"]),
                "pricetype": "LIMIT",
                "product": "CNC",
            }
        ],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "expires_at": row["expires_at"],
        "strategy": "Python",
        "margin_blocked": 0.0,
    }
    assert isinstance(row["last_price"], float)
    assert len(row["expires_at"]) == len("2026-11-20 15:30:00")


async def test_a_trigger_is_in_the_journal_before_and_after_the_broker_is_asked(asha: Trader) -> None:
    await asha.told("placegttorder", **single(asha))

    alerts = await asha.house.reader.rows("SELECT kind, status FROM alerts")
    intents = await asha.house.reader.rows("SELECT state FROM intents")
    assert alerts == [{"kind": "conditional", "status": "accepted"}]
    assert intents == [{"state": "DONE"}]
    assert await events(asha, "trigger.%") == ["trigger.asked", "trigger.answered"]


async def test_two_prices_make_one_trigger_with_two_legs(asha: Trader) -> None:
    body = oco(asha)

    await asha.told("placegttorder", **body)

    (row,) = await kept(asha)
    assert row["trigger_type"] == "two-leg"
    assert row["trigger_prices"] == [float(body["triggerprice_sl"]), float(body["triggerprice_tg"])]
    assert [leg["price"] for leg in row["legs"]] == [float(body["stoploss"]), float(body["target"])]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"product": "MIS"}, "product"),
        ({"triggerprice_sl": "0"}, "triggerprice_sl"),
        ({"triggerprice_tg": "5000"}, "triggerprice_sl"),
        ({"price": "0"}, "price"),
        ({"trigger_type": "THREE"}, "trigger_type"),
        ({"pricetype": "SL"}, "pricetype"),
        ({"quantity": "0"}, "quantity"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"trigger_type": "OCO"}, "triggerprice_tg"),
        ({"trigger_type": "OCO", "triggerprice_tg": "1", "stoploss": "1", "target": "1"}, "triggerprice_sl"),
        ({"trigger_type": "OCO", "triggerprice_tg": "90000", "target": "1"}, "stoploss"),
        ({"trigger_type": "OCO", "triggerprice_tg": "90000", "stoploss": "1"}, "target"),
    ],
)
async def test_a_wrong_member_is_named_and_nothing_is_kept(asha: Trader, changes: dict[str, Any], field: str) -> None:
    message = await asha.refused("placegttorder", 400, **single(asha, **changes))

    assert message.startswith(f"{{'{field}'")
    assert await kept(asha) == []


async def test_a_trigger_meets_the_checks_of_an_order(asha: Trader) -> None:
    await asha.told("placegttorder", **single(asha))
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    limited = strategy.settings.model_copy(update={"quantity_max": Decimal(5)})
    await asha.house.accounts.change_strategy(strategy.user_id, strategy.id, settings=limited)
    await asha.house.directory.refresh()

    answer = await asha.post("placegttorder", **single(asha))

    assert (answer.status_code, answer.json()["reason"]) == (400, "quantity_above_limit")
    assert len(await kept(asha)) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "NOSUCH"}, "symbol_unknown"),
        ({"price": "2000.01"}, "price_off_tick"),
        ({"triggerprice_sl": "2000.01"}, "trigger_price_off_tick"),
        ({"quantity": "1.5"}, "quantity_fraction"),
    ],
)
async def test_what_no_order_could_be_is_refused_with_the_same_words(
    asha: Trader, changes: dict[str, Any], reason: str
) -> None:
    answer = await asha.post("placegttorder", **single(asha, **changes))

    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert await events(asha, "trigger.%") == []


async def test_the_broker_s_own_refusal_is_told_and_journaled(asha: Trader) -> None:
    answer = await asha.post(
        "placegttorder", **oco(asha, triggerprice_sl=near(asha, 10), triggerprice_tg=near(asha, 20))
    )

    assert (answer.status_code, answer.json()["reason"]) == (400, "trigger_passed")
    assert await asha.house.reader.rows("SELECT state, code FROM intents") == [
        {"state": "REFUSED", "code": "trigger_passed"}
    ]


async def test_a_trigger_with_an_id_is_kept_once_and_answered_alike(asha: Trader) -> None:
    body = single(asha, client_order_id="mine-1")

    first, again = await asha.told("placegttorder", **body), await asha.told("placegttorder", **body)

    assert first == again
    assert len(await kept(asha)) == 1


async def test_a_trigger_is_changed_and_stays_with_its_strategy(asha: Trader) -> None:
    placed = await asha.told("placegttorder", **single(asha))
    body = single(asha, trigger_id=placed["trigger_id"], quantity="7", strategy="Other")

    reply = await asha.told("modifygttorder", **body, client_order_id="change-1")

    (row,) = await kept(asha)
    assert reply["trigger_id"] == row["trigger_id"] == placed["trigger_id"]
    assert (row["legs"][0]["quantity"], row["strategy"]) == (7, "Python")
    assert (await asha.told("modifygttorder", **body, client_order_id="change-1")) == reply


@pytest.mark.parametrize("changes", [{"symbol": "INFY"}, {"action": "SELL"}])
async def test_another_instrument_or_side_is_no_change(asha: Trader, changes: dict[str, Any]) -> None:
    placed = await asha.told("placegttorder", **single(asha))

    message = await asha.refused("modifygttorder", 400, **single(asha, trigger_id=placed["trigger_id"], **changes))

    assert "cannot be changed" in message


async def test_a_trigger_is_cancelled_once(asha: Trader) -> None:
    placed = await asha.told("placegttorder", **single(asha))
    which = {"strategy": "Python", "trigger_id": placed["trigger_id"]}

    reply = await asha.told("cancelgttorder", **which)

    assert reply["trigger_id"] == placed["trigger_id"]
    assert [row["status"] for row in await kept(asha)] == ["cancelled"]
    assert "cancelled" in await asha.refused("cancelgttorder", 400, **which)
    assert (await asha.told("gttorderbook", status="active"))["data"] == []
    assert await events(asha, "trigger.cancel%") == ["trigger.cancel_asked", "trigger.cancel_answered"]


async def fire(who: Trader, monkeypatch: pytest.MonkeyPatch, percent: int) -> None:
    """Let the last price come to where it is that far from now."""
    instrument = who.house.market.instrument("NSE", "RELIANCE")
    assert instrument is not None
    now = who.house.market.quote(instrument)
    assert now is not None
    moved = Decimal(near(who, percent))
    quote = type(now)(**{**{name: getattr(now, name) for name in now.__slots__}, "last": moved, "bids": (), "asks": ()})
    monkeypatch.setattr(who.house.market, "quote", lambda _: quote)
    await paper(who).match_now()
    await desk(who).book.read()


async def test_a_trigger_that_fires_is_its_strategy_s_order(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = await asha.told("placegttorder", **single(asha, strategy="Dip", pricetype="MARKET"))

    await fire(asha, monkeypatch, -25)

    (row,) = await kept(asha)
    (order,) = (await asha.told("orderbook"))["data"]["orders"]
    assert (row["trigger_id"], row["status"]) == (placed["trigger_id"], "triggered")
    assert (order["strategy"], order["order_status"], order["quantity"]) == ("Dip", "complete", 10)
    held = await asha.told("openposition", strategy="Dip", symbol="RELIANCE", exchange="NSE", product="CNC")
    assert held["quantity"] == 10
    assert await asha.house.reader.rows("SELECT result FROM intents") == [{"result": "full"}]
    assert (await asha.told("orderstatus", strategy="Dip", orderid=order["orderid"]))["data"]["orderid"] == order[
        "orderid"
    ]


async def test_a_fired_order_is_taken_over_once_whoever_reads_the_book(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asha.told("placegttorder", **single(asha, pricetype="MARKET"))
    await fire(asha, monkeypatch, -25)

    opened = desk(asha)
    await opened.book.read()
    await opened.triggers.adopt([*await opened.broker.order_book()])

    assert len(await asha.house.reader.rows("SELECT id FROM orders")) == 1
    assert opened.book.external == ()


async def test_the_first_leg_that_is_reached_ends_the_other(asha: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    await asha.order(product="CNC")
    await asha.told("placegttorder", **oco(asha))

    await fire(asha, monkeypatch, 22)

    orders = (await asha.told("orderbook"))["data"]["orders"]
    assert [(order["action"], order["pricetype"]) for order in orders] == [("BUY", "MARKET"), ("SELL", "LIMIT")]
    assert [row["status"] for row in await kept(asha)] == ["triggered"]


async def test_another_person_s_trigger_is_not_there(asha: Trader, ravi: Trader) -> None:
    placed = await asha.told("placegttorder", **single(asha))
    which = {"strategy": "Python", "trigger_id": placed["trigger_id"]}

    assert await kept(ravi) == []
    assert "not found" in await ravi.refused("cancelgttorder", 404, **which)
    assert "not found" in await ravi.refused("modifygttorder", 404, **single(ravi, **which))
    assert [row["status"] for row in await kept(asha)] == ["active"]


async def stop(who: Trader, scope: str, scope_id: str) -> None:
    user = who.house.directory.snapshot.users[who.user_id]
    await who.house.control.panic(scope, scope_id, True, "enough", user)


async def test_a_kill_switch_refuses_new_triggers_and_changes(asha: Trader) -> None:
    placed = await asha.told("placegttorder", **single(asha))
    await stop(asha, "account", asha.account_id)

    new = await asha.post("placegttorder", **single(asha))
    change = await asha.post("modifygttorder", **single(asha, trigger_id=placed["trigger_id"]))

    assert (new.status_code, new.json()["reason"]) == (403, "stopped")
    assert change.status_code in (400, 403)  # withdrawn already, or refused because trading is stopped


def promote(user_id: str, tx: Transaction) -> None:
    tx.execute("UPDATE users SET role = 'owner' WHERE id = :id", {"id": user_id})
    touch(tx)


@pytest.mark.parametrize("scope", ["account", "user", "strategy", "global"])
async def test_a_kill_switch_withdraws_what_waits_and_says_so(asha: Trader, ravi: Trader, scope: str) -> None:
    await asha.told("placegttorder", **single(asha))
    await ravi.told("placegttorder", **single(ravi))
    (strategy,) = [s for s in asha.house.directory.snapshot.strategies.values() if s.user_id == asha.user_id]
    scopes = {"account": asha.account_id, "user": asha.user_id, "strategy": strategy.id, "global": ""}
    if scope == "global":  # everybody is stopped by the owner alone
        await asha.house.writer.run(partial(promote, asha.user_id))
        await asha.house.directory.refresh()

    await stop(asha, scope, scopes[scope])
    await asha.house.dispatcher.keep()

    told = await asha.house.reader.rows(
        "SELECT message FROM outbox WHERE kind = 'triggers_withdrawn' AND user_id = :id", {"id": asha.user_id}
    )
    assert [row["status"] for row in await kept(asha)] == ["cancelled"]
    assert [row["status"] for row in await kept(ravi)] == ["cancelled" if scope == "global" else "active"]
    assert [row["message"] for row in told] == ["Trading is stopped: 1 GTT order of Practice withdrawn."]


async def test_a_key_that_asks_first_can_do_nothing_with_triggers(house: Bridge, client: httpx.AsyncClient) -> None:
    who = await trader(house, client, "asha", order_mode="semi_auto")
    which = {"strategy": "Python", "trigger_id": "pg_1"}

    said = [
        await who.refused("placegttorder", 403, **single(who)),
        await who.refused("modifygttorder", 403, **single(who, **which)),
        await who.refused("cancelgttorder", 403, **which),
    ]

    assert all("semi_auto" in each for each in said)
    assert await house.reader.rows("SELECT id FROM alerts") == []


async def test_a_strategy_that_asks_first_keeps_no_triggers(asha: Trader) -> None:
    await asha.told("placegttorder", **single(asha))
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    asking = strategy.settings.model_copy(update={"approval": "all"})
    await asha.house.accounts.change_strategy(strategy.user_id, strategy.id, settings=asking)
    await asha.house.directory.refresh()

    answer = await asha.post("placegttorder", **single(asha))

    assert (answer.status_code, answer.json()["reason"]) == (403, "approval_not_possible")


async def test_a_long_only_strategy_may_only_wait_to_sell_what_it_holds(asha: Trader) -> None:
    await asha.order(product="CNC")
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    long_only = strategy.settings.model_copy(update={"direction": "long"})
    await asha.house.accounts.change_strategy(strategy.user_id, strategy.id, settings=long_only)
    await asha.house.directory.refresh()
    await desk(asha).book.read()

    more = await asha.post("placegttorder", **oco(asha, quantity="11"))
    held = await asha.post("placegttorder", **oco(asha, quantity="10"))

    assert (more.status_code, more.json()["reason"]) == (400, "direction_not_allowed")
    assert held.status_code == 200, held.text


async def test_a_trigger_is_one_of_the_orders_of_the_day(asha: Trader) -> None:
    await asha.told("placegttorder", **single(asha))
    (strategy,) = asha.house.directory.snapshot.strategies.values()
    one = strategy.settings.model_copy(update={"orders_per_day": 1})
    await asha.house.accounts.change_strategy(strategy.user_id, strategy.id, settings=one)
    await asha.house.directory.refresh()

    answer = await asha.post("placegttorder", **single(asha))

    assert (answer.status_code, answer.json()["reason"]) == (400, "strategy_orders_per_day")


async def test_a_key_that_may_only_read_sees_triggers_and_places_none(asha: Trader) -> None:
    reader = await asha.house.accounts.add_key(asha.user_id, "sheet", ("read",), settings=KeySettings())

    listed = await asha.client.post("/api/v1/gttorderbook", json={"apikey": reader})
    placed = await asha.client.post("/api/v1/placegttorder", json={**single(asha), "apikey": reader})

    assert (listed.status_code, placed.status_code) == (200, 403)


async def test_without_the_account_s_desk_nothing_is_asked(asha: Trader) -> None:
    body = single(asha)
    del asha.house.dispatcher.desks[asha.account_id]

    message = await asha.refused("placegttorder", 503, **body)

    assert "another process" in message
    assert await asha.house.reader.rows("SELECT id FROM alerts") == []


class Lost:
    """A broker whose answers to requests about triggers get lost; `carries_out` or not."""

    def __init__(self, broker: Any, *, carries_out: bool) -> None:
        self._broker = broker
        self._carries_out = carries_out
        self.asked = 0
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def place_trigger(self, request: TriggerRequest) -> str:
        self.asked += 1
        if self._carries_out:
            await cast(TriggerBroker, self._broker).place_trigger(request)
        raise OutcomeUnknown("the line was cut")

    async def triggers(self) -> Sequence[Trigger]:
        if self.silent:
            raise Unavailable("the line is down")
        return await cast(TriggerBroker, self._broker).triggers()


async def test_an_answer_that_got_lost_is_looked_up(asha: Trader) -> None:
    desk(asha).broker = lost = cast(Any, Lost(desk(asha).broker, carries_out=True))

    reply = await asha.told("placegttorder", **single(asha))

    (row,) = await kept(asha)
    assert (reply["trigger_id"], lost.asked) == (row["trigger_id"], 1)


async def test_an_answer_that_was_lost_with_its_process_is_found_by_the_next(asha: Trader) -> None:
    desk(asha).broker = lost = cast(Any, Lost(desk(asha).broker, carries_out=True))
    lost.silent = True
    body = single(asha, client_order_id="mine-1")
    await asha.refused("placegttorder", 502, **body)

    await asha.house.dispatcher.stop()
    await asha.house.dispatcher.keep()
    await desk(asha).triggers.look()

    (row,) = await kept(asha)
    assert (await asha.told("placegttorder", **body))["trigger_id"] == row["trigger_id"]
    assert lost.asked == 1


async def test_a_request_that_was_lost_is_not_sent_twice_and_ends_as_not_placed(
    asha: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk(asha).broker = lost = cast(Any, Lost(desk(asha).broker, carries_out=False))
    body = single(asha, client_order_id="mine-1")

    first = await asha.refused("placegttorder", 502, **body)
    again = await asha.refused("placegttorder", 502, **body)
    monkeypatch.setattr("bridge.orders.triggers.PROVED_AFTER_S", -1.0)
    await desk(asha).triggers.look()

    assert "Nobody knows" in first
    assert "Nobody knows" in again
    assert lost.asked == 1
    assert await asha.house.reader.rows("SELECT state, code FROM intents") == [
        {"state": "REFUSED", "code": "trigger_not_placed"}
    ]
    assert "did not reach" in await asha.refused("placegttorder", 400, **body)
