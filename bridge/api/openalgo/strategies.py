"""The strategy a request names: the person's own of that name, or one that is made for it.

Clients of OpenAlgo send any word as their strategy, so a name that is new gets a strategy of its own: what it holds, and
what its exits close, is then told apart from what others hold. It may trade every symbol, as often as key and account allow.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache

from bridge.accounts.model import Account, Feed, Strategy, StrategySettings
from bridge.api.openalgo.wire import Call, Refused
from bridge.api.ports import Ports

MOST = 200  # strategies of one person, before names alone make no more


class Strategies:
    """Finds them by name."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._making: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def known(self, call: Call, name: str) -> Strategy | None:
        """The person's strategy of that name."""
        snapshot, user_id = self._ports.directory.snapshot, call.caller.user.id
        mine = (s for s in snapshot.strategies.values() if s.user_id == user_id and s.name == name)
        return min(mine, key=lambda strategy: strategy.id, default=None)

    async def on(self, call: Call, name: str, account: Account) -> Strategy:
        """The strategy, made when there is none, feeding just the account that the key trades on."""
        found = self.known(call, name)
        if found is None:
            async with self._making[call.caller.user.id]:
                found = self.known(call, name) or await self._made(call, name, account)
        return self.feeding(found, account)

    def of(self, call: Call, strategy_id: str, account: Account) -> Strategy | None:
        """The person's strategy with that id, feeding just that account."""
        found = self._ports.directory.snapshot.strategies.get(strategy_id)
        return None if found is None or found.user_id != call.caller.user.id else self.feeding(found, account)

    def feeding(self, strategy: Strategy, account: Account) -> Strategy:
        """The strategy as a key's request uses it: feeding just that account, its legs independent of each other."""
        settings, text = _feeding(strategy.settings_text, account.id)
        return replace(strategy, settings=settings, settings_text=text)

    async def _made(self, call: Call, name: str, account: Account) -> Strategy:
        user_id, snapshot = call.caller.user.id, self._ports.directory.snapshot
        if sum(strategy.user_id == user_id for strategy in snapshot.strategies.values()) >= MOST:
            raise Refused(400, {"strategy": [f"there are {MOST} strategies already: use the name of one of them"]})
        settings = StrategySettings(
            accounts=(Feed(account_id=account.id),),
            any_symbol=True,
            basket_policy="buys_first",
            # How often is the key's and the account's to say; a name that nobody has set up limits nothing by itself.
            orders_per_minute=None,
            orders_per_day=None,
        )
        await self._ports.accounts.add_strategy(user_id, name, settings)
        await self._ports.directory.refresh()
        made = self.known(call, name)
        if made is None:
            raise Refused(503, "The strategy was made, but is not to be seen yet; ask again.")
        return made


@lru_cache(maxsize=1024)
def _feeding(text: str, account_id: str) -> tuple[StrategySettings, str]:
    """The settings with that account alone, no window for repeats, and legs that stand each for itself.

    A program that wants one order once gives it an id; and it is told of each leg, so that it can answer for the others.
    """
    settings = StrategySettings.model_validate_json(text)
    own = next((feed for feed in settings.accounts if feed.account_id == account_id), Feed(account_id=account_id))
    changed = settings.model_copy(update={"accounts": (own,), "dedupe_window_s": 0.0, "basket_policy": "buys_first"})
    return changed, changed.model_dump_json()
