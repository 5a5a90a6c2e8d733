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

# What each accepted alert led to: a row for each order, or for an intent without one; `state` is the order's, else the intent's.
_STORY = (
    "SELECT a.dedupe_key, i.symbol AS lane, o.id, o.ref, o.side, o.quantity, o.filled, o.average_price,"
    " COALESCE(o.state, i.state) AS state, COALESCE(o.code, i.code) AS code,"
    " p.state AS paper_state, p.filled AS paper_filled, p.value AS paper_value"
    " FROM alerts a JOIN intents i ON i.alert_id = a.id LEFT JOIN orders o ON o.intent_id = i.id"
    " LEFT JOIN paper_orders p ON p.ref = o.ref WHERE a.status = 'accepted'"
)
_SENT_TWICE = (
    "SELECT order_id FROM attempts WHERE operation = 'place' AND (outcome IS NULL OR outcome <> 'NOT_SENT')"
    " GROUP BY order_id HAVING COUNT(*) > 1"
)
_NOT_SENT_YET = ("QUEUED", "RECEIVED", "HELD")
_OVER = ("FILLED", "NOT_SENT", "REJECTED", "REFUSED", "EXPIRED")

Holdings = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Books:
    """What all alerts that were taken led to, each order with its row at the paper broker, in one moment."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, house: Installation) -> Books:
        """Read them."""
        return cls(tuple(house.rows(_STORY)))

    def __str__(self) -> str:
        """How many stand where, here and at the paper broker."""
        return str(Counter((row["state"], row["code"], row["paper_state"]) for row in self.rows))

    @property
    def filled(self) -> list[Row]:
        """Orders that traded all they were to."""
        return [row for row in self.rows if row["state"] == "FILLED"]

    @property
    def done(self) -> set[str]:
        """Alerts of which every order is filled."""
        keys = {row["dedupe_key"] for row in self.rows}
        return keys - {row["dedupe_key"] for row in self.rows if row["state"] != "FILLED"}

    @property
    def never_arrived(self) -> list[Row]:
        """Orders whose sender was killed and that the paper broker does not know: Bridge goes on asking for a minute."""
        return [row for row in self.rows if row["state"] == "UNKNOWN" and row["paper_state"] is None]

    @property
    def waiting(self) -> list[Row]:
        """What may not go before an order of the same lane is accounted for."""
        lanes = {row["lane"] for row in self.never_arrived}
        return [row for row in self.rows if row["state"] in _NOT_SENT_YET and row["lane"] in lanes]

    def are_over(self) -> bool:
        """Nothing is left to happen."""
        return all(row["state"] in _OVER for row in self.rows)

    def are_at_rest(self) -> bool:
        """Nothing happens any more, but for what has to wait for proof."""
        return len(self.filled) + len(self.never_arrived) + len(self.waiting) == len(self.rows)


def until_filled(house: Installation, count: int) -> None:
    """Wait until so many alerts have all their orders filled."""
    until(lambda: len(Books.of(house).done) >= count, f"{count} filled alerts", now=lambda: Books.of(house))


def assert_agree(house: Installation, alerts: Sequence[Alert]) -> Books:
    """Each of these alerts was taken once and led to what it asked for, each order was sent at most once, and both books
    have the same trades and positions."""
    books = Books.of(house)
    taken = house.rows("SELECT dedupe_key FROM alerts WHERE status = 'accepted'")
    assert sorted(row["dedupe_key"] for row in taken) == sorted(f"id:{alert.id}" for alert in alerts)
    planned = holdings((row["dedupe_key"], _signed(row)) for row in books.rows if row["id"])
    asked = {f"id:{alert.id}": alert.signed for alert in alerts}
    undecided = {row["dedupe_key"] for row in books.rows if not row["id"]}
    assert planned == {key: quantity for key, quantity in asked.items() if key not in undecided}
    assert house.rows(_SENT_TWICE) == []
    _assert_traded_alike(house, books)
    traded = holdings((row["lane"], _signed(row)) for row in books.filled)
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
    """The sum of changes for each name; what came to nothing is left out."""
    held: Holdings = defaultdict(Decimal)
    for symbol, change in changes:
        held[symbol] += change
    return {symbol: quantity for symbol, quantity in held.items() if quantity}


def positions(house: Installation, table: str) -> Holdings:
    """What a book says is held."""
    rows = house.rows(f"SELECT symbol, quantity FROM {table}")
    return holdings((row["symbol"], Decimal(row["quantity"])) for row in rows)
