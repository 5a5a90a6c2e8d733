import pytest

from bridge.dialects.crosstrade.commands import COMMANDS
from bridge.domain.intent import Intent, Kind
from tests.dialects.asked import asked, only_order, refused

EVERYTHING = (
    "key=s3cr3t;account=sim;instrument=ES 03-26;action=BUY;qty=1;order_type=LIMIT;limit_price=5000;tif=DAY;"
    "order_id=a1;take_profit=5010;stop_loss=4990;strategy_tag=gap;"
)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_understood_in_any_case_and_on_lines_or_in_one(command):
    one_line = asked(f"command={command.upper()};{EVERYTHING}")
    on_lines = asked(f"command={command};\n" + EVERYTHING.replace(";", ";\n"))

    assert one_line.orders
    assert one_line.orders == on_lines.orders
    assert one_line.dialect == "crosstrade"


@pytest.mark.parametrize("missing", ["action", "qty", "order_type", "tif"])
def test_an_order_misses_each_member_it_must_have_by_name(missing):
    parts = [part for part in EVERYTHING.split(";") if part and not part.startswith(f"{missing}=")]

    dialect, code, message = refused("command=PLACE;" + ";".join(parts) + ";")

    assert (dialect, code) == ("crosstrade", "missing_member")
    assert message.startswith(missing)


def test_flatten_cancels_too_and_ignores_a_quantity():
    reading = asked("account=sim;command=FLATTEN;instrument=MES 12-26;qty=1;")

    assert reading.kind is Kind.FLATTEN
    assert (reading.orders[0].cancel_open_orders, reading.orders[0].quantity) == (True, None)


def test_the_positions_around_the_order_are_claims_and_change_no_intent():
    order = only_order(
        f"command=PLACE;{EVERYTHING}sync_strategy=true;market_position=long;prev_market_position=flat;out_of_sync=resync;"
    )

    assert (order.intent, order.position_after.side, order.position_before.side) == (Intent.BUY, "long", "flat")
    assert order.extras == {"on_out_of_sync": "resync"}


def test_several_accounts_are_listed_one_by_one():
    reading = asked("command=CANCELORDERS;account=sim1,sim2;instrument=ES 03-26;")

    assert [account["account"] for account in reading.accounts] == ["sim1", "sim2"]


def test_a_condition_that_is_not_checked_here_sends_nothing():
    reading = asked(f"command=PLACE;{EVERYTHING}max_positions=2;")

    assert reading.dry_run
    assert any("max_positions=2" in reason for reason in reading.because)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("command=BET;account=sim;", "unknown_command"),
        (f"command=PLACE;{EVERYTHING}colour=red;", "unknown_key"),
        (f"command=PLACE;{EVERYTHING}qty=2;", "repeated_key"),
        ("command=CHANGE;account=sim;order_id=a1;", "nothing_to_modify"),
        ("command=CANCELANDBRACKET;account=sim;instrument=ES 03-26;", "nothing_to_modify"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(text, code):
    assert refused(text)[:2] == ("crosstrade", code)
