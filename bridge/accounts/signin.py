"""Signing in with name and password: sessions kept on the server, slower answers to whoever keeps guessing."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.accounts.model import Role, User
from bridge.accounts.service import password_is
from bridge.accounts.tables import sessions
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Reader, Row, StorageUnavailable, Transaction, Writer
from bridge.kit.vault import Vault

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)

_SEEN_EVERY = timedelta(minutes=1)  # a page view is a read: it writes "seen" at most this often
_FREE_TRIES = 3
_WAIT_MAX_S = 60
_REMEMBERED = 10_000
# Nobody's password, hashed with the figures of `accounts.service`: an unknown name must take as long as a known one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$gzb8fS+dVf+lLMdtHkaF5A$4zHbaw2XilGBHEn+V+D+501Ik5mrkoK210Qnh6TGql0"


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in. `csrf` must come back with every form."""

    user: User
    id_hash: str
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Denied:
    """Not signed in; the next try is looked at after `wait_s` seconds. Says nothing about which part was wrong."""

    wait_s: int


class SlowDown:
    """Counts failures by key: three tries are free, then the wait doubles from 1 s to a minute. Never a lasting lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def claim(self, key: str) -> int:
        """0: this try may be looked at, and counts as failed until `forget`. Else the seconds left to wait."""
        count, until = self._failures.get(key, (0, 0.0))
        now = self._clock.monotonic()
        if count and now < until:
            return int(until - now) + 1
        self._failures[key] = (count + 1, now + _wait_after(count + 1))
        self._failures.move_to_end(key)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)
        return 0

    def left(self, key: str) -> int:
        """Seconds until the next try is looked at."""
        _, until = self._failures.get(key, (0, 0.0))
        return max(0, round(until - self._clock.monotonic()))

    def forget(self, key: str) -> None:
        """It was right."""
        self._failures.pop(key, None)


def _wait_after(failures: int) -> int:
    return 0 if failures < _FREE_TRIES else min(_WAIT_MAX_S, 2 ** min(failures - _FREE_TRIES, 10))


class SignIn:
    """Opens, finds and ends sessions. Only keyed hashes of session ids are stored."""

    def __init__(self, reader: Reader, writer: Writer, vault: Vault, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._vault = vault
        self._clock = clock
        self._slow_down = SlowDown(clock)
        # 19 MiB and a core each: guesses must not take the memory or the threads that pages need.
        self._checking = asyncio.Semaphore(2)

    async def open(self, name: str, password: str, address: str) -> str | Denied:
        """A new session's id (256 random bits, for the cookie), or why not. Raises `StorageUnavailable`."""
        found = await self._user(name)
        if denied := await self._check(name, password, address, found):
            return denied
        token = secrets.token_urlsafe(32)
        if found is None or not await self._keep(token, found):
            return Denied(0)
        return token

    async def confirms(self, user: User, password: str, address: str) -> Denied | None:
        """Asks a signed-in person for the password once more, before something dangerous. None: it was right."""
        return await self._check(user.name, password, address, await self._user(user.name))

    async def find(self, token: str) -> Session | None:
        """Whose session that is; None when it is unknown, idle for too long, over, or its person disabled."""
        row = await self._reader.row(
            "SELECT s.id_hash, s.seen_at, s.ends_at, u.id, u.name, u.role FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE s.id_hash = :hash AND u.disabled = 0",
            {"hash": self._vault.fingerprint(token)},
        )
        now = micros(self._clock.now())
        if row is None or now >= row["ends_at"] or now - row["seen_at"] >= _micros(IDLE):
            return None
        if now - row["seen_at"] >= _micros(_SEEN_EVERY):
            await self._seen(row["id_hash"], now)
        user = User(id=row["id"], name=row["name"], role=Role(row["role"]))
        return Session(user, row["id_hash"], self.csrf(token))

    async def close(self, id_hash: str) -> None:
        """End one session."""
        await self._writer.run(lambda tx: tx.execute("DELETE FROM sessions WHERE id_hash = :h", {"h": id_hash}))

    def csrf(self, token: str) -> str:
        """The proof that a form was made for that session (or for that visitor who is about to sign in)."""
        return self._vault.fingerprint(f"form of {token}")

    async def _user(self, name: str) -> Row | None:
        sql = "SELECT id, password_hash FROM users WHERE name = :name AND disabled = 0"
        return await self._reader.row(sql, {"name": name})

    async def _check(self, name: str, password: str, address: str, found: Row | None) -> Denied | None:
        key = f"{name}\n{address}"
        if wait := self._slow_down.claim(key):
            return Denied(wait)
        async with self._checking:
            right = await asyncio.to_thread(password_is, password, found["password_hash"] if found else _NOBODY)
        if not right or found is None:
            return Denied(self._slow_down.left(key))
        self._slow_down.forget(key)
        return None

    async def _keep(self, token: str, user: Row) -> bool:
        now = self._clock.now()
        row = {
            "id_hash": self._vault.fingerprint(token),
            "user_id": user["id"],
            "created_at": micros(now),
            "seen_at": micros(now),
            "ends_at": micros(now + ABSOLUTE),
        }
        # Takes the row's lock: a password changed or a person disabled since the check must not leave a session behind.
        unchanged = "UPDATE users SET disabled = 0 WHERE id = :id AND password_hash = :password_hash AND disabled = 0"

        def work(tx: Transaction) -> bool:
            if not tx.execute(unchanged, user):
                return False
            tx.execute("DELETE FROM sessions WHERE ends_at < :now", {"now": row["created_at"]})
            tx.insert(sessions, row)
            return True

        return await self._writer.run(work)

    async def _seen(self, id_hash: str, now: int) -> None:
        sql = "UPDATE sessions SET seen_at = :now WHERE id_hash = :hash"
        try:
            await self._writer.run(lambda tx: tx.execute(sql, {"now": now, "hash": id_hash}))
        except StorageUnavailable:
            return  # a full disk must not keep anybody from looking, and from stopping


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
