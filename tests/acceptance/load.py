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
    idle: list[Link] = [await client.open() for _ in range(8)]
    started = time.monotonic() + 0.1

    async def one(place: int, body: str) -> Shot:
        due = started + place / per_second
        await asyncio.sleep(due - time.monotonic())
        link = await _open_link(idle) or await client.open()
        shot = await client.post(link, body)
        idle.append(link)
        return Shot(due, shot.back, shot.status)

    shots = await asyncio.gather(*(one(place, body) for place, body in enumerate(bodies)))
    await hang_up(idle)
    return shots


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


async def _open_link(idle: list[Link]) -> Link | None:
    """One that the server has not closed; it hangs up on those that were not used for some seconds."""
    while idle:
        link = idle.pop()
        if not link[0].at_eof():
            return link
        await hang_up([link])
    return None


async def hang_up(links: Sequence[Link]) -> None:
    """Close the connections."""
    for _, writer in links:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in links))
