"""Unknown schemas: synonyms are understood, positions decide the verb, and what is doubtful is refused."""

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.dialects import read
from bridge.domain.intent import Kind, Level, OrderIntent, QuantityType, Reading
from bridge.domain.refusal import Refusal


def reading_of(**members: Any) -> Reading:
    return read("application/json", json.dumps(members), pinned="generic_json")


def only_order(**members: Any) -> OrderIntent:
    reading = reading_of(**members)
    assert reading.refusal is None, reading.refusal
    return reading.orders[0]


def refusal_of(reading: Reading) -> Refusal:
    assert reading.refusal is not None
    return reading.refusal


@pytest.mark.parametrize("name", ["symbol", "ticker", "instrument", "pair", "market"])
def test_a_symbol_has_many_names(name: str) -> None:
    assert only_order(**{name: "BTCUSDT", "action": "buy"}).symbol == "BTCUSDT"


@pytest.mark.parametrize("name", ["action", "side", "signal", "direction", "order_action", "orderAction"])
def test_a_side_has_many_names(name: str) -> None:
    assert only_order(**{"symbol": "X", name: "sell"}).intent == "sell"


@pytest.mark.parametrize("name", ["quantity", "qty", "size", "amount", "contracts", "volume"])
def test_a_size_has_many_names(name: str) -> None:
    assert only_order(symbol="X", action="buy", **{name: "2"}).quantity == 2


@pytest.mark.parametrize("name", ["secret", "key", "token", "passphrase", "auth_key"])
def test_a_secret_has_many_names_and_stays_hidden(name: str) -> None:
    reading = reading_of(symbol="X", action="buy", **{name: "hush-hush"})

    assert reading.secret == "hush-hush"
    assert "hush-hush" not in json.dumps(reading.to_json())


@pytest.mark.parametrize(
    ("before", "after", "action", "intent"),
    [
        ("flat", "long", "buy", "enter_long"),
        ("flat", "short", "sell", "enter_short"),
        ("long", "flat", "sell", "exit_long"),
        ("short", "flat", "buy", "exit_short"),
        ("long", "short", "sell", "reverse"),
        ("short", "long", "buy", "reverse"),
        ("long", "long", "buy", "add"),
        ("long", "long", "sell", "exit_long"),
        ("short", "short", "buy", "exit_short"),
    ],
)
def test_the_positions_around_an_order_tell_what_it_does(before: str, after: str, action: str, intent: str) -> None:
    order = only_order(symbol="X", action=action, market_position=after, prev_market_position=before, qty=1)

    assert order.intent == intent


@pytest.mark.parametrize(
    ("held", "traded", "action", "intent"),
    [(5, 5, "buy", "enter_long"), (0, 5, "sell", "exit_long"), (-5, 10, "sell", "reverse"), (10, 5, "buy", "add")],
)
def test_what_is_held_now_tells_what_was_held_before(held: int, traded: int, action: str, intent: str) -> None:
    assert only_order(symbol="X", action=action, position_size=held, qty=traded).intent == intent


@pytest.mark.parametrize(
    ("stop", "target", "price", "action", "kind"),
    [
        (99, 110, 100, "buy", "price"),
        (2, 4, 100, "buy", "offset"),
        (50, 100, None, "buy", "offset"),
        (0.4, 0.6, None, "buy", "price"),
        (110, 90, None, "sell", "price"),
        (10, 20, None, "sell", "offset"),
    ],
)
def test_bare_stops_are_prices_or_distances_by_what_is_plausible(
    stop: Any, target: Any, price: Any, action: str, kind: Any
) -> None:
    order = only_order(symbol="X", action=action, stopLoss=stop, takeProfit=target, price=price)

    assert [exit.type for exit in (order.stop_loss, *order.take_profit) if exit] == [kind, kind]


def test_a_lone_stop_without_a_price_is_left_to_the_settings() -> None:
    assert only_order(symbol="X", action="buy", sl=5).stop_loss == Level(type="setting", value=Decimal(5))


def test_a_stop_that_fits_nothing_is_refused() -> None:
    assert refusal_of(reading_of(symbol="X", action="buy", sl=99, tp=5, price=100)).code == "ambiguous_exit"


def test_a_bare_price_is_only_the_price_at_the_alert() -> None:
    order = only_order(symbol="X", action="buy", price="100")

    assert order.price is None
    assert order.signal_price == 100


def test_a_percentage_as_size_is_a_share_of_the_equity() -> None:
    assert only_order(symbol="X", action="buy", size="5%").quantity_type is QuantityType.PERCENT_EQUITY


@pytest.mark.parametrize("name", ["max_loss", "trailing_stop", "close_on_trigger", "order_expiry", "stop_limit_price"])
def test_a_member_that_may_change_the_order_is_not_left_out(name: str) -> None:
    refusal = refusal_of(reading_of(symbol="X", action="buy", qty=1, **{name: "5"}))

    assert refusal.code == "unknown_member"
    assert refusal.message.startswith(name)


def test_harmless_members_are_left_out() -> None:
    assert only_order(symbol="X", action="buy", qty=1, rsi=30, confidence="high", chart={"url": "u"}).quantity == 1


def test_a_heartbeat_only_tells() -> None:
    assert reading_of(symbol="X", action="buy", heartbeat=True).kind is Kind.NOTIFY


def test_messages_of_different_kinds_in_one_array_are_refused() -> None:
    body = [{"symbol": "X", "action": "buy"}, {"symbol": "X", "action": "cancel"}]

    assert refusal_of(read("application/json", json.dumps(body))).code == "mixed_kinds"


def test_one_bad_message_of_an_array_refuses_them_all() -> None:
    body = [{"symbol": "X", "action": "buy"}, {"symbol": "X", "action": "buy", "qty": "ten"}]

    reading = read("application/json", json.dumps(body))

    assert refusal_of(reading).code == "bad_number"
    assert not reading.orders
