"""A load generator on raw sockets: what it costs itself must not show in the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: when it left and came back (monotonic seconds), and the status."""

    left: float
    back: float
    status: int

    @property
    def ms(self) -> float:
        """Milliseconds from leaving to the whole answer."""
        return (self.back - self.left) * 1000


class Client:
    """Keep-alive connections to one address."""

    def __init__(self, port: int, path: str, headers: str = "") -> None:
        self._port = port
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
        self._get = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection."""
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def post(self, link: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: str) -> Shot:
        """Send one body, wait for the whole answer."""
        return await self._send(link, f"{self._head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    async def get(self, link: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Shot:
        """Fetch the page."""
        return await self._send(link, self._get)

    async def _send(self, link: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> Shot:
        reader, writer = link
        left = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        if length:
            await reader.readexactly(length)
        return Shot(left, time.monotonic(), int(head[9:12]))


async def steady(client: Client, bodies: Sequence[str], per_second: float) -> list[Shot]:
    """One request every 1/per_second seconds, whatever the answers do."""
    started = time.monotonic()

    async def one(
        place: int, body: str, links: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    ) -> Shot:
        await asyncio.sleep(max(started + place / per_second - time.monotonic(), 0))
        link = await links.get()
        try:
            return await client.post(link, body)
        finally:
            links.put_nowait(link)

    links: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(16):
        links.put_nowait(await client.open())
    return await asyncio.gather(*(one(place, body, links) for place, body in enumerate(bodies)))


async def closed(client: Client, bodies: Sequence[str], clients: int) -> list[Shot]:
    """`clients` callers, each sending its next request when the last is answered."""
    waiting = list(reversed(bodies))

    async def caller() -> list[Shot]:
        link = await client.open()
        shots = []
        while waiting:
            shots.append(await client.post(link, waiting.pop()))
        return shots

    return [shot for shots in await asyncio.gather(*(caller() for _ in range(clients))) for shot in shots]


async def burst(client: Client, bodies: Sequence[str]) -> list[Shot]:
    """All at once, each on a connection of its own that is open already."""
    links = [await client.open() for _ in bodies]
    shots = await asyncio.gather(*(client.post(link, body) for link, body in zip(links, bodies, strict=True)))
    for _, writer in links:
        writer.close()
    return shots


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0 for nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
