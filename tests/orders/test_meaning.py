"""What the sender meant, or a refusal that says so: targets, reversals, sizes and prices of real messages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bridge.accounts.model import Feed
from bridge.brokers.base import Funds
from bridge.domain.intent import (
    Intent,
    Level,
    OrderType,
    QuantityType,
    Side,
)
from bridge.domain.refusal import Refusal
from bridge.orders.planning import against_position, candidate
from bridge.orders.situation import Candidate
from bridge.orders.sizing import Mapped, Money
from tests.orders.conftest import OpenHouse
from tests.orders.meaning import FEED, FUNDS_NOT_KNOWN, OPENALGO, SETTINGS, outcome, own, tell, trading
from tests.support.house import ACCOUNT, COIN, FUTURE, INFY, House, buy, sell, wish


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The usual house, trading."""
    return await trading(open_house)


# -- targets and reversals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [0, 10, -10])
async def test_a_reversal_ends_at_the_position_the_sender_says_it_has_now(house: House, held: int) -> None:
    await own(house, held, "BTCUSDT")

    body = {"side": "sell", "symbol": "BTCUSDT", "price": "100", "size": "20", "positionSize": "-10"}
    await tell(house, body | {"marketPosition": "short", "prevMarketPosition": "long"})

    assert house.position("BTCUSDT") == -10


async def test_a_position_asked_for_as_a_share_of_the_money_is_opened_not_closed(house: House) -> None:
    await house.run(40)  # the account's money is known by now
    share = {"quantity": 50, "quantity_type": QuantityType.PERCENT_AVAILABLE}
    await house.alert(wish(Intent.TARGET_POSITION, "INFY", side=Side.BUY, **share))
    await house.run(3)

    assert house.position() == 500  # half of 100,000 at 100


async def test_a_position_asked_for_without_any_figure_is_refused(house: House) -> None:
    await own(house, 10)

    await house.alert(wish(Intent.TARGET_POSITION, "INFY"))
    await house.run(3)

    assert (house.position(), outcome(house)[0]) == (10, "target_missing")


async def test_a_reversal_to_the_side_that_is_held_already_does_nothing(house: House) -> None:
    await own(house, 5)

    await house.alert(wish(Intent.REVERSE, "INFY", side=Side.BUY))
    await house.run(3)

    assert house.position() == 5


async def test_a_reversal_in_a_long_only_strategy_still_closes_the_long(open_house: OpenHouse) -> None:
    house = await trading(open_house, direction="long")
    await own(house, 5)

    await house.alert(wish(Intent.REVERSE, "INFY", side=Side.SELL))
    await house.run(3)

    assert house.position() == 0


# -- the other side first -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held", "becomes"), [(-10, 2), (0, 2), (5, 7)])
async def test_traderspost_buys_close_a_short_first_and_then_go_long(house: House, held: int, becomes: int) -> None:
    await own(house, held)

    await tell(house, {"ticker": "INFY", "action": "buy", "quantity": 2})

    assert house.position() == becomes


async def test_a_sell_whose_sender_is_short_afterwards_does_not_leave_a_long(house: House) -> None:
    await own(house, 10)

    await tell(house, {"ticker": "INFY", "action": "sell", "sentiment": "short", "quantity": "8"})

    assert house.position() == -8


async def test_an_entry_that_must_leave_an_opposite_position_alone_is_refused_when_there_is_one(house: House) -> None:
    await own(house, -10, "BTCUSDT")

    hedge = {"symbol": "BTCUSDT", "order_action": "buy", "order_type": "market", "volume": 1, "trade_type": "hedge"}
    await tell(house, hedge)

    assert house.position("BTCUSDT") == -10


async def test_an_opposite_signal_that_only_closes_never_turns_the_position(house: House) -> None:
    await own(house, 3, "BTCUSDT")

    body = {"symbol": "BTCUSDT", "order_action": "sell", "order_type": "market", "volume": 5, "trade_type": "reverse"}
    await tell(house, body)

    assert house.position("BTCUSDT") == 0


# -- sizes ----------------------------------------------------------------------------------------------------------


def test_a_share_of_rupees_is_no_size_for_what_is_quoted_in_dollars() -> None:
    coin = Mapped(replace(COIN, currency="USDT"))
    rupees = Funds(available=Decimal(10**7), used_margin=Decimal(0), realised=Decimal(0), unrealised=Decimal(0))
    asked = buy("BTCUSDT", 10, quantity_type=QuantityType.PERCENT_EQUITY)
    decided = candidate(asked, coin, SETTINGS, FEED, FUNDS_NOT_KNOWN)
    assert isinstance(decided, Candidate)

    no = against_position(decided, Decimal(0), SETTINGS, FEED, Money(None, rupees), coin)

    assert isinstance(no, Refusal)


async def test_a_size_that_needs_the_accounts_money_waits_until_it_is_known(house: House) -> None:
    await house.alert(buy("INFY", 10, quantity_type=QuantityType.PERCENT_EQUITY))
    await house.run(40)

    assert house.position() == 100  # a tenth of 100,000 at 100


async def test_a_split_order_goes_out_in_the_pieces_that_were_asked_for(house: House) -> None:
    await tell(house, OPENALGO | {"quantity": "1200", "splitsize": "500"})

    assert [order.quantity for order in house.orders()] == [500, 500, 200]


async def test_a_cap_on_the_position_that_nobody_keeps_refuses_the_order(house: House) -> None:
    await own(house, 10, "BTCUSDT")

    answer = await tell(house, {"stub": "dev", "direction": "long", "symbol": "BTCUSDT", "size": "50", "max": "500"})

    assert answer.content.get("code") == "condition_unsupported"


async def test_a_multiplier_that_leaves_less_than_a_lot_is_named_as_the_reason(open_house: OpenHouse) -> None:
    house = await trading(open_house, accounts=(Feed(account_id=ACCOUNT, multiplier=Decimal("0.5")),))

    answer = await house.alert(buy(FUTURE.symbol, 1, quantity_type=QuantityType.LOTS, exchange=None))

    assert answer.content["code"] == "quantity_zero"
    assert "0.5" in answer.content["message"]
    assert "less money" not in answer.content["message"]


@pytest.mark.parametrize(("verb", "stop"), [(buy, 120), (sell, 80)])
async def test_a_size_by_risk_needs_its_stop_on_the_losing_side(house: House, verb: Any, stop: int) -> None:
    risk = {"quantity_type": QuantityType.RISK_CASH, "stop_loss": Level(type="price", value=Decimal(stop))}

    answer = await house.alert(verb("INFY", 1000, **risk))

    assert (answer.status, house.orders()) == (422, [])


async def test_a_fraction_below_what_is_traded_is_refused_at_the_door(house: House) -> None:
    answer = await house.alert(buy("BTCUSDT", "0.000000001", exchange=None))

    assert answer.status == 422


async def test_two_entries_of_a_signal_do_not_become_one_of_the_whole_size(house: House) -> None:
    await tell(house, "#BTC/USDT\nLong\nEntry: 90 - 95\nTargets: 120\nStop: 80")

    assert [order.price for order in house.orders()] in ([], [90, 95], [95, 90])


async def test_one_message_for_two_bots_is_not_bought_twice(house: House) -> None:
    one = {"message_type": "bot", "email_token": "fffffff-ffff", "delay_seconds": 0, "pair": "USDT_BTC"}

    await tell(house, [one | {"bot_id": 1}, one | {"bot_id": 2}])

    assert house.sent() < 2


# -- prices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held", "side", "price"), [(1, Side.SELL, 101), (-1, Side.BUY, 99)])
async def test_a_distance_lies_on_the_side_where_an_exit_waits(house: House, held: int, side: Side, price: int) -> None:
    await own(house, held, "BTCUSDT")

    await tell(house, "MyKeys(BTCUSDT) {\n limit(position=0, offset=1, reduceOnly=true);\n}\n#bot")

    last = house.orders()[-1]
    assert (last.side, last.price) == (side, price)


@pytest.mark.parametrize(("named", "order_type"), [("price", OrderType.LIMIT), ("trigger_price", OrderType.STOP)])
async def test_a_price_without_an_order_type_is_never_dropped(house: House, named: str, order_type: OrderType) -> None:
    await house.alert(buy("INFY", 1, **{named: Decimal(95)}))

    order = house.order()
    assert (order.order_type, getattr(order, named)) == (order_type, 95)


async def test_a_trigger_beyond_its_limit_is_refused_at_the_door(house: House) -> None:
    body = {"ticker": "INFY", "action": "buy", "orderType": "stop_limit", "stopPrice": 120, "limitPrice": 110}

    answer = await tell(house, body)

    assert answer.status == 422


async def test_a_stop_reads_its_trigger_and_not_its_price(house: House) -> None:
    await tell(house, OPENALGO | {"pricetype": "SL", "price": "121", "trigger_price": "120"}, seconds=0)

    order = house.order()
    assert (order.order_type, order.trigger_price, order.price) == (OrderType.STOP_LIMIT, 120, 121)


# -- refusals that help ---------------------------------------------------------------------------------------------


async def test_an_unknown_contract_number_is_named(house: House) -> None:
    body = {"name": "L1", "sec_type": "STK", "con_id": "265598", "exch": "SMART", "action": "BUY", "volume": "100"}

    answer = await tell(house, body)

    assert "265598" in answer.content["message"]


def test_a_distance_whose_unit_nobody_set_is_explained_in_words() -> None:
    entry = Level(type="setting", value=Decimal("1.125"))
    asked = buy("INFY", 1, order_type=OrderType.STOP, entry=entry)

    no = candidate(asked, Mapped(INFY), SETTINGS, FEED, FUNDS_NOT_KNOWN)

    assert isinstance(no, Refusal)
    assert "in setting" not in no.message
