"""A desk for every account whose lease this process holds, and the doors through which people steer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, Capabilities
from bridge.kit.clock import micros
from bridge.kit.database import StorageUnavailable
from bridge.orders.desk import AccountDesk, Services
from bridge.orders.gate import Work
from bridge.orders.lease import RENEW_EVERY_S, Leases
from bridge.orders.records import Lane, OrderRecord
from bridge.orders.recovery import Overdue, Takeover
from bridge.orders.situation import Standing

log = structlog.get_logger("bridge.dispatcher")

Connect = Callable[[Account], Awaitable[tuple[Broker, Capabilities]]]


class Dispatcher:
    """Takes leases, keeps desks, hands them their work."""

    def __init__(self, services: Services, leases: Leases, connect: Connect) -> None:
        self._services = services
        self._leases = leases
        self._connect = connect
        self.desks: dict[str, AccountDesk] = {}

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
        """Keep the leases, for ever."""
        while True:
            await self.keep()
            await self._services.clock.sleep(RENEW_EVERY_S)

    async def keep(self) -> None:
        """Renew what is held, take what is free, let go of what is lost, look for work of other processes."""
        accounts = self._services.directory.snapshot.accounts
        for account_id in {*self.desks, *accounts}:
            try:
                await self._keep_one(account_id, accounts.get(account_id))
            except StorageUnavailable as problem:
                log.warning("lease not renewed", account=account_id, problem=str(problem))
            except Exception:  # one account's trouble must not end the service of the others
                log.exception("account not served", account=account_id)
        try:
            await self._services.writer.run(Overdue(micros(self._services.clock.now())), urgent=True)
        except StorageUnavailable as problem:
            log.warning("overdue work not ended", problem=str(problem))

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
        try:
            broker, capabilities = await self._connect(account)
        except Exception:
            # Without a broker nothing can be sent or asked, but what the last sender left must be told.
            now = micros(self._services.clock.now())
            await self._services.writer.run(Takeover(account.id, lease.fence, now), urgent=True)
            raise
        desk = AccountDesk(account, broker, capabilities, lease, self._services)
        await desk.start()
        self.desks[account.id] = desk
        log.info("desk open", account=account.id, broker=account.broker, fence=lease.fence)

    async def stop(self) -> None:
        """Stop every desk and give the leases back."""
        desks, self.desks = list(self.desks.values()), {}
        await asyncio.gather(*(desk.stop() for desk in desks))
        for desk in desks:
            try:
                await self._leases.release(desk.lease)
            except StorageUnavailable as problem:
                log.warning("lease not released", account=desk.account.id, problem=str(problem))
