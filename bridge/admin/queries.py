"""Every question the pages ask of the database. Each takes the owner first: another person's row is not there."""

# ruff: noqa: S608 - statements are put together from this file's constants; what people typed is always bound

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.kit.database import Reader, Row

PAGE = 50
_OPEN_MAX = 500
_REPEATS_FOR_MICROS = 8 * 86_400 * 1_000_000  # a day more than senders' ids are remembered
# Through the accounts, because that way leads over an index that does not grow with the journal.
_MINE = "account_id IN (SELECT id FROM accounts WHERE user_id = :user)"

# What became of an alert. Orders and intents that can still move make it `working`; wanting a trade and getting
# none makes it `refused`; whatever else came to its end is `done`.
_OUTCOME = """CASE
    WHEN a.status <> 'accepted' THEN a.status
    WHEN EXISTS (SELECT 1 FROM orders o WHERE o.alert_id = a.id AND o.state = 'PARKED') THEN 'parked'
    WHEN EXISTS (SELECT 1 FROM orders o WHERE o.alert_id = a.id
        AND o.state IN ('QUEUED', 'SENDING', 'UNKNOWN', 'WORKING', 'PARTIALLY_FILLED')) THEN 'working'
    WHEN EXISTS (SELECT 1 FROM intents i WHERE i.alert_id = a.id
        AND (i.state IN ('RECEIVED', 'AWAITING_CONFIRM', 'HELD') OR (i.state = 'PLANNED'
            AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.intent_id = i.id)))) THEN 'working'
    WHEN EXISTS (SELECT 1 FROM orders o WHERE o.alert_id = a.id
        AND (o.state IN ('FILLED', 'CANCELLED', 'EXPIRED_AT_BROKER') OR CAST(o.filled AS NUMERIC) > 0)) THEN 'done'
    WHEN EXISTS (SELECT 1 FROM orders o WHERE o.alert_id = a.id) THEN 'refused'
    WHEN EXISTS (SELECT 1 FROM intents i WHERE i.alert_id = a.id AND i.state IN ('REFUSED', 'EXPIRED'))
        AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.alert_id = a.id AND i.state NOT IN ('REFUSED', 'EXPIRED'))
        THEN 'refused'
    ELSE 'done' END"""
_GROUP_STATES = {
    "needs": "o.state = 'PARKED'",
    "open": "o.state IN ('QUEUED', 'SENDING', 'UNKNOWN', 'WORKING', 'PARTIALLY_FILLED')",
    "done": "o.state IN ('FILLED', 'CANCELLED', 'EXPIRED_AT_BROKER', 'REJECTED', 'NOT_SENT', 'NOT_PLACED')",
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the time and id of its last row."""

    at: int
    id: str

    def __str__(self) -> str:
        return f"{self.at}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """The cursor of an address, or None when it is none."""
        stamp, _, row_id = text.partition(".")
        return cls(int(stamp), row_id) if stamp.isascii() and stamp.isdigit() and len(stamp) < 19 and row_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """What the alerts page was asked for; empty members ask for everything. `start` ≤ received < `end`, microseconds."""

    outcome: str = ""
    source: str = ""
    dialect: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """What the orders page was asked for. `account_ids` limits to those (for live or paper); None: all."""

    account: str = ""
    strategy: str = ""
    text: str = ""
    account_ids: Sequence[str] | None = None


class Queries:
    """The questions, as methods."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def alerts(
        self, user_id: str, wanted: AlertFilter, before: Cursor | None = None, limit: int = PAGE
    ) -> list[Row]:
        """Alerts with their `outcome`, newest first, one more than asked for, which tells that there are more."""
        where, values = _alert_conditions(user_id, wanted)
        if before:
            where.append("(a.received_at < :at OR (a.received_at = :at AND a.id < :last))")
            values |= {"at": before.at, "last": before.id}
        outcome = "WHERE outcome = :outcome" if wanted.outcome else ""
        return await self._reader.rows(
            f"SELECT * FROM (SELECT a.*, {_OUTCOME} AS outcome FROM alerts a WHERE {' AND '.join(where)}) found {outcome}"
            " ORDER BY received_at DESC, id DESC LIMIT :limit",
            values | ({"outcome": wanted.outcome} if wanted.outcome else {}) | {"limit": limit + 1},
        )

    async def alert_counts(self, user_id: str, wanted: AlertFilter) -> dict[str, int]:
        """How many alerts have which outcome, whatever outcome was asked for. Ask for a day, not for ever."""
        where, values = _alert_conditions(user_id, wanted)
        found = await self._reader.rows(
            f"SELECT outcome, COUNT(*) AS number FROM (SELECT {_OUTCOME} AS outcome FROM alerts a"
            f" WHERE {' AND '.join(where)}) found GROUP BY outcome",
            values,
        )
        return {row["outcome"]: row["number"] for row in found}

    async def alert(self, user_id: str, alert_id: str) -> Row | None:
        """One alert with its `outcome`."""
        return await self._reader.row(
            f"SELECT a.*, {_OUTCOME} AS outcome FROM alerts a WHERE a.user_id = :user AND a.id = :id",
            {"user": user_id, "id": alert_id},
        )

    async def last_alert_at(self, user_id: str) -> int | None:
        """When the newest alert came, microseconds."""
        sql = "SELECT MAX(received_at) AS at FROM alerts WHERE user_id = :user"
        found = await self._reader.row(sql, {"user": user_id})
        return found["at"] if found else None

    async def repeats(self, user_id: str, alerts: Sequence[Row]) -> dict[str, list[Row]]:
        """Alerts that repeated one of those, by the one they repeated."""
        times = [row["received_at"] for row in alerts] or [0]
        found = await self._among(
            "SELECT id, duplicate_of, received_at FROM alerts WHERE user_id = :user AND {}"
            " AND received_at BETWEEN :first AND :last ORDER BY received_at",
            "duplicate_of",
            [row["id"] for row in alerts],
            {"user": user_id, "first": min(times), "last": max(times) + _REPEATS_FOR_MICROS},
        )
        return {row["id"]: [other for other in found if other["duplicate_of"] == row["id"]] for row in alerts}

    async def intents_of(self, user_id: str, alert_ids: Sequence[str]) -> list[Row]:
        """Intents of those alerts in their order."""
        sql = "SELECT * FROM intents WHERE user_id = :user AND {} ORDER BY alert_id, number, id"
        return await self._among(sql, "alert_id", alert_ids, {"user": user_id})

    async def orders_of(self, user_id: str, alert_ids: Sequence[str]) -> list[Row]:
        """Orders of those alerts in their order."""
        sql = "SELECT * FROM orders WHERE user_id = :user AND {} ORDER BY alert_id, queued_at, leg, id"
        return await self._among(sql, "alert_id", alert_ids, {"user": user_id})

    async def events_of(self, user_id: str, alert_id: str) -> list[Row]:
        """What the journal says about one alert and its orders."""
        return await self._reader.rows(
            "SELECT * FROM events WHERE user_id = :user AND (alert_id = :id OR order_id IN"
            " (SELECT o.id FROM orders o WHERE o.alert_id = :id AND o.user_id = :user)) ORDER BY seq",
            {"user": user_id, "id": alert_id},
        )

    async def candidates_of(self, user_id: str, order_ids: Sequence[str]) -> list[Row]:
        """Journal entries of those orders that may name candidates in the broker's book."""
        sql = "SELECT order_id, type, payload FROM events WHERE user_id = :user AND {} AND type LIKE 'order.%' ORDER BY seq"
        return await self._among(sql, "order_id", order_ids, {"user": user_id})

    async def order(self, user_id: str, order_id: str) -> Row | None:
        """One order."""
        sql = "SELECT * FROM orders WHERE user_id = :user AND id = :id"
        return await self._reader.row(sql, {"user": user_id, "id": order_id})

    async def parked(self, user_id: str) -> list[Row]:
        """Orders that a person must decide, longest waiting first."""
        sql = f"SELECT * FROM orders WHERE user_id = :user AND {_MINE} AND state = 'PARKED' ORDER BY updated_at"
        return await self._reader.rows(sql, {"user": user_id})

    async def intent(self, user_id: str, intent_id: str) -> Row | None:
        """One intent."""
        sql = "SELECT * FROM intents WHERE user_id = :user AND id = :id"
        return await self._reader.row(sql, {"user": user_id, "id": intent_id})

    async def waiting_count(self, user_id: str, now: int) -> int:
        """How many intents wait for this person's yes."""
        found = await self._reader.row(
            f"SELECT COUNT(*) AS number FROM intents WHERE user_id = :user AND {_MINE}"
            " AND state = 'AWAITING_CONFIRM' AND deadline > :now",
            {"user": user_id, "now": now},
        )
        return int(found["number"]) if found else 0

    async def unfinished(self, user_id: str) -> dict[str, int]:
        """How many of this person's orders are in each state that is not an end, and intents that wait for a yes."""
        found = await self._reader.rows(
            f"SELECT state, COUNT(*) AS number FROM orders WHERE user_id = :user AND {_MINE} AND state IN"
            " ('QUEUED', 'SENDING', 'UNKNOWN', 'PARKED', 'WORKING', 'PARTIALLY_FILLED') GROUP BY state"
            f" UNION ALL SELECT state, COUNT(*) AS number FROM intents WHERE user_id = :user AND {_MINE}"
            " AND state = 'AWAITING_CONFIRM' GROUP BY state",
            {"user": user_id},
        )
        return {row["state"]: row["number"] for row in found}

    async def orders(
        self, user_id: str, group: str, wanted: OrderFilter, before: Cursor | None = None, limit: int = PAGE
    ) -> list[Row]:
        """Orders of one group, newest first: all that are open, one more than asked for of those that are done."""
        where, values = _order_conditions(user_id, group, wanted)
        if before:
            where.append("(o.queued_at < :at OR (o.queued_at = :at AND o.id < :last))")
            values |= {"at": before.at, "last": before.id}
        values["limit"] = limit + 1 if group == "done" else _OPEN_MAX
        return await self._reader.rows(
            f"SELECT o.* FROM orders o WHERE {' AND '.join(where)} ORDER BY o.queued_at DESC, o.id DESC LIMIT :limit",
            values,
        )

    async def latest_orders(self, user_id: str, limit: int) -> list[Row]:
        """The newest orders in whatever state."""
        sql = "SELECT * FROM orders WHERE user_id = :user ORDER BY queued_at DESC, id DESC LIMIT :limit"
        return await self._reader.rows(sql, {"user": user_id, "limit": limit})

    async def order_count(self, user_id: str, group: str, wanted: OrderFilter, since: int = 0) -> int:
        """How many orders of that group were queued since then."""
        where, values = _order_conditions(user_id, group, wanted)
        found = await self._reader.row(
            f"SELECT COUNT(*) AS number FROM orders o WHERE {' AND '.join(where)} AND o.queued_at >= :since",
            values | {"since": since},
        )
        return int(found["number"]) if found else 0

    async def positions(self, user_id: str) -> list[Row]:
        """What every strategy holds."""
        sql = (
            "SELECT * FROM positions WHERE user_id = :user ORDER BY account_id, strategy_id, exchange, symbol, product"
        )
        return await self._reader.rows(sql, {"user": user_id})

    async def uncertain(self, user_id: str) -> list[Row]:
        """Orders of which nobody knows yet whether they trade."""
        return await self._reader.rows(
            f"SELECT * FROM orders WHERE user_id = :user AND {_MINE} AND state IN ('UNKNOWN', 'PARKED')"
            " ORDER BY queued_at",
            {"user": user_id},
        )

    async def _among(self, sql: str, column: str, values: Sequence[str], row: dict[str, Any]) -> list[Row]:
        if not values:
            return []
        condition, more = _among(column, values)
        return await self._reader.rows(sql.format(condition), row | more)


def _among(column: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    names = {f"in{number}": value for number, value in enumerate(values)}
    return f"{column} IN ({', '.join(f':{name}' for name in names)})", names


def _alert_conditions(user_id: str, wanted: AlertFilter) -> tuple[list[str], dict[str, Any]]:
    where, values = ["a.user_id = :user"], {"user": user_id}
    parts: list[tuple[str, str, Any]] = [
        ("a.source_id = :source", "source", wanted.source or None),
        ("a.dialect = :dialect", "dialect", wanted.dialect or None),
        ("a.received_at >= :start", "start", wanted.start),
        ("a.received_at < :end", "end", wanted.end),
        (
            "(LOWER(a.body) LIKE :text ESCAPE '!' OR EXISTS (SELECT 1 FROM intents i WHERE i.alert_id = a.id"
            " AND LOWER(i.symbol) LIKE :text ESCAPE '!'))",
            "text",
            _pattern(wanted.text),
        ),
    ]
    return _conditions(where, values, parts)


def _order_conditions(user_id: str, group: str, wanted: OrderFilter) -> tuple[list[str], dict[str, Any]]:
    where, values = ["o.user_id = :user", _GROUP_STATES[group]], {"user": user_id}
    if group != "done":
        where.append(f"o.{_MINE}")
    parts: list[tuple[str, str, Any]] = [
        ("o.account_id = :account", "account", wanted.account or None),
        ("o.strategy_id = :strategy", "strategy", wanted.strategy or None),
        (
            "(LOWER(o.symbol) LIKE :text ESCAPE '!' OR LOWER(o.ref) LIKE :text ESCAPE '!')",
            "text",
            _pattern(wanted.text),
        ),
    ]
    where, values = _conditions(where, values, parts)
    if wanted.account_ids is None:
        return where, values
    condition, more = _among("o.account_id", wanted.account_ids or ("",))
    return [*where, condition], values | more


def _conditions(
    where: list[str], values: dict[str, Any], parts: list[tuple[str, str, Any]]
) -> tuple[list[str], dict[str, Any]]:
    given = [(condition, name, value) for condition, name, value in parts if value is not None]
    return where + [c for c, _, _ in given], values | {name: value for _, name, value in given}


def _pattern(text: str) -> str | None:
    if not text:
        return None
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text.lower()}%"
