"""What must be true before an order goes out: each check alone, then their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from types import ModuleType
from typing import Any

import pytest

from bridge.accounts.model import (
    Role,
    Stop,
    SymbolMapping,
    Window,
)
from bridge.domain.intent import Intent, Level, OrderType, Product, Side, TimeInForce
from bridge.orders import checks, messages
from bridge.orders.checks import CHECKS, first_refusal
from bridge.orders.figures import FIGURES
from bridge.orders.situation import Session, Use
from tests.orders.situations import EXIT, D, candidate, freeze, no, situation
from tests.support.brokers import EVERYTHING
from tests.support.house import ANN, FUTURE, INFY, NIFTY, wish


def test_an_ordinary_order_passes_every_check() -> None:
    assert first_refusal(candidate(), situation()) is None


@pytest.mark.parametrize(("scope", "words"), [("global", "everything"), ("strategy", "this strategy")])
def test_a_kill_switch_stops_ways_out_too(scope: str, words: str) -> None:
    stopped = situation(stop=Stop(scope, "", "", 0, "Ann"))

    refusal = checks.trading_is_not_stopped(EXIT, stopped)

    assert refusal is not None
    assert refusal.code == "stopped"
    assert refusal.message == f"Trading is stopped for {words}: no reason given."


@pytest.mark.parametrize("user", [None, replace(ANN, disabled=True), replace(ANN, role=Role.VIEWER)])
def test_only_people_who_may_trade_do(user: Any) -> None:
    assert no(checks.owner_may_trade, candidate(), situation(user=user)) == "user_may_not_trade"


def test_a_strategy_that_is_off_sends_nothing() -> None:
    off = situation()
    off = replace(off, strategy=replace(off.strategy, enabled=False))

    assert no(checks.strategy_is_on, candidate(), off) == "strategy_disabled"
    assert no(checks.strategy_is_on, candidate(), situation()) is None


@pytest.mark.parametrize("by_owner", [True, False])
def test_a_cancel_of_the_owners_passes_a_stop_and_a_strategy_that_is_off(by_owner: bool) -> None:
    cancel = candidate(intent=wish(Intent.CANCEL_ORDERS, extras={checks.BY_OWNER: by_owner}))
    stopped = situation(stop=Stop("global", "", "", 0, "Ann"))
    off = replace(stopped, strategy=replace(stopped.strategy, enabled=False))

    assert no(checks.trading_is_not_stopped, cancel, off) == (None if by_owner else "stopped")
    assert no(checks.strategy_is_on, cancel, off) == (None if by_owner else "strategy_disabled")


def test_nothing_but_a_cancel_passes_a_stop_by_being_the_owners() -> None:
    order = candidate(intent=wish(Intent.BUY, extras={checks.BY_OWNER: True}))

    assert no(checks.trading_is_not_stopped, order, situation(stop=Stop("global", "", "", 0, "Ann"))) == "stopped"


def test_an_account_must_be_there_its_owners_and_on() -> None:
    around = situation()
    assert around.account is not None
    for account, capabilities, code in (
        (None, EVERYTHING, "account_unknown"),
        (replace(around.account, user_id="us_bob"), EVERYTHING, "account_unknown"),
        (replace(around.account, disabled=True), EVERYTHING, "account_disabled"),
        (around.account, None, "broker_unknown"),
        (around.account, EVERYTHING, None),
    ):
        found = no(checks.account_is_usable, candidate(), replace(around, account=account, capabilities=capabilities))
        assert found == code


@pytest.mark.parametrize(
    ("age", "way_out", "said_max", "code"),
    [
        (None, False, None, None),
        (60, False, None, None),
        (60.1, False, None, "alert_too_old"),
        (60.1, True, None, None),
        (300.1, True, None, "alert_too_old"),
        (20, False, 10.0, "alert_too_old"),
        (100, False, 200.0, "alert_too_old"),
        (-30, False, None, None),
        (-30.1, True, None, "alert_from_the_future"),
    ],
)
def test_a_late_signal_is_a_different_signal(
    age: float | None, way_out: bool, said_max: float | None, code: str | None
) -> None:
    made = EXIT if way_out else candidate()

    assert no(checks.alert_is_fresh, made, situation(alert_age_s=age, message_max_age_s=said_max)) == code


def test_entries_wait_while_the_clock_is_being_set() -> None:
    assert no(checks.clock_is_steady, candidate(), situation(clock_jumped=True)) == "clock_jumped"
    assert no(checks.clock_is_steady, EXIT, situation(clock_jumped=True)) is None
    assert no(checks.clock_is_steady, candidate(), situation(clock_jumped=False)) is None


def test_an_older_bar_after_a_newer_one_is_refused() -> None:
    assert no(checks.alert_is_in_order, candidate(), situation(out_of_order="A newer one was taken.")) == "out_of_order"
    assert no(checks.alert_is_in_order, candidate(), situation()) is None


@pytest.mark.parametrize(
    ("direction", "side", "code"),
    [
        ("long", "buy", None),
        ("long", "sell", "direction_not_allowed"),
        ("short", "buy", "direction_not_allowed"),
        ("both", "sell", None),
    ],
)
def test_a_one_sided_strategy_opens_on_its_side_only(direction: str, side: str, code: str | None) -> None:
    made = candidate(side=Side(side))

    assert no(checks.direction_is_allowed, made, situation(direction=direction)) == code
    assert no(checks.direction_is_allowed, replace(made, reduces=True), situation(direction=direction)) is None


def test_a_strategy_trades_its_own_symbols() -> None:
    listed = {"INFOSYS": SymbolMapping(exchange="NSE", symbol="INFY")}
    narrow = situation(any_symbol=False, symbols=listed)

    assert no(checks.symbol_is_allowed, candidate(), situation()) is None
    assert no(checks.symbol_is_allowed, candidate(), narrow) is None  # by what it is mapped to
    assert no(checks.symbol_is_allowed, candidate(FUTURE), replace(narrow, written="INFOSYS")) is None  # by spelling
    assert no(checks.symbol_is_allowed, candidate(FUTURE), narrow) == "symbol_not_allowed"
    assert no(checks.symbol_is_allowed, candidate(FUTURE, reduces=True), narrow) is None  # the way out stays open


def test_nobody_trades_an_index() -> None:
    assert no(checks.instrument_is_tradable, candidate(NIFTY), situation()) == "index_not_tradable"
    assert no(checks.instrument_is_tradable, candidate(), situation()) is None


@pytest.mark.parametrize(
    ("window", "entry", "way_out"),
    [
        (Window(), None, None),
        (Window(start=time(9, 30), end=time(9, 30)), None, None),
        (Window(start=time(9, 31)), "outside_window", None),
        (Window(end=time(9, 29)), "outside_window", None),
        (Window(square_off=time(9, 29)), "outside_window", None),
        (Window(end=time(9, 29), square_off=time(9, 31)), "outside_window", None),
        (Window(end=time(4, 0), zone="UTC"), None, None),
    ],
)
def test_the_strategys_window_is_for_entries_and_the_way_out_is_always_open(
    window: Window, entry: str | None, way_out: str | None
) -> None:
    assert no(checks.window_is_open, candidate(), situation(window=window)) == entry
    assert no(checks.window_is_open, EXIT, situation(window=window)) == way_out


def test_a_closed_market_takes_nothing() -> None:
    shut = situation(session=Session(False, "NSE opens at 09:15"))

    refusal = checks.market_is_open(EXIT, shut)

    assert refusal is not None
    assert refusal.message == "NSE opens at 09:15. Nothing was sent."
    assert no(checks.market_is_open, EXIT, situation()) is None


def test_after_the_square_off_nothing_intraday_is_opened() -> None:
    late = situation(square_off_passed="Closed at 15:15.")

    assert no(checks.intraday_is_still_possible, candidate(), late) == "after_square_off"
    assert no(checks.intraday_is_still_possible, EXIT, late) is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"instrument": replace(INFY, exchange="BSE")}, "exchange BSE"),
        ({"order_type": OrderType.TRAILING_STOP}, "order type trailing_stop"),
        ({"time_in_force": TimeInForce.GTC}, "validity gtc"),
    ],
)
def test_what_cannot_be_said_to_the_broker_is_refused(changes: dict[str, Any], word: str) -> None:
    refusal = checks.broker_can_say_it(replace(candidate(), **changes), situation())

    assert refusal is not None
    assert refusal.code == "unsupported_by_broker"
    assert refusal.message == f"Main has no {word}."


def test_products_a_broker_does_not_know_are_refused() -> None:
    can = replace(EVERYTHING, products=frozenset({Product.CNC}))

    assert no(checks.broker_can_say_it, candidate(), situation(capabilities=can)) == "unsupported_by_broker"
    assert (
        no(checks.broker_can_say_it, candidate(), situation(capabilities=can, account=None)) == "unsupported_by_broker"
    )
    assert no(checks.broker_can_say_it, candidate(), situation(capabilities=None)) is None


@pytest.mark.parametrize(
    ("extras", "entry", "way_out"),
    [
        ({}, None, None),
        ({"trade_id": 7}, "trade_number_unknown", "trade_number_unknown"),
        ({"allow_add": False}, "condition_unsupported", None),
        ({"allow_add": True}, None, None),
        *[({name: 1}, "condition_unsupported", None) for name in sorted(checks.CONDITIONS)],
        *[({name: 0}, None, None) for name in sorted(checks.CONDITIONS)],
    ],
)
def test_a_condition_that_nobody_keeps_is_refused(
    extras: dict[str, Any], entry: str | None, way_out: str | None
) -> None:
    made = candidate(intent=wish(Intent.BUY, extras=extras))

    assert no(checks.conditions_are_kept, made, situation()) == entry
    assert no(checks.conditions_are_kept, replace(made, reduces=True), situation()) == way_out


def test_a_stop_that_nobody_would_place_is_not_swallowed() -> None:
    made = candidate(intent=wish(Intent.BUY, stop_loss=Level(type="price", value=D(95))))

    assert no(checks.attached_exits_are_understood, made, situation()) == "attached_exits_unsupported"
    assert no(checks.attached_exits_are_understood, made, situation(attached_exits="note")) is None
    assert no(checks.attached_exits_are_understood, replace(made, reduces=True), situation()) is None
    assert no(checks.attached_exits_are_understood, candidate(), situation()) is None


def test_the_first_refusal_ends_the_journey_and_the_brake_is_first() -> None:
    wrong = situation(stop=Stop("global", "", "smoke", 0, "Ann"), user=None, account=None)

    found = first_refusal(candidate(quantity=0), wrong)

    assert found is not None
    assert found.code == "stopped"
    assert CHECKS[0] is checks.trading_is_not_stopped


@pytest.mark.parametrize(
    ("module", "listed"), [(checks, checks.CHECKS), (messages, messages.MESSAGE_CHECKS)], ids=["orders", "messages"]
)
def test_every_check_is_in_its_list_once(module: ModuleType, listed: tuple[Any, ...]) -> None:
    returns = {name: getattr(value, "__annotations__", {}).get("return") for name, value in vars(module).items()}
    written = {name for name, what in returns.items() if what == "Refusal | None" and not name.startswith("_")}

    assert written - {"first_refusal"} == {check.__name__ for check in listed}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("check", FIGURES, ids=lambda check: check.__name__)
def test_a_check_that_passed_shows_the_figures_it_had_before_it(check: checks.Check) -> None:
    for made in (candidate(FUTURE), candidate(quantity=None)):
        for around in (situation(), situation(quote=None, quantity_max=D(5), value_max=D(9), alert_age_s=3.0)):
            assert FIGURES[check](made, around)


def test_figures_name_the_limit_and_what_was_found() -> None:
    around = situation(quantity_max=D(50), value_max=D(5000), alert_age_s=3.04, strategy_use=Use(1, 2))

    assert FIGURES[checks.quantity_within_limit](candidate(), around) == "10 units; limit 50"
    assert FIGURES[checks.value_within_limit](candidate(), around) == "about 1,000.00; limit 5,000.00"
    assert FIGURES[checks.alert_is_fresh](candidate(), around).startswith("3.0 s old; limits 60 s")
    assert FIGURES[checks.orders_within_rate](candidate(), around).startswith("this minute 1 by the strategy")
    sliced = replace(freeze(65), strategy=around.strategy)
    assert FIGURES[checks.size_can_be_sliced](candidate(), sliced) == "The figure of the day is not known."
