"""Who asks: API keys, checked against memory, so that a request costs no query."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

import structlog
from starlette.requests import HTTPConnection

from bridge.accounts.directory import Directory
from bridge.accounts.model import Account, KeySettings, Role, User
from bridge.accounts.service import Accounts
from bridge.kit.addresses import Address, Networks, parse_address, sender_of
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Reader, Row
from bridge.kit.vault import Vault

SCOPES = (
    "read",
    "alerts:write",
    "orders:write",
    "orders:cancel",
    "stream",
    "strategies:write",
    "sources:write",
    "limits:write",
    "keys:write",
    "panic:release",
)
VIEWERS = frozenset({"read", "stream"})  # all that a key of somebody who may only look can do
PREFIX = "brk_"

USE_NOTED_EVERY_S = 60.0
KNOWN_FOR_S = 0.9  # a key that was revoked, here or by another process, is refused within a second
_REMEMBERED = 4096  # ids, unknown ones included, so that nobody can fill the memory
_NO_HASH = "0" * 64
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a request came with, and whose it is. `scopes` are those that its person's role leaves of it;
    `expires_at` in microseconds."""

    key_id: str
    name: str
    user: User
    scopes: frozenset[str]
    settings: KeySettings
    senders: Networks
    expires_at: int | None

    def may_come_from(self, sender: Address | None) -> bool:
        """Whether the key's list of addresses, if it has one, holds that one."""
        return not self.settings.allowed_senders or sender in self.senders

    def trades_on(self, account: Account) -> bool:
        """Whether its orders may be at that account: the one it names, if it does, and only paper while it analyses."""
        settings = self.settings
        named = settings.paper_account_id if settings.analyze else settings.account_id
        return (
            account.user_id == self.user.id
            and named in (None, account.id)
            and (account.is_paper or not settings.analyze)
        )

    def lack(self, *scopes: str) -> str | None:
        """Why it may not do what needs all of those, in a sentence; None when it may."""
        missing = [scope for scope in scopes if scope not in self.scopes]
        if not missing:
            return None
        if self.user.role is Role.VIEWER and not VIEWERS.issuperset(missing):
            return "this key's person is a viewer, who may only read"
        return f"this key may not do that: it lacks the scope {' and '.join(missing)}"

    @property
    def source_id(self) -> str:
        """The source of the alerts that this key sends."""
        return f"key:{self.key_id}"[:32]


class Keys:
    """Finds the caller of a key. A key's row is read at most once in `KNOWN_FOR_S`."""

    def __init__(
        self,
        reader: Reader,
        vault: Vault,
        clock: Clock,
        directory: Directory,
        accounts: Accounts,
        trusted_proxies: str = "",
    ) -> None:
        """`trusted_proxies`: a comma list of addresses and networks; raises `ValueError` for anything else in it."""
        self._accounts = accounts
        self._proxies = Networks.parse(trusted_proxies.split(","))
        self._used: OrderedDict[str, float] = OrderedDict()
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
        try:
            settings, senders = _settings(row["settings"])
        except ValueError as problem:  # its list of addresses may be what cannot be read: nobody gets in
            _log.error("key_unusable", key_id=row["id"], reason=str(problem))
            return None
        scopes = frozenset(row["scopes"].split())
        if user.role is Role.VIEWER:
            scopes &= VIEWERS
        return Caller(row["id"], row["name"], user, scopes, settings, senders, row["expires_at"])

    def sender(self, request: HTTPConnection) -> Address | None:
        """Where a request comes from: its peer's address, or the one that a trusted proxy names."""
        peer = parse_address(request.client.host) if request.client else None
        return sender_of(peer, ", ".join(request.headers.getlist("x-forwarded-for")), self._proxies)

    def forget(self, key_id: str) -> None:
        """Its row was changed here: read it again."""
        self._rows[key_id] = (-math.inf, None)

    def note_use(self, caller: Caller) -> None:
        """Somebody was let in with it. Written now and then, and never waited for: a request must not fail because of it."""
        now, key_id = self._clock.monotonic(), caller.key_id
        if now - self._used.get(key_id, -math.inf) < USE_NOTED_EVERY_S:
            return
        self._used[key_id] = now
        self._used.move_to_end(key_id)
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
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
def _settings(text: str) -> tuple[KeySettings, Networks]:
    settings = KeySettings.model_validate_json(text)
    return settings, Networks.parse(settings.allowed_senders)


def _id_of(key: str) -> str | None:
    """`brk_<id>_<secret>` → id; None for what cannot be a key."""
    if not key.startswith(PREFIX) or len(key) > 200 or not key.isascii():
        return None
    key_id, _, secret = key.removeprefix(PREFIX).partition("_")
    return key_id if key_id and secret else None
