"""Alerts at a given rate or all at once, over raw sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import count

from bridge.cli.benching.load import Client, Shot, burst

__all__ = ["Alerts", "Client", "Shot", "burst", "one_by_one", "steady"]

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Alerts:
    """Alerts that differ in their quantity, by which their orders are recognised at the broker and in the journal."""

    def __init__(self, *symbols: str) -> None:
        self._symbols = symbols
        self._numbers = count(1)

    def take(self, many: int, **members: object) -> list[str]:
        """That many new ones."""
        return [self._next(members) for _ in range(many)]

    def _next(self, members: dict[str, object]) -> str:
        number = next(self._numbers)
        symbol = self._symbols[number % len(self._symbols)]
        return json.dumps({"ticker": symbol, "action": "buy", "quantity": number} | members)


async def steady(client: Client, bodies: Sequence[str], per_second: float) -> list[Shot]:
    """One request every 1/per_second seconds, whatever the answers do.

    A shot leaves when it is due: a stall counts for every alert it held up, also for those that waited to be sent.
    """
    idle: list[Link] = [await client.open() for _ in range(8)]
    started = time.monotonic() + 0.1

    async def one(place: int, body: str) -> Shot:
        due = started + place / per_second
        await asyncio.sleep(due - time.monotonic())
        link = idle.pop() if idle else await client.open()
        shot = await client.post(link, body)
        idle.append(link)
        return Shot(due, shot.back, shot.status)

    shots = await asyncio.gather(*(one(place, body) for place, body in enumerate(bodies)))
    close(idle)
    return shots


async def one_by_one(client: Client, bodies: Sequence[str], pause_s: float) -> list[Shot]:
    """Each when the one before is answered and the house had `pause_s` to become idle again."""
    link, shots = await client.open(), []
    for body in bodies:
        shots.append(await client.post(link, body))
        await asyncio.sleep(pause_s)
    close([link])
    return shots


def close(links: Sequence[Link]) -> None:
    """Hang up."""
    for _, writer in links:
        writer.close()
