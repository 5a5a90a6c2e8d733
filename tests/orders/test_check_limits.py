"""Checks that compare figures: sizes, prices, values, rates and losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.accounts.model import (
    AccountSettings,
)
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, OrderType
from bridge.orders import checks
from bridge.orders.situation import Use
from tests.orders.situations import EXIT, D, candidate, freeze, no, situation
from tests.support.house import COIN, FUTURE, INFY, wish


@pytest.mark.parametrize(
    ("instrument", "quantity", "code"),
    [
        (INFY, None, None),
        (INFY, 1, None),
        (INFY, 0, "quantity_zero"),
        (INFY, -1, "quantity_zero"),
        (INFY, checks.QUANTITY_MAX, None),
        (INFY, checks.QUANTITY_MAX + 1, "quantity_beyond_reason"),
        (INFY, "1.5", "quantity_fraction"),
        (COIN, "0.5", None),
        (FUTURE, 65, None),
        (FUTURE, 66, "quantity_not_in_lots"),
    ],
)
def test_quantities_are_whole_units_and_whole_lots(instrument: Instrument, quantity: Any, code: str | None) -> None:
    assert no(checks.quantity_is_tradable, candidate(instrument, quantity), situation()) == code


def test_what_is_held_can_be_closed_although_lots_have_changed_since() -> None:
    assert no(checks.quantity_is_tradable, candidate(FUTURE, 75, reduces=True), situation()) is None
    assert no(checks.quantity_is_tradable, candidate(FUTURE, "0.5", reduces=True), situation()) == "quantity_fraction"


@pytest.mark.parametrize(
    ("order_type", "price", "trigger", "code"),
    [
        (OrderType.MARKET, None, None, None),
        (OrderType.LIMIT, "100.05", None, None),
        (OrderType.LIMIT, None, None, "price_missing"),
        (OrderType.STOP, None, None, "trigger_price_missing"),
        (OrderType.STOP, None, "99", None),
        (OrderType.STOP_LIMIT, "99", None, "trigger_price_missing"),
        (OrderType.STOP_LIMIT, None, "99", "price_missing"),
        (OrderType.LIMIT, "0", None, "price_not_positive"),
        (OrderType.STOP, None, "-1", "trigger_price_not_positive"),
        (OrderType.LIMIT, "100.01", None, "price_off_tick"),
        (OrderType.STOP_LIMIT, "100", "99.99", "trigger_price_off_tick"),
    ],
)
def test_prices_are_there_positive_and_on_the_tick(
    order_type: OrderType, price: str | None, trigger: str | None, code: str | None
) -> None:
    levels: dict[str, Any] = {"price": price and D(price), "trigger_price": trigger and D(trigger)}

    assert no(checks.prices_are_sound, candidate(order_type=order_type, **levels), situation()) == code


def test_an_entry_stays_within_the_strategys_size() -> None:
    small = situation(quantity_max=D(9))

    assert no(checks.quantity_within_limit, candidate(), small) == "quantity_above_limit"
    assert no(checks.quantity_within_limit, candidate(quantity=9), small) is None
    assert no(checks.quantity_within_limit, EXIT, small) is None


@pytest.mark.parametrize(
    ("strategy", "account", "code"),
    [
        (999, None, "value_above_limit"),
        (None, 999, "value_above_limit"),
        (2000, 999, "value_above_limit"),
        (1000, 1000, None),
        (None, None, None),
    ],
)
def test_an_entry_stays_within_the_narrower_value(strategy: int | None, account: int | None, code: str | None) -> None:
    ours = AccountSettings(order_value_max=D(account) if account else None)
    around = situation(ours, value_max=D(strategy) if strategy else None)

    assert no(checks.value_within_limit, candidate(), around) == code
    assert no(checks.value_within_limit, EXIT, around) is None


def test_the_value_counts_at_the_orders_own_price_first() -> None:
    around = situation(value_max=D(1000))

    assert no(checks.value_within_limit, candidate(price=D(101)), around) == "value_above_limit"
    assert no(checks.value_within_limit, candidate(trigger_price=D(101)), around) == "value_above_limit"
    assert no(checks.value_within_limit, candidate(price=D(99)), around) is None


def test_not_knowing_a_price_is_no_way_around_a_cap() -> None:
    blind = situation(value_max=D(10**9), quote=None)

    assert no(checks.value_within_limit, candidate(), blind) == "price_unknown"
    assert no(checks.value_within_limit, candidate(), replace(blind, account=None)) == "price_unknown"


def test_large_orders_are_cut_where_the_figure_is_known() -> None:
    big = candidate(FUTURE, 650)

    assert no(checks.size_can_be_sliced, big, freeze(65)) is None
    assert no(checks.size_can_be_sliced, candidate(FUTURE, 715), freeze(65)) == "too_many_slices"
    assert no(checks.size_can_be_sliced, big, freeze(65, may_slice=False)) == "freeze_quantity_unknown"
    assert no(checks.size_can_be_sliced, big, freeze(650, may_slice=False)) is None
    assert no(checks.size_can_be_sliced, big, freeze(None, may_slice=False)) is None
    assert no(checks.size_can_be_sliced, big, situation()) is None
    assert no(checks.size_can_be_sliced, candidate(quantity=None), freeze(65)) is None


def test_pieces_that_a_message_asks_for_are_whole_lots_and_at_most_a_hundred() -> None:
    def split(quantity: int, piece: Any, **more: Any) -> str | None:
        asked = wish(Intent.BUY, FUTURE.symbol, split_size=None if piece is None else D(piece))
        return no(checks.split_is_possible, candidate(FUTURE, quantity, intent=asked, **more), situation())

    assert split(650, None) is None
    assert split(6500, 65) is None
    assert split(6565, 65) == "split_too_small"
    assert [split(650, piece) for piece in (0, 1, 64, 100)] == ["split_not_in_lots"] * 4
    assert split(6565, 1, reduces=True) is None  # a way out is not held up by them


@pytest.mark.parametrize("may_slice", [True, False])
def test_no_position_is_too_large_to_be_closed(may_slice: bool) -> None:
    way_out = candidate(FUTURE, 715, reduces=True)

    assert no(checks.size_can_be_sliced, way_out, freeze(65, may_slice=may_slice)) is None


@pytest.mark.parametrize(
    ("uses", "code"),
    [
        ({"strategy_use": Use(2, 0)}, "strategy_orders_per_minute"),
        ({"strategy_use": Use(0, 5)}, "strategy_orders_per_day"),
        ({"account_use": Use(3, 0)}, "account_orders_per_minute"),
        ({"account_use": Use(0, 6)}, "account_orders_per_day"),
        ({"strategy_use": Use(1, 4), "account_use": Use(2, 5)}, None),
    ],
)
def test_a_runaway_sender_is_stopped(uses: dict[str, Use], code: str | None) -> None:
    limits = AccountSettings(orders_per_minute=3, orders_per_day=6)
    around = situation(limits, orders_per_minute=2, orders_per_day=5, **uses)

    assert no(checks.orders_within_rate, candidate(), around) == code
    assert no(checks.orders_within_rate, EXIT, around) is None


def test_without_an_account_only_the_strategys_rates_count() -> None:
    assert no(checks.orders_within_rate, candidate(), situation(account=None, account_use=Use(999, 999))) is None


@pytest.mark.parametrize(
    ("mine", "ours", "code"),
    [(100, None, "daily_loss_reached"), (None, 100, "daily_loss_reached"), (101, 101, None), (None, None, None)],
)
def test_after_the_days_loss_only_ways_out_go(mine: int | None, ours: int | None, code: str | None) -> None:
    limits = AccountSettings(daily_loss_max=D(ours) if ours else None)
    lost = situation(limits, daily_loss_max=D(mine) if mine else None, strategy_loss=D(100), account_loss=D(100))

    assert no(checks.daily_loss_not_reached, candidate(), lost) == code
    assert no(checks.daily_loss_not_reached, EXIT, lost) is None


def test_without_an_account_only_the_strategys_loss_counts() -> None:
    assert no(checks.daily_loss_not_reached, candidate(), situation(account=None, account_loss=D(10**9))) is None
