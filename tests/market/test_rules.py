"""Dated rules: freeze quantities, lots, rates, market orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market.quantities import freeze_quantity, is_whole_lots, lots_of, round_to_tick
from bridge.market.rules import (
    MarketOrders,
    Rule,
    RuleBook,
    bundled_rules,
    freeze_limit,
    lot_rule,
    market_orders,
    order_rate,
)

NIFTY_FUTURE = Instrument(
    symbol="NIFTY29DEC26FUT",
    exchange="NFO",
    kind=InstrumentKind.FUTURE,
    underlying="NIFTY",
    expiry=date(2026, 12, 29),
    lot_size=Decimal(65),
)
RELIANCE = Instrument(symbol="RELIANCE", exchange="NSE", kind=InstrumentKind.EQUITY, tick_size=Decimal("0.1"))


def future_on(underlying: str, exchange: str = "NFO") -> Instrument:
    return replace(NIFTY_FUTURE, symbol=f"{underlying}29DEC26FUT", underlying=underlying, exchange=exchange)


@pytest.mark.parametrize(
    ("day", "nifty", "banknifty", "finnifty", "midcap"),
    [
        (date(2025, 3, 3), 1800, 900, 1800, 4200),
        (date(2025, 7, 31), 1800, 900, 1800, 4200),
        (date(2025, 8, 1), 1800, 600, 1800, 2800),
        (date(2025, 9, 15), 1800, 900, 1800, 2800),
        (date(2025, 11, 3), 1800, 600, 1800, 2800),
        (date(2026, 1, 31), 1800, 600, 1200, 2800),
        (date(2026, 2, 1), 1800, 600, 1800, 2800),
        (date(2026, 3, 2), 1800, 600, 1200, 2800),
        (date(2026, 6, 30), 1800, 900, 1800, 2800),
        (date(2026, 8, 31), 1800, 600, 1800, 2800),
    ],
)
def test_index_orders_are_sliced_at_the_freeze_quantity_of_the_day(
    day: date, nifty: int, banknifty: int, finnifty: int, midcap: int
) -> None:
    names = ("NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50")
    limits = [freeze_limit(future_on(name), day) for name in names]
    assert [(limit.quantity, limit.may_slice) for limit in limits if limit] == [
        (Decimal(quantity), True) for quantity in (nifty, banknifty, finnifty, midcap, 600)
    ]


@pytest.mark.parametrize("day", [date(2025, 10, 15), date(2026, 9, 1), date(2026, 11, 23)])
def test_in_a_month_whose_freeze_quantity_was_not_read_nothing_is_sliced_and_the_least_known_figure_holds(
    day: date,
) -> None:
    limit = freeze_limit(future_on("BANKNIFTY"), day)
    assert limit
    assert (limit.quantity, limit.may_slice) == (Decimal(600), False)
    assert "not known" in limit.sentence


def test_a_stock_contract_without_any_known_freeze_quantity_is_not_sliced_at_all() -> None:
    limit = freeze_limit(future_on("RELIANCE"), date(2026, 8, 3))
    assert limit
    assert (limit.quantity, limit.may_slice) == (None, False)


def test_shares_have_no_freeze_quantity() -> None:
    assert freeze_quantity(RELIANCE, date(2026, 8, 3)) is None


def test_a_freeze_decision_names_the_version_of_its_rule() -> None:
    limit = freeze_quantity(NIFTY_FUTURE, date(2026, 8, 3))
    assert limit
    assert limit.rule == "freeze_quantity NFO:NIFTY from 2026-07-01"


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", date(2025, 12, 30), "75"),
        ("NIFTY", date(2026, 1, 6), "65"),
        ("BANKNIFTY", date(2025, 6, 26), "30"),
        ("BANKNIFTY", date(2025, 7, 31), "35"),
        ("BANKNIFTY", date(2026, 1, 27), "30"),
        ("MIDCPNIFTY", date(2025, 12, 30), "140"),
        ("FINNIFTY", date(2026, 1, 27), "60"),
        ("NIFTYNXT50", date(2026, 1, 27), "25"),
    ],
)
def test_the_lot_is_that_of_the_series(underlying: str, expiry: date, lot: str) -> None:
    rule = lot_rule("NFO", underlying, expiry)
    assert rule
    assert rule.value == lot


def test_no_two_versions_of_a_rule_hold_on_the_same_day() -> None:
    book = bundled_rules()
    seen = {(rule.name, rule.scope) for rule in book}
    for name, scope in seen:
        versions = book.known(name, scope)
        for earlier, later in pairwise(versions):
            assert earlier.valid_to, f"{earlier.version} has no end but {later.version} follows"
            assert earlier.valid_to < later.valid_from


def test_every_rule_names_its_source() -> None:
    assert [rule.version for rule in bundled_rules() if not rule.source] == []


def test_an_unregistered_algorithm_may_send_ten_orders_a_second_in_india() -> None:
    rule = order_rate("NFO", date(2026, 11, 23))
    assert rule
    assert rule.value == "10"
    assert order_rate("CRYPTO", date(2026, 11, 23)) is None


@pytest.mark.parametrize(
    ("exchange", "day", "policy"),
    [
        ("NFO", date(2025, 8, 3), MarketOrders.ALLOWED),
        ("NFO", date(2025, 8, 4), MarketOrders.REFUSED_FROM_ALGORITHMS),
        ("CDS", date(2025, 5, 5), MarketOrders.REFUSED_FROM_ALGORITHMS),
        ("CRYPTO", date(2026, 8, 4), MarketOrders.ALLOWED),
        ("NASDAQ", date(2026, 8, 4), MarketOrders.ALLOWED),
    ],
)
def test_bare_market_orders_are_refused_since_each_exchange_s_date(
    exchange: str, day: date, policy: MarketOrders
) -> None:
    assert market_orders(exchange, day)[0] is policy


def test_a_rule_entered_by_hand_replaces_the_bundled_one_of_its_date() -> None:
    entered = Rule(
        name="freeze_quantity",
        scope="NFO:NIFTY",
        value="2000",
        valid_from=date(2026, 11, 2),
        valid_to=date(2026, 11, 30),
        source="contract file of 2 Nov 2026",
    )
    book = bundled_rules().amended([entered])
    amended = freeze_limit(NIFTY_FUTURE, date(2026, 11, 23), book)
    assert amended
    assert (amended.quantity, amended.may_slice) == (Decimal(2000), True)
    assert book.find("freeze_quantity", ("NFO:NIFTY",), date(2026, 8, 3)) == bundled_rules().find(
        "freeze_quantity", ("NFO:NIFTY",), date(2026, 8, 3)
    )


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_a_rule_found_for_a_day_holds_on_that_day(day: date) -> None:
    rule = bundled_rules().find("freeze_quantity", ("NFO:FINNIFTY", "NFO"), day)
    assert rule is None or rule.valid_from <= day <= (rule.valid_to or date.max)


def test_an_empty_book_knows_nothing() -> None:
    assert RuleBook(()).find("order_rate", ("IN",), date(2026, 1, 1)) is None


def test_lots_and_ticks() -> None:
    assert lots_of(NIFTY_FUTURE, Decimal(130)) == 2
    assert not is_whole_lots(NIFTY_FUTURE, Decimal(100))
    assert is_whole_lots(RELIANCE, Decimal(3))
    assert round_to_tick(RELIANCE, Decimal("1545.26")) == Decimal("1545.3")
    assert round_to_tick(RELIANCE, Decimal("1545.29"), "ROUND_FLOOR") == Decimal("1545.2")


@given(st.decimals("0.01", "100000", places=4), st.sampled_from(["0.01", "0.05", "0.1", "0.0025", "5"]))
def test_a_price_rounded_to_the_tick_is_a_multiple_of_it_at_most_half_a_tick_away(price: Decimal, tick: str) -> None:
    instrument = replace(RELIANCE, tick_size=Decimal(tick))
    rounded = round_to_tick(instrument, price)
    assert rounded % Decimal(tick) == 0
    assert abs(rounded - price) <= Decimal(tick) / 2
