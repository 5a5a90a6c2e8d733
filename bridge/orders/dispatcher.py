"""A desk for every account whose lease this process holds, and the doors through which people steer them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, Capabilities
from bridge.domain.intent import Side
from bridge.kit import failpoints
from bridge.kit.clock import micros, wait_for
from bridge.kit.database import StorageUnavailable
from bridge.orders.desk import AccountDesk, Services
from bridge.orders.gate import Work
from bridge.orders.lease import RENEW_EVERY_S, Lease, Leases
from bridge.orders.records import Lane, OrderRecord
from bridge.orders.recovery import Overdue, Takeover
from bridge.orders.situation import Standing

log = structlog.get_logger("bridge.dispatcher")

OPEN_WITHIN_S = 5.0  # at the start of the program; a broker that takes longer comes later

_Errand = Callable[[], Coroutine[Any, Any, None]]
Connect = Callable[[Account], Awaitable[tuple[Broker, Capabilities]]]


class Dispatcher:
    """Takes leases, keeps desks, hands them their work."""

    def __init__(self, services: Services, leases: Leases, connect: Connect) -> None:
        self._services = services
        self._leases = leases
        self._connect = connect
        self.desks: dict[str, AccountDesk] = {}
        self._held: dict[str, Lease] = {}  # of desks, and of accounts whose desk is being opened
        self._coming: dict[tuple[str, Lane], Counter[Side]] = {}
        self._errands: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._again = asyncio.Event()

    def offer(self, account_id: str, work: Sequence[Work]) -> None:
        """Work that was committed a moment ago. Without a desk here, the process that has one finds it in the tables."""
        desk = self.desks.get(account_id)
        if desk is not None:
            desk.offer(work)

    def standing(self, account_id: str, lane: Lane) -> Standing | None:
        """What a strategy holds, as far as a desk of this process knows. None where nobody here does."""
        desk = self.desks.get(account_id)
        return desk.standing(lane, self._coming.get((account_id, lane), ())) if desk else None

    def announce(self, orders: Sequence[OrderRecord], count: int) -> None:
        """Orders that are being committed (+1), or that have been handed over or given up (−1): what is decided meanwhile
        must know of them. Kept here, because a desk may be replaced between the two."""
        for order in orders:
            sides = self._coming.setdefault((order.account_id, order.lane), Counter())
            sides[order.side] += count
            if not sides[order.side]:
                del sides[order.side]
            if not sides:
                del self._coming[order.account_id, order.lane]

    # -- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """A first round; the program need not wait for brokers that do not answer."""
        await asyncio.wait(self._round(), timeout=OPEN_WITHIN_S)

    async def run(self) -> None:
        """Keep the leases, for ever."""
        while True:
            self._round()
            await wait_for(self._again, RENEW_EVERY_S, self._services.clock)

    async def keep(self) -> None:
        """One whole round: renew what is held, take what is free, let go of what is lost, look for work of other processes."""
        await asyncio.gather(*self._round())

    async def stop(self) -> None:
        """Stop every desk and give the leases back."""
        for (_, errand), task in self._errands.items():
            if errand == "take":  # the others are short, and what they have begun is finished
                task.cancel()
        await asyncio.gather(*self._errands.values(), return_exceptions=True)
        desks, self.desks = list(self.desks.values()), {}
        await asyncio.gather(*(desk.stop() for desk in desks))
        await asyncio.gather(*(self._give_back(lease) for lease in list(self._held.values())))

    # -- rounds -----------------------------------------------------------------------------------------------------

    def _round(self) -> list[asyncio.Task[None]]:
        """Begin every errand that is not still under way from an earlier round.

        Side by side, so that renewals share a commit and wait for nothing else: a broker that does not answer, or a peer
        that stands still with the database locked, holds up no other account.
        """
        self._again.clear()
        accounts = self._services.directory.snapshot.accounts
        errands: dict[tuple[str, str], _Errand] = {("", "end overdue work"): self._end_overdue}
        for account_id, lease in self._held.items():
            errands[account_id, "renew"] = partial(self._renew, lease, accounts.get(account_id))
        for account_id, desk in self.desks.items():
            errands[account_id, "look"] = desk.look_for_work
        for account_id, account in accounts.items():
            if account_id not in self._held:
                errands[account_id, "take"] = partial(self._take, account)
        for key, errand in errands.items():
            if key not in self._errands:
                self._errands[key] = asyncio.create_task(_harmless(key, errand))
                self._errands[key].add_done_callback(partial(self._is_over, key))
        return list(self._errands.values())

    def _is_over(self, key: tuple[str, str], _task: asyncio.Task[None]) -> None:
        del self._errands[key]

    async def _end_overdue(self) -> None:
        await self._services.writer.run(Overdue(micros(self._services.clock.now())), urgent=True)

    async def _renew(self, lease: Lease, account: Account | None) -> None:
        """Keep the lease. A desk that is broken, or whose account was changed, is closed, and opened as the account is now."""
        kept = await self._leases.renew(lease)
        desk = self.desks.get(lease.account_id)
        if kept and (desk is None or (account == desk.account and not desk.broken)):
            return
        log.info("desk closed", account=lease.account_id, lease_kept=kept)
        if desk is not None:
            del self.desks[lease.account_id]
            await desk.stop()
        if kept:
            await self._give_back(lease)
        else:
            self._held.pop(lease.account_id, None)
        self._again.set()

    async def _take(self, account: Account) -> None:
        """Serve an account that nobody serves. A disabled one too: its orders at the broker must still be followed."""
        lease = await self._leases.acquire(account.id)
        if lease is None:
            return
        self._held[account.id] = lease
        try:
            desk = await self._opened(account, lease)
        except BaseException:
            await self._give_back(lease)
            raise
        if self._held.get(account.id) is not lease:  # lost while the broker was connected
            await desk.stop()
            return
        self.desks[account.id] = desk
        log.info("desk open", account=account.id, broker=account.broker, fence=lease.fence)

    async def _opened(self, account: Account, lease: Lease) -> AccountDesk:
        # Before the broker is asked anything: whatever it says, what the last sender left must be told.
        failpoints.reach("takeover.before_commit")
        now = micros(self._services.clock.now())
        await self._services.writer.run(Takeover(account.id, lease.fence, now), urgent=True)
        failpoints.reach("takeover.committed")
        broker, capabilities = await self._connect(account)
        desk = AccountDesk(account, broker, capabilities, lease, self._services)
        try:
            await desk.start()
        except BaseException:
            await desk.stop()
            raise
        return desk

    async def _give_back(self, lease: Lease) -> None:
        """So that the next process need not wait for it to expire."""
        if self._held.get(lease.account_id) is lease:
            del self._held[lease.account_id]
        try:
            await self._leases.release(lease)
        except StorageUnavailable as problem:
            log.warning("lease not released", account=lease.account_id, problem=str(problem))


async def _harmless(key: tuple[str, str], errand: _Errand) -> None:
    """One account's trouble must not end the service of the others."""
    account_id, name = key
    try:
        await errand()
    except StorageUnavailable as problem:
        log.warning("left for the next round", errand=name, account=account_id, problem=str(problem))
    except Exception:
        log.exception("errand failed", errand=name, account=account_id)
