"""What changes people, sources, strategies, accounts and switches. Every change raises the revision."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import BaseModel
from sqlalchemy import Table

from bridge.accounts import tables
from bridge.accounts.model import AccountSettings, KeySettings, Role, SourceSettings, StrategySettings
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Row, Transaction, Writer
from bridge.kit.ids import new_id
from bridge.kit.vault import Vault

# OWASP's Argon2id figures: 17 ms and 19 MiB a check on two shared cores.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
SECRET_OVERLAP = timedelta(hours=24)
BODY_SECRET_MIN, BODY_SECRET_MAX = 8, 200
SourceSecret = Literal["signing_secret", "body_secret_hash"]
M = TypeVar("M", bound=BaseModel)


def touch(tx: Transaction) -> None:
    """Raise the revision: every process reads its settings again."""
    if not tx.execute("UPDATE revision SET number = number + 1 WHERE id = 1"):
        tx.execute("INSERT INTO revision (id, number) VALUES (1, 1)")


def _merged(tx: Transaction, table: Table, model: type[M], key: Row, changes: Mapping[str, Any]) -> M | None:
    """A row's settings with those members changed, stored; None when that user has no such row."""
    # Takes the row's lock before it is read: of two changes at once neither is lost.
    if not tx.execute(f"UPDATE {table.name} SET name = name WHERE id = :id AND user_id = :user_id", key):  # noqa: S608
        return None
    (row,) = tx.rows(f"SELECT settings FROM {table.name} WHERE id = :id", key)  # noqa: S608
    settings = model.model_validate({**json.loads(row["settings"]), **changes})
    sql = f"UPDATE {table.name} SET settings = :settings WHERE id = :id"  # noqa: S608
    tx.execute(sql, {"settings": settings.model_dump_json(), "id": key["id"]})
    touch(tx)
    return settings


def _adding(table: Table, row: Row) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        tx.insert(table, row)
        touch(tx)

    return work


@dataclass(frozen=True, slots=True)
class NewSource:
    """A webhook address, whose secret is shown this once."""

    source_id: str
    public_id: str
    secret: str

    @property
    def path(self) -> str:
        """`/hook/{public_id}/{secret}`."""
        return f"/hook/{self.public_id}/{self.secret}"


class Accounts:
    """The one door to this package's tables. All methods raise `StorageUnavailable` when nothing was kept."""

    def __init__(self, writer: Writer, vault: Vault, clock: Clock) -> None:
        self._writer = writer
        self._vault = vault
        self._clock = clock

    def _now(self) -> int:
        return micros(self._clock.now())

    async def add_user(self, name: str, password: str, role: Role) -> str:
        """A new person; the id. Raises `ValueError` when the name is taken."""
        user_id = new_id("us")
        row = {
            "id": user_id,
            "name": name,
            "role": role.value,
            "password_hash": _HASHER.hash(password),
            "created_at": self._now(),
        }

        def work(tx: Transaction) -> None:
            if tx.row("SELECT id FROM users WHERE name = :name", {"name": name}):
                raise ValueError(f"there is already a user called {name}")
            tx.insert(tables.users, row)
            touch(tx)

        await self._writer.run(work)
        return user_id

    async def set_password(self, user_id: str, password: str) -> None:
        """A new password; every session of that person ends."""
        hashed = _HASHER.hash(password)

        def work(tx: Transaction) -> None:
            tx.execute("UPDATE users SET password_hash = :hash WHERE id = :id", {"hash": hashed, "id": user_id})
            tx.execute("DELETE FROM sessions WHERE user_id = :id", {"id": user_id})

        await self._writer.run(work)

    async def disable_user(self, user_id: str) -> None:
        """No sign-in, no trading, no sessions for that person."""

        def work(tx: Transaction) -> None:
            tx.execute("UPDATE users SET disabled = 1 WHERE id = :id", {"id": user_id})
            tx.execute("DELETE FROM sessions WHERE user_id = :id", {"id": user_id})
            touch(tx)

        await self._writer.run(work)

    async def add_account(
        self,
        user_id: str,
        name: str,
        broker: str,
        *,
        settings: AccountSettings | None = None,
        credentials: dict[str, str] | None = None,
        rest_url: str | None = None,
        stream_url: str | None = None,
    ) -> str:
        """A connection to a broker; the id. Credentials are sealed for this row only."""
        account_id = new_id("ac")
        sealed = self._vault.seal(json.dumps(credentials), f"accounts.{account_id}") if credentials else ""
        row = {
            "id": account_id,
            "user_id": user_id,
            "name": name,
            "broker": broker,
            "settings": (settings or AccountSettings()).model_dump_json(),
            "credentials": sealed,
            "rest_url": rest_url,
            "stream_url": stream_url,
            "created_at": self._now(),
        }
        await self._writer.run(_adding(tables.accounts, row))
        return account_id

    async def set_credentials(self, user_id: str, account_id: str, credentials: dict[str, str]) -> bool:
        """A new login; False when that user has no such account."""
        sealed = self._vault.seal(json.dumps(credentials), f"accounts.{account_id}")
        row = {"id": account_id, "user_id": user_id, "sealed": sealed}

        def work(tx: Transaction) -> bool:
            sql = "UPDATE accounts SET credentials = :sealed WHERE id = :id AND user_id = :user_id"
            found = tx.execute(sql, row)
            touch(tx)
            return found == 1

        return await self._writer.run(work)

    async def change_account(self, user_id: str, account_id: str, **changes: Any) -> AccountSettings | None:
        """Change members of an account's settings; None when that user has no such account. Raises `ValidationError`."""
        key = {"id": account_id, "user_id": user_id}
        return await self._writer.run(lambda tx: _merged(tx, tables.accounts, AccountSettings, key, changes))

    def credentials(self, account_id: str, sealed: str) -> dict[str, str]:
        """An account's credentials, unsealed."""
        return dict(json.loads(self._vault.unseal(sealed, f"accounts.{account_id}"))) if sealed else {}

    async def add_strategy(self, user_id: str, name: str, settings: StrategySettings, *, enabled: bool = True) -> str:
        """New rules; the id."""
        strategy_id = new_id("st")
        now = self._now()
        row = {
            "id": strategy_id,
            "user_id": user_id,
            "name": name,
            "settings": settings.model_dump_json(),
            "enabled": int(enabled),
            "created_at": now,
            "updated_at": now,
        }
        await self._writer.run(_adding(tables.strategies, row))
        return strategy_id

    async def change_strategy(
        self,
        user_id: str,
        strategy_id: str,
        *,
        settings: StrategySettings | None = None,
        changes: Mapping[str, Any] | None = None,
        enabled: bool | None = None,
    ) -> bool:
        """Change all rules (`settings`), some members of them (`changes`) or the switch; False when that user has no
        such strategy. Raises `ValidationError`."""

        def work(tx: Transaction) -> bool:
            key = {"id": strategy_id, "user_id": user_id, "now": self._now()}
            if not tx.execute("UPDATE strategies SET updated_at = :now WHERE id = :id AND user_id = :user_id", key):
                return False
            if settings is not None:
                row = {"settings": settings.model_dump_json(), "id": strategy_id}
                tx.execute("UPDATE strategies SET settings = :settings WHERE id = :id", row)
            if changes:
                _merged(tx, tables.strategies, StrategySettings, key, changes)
            if enabled is not None:
                tx.execute("UPDATE strategies SET enabled = :e WHERE id = :id", {"e": int(enabled), "id": strategy_id})
            touch(tx)
            return True

        return await self._writer.run(work)

    async def add_source(
        self, user_id: str, strategy_id: str, name: str, settings: SourceSettings | None = None
    ) -> NewSource:
        """A new webhook address. The secret is 256 random bits; only its keyed hash is kept."""
        new = NewSource(new_id("so"), new_id("w").removeprefix("w_")[10:], secrets.token_urlsafe(32))
        row = {
            "id": new.source_id,
            "public_id": new.public_id,
            "user_id": user_id,
            "strategy_id": strategy_id,
            "name": name,
            "secret_hash": self._vault.fingerprint(new.secret),
            "settings": (settings or SourceSettings()).model_dump_json(),
            "created_at": self._now(),
        }
        await self._writer.run(_adding(tables.sources, row))
        return new

    async def rotate_source(self, user_id: str, source_id: str) -> str | None:
        """A new secret; the old one still works for 24 hours. None when that user has no such source."""
        secret = secrets.token_urlsafe(32)
        row = {
            "id": source_id,
            "user_id": user_id,
            "hash": self._vault.fingerprint(secret),
            "until": micros(self._clock.now() + SECRET_OVERLAP),
        }

        def work(tx: Transaction) -> bool:
            found = tx.execute(
                "UPDATE sources SET old_secret_hash = secret_hash, old_secret_until = :until, secret_hash = :hash"
                " WHERE id = :id AND user_id = :user_id",
                row,
            )
            touch(tx)
            return found == 1

        return secret if await self._writer.run(work) else None

    async def set_signing_secret(self, user_id: str, source_id: str) -> str | None:
        """A new key (`whsec_…`) with which senders must sign from now on; the one before is worth nothing any more.
        None when that user has no such source."""
        key = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        sealed = self._vault.seal(key, f"sources.{source_id}.signing")
        return key if await self._change_source(user_id, source_id, {"signing_secret": sealed}) else None

    async def set_body_secret(self, user_id: str, source_id: str, secret: str | None = None) -> str | None:
        """What messages must contain from now on: this, or 192 random bits. Only its keyed hash is kept.
        None when that user has no such source. Raises `ValueError` for one that is too short or cannot be typed."""
        secret = secrets.token_urlsafe(24) if secret is None else secret
        if not (
            BODY_SECRET_MIN <= len(secret) <= BODY_SECRET_MAX and secret.isprintable() and secret == secret.strip()
        ):
            raise ValueError(f"a secret has {BODY_SECRET_MIN} to {BODY_SECRET_MAX} visible characters")
        changes = {"body_secret_hash": self._vault.fingerprint(secret)}
        return secret if await self._change_source(user_id, source_id, changes) else None

    async def drop_source_secret(self, user_id: str, source_id: str, setting: SourceSecret) -> bool:
        """Ask senders for it no more; False when that user has no such source."""
        return await self._change_source(user_id, source_id, {setting: None})

    async def _change_source(self, user_id: str, source_id: str, changes: Mapping[str, Any]) -> bool:
        key = {"id": source_id, "user_id": user_id}
        changed = await self._writer.run(lambda tx: _merged(tx, tables.sources, SourceSettings, key, changes))
        return changed is not None

    async def switch_source(self, user_id: str, source_id: str, *, disabled: bool) -> bool:
        """Take nothing more from an address, or again; False when that user has no such source."""
        row = {"id": source_id, "user_id": user_id, "disabled": int(disabled)}

        def work(tx: Transaction) -> bool:
            found = tx.execute("UPDATE sources SET disabled = :disabled WHERE id = :id AND user_id = :user_id", row)
            touch(tx)
            return found == 1

        return await self._writer.run(work)

    async def add_key(
        self,
        user_id: str,
        name: str,
        scopes: tuple[str, ...],
        *,
        days: int = 90,
        settings: KeySettings | None = None,
    ) -> str:
        """An API key, shown this once: `brk_<id>_<secret>`."""
        key_id, secret = new_id("k").removeprefix("k_")[10:], secrets.token_urlsafe(32)
        key = f"brk_{key_id}_{secret}"
        row = {
            "id": key_id,
            "user_id": user_id,
            "name": name,
            "key_hash": self._vault.fingerprint(key),
            "scopes": " ".join(scopes),
            "created_at": self._now(),
            "expires_at": micros(self._clock.now() + timedelta(days=days)),
            "settings": (settings or KeySettings()).model_dump_json(),
        }
        await self._writer.run(_adding(tables.api_keys, row))
        return key

    async def change_key(self, user_id: str, key_id: str, **changes: Any) -> KeySettings | None:
        """Change members of a key's settings; None when that user has no such key. Raises `ValidationError`."""
        key = {"id": key_id, "user_id": user_id}
        return await self._writer.run(lambda tx: _merged(tx, tables.api_keys, KeySettings, key, changes))

    async def key_was_used(self, key_id: str, at: int) -> None:
        """Note when a key was used; the page shows it."""
        row = {"id": key_id, "at": at}
        await self._writer.run(lambda tx: tx.execute("UPDATE api_keys SET last_used_at = :at WHERE id = :id", row))

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        """End a key; False when that user has no such key."""
        row = {"id": key_id, "user_id": user_id, "now": self._now()}
        sql = "UPDATE api_keys SET revoked_at = :now WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL"
        return await self._writer.run(lambda tx: tx.execute(sql, row) == 1)

    async def throw_switch(self, scope: str, scope_id: str, *, stopped: bool, reason: str, by: str) -> None:
        """Stop (or let go) everything of that scope."""
        row = {
            "scope": scope,
            "scope_id": scope_id,
            "stopped": int(stopped),
            "reason": reason,
            "changed_at": self._now(),
            "changed_by": by,
        }

        def work(tx: Transaction) -> None:
            tx.execute("DELETE FROM switches WHERE scope = :scope AND scope_id = :scope_id", row)
            tx.insert(tables.switches, row)
            touch(tx)

        # Urgent: a full disk must not keep anybody from stopping.
        await self._writer.run(work, urgent=True)


def password_is(password: str, hashed: str) -> bool:
    """Whether that is the password; takes about 17 ms, so never on the event loop."""
    try:
        return _HASHER.verify(hashed, password)
    except VerifyMismatchError:
        return False
