"""An account's connection for whoever only wants to look: the desk's own where one works here, else one for reading."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, Capabilities
from bridge.orders.desk import AccountDesk

Connect = Callable[[Account], Awaitable[tuple[Broker, Capabilities]]]


class Connections:
    """Nothing is sent through them: orders go through a desk, which holds the account's lease."""

    def __init__(self, desk: Callable[[str], AccountDesk | None], connect: Connect) -> None:
        self._desk = desk
        self._connect = connect
        self._open: dict[str, tuple[Account, Broker]] = {}
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, account: Account) -> Broker:
        """The account's broker, connected under its present settings. Raises what connecting raises."""
        desk = self._desk(account.id)
        if desk is not None and desk.account == account:
            return desk.broker
        async with self._opening[account.id]:
            known = self._open.get(account.id)
            if known is not None and known[0] == account:
                return known[1]
            broker, _ = await self._connect(account)
            self._open[account.id] = account, broker
        if known is not None:
            await known[1].close()
        return broker

    async def close(self) -> None:
        """Let go of all of them."""
        opened, self._open = self._open, {}
        await asyncio.gather(*(broker.close() for _, broker in opened.values()), return_exceptions=True)
