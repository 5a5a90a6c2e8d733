"""From an intent to orders: sides, prices, sizes, and what a position makes of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.model import Feed, StrategySettings
from bridge.brokers.base import Funds
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, PositionClaim, Product, QuantityType, Side
from bridge.domain.refusal import Refusal
from bridge.market.hand import HandMarket
from bridge.orders.planning import Step, against_position, candidate, slices
from bridge.orders.situation import Candidate, Standing
from bridge.orders.sizing import Mapped, Money
from tests.support.house import COIN, FUTURE, INFY, LISTED, buy, leave, sell, wish

D = Decimal
DOLLAR_COIN = replace(COIN, currency="USDT")
FUNDS = Funds(available=D(8000), used_margin=D(1500), realised=D(0), unrealised=D(500))  # equity 10,000


def money(price: int | None = 100, funds: Funds | None = FUNDS, instrument: Instrument = INFY) -> Money:
    market = HandMarket(instruments=LISTED)
    return Money(market.set_price(instrument.key, price) if price else None, funds)


def plan(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> Candidate | Refusal:
    known = money(more.pop("price", 100), more.pop("funds", FUNDS), instrument)
    mapped = Mapped(instrument, quantity=more.pop("mapped", None), product=more.pop("mapped_product", None))
    feed = Feed(account_id="ac", multiplier=D(more.pop("multiplier", 1)))
    return candidate(intent, mapped, StrategySettings(**more), feed, known)


def planned(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> Candidate:
    made = plan(intent, instrument, **more)
    assert isinstance(made, Candidate), made
    return made


def refused(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> str:
    made = plan(intent, instrument, **more)
    assert isinstance(made, Refusal), made
    return made.code


# -- sides and ways out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Intent.BUY, Intent.ENTER_LONG, Intent.START_DEAL])
def test_verbs_of_buying_buy(verb: Intent) -> None:
    made = planned(wish(verb, "INFY", 10))

    assert (made.side, made.quantity, made.reduces, made.needs_position) == (Side.BUY, 10, False, False)


@pytest.mark.parametrize("verb", [Intent.SELL, Intent.ENTER_SHORT])
def test_verbs_of_selling_sell(verb: Intent) -> None:
    assert planned(wish(verb, "INFY", 10)).side is Side.SELL


@pytest.mark.parametrize("verb", [Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN])
def test_ways_out_wait_for_the_position_and_go_to_market(verb: Intent) -> None:
    made = planned(wish(verb), order_type=OrderType.LIMIT)

    assert made.reduces
    assert made.needs_position
    assert made.quantity is None
    assert made.order_type is OrderType.MARKET
    assert made.notes[-1] == "decided by the position"


@pytest.mark.parametrize(("direction", "verb"), [("long", Intent.SELL), ("short", Intent.BUY)])
def test_the_other_side_of_a_one_sided_strategy_is_its_way_out(direction: str, verb: Intent) -> None:
    assert planned(wish(verb, "INFY", 10), direction=direction).reduces


def test_a_two_sided_strategy_opens_on_both_sides() -> None:
    assert not planned(sell()).reduces


def test_a_target_of_nothing_is_a_way_out() -> None:
    assert planned(wish(Intent.TARGET_POSITION, target_position=D(0))).reduces
    assert not planned(wish(Intent.TARGET_POSITION, target_position=D(5))).reduces


def test_reduce_only_is_a_way_out() -> None:
    assert planned(sell(reduce_only=True)).reduces


@pytest.mark.parametrize("verb", [Intent.CANCEL_ORDERS, Intent.MODIFY_ORDER])
def test_working_orders_are_the_desks_to_find(verb: Intent) -> None:
    made = planned(wish(verb))

    assert made.needs_position
    assert not made.is_entry


def test_an_order_that_closes_the_opposite_first_waits_for_the_position_unless_there_is_none() -> None:
    intent = buy(close_opposite=True)
    mapped, settings, feed = Mapped(INFY), StrategySettings(), Feed(account_id="ac")

    unsure = candidate(intent, mapped, settings, feed, money())
    flat = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(0), certain=True))
    busy = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(0), certain=False))
    short = candidate(intent, mapped, settings, feed, money(), lambda *_: Standing(D(-5), certain=True))

    assert all(isinstance(found, Candidate) for found in (unsure, flat, busy, short))
    assert [found.needs_position for found in (unsure, flat, busy, short) if isinstance(found, Candidate)] == [
        True,
        False,
        True,
        True,
    ]


def test_a_plain_order_waits_for_its_desk_only_where_it_may_close_something() -> None:
    mapped, settings, feed = Mapped(INFY), StrategySettings(), Feed(account_id="ac")

    def waits(standing: Standing | None) -> bool:
        made = candidate(buy(), mapped, settings, feed, money(), lambda *_: standing)
        assert isinstance(made, Candidate)
        return made.needs_position

    assert not waits(None)
    assert not waits(Standing(D(5), certain=False))
    assert waits(Standing(D(-5), certain=True))
    assert waits(Standing(D(0), certain=False, moving=frozenset({Side.SELL})))


# -- scans ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scan_side", "side", "reduces"),
    [
        ("buy", Side.BUY, False),
        ("sell", Side.SELL, False),
        ("exit_long", Side.SELL, True),
        ("exit_short", Side.BUY, True),
    ],
)
def test_a_scan_takes_its_side_from_the_strategy(scan_side: str, side: Side, reduces: bool) -> None:
    hit = wish(Intent.SCAN_HIT, "INFY", trigger_price=D(101))

    made = planned(hit, scan_side=scan_side)

    assert (made.side, made.reduces) == (side, reduces)
    assert made.intent.signal_price == 101
    assert made.trigger_price is None


def test_a_scan_takes_its_side_from_its_keyword_where_the_strategy_says_so() -> None:
    hit = wish(Intent.SCAN_HIT, "INFY", extras={"keyword_action": "enter_short"})

    assert planned(hit, scan_side="keyword").side is Side.SELL


def test_a_scan_without_a_side_is_refused() -> None:
    assert refused(wish(Intent.SCAN_HIT)) == "scan_side_missing"
    assert refused(wish(Intent.SCAN_HIT), scan_side="keyword") == "scan_side_missing"


# -- sizes ------------------------------------------------------------------------------------------------------------------


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
        assert _step(intent, 0).quantity == units
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
    assert _step(percent, 0).quantity == units


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
    assert _no(buy(quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, funds=None) == "funds_unknown"


def test_a_share_of_rupees_is_no_size_in_dollars() -> None:
    assert (
        _no(buy("BTCUSDT", quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, DOLLAR_COIN) == "currency_differs"
    )
    dollars = replace(FUNDS, currency="USD")
    assert _step(buy("BTCUSDT", quantity=5, quantity_type=QuantityType.PERCENT_EQUITY), 0, DOLLAR_COIN, funds=dollars)


def test_a_target_may_be_a_side_and_a_size() -> None:
    assert _step(wish(Intent.TARGET_POSITION, "INFY", 4, side=Side.SELL), 0).quantity == 4
    assert _step(wish(Intent.TARGET_POSITION, "INFY", 4, side=Side.BUY), 10).quantity == 6


def test_a_share_of_a_position_means_nothing_to_a_new_one() -> None:
    assert _no(wish(Intent.ADD, quantity=5, quantity_type=QuantityType.PERCENT_POSITION), 10) == "size_unit_unknown"


def test_leverage_counts_for_a_share_of_margin_only() -> None:
    margin = buy(quantity=50, quantity_type=QuantityType.PERCENT_MARGIN, leverage=D(3))
    equity = buy(quantity=50, quantity_type=QuantityType.PERCENT_EQUITY, leverage=D(3))

    assert _step(margin, 0).quantity == 120
    assert _step(equity, 0).quantity == 50


# -- prices -----------------------------------------------------------------------------------------------------------------


def test_products_come_from_the_message_then_the_symbol_then_the_strategy_then_the_instrument() -> None:
    assert planned(buy(product=Product.NRML), mapped_product=Product.CNC).product is Product.NRML
    assert planned(buy(), mapped_product=Product.CNC, product=Product.NRML).product is Product.CNC
    assert planned(buy(), product=Product.CNC).product is Product.CNC
    assert planned(buy()).product is Product.MIS
    assert planned(buy(), FUTURE).product is Product.NRML


def test_a_market_order_drops_prices_it_has_no_use_for() -> None:
    made = planned(buy(order_type=OrderType.MARKET, price=D(99), trigger_price=D(98)))

    assert (made.price, made.trigger_price) == (None, None)


@pytest.mark.parametrize(
    ("levels", "implied"),
    [
        ({"price": D(99)}, OrderType.LIMIT),
        ({"trigger_price": D(101)}, OrderType.STOP),
        ({"price": D(102), "trigger_price": D(101)}, OrderType.STOP_LIMIT),
        ({}, OrderType.MARKET),
    ],
)
def test_a_price_without_a_type_says_the_type(levels: dict[str, Any], implied: OrderType) -> None:
    assert planned(buy(**levels)).order_type is implied


def test_limits_and_stops_keep_the_price_they_need() -> None:
    levels: dict[str, Any] = {"price": D(99), "trigger_price": D(98)}

    limit = planned(buy(order_type=OrderType.LIMIT, **levels))
    stop = planned(buy(order_type=OrderType.STOP, **levels))
    both = planned(buy(order_type=OrderType.STOP_LIMIT, **levels))

    assert (limit.price, limit.trigger_price) == (99, None)
    assert (stop.price, stop.trigger_price) == (None, 98)
    assert (both.price, both.trigger_price) == (99, 98)


LONG, SHORT = Intent.ENTER_LONG, Intent.ENTER_SHORT  # they have no side of their own in the message


@pytest.mark.parametrize(
    ("offset", "bought", "sold"),
    [
        (D(2), 98, 102),
        (Level(type="percent", value=D(3)), 97, 103),
        (Level(type="points", value=D(10)), D("99.5"), D("100.5")),
        (Level(type="price", value=D(91)), 91, 91),
        (D("0.07"), D("99.95"), D("100.05")),
    ],
)
def test_a_distance_waits_on_the_better_side_and_on_the_tick(
    offset: Level | Decimal, bought: Decimal, sold: Decimal
) -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "price_offset": offset}

    assert planned(wish(LONG, "INFY", 1, **limit)).price == bought
    assert planned(wish(SHORT, "INFY", 1, **limit)).price == sold


def test_a_stops_distance_lies_on_the_far_side() -> None:
    stop: dict[str, Any] = {"order_type": OrderType.STOP, "price_offset": D(2)}

    assert planned(wish(LONG, "INFY", 1, **stop)).trigger_price == 102
    assert planned(wish(SHORT, "INFY", 1, **stop)).trigger_price == 98


def test_a_sender_who_says_the_side_also_says_the_sign() -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT}

    assert planned(buy(price_offset=D(2), **limit)).price == 102
    assert planned(buy(price_offset=D(-2), **limit)).price == 98
    assert planned(wish(LONG, "INFY", 1, entry=Level(type="offset", value=D(2), signed=True), **limit)).price == 102


def test_a_price_that_was_said_beats_a_distance() -> None:
    assert planned(buy(order_type=OrderType.LIMIT, price=D(90), price_offset=D(2))).price == 90


def test_a_distance_needs_a_price_and_a_unit() -> None:
    assert refused(wish(LONG, "INFY", 1, order_type=OrderType.LIMIT, price_offset=D(2)), price=None) == "price_unknown"
    pips = Level(type="pips", value=D(2))
    assert refused(buy(order_type=OrderType.LIMIT, entry=pips)) == "pips_unknown"
    assert refused(buy(order_type=OrderType.LIMIT, entry=Level(type="offset"))) == "price_unit_unknown"


# -- against a position -------------------------------------------------------------------------------------------------------


def _against(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> Step | Refusal | None:
    known = money(100, more.pop("funds", FUNDS), instrument)
    feed = Feed(account_id="ac", multiplier=D(more.pop("multiplier", 1)))
    settings, mapped = StrategySettings(**more), Mapped(instrument)
    made = candidate(intent, mapped, settings, feed, known)
    assert isinstance(made, Candidate), made
    return against_position(made, D(held), settings, feed, known, mapped)


def _step(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> Step:
    found = _against(intent, held, instrument, **more)
    assert isinstance(found, Step), found
    return found


def _no(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> str:
    found = _against(intent, held, instrument, **more)
    assert isinstance(found, Refusal), found
    return found.code


def target(number: Any) -> OrderIntent:
    return wish(Intent.TARGET_POSITION, target_position=D(number))


@pytest.mark.parametrize(
    ("intent", "held", "side", "quantity", "reduces", "opens"),
    [
        (leave(), 10, "sell", 10, True, 0),
        (leave(), -10, "buy", 10, True, 0),
        (leave(quantity=4), 10, "sell", 4, True, 0),
        (leave(quantity=40), 10, "sell", 10, True, 0),
        (leave(quantity=50, quantity_type=QuantityType.PERCENT_POSITION), -10, "buy", 5, True, 0),
        (leave(quantity=1, quantity_type=QuantityType.FULL_POSITION), 10, "sell", 10, True, 0),
        (wish(Intent.EXIT_LONG), 10, "sell", 10, True, 0),
        (wish(Intent.EXIT_SHORT), -10, "buy", 10, True, 0),
        (target(25), 10, "buy", 15, False, 15),
        (target(4), 10, "sell", 6, True, 0),
        (target(0), 10, "sell", 10, True, 0),
        (target(-5), 10, "sell", 15, False, 5),
        (target(5), 0, "buy", 5, False, 5),
        (wish(Intent.REVERSE), 10, "sell", 20, False, 10),
        (wish(Intent.REVERSE, quantity=3), -10, "buy", 13, False, 3),
        (wish(Intent.REVERSE, quantity=3), 0, "buy", 3, False, 3),
        (wish(Intent.REVERSE, side=Side.SELL, quantity=3), 0, "sell", 3, False, 3),
        (wish(Intent.ADD, quantity=5), -10, "sell", 5, False, 5),
        (wish(Intent.ADD, quantity=5), 10, "buy", 5, False, 5),
        (buy(quantity=5, close_opposite=True), -10, "buy", 15, False, 5),
        (buy(quantity=5, close_opposite=True), 10, "buy", 5, False, 5),
        (buy(quantity=50, quantity_type=QuantityType.PERCENT_POSITION), 10, "buy", 5, False, 5),
        (sell(quantity=1, quantity_type=QuantityType.FULL_POSITION), 10, "sell", 10, True, 0),
        (sell(quantity=1000, quantity_type=QuantityType.PERCENT_EQUITY), 10, "sell", 1000, False, 990),
    ],
)
def test_a_position_decides_the_order(
    intent: OrderIntent, held: int, side: str, quantity: int, reduces: bool, opens: int
) -> None:
    step = _step(intent, held)

    assert (step.side.value, step.quantity, step.reduces, step.opens) == (side, quantity, reduces, opens)


@pytest.mark.parametrize(
    ("intent", "held"),
    [
        (leave(), 0),
        (wish(Intent.EXIT_LONG), -10),
        (wish(Intent.EXIT_SHORT), 10),
        (target(10), 10),
        (wish(Intent.FLATTEN), 0),
    ],
)
def test_there_may_be_nothing_to_do(intent: OrderIntent, held: int) -> None:
    assert _against(intent, held) is None


def test_a_reversal_to_a_stated_position_goes_there() -> None:
    after: dict[str, Any] = {"position_after": PositionClaim(side="short", size=D(7))}
    flat: dict[str, Any] = {"position_after": PositionClaim(side="flat", size=D(0))}

    assert _step(wish(Intent.REVERSE, **after), 10).quantity == 17
    assert _step(wish(Intent.REVERSE, **flat), 10).quantity == 10
    assert _step(wish(Intent.REVERSE, **after), 0, multiplier=2).quantity == 14


def test_targets_and_exits_are_scaled_like_entries() -> None:
    assert _step(target(3), 0, multiplier="1.5").quantity == 4
    assert _step(target(-3), 0, multiplier="1.5").quantity == 4
    assert _step(leave(quantity=3), 10, multiplier="1.5").quantity == 4
    assert _step(leave("NIFTY27JAN26FUT", quantity=1, quantity_type=QuantityType.LOTS), 130, FUTURE).quantity == 65
    setting = leave("NIFTY27JAN26FUT", quantity=1, quantity_type=QuantityType.SETTING)
    assert _step(setting, 130, FUTURE, number_unit=QuantityType.LOTS).quantity == 65


def test_what_cannot_be_sized_against_a_position_is_refused() -> None:
    assert _no(wish(Intent.ADD, quantity=5), 0) == "nothing_to_add_to"
    assert _no(leave(quantity=5, quantity_type=QuantityType.CASH), 10) == "size_unit_unknown"
    assert _no(wish(Intent.TARGET_POSITION), 0) == "target_missing"
    assert _no(leave(quantity=0), 10) == "quantity_zero"


@pytest.mark.parametrize("intent", [Intent.SET_VARIABLE, Intent.MODIFY_POSITION])
def test_what_no_order_can_do_is_refused_by_name(intent: Intent) -> None:
    assert refused(wish(intent)) == f"{intent.value}_unsupported"


QUANTITIES = st.integers(-500, 500)


@given(
    st.sampled_from([Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN]),
    QUANTITIES,
    st.none() | st.integers(0, 900),
    st.sampled_from([QuantityType.UNITS, QuantityType.PERCENT_POSITION, QuantityType.DEFAULT]),
)
def test_no_way_out_ever_crosses_zero(verb: Intent, held: int, size: int | None, unit: QuantityType) -> None:
    step = _against(wish(verb, "INFY", size, quantity_type=unit), held)

    if isinstance(step, Step):
        after = held + step.side.sign * step.quantity
        assert step.reduces
        assert abs(after) < abs(held)
        assert after * held >= 0


@given(QUANTITIES, QUANTITIES)
def test_a_target_is_reached_exactly(held: int, wanted: int) -> None:
    step = _against(target(wanted), held)

    moved = step.side.sign * step.quantity if isinstance(step, Step) else 0
    assert held + moved == wanted


@given(st.integers(1, 100), st.integers(1, 50), st.integers(1, 300))
def test_slices_are_whole_lots_under_the_freeze_and_lose_nothing(lots: int, lot: int, freeze_lots: int) -> None:
    quantity, freeze = D(lots * lot), D(freeze_lots * lot + lot // 2)

    pieces = slices(quantity, freeze, D(lot))

    assert sum(pieces) == quantity
    assert all(0 < piece <= freeze and piece % lot == 0 for piece in pieces)
    assert len(pieces) == -(-lots // freeze_lots)


def test_without_a_freeze_quantity_nothing_is_cut() -> None:
    assert slices(D(100_000), None, D(65)) == [100_000]
