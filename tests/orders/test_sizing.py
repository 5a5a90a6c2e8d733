"""How much: from whatever unit a message counts in to units, and into slices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import Intent, Level, OrderType, QuantityType, Side
from bridge.orders.planning import slices
from bridge.orders.sizing import NotPlanned, pip_of
from tests.orders.plans import DOLLAR_COIN, FUNDS, D, planned, refusal_of, refused, step_of
from tests.support.house import COIN, FUTURE, buy, wish

LONG, SHORT = Intent.ENTER_LONG, Intent.ENTER_SHORT


@pytest.mark.parametrize(
    ("unit", "number", "units"),
    [
        (QuantityType.UNITS, 10, 10),
        (QuantityType.BASE, 10, 10),
        (QuantityType.CONTRACTS, 10, 10),
        (QuantityType.DEFAULT, 10, 10),
        (QuantityType.CASH, 1050, 10),
        (QuantityType.QUOTE, 999, 9),
        (QuantityType.PERCENT_EQUITY, 50, 50),
        (QuantityType.PERCENT_AVAILABLE, 50, 40),
        (QuantityType.PERCENT_MARGIN, 50, 40),
    ],
)
def test_sizes_become_units(unit: QuantityType, number: int, units: int) -> None:
    intent = buy(quantity=number, quantity_type=unit)
    made = planned(intent)
    if made.needs_position:
        assert step_of(intent, 0).quantity == units
    else:
        assert made.quantity == units


def test_lots_are_multiplied_by_their_size() -> None:
    made = planned(buy(quantity=2, quantity_type=QuantityType.LOTS), FUTURE)

    assert made.quantity == 130
    assert made.notes[-1] == "2 lots = 130 units"


def test_a_number_without_unit_means_what_the_strategy_says() -> None:
    setting = buy(quantity=2, quantity_type=QuantityType.SETTING)

    assert planned(setting, FUTURE, number_unit=QuantityType.LOTS).quantity == 130
    assert planned(setting, FUTURE).quantity == 2


def test_a_message_without_size_takes_the_symbols_then_the_strategys() -> None:
    assert planned(buy(quantity=None), quantity=D(3), mapped=D(7)).quantity == 7
    assert planned(buy(quantity=None), quantity=D(3)).quantity == 3
    assert planned(buy(quantity=None), FUTURE, quantity=D(3), quantity_type=QuantityType.LOTS).quantity == 195


def test_an_accounts_multiplier_scales_down_to_whole_lots() -> None:
    made = planned(buy(quantity=1, quantity_type=QuantityType.LOTS), FUTURE, multiplier="2.5")

    assert made.quantity == 130
    assert made.notes[-1] == "1 lots × 2.5 = 130 units"


def test_a_counted_size_is_not_rounded_behind_the_traders_back() -> None:
    assert planned(buy(quantity=D("2.5"))).quantity == D("2.5")  # the check says that it is not whole


def test_money_buys_fractions_of_a_coin() -> None:
    made = planned(buy("BTCUSDT", quantity=100, quantity_type=QuantityType.CASH), COIN, price=30)

    assert made.quantity == D("3.33333333")


def test_money_at_a_limit_is_divided_by_the_limit() -> None:
    intent = buy(quantity=1000, quantity_type=QuantityType.CASH, order_type=OrderType.LIMIT, price=D(50))

    assert planned(intent).quantity == 20


@pytest.mark.parametrize(
    ("stop", "units"),
    [
        (Level(type="price", value=D(95)), 20),
        (Level(type="percent", value=D(2)), 50),
        (Level(type="offset", value=D(10)), 10),
    ],
)
def test_a_size_by_risk_is_money_by_distance_to_the_stop(stop: Level, units: int) -> None:
    cash = buy(quantity=100, quantity_type=QuantityType.RISK_CASH, stop_loss=stop)
    percent = buy(quantity=1, quantity_type=QuantityType.RISK_PERCENT, stop_loss=stop)

    assert planned(cash).quantity == units
    assert step_of(percent, 0).quantity == units


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (None, "stop_missing"),
        (Level(type="price"), "stop_missing"),
        (Level(type="pips", value=D(3)), "pips_unknown"),
        (Level(type="setting", value=D(3)), "stop_unit_unknown"),
        (Level(type="price", value=D(100)), "stop_on_wrong_side"),
        (Level(type="price", value=D(101)), "stop_on_wrong_side"),
    ],
)
def test_a_size_by_risk_needs_a_stop_that_means_something(stop: Level | None, code: str) -> None:
    assert refused(buy(quantity=100, quantity_type=QuantityType.RISK_CASH, stop_loss=stop)) == code


def test_money_needs_a_price() -> None:
    assert refused(buy(quantity=100, quantity_type=QuantityType.CASH), price=None) == "price_unknown"


def test_a_share_of_the_account_needs_its_funds() -> None:
    assert refusal_of(buy(quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, funds=None) == "funds_unknown"


def test_a_share_of_rupees_is_no_size_in_dollars() -> None:
    assert (
        refusal_of(buy("BTCUSDT", quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, DOLLAR_COIN)
        == "currency_differs"
    )
    dollars = replace(FUNDS, currency="USD")
    assert step_of(buy("BTCUSDT", quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, DOLLAR_COIN, funds=dollars)


def test_a_target_may_be_a_side_and_a_size() -> None:
    assert step_of(wish(Intent.TARGET_POSITION, "INFY", 4, side=Side.SELL), 0).quantity == 4
    assert step_of(wish(Intent.TARGET_POSITION, "INFY", 4, side=Side.BUY), 10).quantity == 6


def test_a_share_of_a_position_means_nothing_to_a_new_one() -> None:
    assert (
        refusal_of(wish(Intent.ADD, quantity=5, quantity_type=QuantityType.PERCENT_POSITION), 10) == "size_unit_unknown"
    )


def test_leverage_counts_for_a_share_of_margin_only() -> None:
    margin = buy(quantity=50, quantity_type=QuantityType.PERCENT_MARGIN, leverage=D(3))
    equity = buy(quantity=50, quantity_type=QuantityType.PERCENT_EQUITY, leverage=D(3))

    assert step_of(margin, 0).quantity == 120
    assert step_of(equity, 0).quantity == 50


@given(st.integers(1, 100), st.integers(1, 50), st.integers(1, 300))
def test_slices_are_whole_lots_under_the_freeze_and_lose_nothing(lots: int, lot: int, freeze_lots: int) -> None:
    quantity, freeze = D(lots * lot), D(freeze_lots * lot + lot // 2)

    pieces = slices(quantity, freeze, D(lot))

    assert sum(pieces) == quantity
    assert all(0 < piece <= freeze and piece % lot == 0 for piece in pieces)
    assert len(pieces) == -(-lots // freeze_lots)


def test_pieces_in_which_not_even_a_lot_fits_are_not_made() -> None:
    assert slices(D(195), D(50), D(65)) == [195]


def test_without_a_freeze_quantity_nothing_is_cut() -> None:
    assert slices(D(100_000), None, D(65)) == [100_000]


@pytest.mark.parametrize(("currency", "pip"), [("USD", "0.0001"), ("JPY", "0.01")])
def test_a_currency_pair_has_its_pip(currency: str, pip: str) -> None:
    assert pip_of(
        Instrument(symbol=f"EUR{currency}", exchange="FX", kind=InstrumentKind.FOREX, currency=currency)
    ) == D(pip)


def test_what_is_no_currency_pair_has_no_pips() -> None:
    with pytest.raises(NotPlanned, match="has no pips"):
        pip_of(COIN)
