import pytest

from bridge.domain.intent import Intent, QuantityType
from tests.dialects.asked import asked, only_order, refused


@pytest.mark.parametrize(
    ("side", "positions", "intent"),
    [
        ("buy", "|long", Intent.ENTER_LONG),
        ("sell", "|short", Intent.ENTER_SHORT),
        ("sell", "|flat", Intent.EXIT_LONG),
        ("buy", "|flat", Intent.EXIT_SHORT),
        ("buy", "|long|short", Intent.REVERSE),
        ("buy", "|long|long", Intent.ADD),
        ("sell", "", Intent.SELL),
        ("sell", "|long", Intent.SELL),
    ],
)
def test_the_position_tells_an_entry_from_an_exit(side, positions, intent):
    assert only_order(f"k|Trend|{side}|BTCUSDT{positions}").intent is intent


def test_going_flat_closes_the_whole_position():
    assert only_order("k|Trend|sell|BTCUSDT|flat").quantity_type is QuantityType.FULL_POSITION


def test_the_key_is_a_secret_and_the_strategy_is_named():
    reading = asked("k-77123|Trend|sell|BTCUSDT")

    assert (reading.secret, reading.strategy) == ("k-77123", "Trend")
    assert "k-77123" not in str(reading.to_json())


def test_the_price_of_three_items_is_only_the_one_at_the_alert():
    order = only_order("buy|BTCUSDT|64000")

    assert (order.price, order.signal_price) == (None, 64000)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("k|T|buy|BTCUSDT|up", "unknown_position"),
        ("k|T|buy|BTCUSDT|long|flat|x", "bad_items"),
        ("buy|BTCUSDT|much", "bad_number"),
    ],
)
def test_what_does_not_fit_is_refused(text, code):
    assert refused(text)[:2] == ("pipe_bva", code)
