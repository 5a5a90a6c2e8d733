from decimal import Decimal

import pytest

from bridge.dialects.pineconnector.commands import COMMANDS
from bridge.domain.intent import Intent, Kind, OrderType, QuantityType, Side
from tests.dialects.asked import asked, only_order, refused

LICENCE = "70123456789"
SIZES = ("vol_lots", "vol_dollar", "vol_pct_bal_loss", "vol_pct_eq_loss", "vol_pct_bal_margin", "risk")


@pytest.mark.parametrize("word", sorted(COMMANDS))
def test_every_command_word_does_something_when_it_has_all_it_needs(word):
    command = COMMANDS[word]
    needs = ",risk=1" if command.opens or command.partly else ""
    needs += ",entry_pips=10" if command.order_type is not OrderType.MARKET and command.opens else ""
    needs += ",sl_pips=10" if command.modifies else ""

    reading = asked(f"{LICENCE},{word},{word if command.control else 'EURUSD'}{needs}")

    assert reading.dialect == "pineconnector"
    assert reading.orders or reading.control


@pytest.mark.parametrize(("word", "side"), [("bull", "buy"), ("LONG", "buy"), ("bear", "sell"), ("Short", "sell")])
def test_the_aliases_of_buy_and_sell_are_plain_sides_in_any_case(word, side):
    order = only_order(f"{LICENCE},{word},EURUSD,vol_lots=1")

    assert (order.intent, order.side) == (Intent(side), Side(side))


@pytest.mark.parametrize("size", SIZES)
def test_any_second_size_is_refused(size):
    other = SIZES[SIZES.index(size) - 1]

    _, code, message = refused(f"{LICENCE},buy,EURUSD,{size}=1,{other}=1,sl_pips=10")

    assert code == "duplicate_volume"
    assert size in message
    assert other in message


@pytest.mark.parametrize("size", ["vol_dollar", "vol_pct_bal_loss", "vol_pct_eq_loss"])
@pytest.mark.parametrize("stop", ["", ",sl_pips=0", ",tp_pips=20"])
def test_a_size_by_loss_without_a_stop_is_refused(size, stop):
    assert refused(f"{LICENCE},buy,EURUSD,{size}=1{stop}")[1] == "missing_stop_loss"


def test_a_combined_command_closes_before_it_opens_and_belongs_together():
    reading = asked(f"{LICENCE},closelongopenshort,EURUSD,vol_lots=2")

    assert [order.intent for order in reading.orders] == [Intent.EXIT_LONG, Intent.ENTER_SHORT]
    assert reading.atomic


def test_a_full_close_says_that_a_size_sent_along_was_not_used():
    reading = asked(f"{LICENCE},closelong,EURUSD,risk=0.5")

    assert reading.orders[0].quantity_type is QuantityType.FULL_POSITION
    assert any("risk=" in reason for reason in reading.because)


def test_a_percent_away_entry_is_an_offset_and_never_a_price():
    order = only_order(f"{LICENCE},sellstop,EURUSD,entry_pct=0.5,vol_lots=1")

    assert order.trigger_price is None
    assert (order.price_offset.type, order.price_offset.value) == ("percent", Decimal("0.5"))


def test_the_secret_is_kept_apart_and_the_licence_is_the_account():
    reading = asked(f"{LICENCE},buy,EURUSD,vol_lots=1,secret=Hidden9")

    assert (reading.account, reading.secret) == (LICENCE, "Hidden9")
    assert "Hidden9" not in str(reading.to_json())


def test_pausing_trades_nothing_and_pausing_after_closing_flattens():
    assert asked(f"{LICENCE},eaoff,eaoff").orders == ()
    both = asked(f"{LICENCE},closealleaoff,closealleaoff")

    assert both.kind is Kind.CONTROL
    assert [order.scope for order in both.orders] == ["all"]


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("buy", "missing_symbol"),
        ("buy,vol_lots=1", "missing_symbol"),
        ("buy,EURUSD,vol_lots", "bad_pair"),
        ("buy,EURUSD,vol_lots=1,vol_lots=2", "repeated_key"),
        ("buy,EURUSD,vol_lots=0", "number_zero"),
        ("buy,EURUSD,vol_lots=-1", "number_negative"),
        ("buy,EURUSD,vol_lots=1e3", "number_exponent"),
        ("buy,EURUSD,vol_lots=1,entry_pips=5", "unexpected_entry"),
        ("buystop,EURUSD,vol_lots=1,entry_pips=5,entry_price=1.1", "duplicate_entry"),
        ("buy,EURUSD,vol_lots=1,trailtrig=5", "missing_trail_distance"),
        ("newsltplong,EURUSD", "nothing_to_modify"),
        ("closelongpct,EURUSD", "missing_member"),
        ("buy,EURUSD,vol_lots=1,comment=one letter too many s", "comment_too_long"),
        ("buy,EURUSD,vol_lots=1,atrperiod=14", "missing_member"),
        ("eaon,EURUSD", "unexpected_symbol"),
        (",EURUSD,vol_lots=1", "unknown_command"),
        ("buy EURUSD vol_lots=1", "unknown_command"),
    ],
)
def test_what_the_grammar_does_not_allow_is_refused_by_name(rest, code):
    dialect, found, _ = refused(f"{LICENCE},{rest}")

    assert (dialect, found) == ("pineconnector", code)


def test_a_message_without_its_licence_is_refused():
    assert refused(",buy,EURUSD,vol_lots=1")[:2] == ("pineconnector", "missing_licence")
