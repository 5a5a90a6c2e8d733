import pytest

from bridge.domain.intent import Intent, Kind, OrderType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("/forcelong ETH/BTC", Intent.ENTER_LONG),
        ("/forcebuy ETH/BTC", Intent.ENTER_LONG),
        ("/FORCESHORT ETH/BTC", Intent.ENTER_SHORT),
    ],
)
def test_forcing_an_entry(text, intent):
    order = only_order(text)

    assert (order.intent, order.symbol, order.order_type) == (intent, "ETH/BTC", OrderType.DEFAULT)


def test_a_rate_is_a_limit():
    order = only_order("/forcelong ETH/BTC 0.034")

    assert (order.order_type, str(order.price)) == (OrderType.LIMIT, "0.034")


@pytest.mark.parametrize("command", ["forceexit", "forcesell", "fx"])
def test_forcing_an_exit_of_one_of_all_or_asking_which(command):
    assert only_order(f"/{command} 12").extras == {"trade_id": "12"}
    assert asked(f"/{command} all").kind is Kind.FLATTEN
    assert asked(f"/{command}").kind is Kind.QUERY


@pytest.mark.parametrize(
    "command",
    ["start", "stop", "stopbuy", "stopentry", "pause", "reload_config", "unlock ETH/BTC", "delete 4", "bl ETH/BTC"],
)
def test_words_to_the_bot_itself_trade_nothing(command):
    reading = asked(f"/{command}")

    assert (reading.kind, reading.orders) == (Kind.CONTROL, ())


@pytest.mark.parametrize(
    "command", ["status", "status table", "status 3", "profit", "balance", "daily 7", "count", "locks", "help", "bl"]
)
def test_questions_trade_nothing(command):
    reading = asked(f"/{command}@my_bot" if " " not in command else f"/{command}")

    assert (reading.kind, reading.orders) == (Kind.QUERY, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/moon", "unknown_command"),
        ("/forcelong", "bad_arguments"),
        ("/forcelong ETH/BTC 0.03 10", "bad_arguments"),
        ("/forcelong ETH/BTC cheap", "bad_number"),
        ("/forceexit 1 2", "bad_arguments"),
        ("/forceexit everything", "bad_trade_id"),
    ],
)
def test_a_command_that_is_not_understood_is_refused(text, code):
    assert refused(text)[:2] == ("chat_command", code)
