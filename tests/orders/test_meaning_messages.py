"""What a message says besides the order: that it is none, its time, its secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.orders.masking import mask
from tests.orders.conftest import OpenHouse
from tests.orders.meaning import at, own, tell, trading
from tests.support.house import House, leave


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The usual house, trading."""
    return await trading(open_house)


# -- what never becomes an order ------------------------------------------------------------------------------------

CONDITIONAL = {
    "dhanClientId": "1",
    "condition": {"comparisonType": "PRICE_WITH_VALUE", "operator": "GREATER_THAN", "comparingValue": 1},
    "orders": [{"transactionType": "BUY", "exchangeSegment": "NSE_EQ", "securityId": "1594", "quantity": 1}],
}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("60123456789,newsltplong,INFY,sl_price=95,tp_price=120", id="new stop of a position"),
        pytest.param({"ticker": "INFY", "order_action": "modify", "sl_price": 95}, id="modified position"),
        pytest.param({"ticker": "INFY", "order_action": "breakeven"}, id="stop to break even"),
        pytest.param("d=1 s=INFY b=long q=10", id="dry run"),
        pytest.param({"passphrase": "abcdefgh", "ticker": "INFY", "order_action": "buy", "do_trade": False}, id="record only"),
        pytest.param("INFY, price = 189.84, volume = 41250", id="notice"),
        pytest.param("/status table", id="query"),
        pytest.param({"auth-token": "f18769ad-818c", "key": "buy", "value": "1"}, id="variable"),
        pytest.param(CONDITIONAL, id="conditional"),
        pytest.param(
            {"order_id": "1", "status": "cancelled", "transaction_type": "BUY", "filled_quantity": 0, "quantity": 1}
            | {"tradingsymbol": "INFY", "exchange": "NSE"},
            id="broker's postback",
        ),
    ],
)  # fmt: skip
async def test_what_asks_for_no_order_never_sends_one(house: House, body: Any) -> None:
    answer = await tell(house, body)

    assert answer.status in (202, 422)
    assert (house.orders(), house.sent()) == ([], 0)


@pytest.mark.parametrize(
    "body",
    [{"action": "kill"}, {"action": "pause"}, "60123456789,eaoff,eaoff", "/stopentry", "/stop"],
    ids=str,
)
async def test_a_message_that_stops_trading_is_obeyed_or_refused_but_not_waved_away(house: House, body: Any) -> None:
    answer = await tell(house, body)
    house.process.directory.load()  # what every process does ten times a second
    await own(house, 1)

    assert answer.status == 422 or house.position() == 0


async def test_no_new_entries_does_not_mean_no_exits(house: House) -> None:
    await own(house, 5)
    answer = await tell(house, "/stopentry")
    house.process.directory.load()

    await house.alert(leave("INFY"))
    await house.run(3)

    assert answer.status == 422 or house.position() == 0


async def test_a_dry_run_is_called_one_in_the_answer(house: House) -> None:
    answer = await tell(house, "d=1 s=INFY b=long q=10")

    assert "dry run" in answer.content["note"].lower()


# -- scans ----------------------------------------------------------------------------------------------------------


async def test_a_scan_does_not_buy_again_what_the_strategy_holds(open_house: OpenHouse) -> None:
    house = await trading(open_house, scan_side="buy", quantity=Decimal(10))
    scan = {"stocks": "INFY,SBIN", "trigger_prices": "100,100", "scan_name": "Breakouts", "alert_name": "Breakouts"}
    await tell(house, scan | {"triggered_at": "2:34 pm"})

    await tell(house, scan | {"triggered_at": "2:35 pm"})

    assert (house.position("INFY"), house.position("SBIN")) == (10, 10)


# -- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["yesterday", "21/11/2025 10:00", "2025.11.21 10:00"])
async def test_an_entry_whose_time_cannot_be_read_is_not_taken_for_a_fresh_one(house: House, when: str) -> None:
    answer = await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 1, "time": when})

    assert (answer.status, house.orders()) == (422, [])


async def test_a_time_without_a_zone_is_not_called_a_wrong_clock(house: House) -> None:
    local = (house.clock.now() + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S")

    answer = await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 1, "time": local})

    assert answer.status == 202 or "zone" in answer.content["message"]


async def test_an_hourly_exit_counts_from_the_end_of_its_bar(house: House) -> None:
    now = house.clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    await house.run((hour + timedelta(hours=1, seconds=2) - now).total_seconds())
    entry = {"ticker": "INFY", "action": "buy", "quantity": 1, "interval": "5"}
    await tell(house, entry | {"time": f"{hour + timedelta(minutes=55):%Y-%m-%dT%H:%M:%SZ}"})

    await tell(house, {"ticker": "INFY", "action": "exit", "interval": "60", "time": f"{hour:%Y-%m-%dT%H:%M:%SZ}"})

    assert (house.sent(), house.position()) == (2, 0)


async def test_a_signal_older_than_its_own_limit_is_refused(house: House) -> None:
    order = {"amount": "2", "currency_type": "base"}
    body = {"secret": "s3cret-word", "bot_uuid": "f1a2", "action": "enter_long", "order": order, "max_lag": "10"}
    place = {"tv_exchange": "NSE", "tv_instrument": "INFY", "timestamp": at(house, -20)}

    answer = await tell(house, body | place)

    assert answer.content["code"] == "alert_too_old"


# -- secrets --------------------------------------------------------------------------------------------------------

SECRET = "TOP5ECRET-abc123"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"stocks": "INFY", "scan_name": "x", "webhook_url": f"https://b.example/hook/a/{SECRET}"}, id="address"),
        pytest.param(f"{SECRET},buy,INFY,risk=1", id="licence"),
        pytest.param(f"{SECRET},INFY,buy,risk=1,sl=50", id="licence before symbol"),
        pytest.param(f"key={SECRET};command=DANCE;instrument=ES;", id="unknown command"),
        pytest.param(f"bitfinex(BTCUSD) {{\n dance(5s);\n}}\nsig:{SECRET}", id="unknown block"),
        pytest.param({"client_secret": SECRET, "symbol": "INFY", "action": "hold"}, id="client secret"),
        pytest.param({"authorization": f"Bearer {SECRET}", "symbol": "INFY", "action": "hold"}, id="header in the body"),
        pytest.param({"passphrase": f'a"b\\{SECRET}', "symbol": "INFY", "action": "buy"}, id="escaped"),
        pytest.param({"api_secret": SECRET, "api_key": "k", "action": "dance"}, id="unread"),
        pytest.param({"symbol": "INFY", "token": "another", "data": "buy", "multiple_accounts": [{"token": SECRET}]}, id="second"),
    ],
)  # fmt: skip
async def test_no_secret_of_a_message_is_kept(house: House, body: Any) -> None:
    await tell(house, body)

    kept = json.dumps(house.rows("SELECT * FROM alerts") + house.rows("SELECT * FROM events"), default=str)
    assert SECRET not in kept


def test_a_short_secret_is_masked_where_it_is_named_and_nowhere_else() -> None:
    assert mask('{"key":"ab1","symbol":"CAB1","action":"buy"}', "ab1") == '{"key":"***","symbol":"CAB1","action":"buy"}'
