"""A desk for every account whose lease this process holds, and the doors through which people steer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, Capabilities
from bridge.kit.clock import micros
from bridge.kit.database import StorageUnavailable
from bridge.orders.desk import AccountDesk, Services
from bridge.orders.gate import Work
from bridge.orders.lease import RENEW_EVERY_S, Lease, Leases
from bridge.orders.records import Lane, OrderRecord
from bridge.orders.recovery import Overdue, Takeover
from bridge.orders.situation import Standing

log = structlog.get_logger("bridge.dispatcher")

_OVERDUE = "overdue"  # no account's id

_Errand = Callable[[], Coroutine[Any, Any, None]]
Connect = Callable[[Account], Awaitable[tuple[Broker, Capabilities]]]


class Dispatcher:
    """Takes leases, keeps desks, hands them their work."""

    def __init__(self, services: Services, leases: Leases, connect: Connect) -> None:
        self._services = services
        self._leases = leases
        self._connect = connect
        self.desks: dict[str, AccountDesk] = {}
        self._keeping: dict[str, asyncio.Task[None]] = {}

    def offer(self, account_id: str, work: Sequence[Work]) -> None:
        """Work that was committed a moment ago. Without a desk here, the process that has one finds it in the tables."""
        desk = self.desks.get(account_id)
        if desk is not None:
            desk.offer(work)

    def standing(self, account_id: str, lane: Lane) -> Standing | None:
        """What a strategy holds, as far as a desk of this process knows. None where nobody here does."""
        desk = self.desks.get(account_id)
        return desk.standing(lane) if desk else None

    def announce(self, orders: Sequence[OrderRecord], count: int) -> None:
        """Orders that are being committed: what is decided meanwhile must know of them."""
        for order in orders:
            desk = self.desks.get(order.account_id)
            if desk is not None:
                desk.announce(order.lane, order.side, count)

    async def run(self) -> None:
        """Keep the leases, for ever. An account whose broker does not answer holds up no other one's."""
        while True:
            self._round()
            await self._services.clock.sleep(RENEW_EVERY_S)

    async def keep(self) -> None:
        """Renew what is held, take what is free, let go of what is lost, look for work of other processes."""
        await asyncio.gather(*self._round())

    def _round(self) -> list[asyncio.Task[None]]:
        """Begin to keep each account whose last round is over. Side by side, so that their renewals share a commit and
        a peer that stands still with the database locked is seen, however many writes are waiting for it."""
        accounts = self._services.directory.snapshot.accounts
        errands: dict[str, _Errand] = {
            key: partial(self._keep_one, key, accounts.get(key)) for key in {*self.desks, *accounts}
        }
        errands[_OVERDUE] = self._end_overdue
        for key, errand in errands.items():
            if key not in self._keeping:
                task = self._keeping[key] = asyncio.create_task(_harmless(key, errand))
                task.add_done_callback(partial(self._round_over, key))
        return list(self._keeping.values())

    def _round_over(self, key: str, _task: asyncio.Task[None]) -> None:
        del self._keeping[key]

    async def _end_overdue(self) -> None:
        await self._services.writer.run(Overdue(micros(self._services.clock.now())), urgent=True)

    async def _keep_one(self, account_id: str, account: Account | None) -> None:
        if account_id in self.desks:
            await self._renew(account_id, account)
        if account is not None and account_id not in self.desks:
            await self._take(account)

    async def _renew(self, account_id: str, account: Account | None) -> None:
        desk = self.desks[account_id]
        kept = await self._leases.renew(desk.lease)
        if kept and account == desk.account:
            await desk.look_for_work()
            return
        log.info("desk closed", account=account_id, lease_kept=kept)
        del self.desks[account_id]
        await desk.stop()
        if kept:
            await self._leases.release(desk.lease)

    async def _take(self, account: Account) -> None:
        """Serve an account that nobody serves. A disabled one too: its orders at the broker must still be followed."""
        lease = await self._leases.acquire(account.id)
        if lease is None:
            return
        # A login may take longer than a lease, and who is silent that long is killed by a peer.
        renewing = asyncio.create_task(self._renew_until_cancelled(lease))
        try:
            desk = await self._opened(account, lease)
        finally:
            renewing.cancel()
        self.desks[account.id] = desk
        log.info("desk open", account=account.id, broker=account.broker, fence=lease.fence)

    async def _opened(self, account: Account, lease: Lease) -> AccountDesk:
        try:
            broker, capabilities = await self._connect(account)
        except Exception:
            # Without a broker nothing can be sent or asked, but what the last sender left must be told.
            now = micros(self._services.clock.now())
            await self._services.writer.run(Takeover(account.id, lease.fence, now), urgent=True)
            raise
        desk = AccountDesk(account, broker, capabilities, lease, self._services)
        await desk.start()
        return desk

    async def _renew_until_cancelled(self, lease: Lease) -> None:
        while True:
            await self._services.clock.sleep(RENEW_EVERY_S)
            try:
                await self._leases.renew(lease)
            except StorageUnavailable as problem:
                log.warning("lease not renewed", account=lease.account_id, problem=str(problem))

    async def stop(self) -> None:
        """Stop every desk and give the leases back."""
        rounds = list(self._keeping.values())
        for task in rounds:
            task.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)
        desks, self.desks = list(self.desks.values()), {}
        await asyncio.gather(*(desk.stop() for desk in desks))
        for desk in desks:
            try:
                await self._leases.release(desk.lease)
            except StorageUnavailable as problem:
                log.warning("lease not released", account=desk.account.id, problem=str(problem))


async def _harmless(key: str, errand: _Errand) -> None:
    """One account's trouble must not end the service of the others."""
    try:
        await errand()
    except StorageUnavailable as problem:
        log.warning("not kept", account=key, problem=str(problem))
    except Exception:
        log.exception("not kept", account=key)
