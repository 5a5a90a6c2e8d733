"""The sender's book, the journal and the paper broker's book, held against each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge.kit.database import Row
from tests.journeys.installation import Installation
from tests.journeys.sender import Alert
from tests.journeys.waiting import until

SYMBOLS = ("SBIN", "INFY", "TCS", "ITC", "RELIANCE", "HDFCBANK", "ICICIBANK", "LT")

_STORY = (
    "SELECT a.dedupe_key, o.*, p.state AS paper_state, p.filled AS paper_filled, p.value AS paper_value"
    " FROM alerts a LEFT JOIN orders o ON o.alert_id = a.id LEFT JOIN paper_orders p ON p.ref = o.ref"
    " WHERE a.status = 'accepted'"
)
_SENT_TWICE = (
    "SELECT order_id FROM attempts WHERE operation = 'place' AND (outcome IS NULL OR outcome <> 'NOT_SENT')"
    " GROUP BY order_id HAVING COUNT(*) > 1"
)
_UNDECIDED = "SELECT id FROM intents WHERE state IN ('RECEIVED', 'HELD')"

Holdings = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Books:
    """The orders of all alerts that were taken, each with its row at the paper broker, as they stand in one moment."""

    orders: tuple[Row, ...]
    undecided: int

    @classmethod
    def of(cls, house: Installation) -> Books:
        """Read them."""
        return cls(tuple(house.rows(_STORY)), house.count(_UNDECIDED))

    @property
    def filled(self) -> list[Row]:
        """Orders that traded all they were to."""
        return [row for row in self.orders if row["state"] == "FILLED"]

    @property
    def never_arrived(self) -> list[Row]:
        """Orders whose sender was killed and that the paper broker does not know: Bridge goes on asking for a minute."""
        return [row for row in self.orders if row["state"] == "UNKNOWN" and row["paper_state"] is None]

    @property
    def waiting(self) -> list[Row]:
        """Orders that may not go before an order of the same lane is accounted for."""
        lanes = {_lane(row) for row in self.never_arrived}
        return [row for row in self.orders if row["state"] == "QUEUED" and _lane(row) in lanes]

    def __str__(self) -> str:
        """How many orders stand where, here and at the paper broker."""
        return str(Counter((row["state"], row["code"], row["paper_state"]) for row in self.orders))

    def are_at_rest(self) -> bool:
        """Nothing changes any more, but for what has to wait for proof."""
        ended = len(self.filled) + len(self.never_arrived) + len(self.waiting)
        return not self.undecided and ended == len(self.orders)


def until_filled(house: Installation, count: int) -> None:
    """Wait until so many orders are filled."""
    until(lambda: len(Books.of(house).filled) >= count, f"{count} filled orders", now=lambda: Books.of(house))


def _lane(row: Row) -> tuple[str, str]:
    return row["symbol"], row["product"]


def assert_agree(house: Installation, alerts: Sequence[Alert]) -> Books:
    """Each of these alerts led to its one order, sent at most once, and both books have the same trades and positions."""
    books = Books.of(house)
    asked = {f"id:{alert.id}": (alert.symbol, alert.side, Decimal(alert.quantity)) for alert in alerts}
    assert sorted(row["dedupe_key"] for row in books.orders) == sorted(asked), "an alert was lost, or taken twice"
    for row in books.orders:
        assert (row["symbol"], row["side"], Decimal(row["quantity"])) == asked[row["dedupe_key"]]
    assert house.rows(_SENT_TWICE) == []
    _assert_traded_alike(house, books)
    traded = holdings((row["symbol"], _signed(row)) for row in books.filled)
    assert positions(house, "positions") == positions(house, "paper_positions") == traded
    return books


def _assert_traded_alike(house: Installation, books: Books) -> None:
    at_broker = house.rows("SELECT ref FROM paper_orders")
    assert sorted(row["ref"] for row in at_broker) == sorted(row["ref"] for row in books.filled)
    for row in books.filled:
        assert row["paper_state"] == "filled", row
        assert Decimal(row["paper_filled"]) == Decimal(row["filled"]) == Decimal(row["quantity"])
        average = Decimal(row["paper_value"]) / Decimal(row["paper_filled"])
        assert abs(average - Decimal(row["average_price"])) < Decimal("0.0001")


def _signed(row: Row) -> Decimal:
    return Decimal(row["quantity"]) * (1 if row["side"] == "buy" else -1)


def holdings(changes: Iterable[tuple[str, Decimal]]) -> Holdings:
    """What is held after these changes, by symbol."""
    held: Holdings = defaultdict(Decimal)
    for symbol, change in changes:
        held[symbol] += change
    return {symbol: quantity for symbol, quantity in held.items() if quantity}


def positions(house: Installation, table: str) -> Holdings:
    """What a book says is held."""
    rows = house.rows(f"SELECT symbol, quantity FROM {table}")
    return holdings((row["symbol"], Decimal(row["quantity"])) for row in rows)
