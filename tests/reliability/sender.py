"""A sender with a memory: what it sent, what it was answered, and what it sent again.

It behaves as TradingView does: after a 5xx it sends the same alert again, at most three times. Unlike TradingView it also
goes on when the program is down, for as long as its patience lasts, because its alerts are what the tests count.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp

from tests.reliability.clock import Epoch
from tests.reliability.ledgers import Sent, Try, Wish
from tests.reliability.program import SYMBOLS
from tests.reliability.stage import equities

RESENDS = 3
RESEND_AFTER_S = 5.0  # rehearsal seconds
RECONNECT_AFTER_REAL_S = 0.02
ANSWER_WITHIN_REAL_S = 20.0


@dataclass
class Sender:
    """Sends alerts to the program at `url`; `sent` is its ledger."""

    url: str
    paths: dict[str, str]
    epoch: Epoch
    patience_real_s: float = 20.0
    sent: list[Sent] = field(default_factory=list)

    async def send(self, alert: Sent) -> Sent:
        """Deliver one alert, again if need be, and remember it."""
        self.sent.append(alert)
        async with aiohttp.ClientSession() as session:
            await self._deliver(session, alert)
        return alert

    async def send_all(self, alerts: list[Sent], gap_real_s: float = 0.0, at_once: int = 8) -> None:
        """Deliver many, a new one every `gap_real_s` while fewer than `at_once` are on their way."""
        room = asyncio.Semaphore(at_once)
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for alert in alerts:
                await room.acquire()
                self.sent.append(alert)
                group.create_task(self._deliver(session, alert)).add_done_callback(lambda _: room.release())
                await asyncio.sleep(gap_real_s)

    async def _deliver(self, session: aiohttp.ClientSession, alert: Sent) -> None:
        resends, gives_up = 0, asyncio.get_running_loop().time() + self.patience_real_s
        while resends <= RESENDS:
            answer = await self._post(session, alert)
            alert.tries.append(answer)
            if answer.status is not None and answer.status < 500:
                return
            if asyncio.get_running_loop().time() > gives_up:
                return
            if answer.status is None:
                await asyncio.sleep(RECONNECT_AFTER_REAL_S)
            else:
                resends += 1
                await asyncio.sleep(self.epoch.real(RESEND_AFTER_S))

    async def _post(self, session: aiohttp.ClientSession, alert: Sent) -> Try:
        at = self.epoch.now()
        address = self.url + self.paths[alert.strategy]
        headers = {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(ANSWER_WITHIN_REAL_S),
                session.post(address, data=alert.body, headers=headers) as reply,
            ):
                return Try(at, reply.status, _content(await reply.read()))
        except (aiohttp.ClientError, OSError, TimeoutError):
            return Try(at, None)


def _content(body: bytes) -> dict[str, Any]:
    """The answer's members; an answer that is no JSON object (a bare 500) has none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


Body = dict[str, Any]


def alert(key: str, strategy: str, side: str, symbol: str, quantity: int, **more: Any) -> Sent:
    """One order for a strategy of the rehearsal's house, and what it should lead to."""
    body: Body = {"symbol": symbol, "exchange": "NSE", "action": side, "quantity": quantity, "alertid": key, **more}
    return Sent(key, strategy, json.dumps(body), _WISHES[strategy](symbol, side, Decimal(quantity)))


def basket(key: str, strategy: str, legs: list[tuple[str, str, int]]) -> Sent:
    """Several orders in one alert: (side, symbol, quantity) each."""
    bodies = [
        {"symbol": symbol, "exchange": "NSE", "action": side, "quantity": quantity, "alertid": key}
        for side, symbol, quantity in legs
    ]
    wishes = tuple(Wish("alpha", symbol, side, Decimal(quantity)) for side, symbol, quantity in legs)
    return Sent(key, strategy, json.dumps(bodies), wishes)


def cancel(key: str, strategy: str, symbol: str) -> Sent:
    """Take the strategy's resting orders in a symbol back; asks for no order."""
    return Sent(key, strategy, json.dumps({"ticker": symbol, "action": "cancel"}), ())


def _single(symbol: str, side: str, quantity: Decimal) -> tuple[Wish, ...]:
    return (Wish("alpha", symbol, side, quantity),)


_WISHES: dict[str, Callable[[str, str, Decimal], tuple[Wish, ...]]] = {
    "single": _single,
    "asked": _single,
    "legs_stop": _single,
    "legs_continue": _single,
    "legs_unwind": _single,
    "double": lambda symbol, side, quantity: (
        Wish("alpha", symbol, side, quantity),
        Wish("beta", symbol, side, 2 * quantity),
    ),
    "long": lambda symbol, side, quantity: (Wish("beta", symbol, side, quantity, at_most=side == "sell"),),
}


def mixed(dice: random.Random, count: int, prefix: str = "a") -> list[Sent]:
    """A day's mixture: one and two accounts, both sides, exits that depend on the position (of few symbols, to meet one)."""
    made = []
    for number in range(count):
        strategy = dice.choices(("single", "double", "long"), (5, 2, 3))[0]
        side = dice.choice(("buy", "sell"))
        symbols = SYMBOLS if strategy == "long" else equities()
        made.append(alert(f"{prefix}{number}", strategy, side, dice.choice(symbols), dice.randint(1, 20)))
    return made
