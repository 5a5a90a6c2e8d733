"""Everything the tables of this package say, in memory: what the accept path decides against without a query."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from bridge.accounts.model import (
    Account,
    AccountSettings,
    Role,
    Source,
    SourceSettings,
    Stop,
    Strategy,
    StrategySettings,
    User,
)
from bridge.kit.clock import Clock
from bridge.kit.database import Reader, Row, StorageUnavailable

T = TypeVar("T", User, Account, Strategy, Source)

_log = structlog.get_logger(__name__)

POLL_S = 0.1  # a kill switch thrown in another process is seen within this


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of all settings, replaced as a whole."""

    revision: int = -1
    users: Mapping[str, User] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    sources_by_public_id: Mapping[str, Source] = field(default_factory=dict)
    stops: Mapping[tuple[str, str], Stop] = field(default_factory=dict)

    def stop(self, **scopes: str) -> Stop | None:
        """The first kill switch that stops anything of these: `stop(user=…, account=…, strategy=…, source=…)`."""
        for scope, scope_id in (("global", ""), *scopes.items()):
            if found := self.stops.get((scope, scope_id)):
                return found
        return None

    def strange_accounts(self, user_id: str, account_ids: Iterable[str]) -> list[str]:
        """Those that are no account of that person: nobody's strategy or key may name another's."""
        mine = {account.id for account in self.accounts.values() if account.user_id == user_id}
        return sorted(set(account_ids) - mine)


class Directory:
    """Keeps a `Snapshot` no older than `POLL_S`."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self.snapshot = Snapshot()

    async def refresh(self) -> Snapshot:
        """Read everything again if anything changed."""
        found = await asyncio.to_thread(self._load)
        if found.revision >= self.snapshot.revision:  # of two looks at once the slower one may know less
            self.snapshot = found
        return self.snapshot

    async def follow(self) -> None:
        """Refresh for ever: a database that is away, or a row that cannot be read, is tried again."""
        told = ""
        while True:
            try:
                await self.refresh()
                told = ""
            except (StorageUnavailable, ValueError) as problem:
                if told != str(problem):  # once, not ten times a second
                    _log.error("settings_not_read", problem=str(problem))
                told = str(problem)
            await asyncio.sleep(POLL_S)  # real seconds: a switch is thrown by a person

    def load(self) -> Snapshot:
        """`refresh` for callers without an event loop."""
        self.snapshot = self._load()
        return self.snapshot

    def _load(self) -> Snapshot:
        # The revision is read first: a change in between only means one more load.
        revision = self._revision()
        if revision == self.snapshot.revision:
            return self.snapshot
        sources = _by_id(map(_source, self._reader.read("SELECT * FROM sources")))
        return Snapshot(
            revision=revision,
            users=_by_id(map(_user, self._reader.read("SELECT id, name, role, disabled FROM users"))),
            accounts=_by_id(map(_account, self._reader.read("SELECT * FROM accounts"))),
            strategies=_by_id(map(_strategy, self._reader.read("SELECT * FROM strategies"))),
            sources=sources,
            sources_by_public_id={source.public_id: source for source in sources.values()},
            stops={
                (row["scope"], row["scope_id"]): Stop(
                    row["scope"], row["scope_id"], row["reason"], row["changed_at"], row["changed_by"]
                )
                for row in self._reader.read("SELECT * FROM switches WHERE stopped = 1")
            },
        )

    def _revision(self) -> int:
        found = self._reader.read("SELECT number FROM revision")
        return int(found[0]["number"]) if found else 0


def _by_id(values: Iterable[T]) -> dict[str, T]:
    return {value.id: value for value in values}


def _user(row: Row) -> User:
    return User(id=row["id"], name=row["name"], role=Role(row["role"]), disabled=bool(row["disabled"]))


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        broker=row["broker"],
        settings=AccountSettings.model_validate(json.loads(row["settings"])),
        sealed_credentials=row["credentials"],
        rest_url=row["rest_url"],
        stream_url=row["stream_url"],
        disabled=bool(row["disabled"]),
    )


def _strategy(row: Row) -> Strategy:
    return Strategy(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        enabled=bool(row["enabled"]),
        settings=StrategySettings.model_validate_json(row["settings"]),
        settings_text=row["settings"],
    )


def _source(row: Row) -> Source:
    return Source(
        id=row["id"],
        public_id=row["public_id"],
        user_id=row["user_id"],
        strategy_id=row["strategy_id"],
        name=row["name"],
        secret_hash=row["secret_hash"],
        old_secret_hash=row["old_secret_hash"],
        old_secret_until=row["old_secret_until"],
        settings=SourceSettings.model_validate(json.loads(row["settings"])),
        disabled=bool(row["disabled"]),
    )
