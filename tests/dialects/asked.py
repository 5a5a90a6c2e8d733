"""Short ways to ask what a text message means."""

from bridge.dialects import read
from bridge.domain.intent import OrderIntent, Reading


def asked(text: str) -> Reading:
    """The reading of a message that is not refused."""
    reading = read("text/plain", text)
    assert reading.refusal is None, reading.refusal
    return reading


def only_order(text: str) -> OrderIntent:
    """The one order of a message."""
    (order,) = asked(text).orders
    return order


def refused(text: str) -> tuple[str, str, str]:
    """Dialect, code and sentence of a refusal; a refused message has no orders."""
    reading = read("text/plain", text)
    assert reading.refusal is not None, reading
    assert not reading.orders
    return reading.dialect, reading.refusal.code, reading.refusal.message
