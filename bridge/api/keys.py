"""Who asks: API keys, checked against memory, so that a request costs no query."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from bridge.accounts.directory import Directory
from bridge.accounts.model import KeySettings, User
from bridge.accounts.service import Accounts
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Reader, Row
from bridge.kit.vault import Vault

SCOPES = ("read", "alerts:write", "orders:write", "orders:cancel", "stream")
PREFIX = "brk_"

USE_NOTED_EVERY_S = 60.0
KNOWN_FOR_S = 0.9  # a key that was revoked, here or by another process, is refused within a second
_REMEMBERED = 4096  # ids, unknown ones included, so that nobody can fill the memory
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a request came with, and whose it is."""

    key_id: str
    name: str
    user: User
    scopes: frozenset[str]
    settings: KeySettings

    @property
    def source_id(self) -> str:
        """The source of the alerts that this key sends."""
        return f"key:{self.key_id}"[:32]


class Keys:
    """Finds the caller of a key. A key's row is read at most once in `KNOWN_FOR_S`."""

    def __init__(self, reader: Reader, vault: Vault, clock: Clock, directory: Directory, accounts: Accounts) -> None:
        self._accounts = accounts
        self._used: dict[str, float] = {}
        self._notes: set[asyncio.Future[None]] = set()
        self._reader = reader
        self._vault = vault
        self._clock = clock
        self._directory = directory
        self._rows: OrderedDict[str, tuple[float, Row | None]] = OrderedDict()

    async def caller(self, key: str) -> Caller | None:
        """Whose key that is; None when it is unknown, wrong, expired, revoked, or its person disabled."""
        key_id = _id_of(key)
        row = await self._row(key_id) if key_id else None
        # Compared in any case: the time it takes must not tell which ids exist.
        right = self._vault.matches(key, row["key_hash"] if row else _NO_HASH)
        if row is None or not right or not self._is_live(row):
            return None
        user = self._directory.snapshot.users.get(row["user_id"])
        if user is None or user.disabled:
            return None
        self._note_use(key_id or "")
        settings = _settings(row["settings"])
        return Caller(row["id"], row["name"], user, frozenset(row["scopes"].split()), settings)

    def forget(self, key_id: str) -> None:
        """Its row was changed here: read it again."""
        self._rows[key_id] = (-math.inf, None)

    def _note_use(self, key_id: str) -> None:
        """Written now and then, and never waited for: a request must not wait for it, nor fail because of it."""
        now = self._clock.monotonic()
        if now - self._used.get(key_id, -math.inf) < USE_NOTED_EVERY_S:
            return
        self._used[key_id] = now
        task = asyncio.ensure_future(self._accounts.key_was_used(key_id, micros(self._clock.now())))
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Future[None]) -> None:
        self._notes.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nothing complains: the next use is noted again

    def _is_live(self, row: Row) -> bool:
        expires_at = row["expires_at"]
        return row["revoked_at"] is None and (expires_at is None or micros(self._clock.now()) < expires_at)

    async def _row(self, key_id: str) -> Row | None:
        now = self._clock.monotonic()
        read_at, row = self._rows.get(key_id, (-math.inf, None))
        if now - read_at < KNOWN_FOR_S:
            return row
        sql = (
            "SELECT id, name, user_id, key_hash, scopes, expires_at, revoked_at, settings FROM api_keys WHERE id = :id"
        )
        before = self._rows.get(key_id)
        found = await self._reader.row(sql, {"id": key_id})
        if self._rows.get(key_id) is not before:
            return found  # changed here, or read anew, while this was asked: not to be remembered
        # Dated when the question was asked: what changed while it was answered is asked again in time.
        self._rows[key_id] = (now, found)
        self._rows.move_to_end(key_id)
        if len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
        return found


@lru_cache(maxsize=1024)
def _settings(text: str) -> KeySettings:
    return KeySettings.model_validate_json(text)


def _id_of(key: str) -> str | None:
    """`brk_<id>_<secret>` → id; None for what cannot be a key."""
    if not key.startswith(PREFIX) or len(key) > 200 or not key.isascii():
        return None
    key_id, _, secret = key.removeprefix(PREFIX).partition("_")
    return key_id if key_id and secret else None
