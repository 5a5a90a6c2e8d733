"""Every question the API asks of the database. Each takes the owner first: another person's row is not there."""

# ruff: noqa: S608 - statements are put together from this file's constants; what callers sent is always bound

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.kit.database import Reader, Row

# Through the accounts, because that way leads over an index that does not grow with the journal.
_MINE = "account_id IN (SELECT id FROM accounts WHERE user_id = :user)"
_POSITION_KEY = ("account_id", "strategy_id", "exchange", "symbol", "product")


class BadCursor(ValueError):
    """The cursor is not one that a page gave."""


class Queries:
    """The questions, as methods. Lists give a page and the cursor that asks for the next one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def alerts(self, user_id: str, wanted: Mapping[str, str | None], limit: int, cursor: str | None) -> _Found:
        """Alerts, newest first. `wanted`: column → value."""
        return await self._newest("alerts", "received_at", user_id, wanted, limit, cursor)

    async def orders(self, user_id: str, wanted: Mapping[str, str | None], limit: int, cursor: str | None) -> _Found:
        """Orders, newest first. `wanted`: column → value."""
        return await self._newest("orders", "queued_at", user_id, wanted, limit, cursor)

    async def strategies(self, user_id: str, limit: int, cursor: str | None) -> _Found:
        """Strategies, newest first."""
        return await self._newest("strategies", "created_at", user_id, {}, limit, cursor)

    async def sources(self, user_id: str, wanted: Mapping[str, str | None], limit: int, cursor: str | None) -> _Found:
        """Sources, newest first, with the fingerprints of their secrets. `wanted`: column → value."""
        return await self._newest("sources", "created_at", user_id, wanted, limit, cursor)

    async def accounts(self, user_id: str, limit: int, cursor: str | None) -> _Found:
        """Accounts, newest first, with their sealed credentials."""
        return await self._newest("accounts", "created_at", user_id, {}, limit, cursor)

    async def keys(self, user_id: str, limit: int, cursor: str | None) -> _Found:
        """API keys, newest first, with their fingerprints."""
        return await self._newest("api_keys", "created_at", user_id, {}, limit, cursor)

    async def notices(self, user_id: str, wanted: Mapping[str, str | None], limit: int, cursor: str | None) -> _Found:
        """What the person was told, newest first. `wanted`: column → value."""
        return await self._newest("outbox", "at", user_id, wanted, limit, cursor, id_kind=int)

    async def strategy(self, user_id: str, strategy_id: str) -> Row | None:
        """One strategy."""
        return await self._one("strategies", user_id, strategy_id)

    async def source(self, user_id: str, source_id: str) -> Row | None:
        """One source, with the fingerprints of its secrets."""
        return await self._one("sources", user_id, source_id)

    async def account(self, user_id: str, account_id: str) -> Row | None:
        """One account, with its sealed credentials."""
        return await self._one("accounts", user_id, account_id)

    async def key(self, user_id: str, key_id: str) -> Row | None:
        """One API key, with its fingerprint."""
        return await self._one("api_keys", user_id, key_id)

    async def alert(self, user_id: str, alert_id: str) -> Row | None:
        """One alert."""
        return await self._one("alerts", user_id, alert_id)

    async def order(self, user_id: str, order_id: str) -> Row | None:
        """One order."""
        return await self._one("orders", user_id, order_id)

    async def orders_of(self, user_id: str, alert_id: str) -> list[Row]:
        """The orders of one alert, as they were planned."""
        sql = "SELECT * FROM orders WHERE alert_id = :id AND user_id = :user ORDER BY queued_at, leg, id"
        return await self._reader.rows(sql, {"id": alert_id, "user": user_id})

    async def events(self, user_id: str, *, alert_id: str | None = None, order_id: str | None = None) -> list[Row]:
        """What the journal says about an alert or an order, oldest first."""
        column = "alert_id" if alert_id else "order_id"
        sql = f"SELECT * FROM events WHERE {column} = :id AND user_id = :user ORDER BY seq"
        return await self._reader.rows(sql, {"id": alert_id or order_id, "user": user_id})

    async def positions(self, user_id: str, flat: bool, limit: int, cursor: str | None) -> _Found:
        """What strategies hold, in a fixed order; flat ones only when asked for."""
        key = ", ".join(_POSITION_KEY)
        where, row = ["user_id = :user"], {"user": user_id, "limit": limit + 1}
        if not flat:
            where.append("CAST(quantity AS NUMERIC) <> 0")
        if cursor:
            last = _read(cursor, (str,) * len(_POSITION_KEY))
            where.append(f"({key}) > ({', '.join(f':last_{name}' for name in _POSITION_KEY)})")
            row |= {f"last_{name}": value for name, value in zip(_POSITION_KEY, last, strict=True)}
        sql = f"SELECT * FROM positions WHERE {' AND '.join(where)} ORDER BY {key} LIMIT :limit"
        return _page(await self._reader.rows(sql, row), limit, _POSITION_KEY)

    async def held_by(self, user_id: str, strategy_id: str) -> list[Row]:
        """What one strategy holds, and what it held and closed."""
        sql = f"SELECT * FROM positions WHERE user_id = :user AND strategy_id = :id ORDER BY {', '.join(_POSITION_KEY)}"
        return await self._reader.rows(sql, {"user": user_id, "id": strategy_id})

    async def undecided(self, user_id: str, strategy_id: str) -> list[Row]:
        """Orders of one strategy of which nobody knows yet whether they trade."""
        sql = f"SELECT * FROM orders WHERE {_MINE} AND state IN ('UNKNOWN', 'PARKED') AND strategy_id = :id ORDER BY id"
        return await self._reader.rows(sql, {"user": user_id, "id": strategy_id})

    async def realised(self, user_id: str, strategy_id: str, start: int, end: int) -> list[Row]:
        """What one strategy's fills of a time closed, by account and instrument; times in microseconds."""
        sql = (
            "SELECT f.account_id, o.exchange, o.symbol, f.realised FROM fills f JOIN orders o ON o.id = f.order_id"
            f" WHERE f.{_MINE} AND f.at >= :start AND f.at < :end AND f.strategy_id = :id"
        )
        return await self._reader.rows(sql, {"user": user_id, "id": strategy_id, "start": start, "end": end})

    async def trades(
        self, user_id: str, strategy_id: str, start: int, end: int, limit: int, cursor: str | None
    ) -> _Found:
        """One strategy's fills of a time with what was traded, newest first; times in microseconds."""
        row: Row = {"user": user_id, "id": strategy_id, "start": start, "end": end, "limit": limit + 1}
        after = ""
        if cursor:
            row["last_time"], row["last_id"] = _read(cursor, (int, int))
            after = " AND (f.at < :last_time OR (f.at = :last_time AND f.id < :last_id))"
        sql = (
            "SELECT f.id, f.order_id, f.account_id, f.quantity, f.price, f.realised, f.at, f.provenance,"
            " o.alert_id, o.exchange, o.symbol, o.product, o.side FROM fills f JOIN orders o ON o.id = f.order_id"
            f" WHERE f.{_MINE} AND f.at >= :start AND f.at < :end AND f.strategy_id = :id{after}"
            " ORDER BY f.at DESC, f.id DESC LIMIT :limit"
        )
        return _page(await self._reader.rows(sql, row), limit, ("at", "id"))

    async def _one(self, table: str, user_id: str, row_id: str) -> Row | None:
        return await self._reader.row(
            f"SELECT * FROM {table} WHERE id = :id AND user_id = :user", {"id": row_id, "user": user_id}
        )

    async def _newest(
        self,
        table: str,
        time: str,
        user_id: str,
        wanted: Mapping[str, str | None],
        limit: int,
        cursor: str | None,
        *,
        id_kind: type = str,
    ) -> _Found:
        given = {column: value for column, value in wanted.items() if value is not None}
        where = ["user_id = :user", *(f"{column} = :{column}" for column in given)]
        row: Row = {"user": user_id, "limit": limit + 1, **given}
        if cursor:
            row["last_time"], row["last_id"] = _read(cursor, (int, id_kind))
            where.append(f"({time} < :last_time OR ({time} = :last_time AND id < :last_id))")
        sql = f"SELECT * FROM {table} WHERE {' AND '.join(where)} ORDER BY {time} DESC, id DESC LIMIT :limit"
        return _page(await self._reader.rows(sql, row), limit, (time, "id"))


_Found = tuple[list[Row], str | None]


def _page(rows: list[Row], limit: int, key: Sequence[str]) -> _Found:
    """A page and its cursor, of rows that were asked for with one more than the page holds."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], _written([rows[limit - 1][name] for name in key])


def _written(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(cursor: str, kinds: Sequence[type]) -> list[Any]:
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as problem:
        raise BadCursor(cursor) from problem
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds) or not all(map(_fits, key)):
        raise BadCursor(cursor)
    return key


def _fits(part: int | str) -> bool:
    """Whether a column can hold it: drivers raise their own errors for a number of 70 bits or half a character."""
    if isinstance(part, int):
        return 0 <= part < 2**63
    return part.isprintable()
