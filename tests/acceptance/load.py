"""Alerts at a given rate, all at once or one by one, over raw sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from bridge.cli.benching.load import Client, Shot

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Load = Callable[[Client, Sequence[str]], Awaitable[list[Shot]]]


KEEP_S = 2.0
SYMBOLS = ("SBIN", "INFY", "TCS", "ITC")


class Alerts:
    """Alerts that differ in their quantity, by which their orders are recognised at the broker and in the journal."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def take(self, many: int, exchange: str = "NSE") -> list[str]:
        """That many new ones, as OpenAlgo's users send them."""
        return [self._next(exchange) for _ in range(many)]

    def _next(self, exchange: str) -> str:
        number = next(self._numbers)
        where = {"symbol": SYMBOLS[number % len(SYMBOLS)], "exchange": exchange}
        return json.dumps(where | {"action": "BUY", "quantity": number, "pricetype": "MARKET", "product": "MIS"})


async def steady(client: Client, bodies: Sequence[str], per_second: float) -> list[Shot]:
    """One request every 1/per_second seconds, whatever the answers do.

    A shot leaves when it is due: a stall counts for every alert it held up, also for those that waited to be sent.
    """
    idle = Idle(client)
    started = time.monotonic() + 0.1

    async def one(place: int, body: str) -> Shot:
        due = started + place / per_second
        await asyncio.sleep(due - time.monotonic())
        link = await idle.take()
        shot = await client.post(link, body)
        idle.put(link)
        return Shot(due, shot.back, shot.status)

    shots = await asyncio.gather(*(one(place, body) for place, body in enumerate(bodies)))
    await idle.hang_up()
    return shots


class Idle:
    """Connections between two requests. The server hangs up on one that was not used for five seconds, so we do it first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._links: list[tuple[float, Link]] = []

    async def take(self) -> Link:
        """The one that was used last, or a new one."""
        if self._links and time.monotonic() - self._links[-1][0] < KEEP_S:
            return self._links.pop()[1]
        await self.hang_up()
        return await self._client.open()

    def put(self, link: Link) -> None:
        """Keep it for the next."""
        self._links.append((time.monotonic(), link))

    async def hang_up(self) -> None:
        """Close all."""
        links, self._links = self._links, []
        await hang_up([link for _, link in links])


async def burst(client: Client, bodies: Sequence[str]) -> list[Shot]:
    """All at once, each on a connection of its own that is open already."""
    links = [await client.open() for _ in bodies]
    shots = await asyncio.gather(*(client.post(link, body) for link, body in zip(links, bodies, strict=True)))
    await hang_up(links)
    return shots


async def one_by_one(client: Client, bodies: Sequence[str], pause_s: float) -> list[Shot]:
    """Each when the one before is answered and `pause_s` has passed, in which an idle house becomes idle again."""
    link, shots = await client.open(), []
    for body in bodies:
        shots.append(await client.post(link, body))
        await asyncio.sleep(pause_s)
    await hang_up([link])
    return shots


async def hang_up(links: Sequence[Link]) -> None:
    """Close the connections."""
    for _, writer in links:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in links))
