from bridge.domain.intent import Intent, QuantityType
from tests.dialects.asked import asked, only_order, refused


def test_the_symbol_stands_before_the_action_unlike_in_pineconnector():
    assert asked("70123456789,EURUSD,buy,risk=0.1").dialect == "tradesgnl"
    assert asked("70123456789,buy,EURUSD,risk=0.1").dialect == "pineconnector"


def test_targets_are_pips_in_the_order_of_their_numbers():
    order = only_order("MyLicense,EURUSD,buy,risk=0.1,tp10=100,tp2=20,tp1=10")

    assert [level.value for level in order.take_profit] == [10, 20, 100]


def test_closing_a_part_keeps_the_amount_in_the_unit_of_the_settings():
    order = only_order("MyLicense,EURUSD,closesell,pct=2,comment=grid")

    assert (order.intent, order.quantity_type, order.filter) == (
        Intent.EXIT_SHORT,
        QuantityType.SETTING,
        {"comment": "grid"},
    )


def test_an_action_nobody_knows_is_refused_and_not_read_as_something_else():
    assert refused("MyLicense,EURUSD,hodl,risk=1")[:2] == ("tradesgnl", "unknown_command")


def test_a_pending_order_needs_its_distance_and_a_market_order_has_none():
    assert refused("MyLicense,EURUSD,buylimit,risk=1")[1] == "missing_member"
    assert refused("MyLicense,EURUSD,buy,risk=1,pending=5")[1] == "unexpected_entry"
