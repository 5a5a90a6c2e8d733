"""Alertatron and Instabot, which share one grammar."""

from decimal import Decimal

import pytest

from bridge.domain.intent import Intent, Kind, OrderType, QuantityType
from tests.dialects.asked import asked, only_order, refused


def block(*commands, marker="#bot"):
    return "Keys(BTCUSDT) {\n" + "\n".join(commands) + "\n}\n" + marker


def test_comments_are_never_commands():
    text = block(
        "# market(side=sell, amount=9);", "  market(side=buy, amount=1); # Other(X) { market(side=sell, amount=9); }"
    )

    assert only_order(text).quantity == 1


def test_a_block_inside_a_comment_is_not_read():
    assert asked("# Keys(BTCUSDT) { market(side=buy, amount=1); }").orders == ()


def test_without_the_marker_it_is_read_and_the_missing_marker_is_told():
    assert asked("Keys(BTCUSDT) { market(side=buy, amount=1); }").to_json()["anomaly"] == "#bot marker missing"


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        ("1", QuantityType.UNITS),
        ("1btc", QuantityType.BASE),
        ("100usdt", QuantityType.QUOTE),
        ("5%", QuantityType.PERCENT_EQUITY),
        ("5%b", QuantityType.PERCENT_EQUITY),
        ("5%a", QuantityType.PERCENT_AVAILABLE),
        ("5%%", QuantityType.PERCENT_AVAILABLE),
        ("5%p", QuantityType.PERCENT_POSITION),
    ],
)
def test_the_suffix_says_what_the_amount_counts(amount, unit):
    assert only_order(block(f"market(side=buy, amount={amount});")).quantity_type is unit


def test_a_stop_and_targets_after_an_entry_become_its_exits():
    order = only_order(
        block(
            "market(side=buy, amount=4);",
            "stopOrder(side=sell, amount=4, stop=e-2%);",
            "limit(side=sell, amount=1, offset=e3%, reduceOnly=true);",
            "limit(side=sell, amount=3, offset=@70000, reduceOnly=true);",
        )
    )

    assert (order.stop_loss.type, order.stop_loss.value) == ("percent", 2)
    assert [(level.type, level.portion_percent) for level in order.take_profit] == [("percent", 25), ("price", 75)]


def test_what_follows_a_wait_is_an_order_of_its_own():
    first, second = asked(
        block("market(side=buy, amount=1);", "wait(2m);", "limit(position=0, offset=1%, reduceOnly=true);")
    ).orders

    assert (first.delay_s, second.delay_s) == (None, Decimal(120))
    assert (second.intent, second.target_position) == (Intent.TARGET_POSITION, 0)


def test_a_wait_before_everything_delays_the_message():
    reading = asked(block("wait(30s);", "market(side=buy, amount=1);"))

    assert (reading.delay_s, reading.orders[0].delay_s) == (Decimal(30), None)


def test_a_limit_of_the_other_side_that_may_open_a_position_stays_an_order():
    orders = asked(block("limit(side=buy, amount=1, offset=10);", "limit(side=sell, amount=1, offset=10);")).orders

    assert [order.price_offset for order in orders] == [-10, 10]


def test_a_condition_shows_the_orders_and_sends_nothing():
    reading = asked(block("stop(if=positionGreaterThan, value=5);", "market(side=buy, amount=1);"))

    assert reading.dry_run
    assert any("positionGreaterThan 5" in reason for reason in reading.because)


def test_a_condition_behind_the_orders_does_not_hold_them_back():
    assert asked(block("market(side=buy, amount=1);", "continue(if=positionLong);", "balance();")).dry_run is None


def test_a_stop_without_condition_ends_the_block():
    assert len(asked(block("market(side=buy, amount=1);", "stop();", "market(side=buy, amount=9);")).orders) == 1


def test_blocks_run_side_by_side_each_with_its_own_keys():
    reading = asked("A(BTCUSD) { market(side=buy, amount=1); }\nB(ETHUSD) { market(side=sell, amount=2); }\n#bot")

    assert [(order.symbol, order.extras["account"]) for order in reading.orders] == [("BTCUSD", "A"), ("ETHUSD", "B")]


def test_older_names_are_instabots_and_the_signature_is_a_secret():
    reading = asked("bitfinex(BTCUSD) { marketOrder(side=buy, amount=1); }\nsig:p4ssw0rd")

    assert (reading.dialect, reading.secret) == ("instabot", "p4ssw0rd")
    assert "p4ssw0rd" not in str(reading.to_json())


def test_the_free_text_is_a_notice_only_when_it_is_asked_for():
    command = "bitfinex(BTCUSD) { marketOrder(side=buy, amount=1); }"

    assert asked(f"To the moon {{!}}\n{command}").notify == "To the moon"
    assert asked(f"To the moon\n{command}").notify is None


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("cancelOrders(which=all);", Kind.CANCEL),
        ("wait(5s);", Kind.CONTROL),
        ("account();", Kind.QUERY),
        ('sms(msg="a; (b)");', Kind.NOTIFY),
    ],
)
def test_a_block_that_does_not_trade_says_so_by_its_kind(command, kind):
    assert asked(f"bitfinex(BTCUSD) {{ {command} }}").kind is kind


def test_a_stop_rests_below_for_a_sell_and_above_for_a_buy():
    sell = only_order(block("stopOrder(side=sell, amount=1, offset=50);"))
    buy = only_order(block("stopOrder(side=buy, amount=1, offset=50);"))

    assert (sell.order_type, sell.price_offset, buy.price_offset) == (OrderType.STOP, -50, 50)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("gamble(amount=1);", "unknown_command"),
        ("market(side=buy, amount=1, colour=red);", "unknown_key"),
        ("market(side=buy, side=sell, amount=1);", "repeated_key"),
        ("market(side=buy);", "missing_quantity"),
        ("market(side=sideways, amount=1);", "unknown_side"),
        ("market(side=buy, amount=1oz);", "unknown_unit"),
        ("market(side=buy, amount=-1);", "number_negative"),
        ("stopOrder(side=sell, amount=1);", "missing_stop_price"),
        ("wait(soon);", "bad_duration"),
        ("cancel(which=some);", "unknown_filter"),
        ("market(side=buy, amount=1;", "unclosed_bracket"),
        ("buy everything", "bad_statement"),
        ("", "empty_block"),
    ],
)
def test_a_broken_command_refuses_the_whole_message(command, code):
    assert refused(block("market(side=buy, amount=1);" if command.startswith("gamble") else "", command))[1] == code


def test_an_open_brace_refuses_the_message():
    assert refused("Keys(BTCUSDT) { market(side=buy, amount=1); #bot")[:2] == ("alertatron", "unclosed_block")
