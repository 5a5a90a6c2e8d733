"""Who sends for an account: one process at a time, and the one before it is dead before anyone takes over.

A lease has a fence that only rises. Every row that says "about to send" carries the fence it was written under, so a
process that slept through the loss of its lease cannot commit one more.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import dataclass

import psutil

from bridge.kit import failpoints
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Reader, Row, Transaction, Writer
from bridge.orders import tables

RENEW_EVERY_S = 1.0
RELEASED = 0  # a time stamp that no renewal has
EXPIRES_AFTER_S = 5.0
# A holder on another machine cannot be killed from here. Nothing is ever sent again after a takeover, so waiting is
# only about showing the truth early; the wait outlives every timeout of a request it may still have out.
REMOTE_EXPIRES_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A process: host, number and start time, so that a reused number is not mistaken for it."""

    host: str
    pid: int
    started: float

    @classmethod
    def me(cls) -> Holder:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time())

    def text(self) -> str:
        """As the lease row keeps it."""
        return json.dumps([self.host, self.pid, self.started])

    @classmethod
    def of(cls, text: str) -> Holder:
        """The holder of a lease row."""
        host, pid, started = json.loads(text)
        return cls(host, pid, started)

    def process(self) -> psutil.Process | None:
        """The living process on this machine, None when it is gone."""
        try:
            found = psutil.Process(self.pid)
            alive = abs(found.create_time() - self.started) < 0.01 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if alive else None


@dataclass(slots=True)
class Lease:
    """The right to send for an account, good while `valid`."""

    account_id: str
    fence: int
    renewed: float  # monotonic

    def valid(self, clock: Clock) -> bool:
        """False once somebody else may hold it; what is not written by then must not be."""
        return clock.monotonic() - self.renewed < EXPIRES_AFTER_S - RENEW_EVERY_S


class Leases:
    """Takes and renews leases for this process."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._me = Holder.me()
        self._silent_since: dict[str, tuple[tuple[int, int], float]] = {}

    async def acquire(self, account_id: str) -> Lease | None:
        """The account's lease if nobody alive holds it. A local holder that stopped renewing is killed first."""
        # Read, not written: a holder that stands still inside a transaction would make a writer wait for ever.
        row = await self._reader.row("SELECT * FROM leases WHERE account_id = :id", {"id": account_id})
        if row is not None and not await self._is_free(row):
            return None
        before = self._clock.monotonic()
        failpoints.reach("claim.before_commit")
        fence = await self._writer.run(self._take(account_id, row["fence"] if row else 0))
        failpoints.reach("claim.committed")
        return Lease(account_id, fence, before) if fence else None

    def _take(self, account_id: str, seen_fence: int) -> _Take:
        return _Take(account_id, seen_fence, self._me.text(), micros(self._clock.now()))

    async def _is_free(self, row: Row) -> bool:
        holder = Holder.of(row["holder"])
        if holder == self._me or row["renewed_at"] == RELEASED:
            return True
        silent_s = self._silence(row)
        if holder.host != self._me.host:
            return silent_s > REMOTE_EXPIRES_AFTER_S
        process = holder.process()
        if process is None:
            return True
        if silent_s <= EXPIRES_AFTER_S:
            return False
        return await asyncio.to_thread(_kill, process) and holder.process() is None

    def _silence(self, row: Row) -> float:
        """For how long this process has seen the row stand still, by its own clock: two wall clocks prove nothing."""
        mark, now = (row["fence"], row["renewed_at"]), self._clock.monotonic()
        seen, since = self._silent_since.get(row["account_id"], (mark, now))
        if seen != mark:
            since = now
        self._silent_since[row["account_id"]] = (mark, since)
        return now - since

    async def renew(self, lease: Lease) -> bool:
        """Keep the lease; False when it is somebody else's now."""
        before = self._clock.monotonic()
        row = {"id": lease.account_id, "fence": lease.fence, "holder": self._me.text(), "at": micros(self._clock.now())}
        sql = "UPDATE leases SET renewed_at = :at WHERE account_id = :id AND fence = :fence AND holder = :holder"
        kept = await self._writer.run(lambda tx: tx.execute(sql, row), urgent=True)
        if kept:
            lease.renewed = before
        return bool(kept)

    async def release(self, lease: Lease) -> None:
        """Give the lease back, so that the next process need not wait for it to expire."""
        row = {"id": lease.account_id, "fence": lease.fence, "released": RELEASED}
        sql = "UPDATE leases SET renewed_at = :released WHERE account_id = :id AND fence = :fence"
        await self._writer.run(lambda tx: tx.execute(sql, row), urgent=True)


def _kill(process: psutil.Process) -> bool:
    """Kill and wait; False when this user may not."""
    try:
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, psutil.TimeoutExpired):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Take:
    account_id: str
    seen_fence: int
    holder: str
    at: int

    def __call__(self, tx: Transaction) -> int:
        row = {"id": self.account_id, "seen": self.seen_fence, "holder": self.holder, "at": self.at}
        sql = "UPDATE leases SET fence = fence + 1, holder = :holder, renewed_at = :at WHERE account_id = :id AND fence = :seen"
        if tx.execute(sql, row):
            return self.seen_fence + 1
        if tx.row("SELECT 1 AS one FROM leases WHERE account_id = :id", row):
            return 0  # somebody was quicker
        first = {"account_id": self.account_id, "fence": 1, "holder": self.holder, "renewed_at": self.at}
        tx.insert(tables.leases, first)
        return 1


def holds(tx: Transaction, lease: Lease) -> bool:
    """Whether the lease is still this process's, inside the transaction that depends on it."""
    lock = " FOR UPDATE" if tx.postgres else ""
    row = tx.row(f"SELECT fence FROM leases WHERE account_id = :id{lock}", {"id": lease.account_id})  # noqa: S608 - our words
    return row is not None and row["fence"] == lease.fence
