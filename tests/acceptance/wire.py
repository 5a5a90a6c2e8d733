"""HTTP by hand: sends bytes that no client library would send, and reads whatever comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

ANSWER_WITHIN_S = 20.0
SILENCE = 0  # the status of a connection that was closed without a word


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the milliseconds until all of it was there."""

    status: int
    body: bytes
    ms: float


def request(method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A request; header values are latin-1, a Content-Length is added unless one is given."""
    lines = {"Host": "127.0.0.1", "Content-Length": str(len(body))} | dict(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


class Wire:
    """One connection, kept alive while the server wants it, opened again when it does not."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, said: bytes) -> Answer:
        """Send these bytes and wait for the answer. Raises TimeoutError when there is neither answer nor hang-up."""
        reader, writer = self._link or await asyncio.open_connection("127.0.0.1", self._port)
        self._link = reader, writer
        started = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                writer.write(said)
                status, body, last = await _read(reader, bodiless=said.startswith(b"HEAD "))
        except (asyncio.IncompleteReadError, ConnectionError):
            status, body, last = SILENCE, b"", True
        answer = Answer(status, body, (time.monotonic() - started) * 1000)
        if last:
            await self.close()
        return answer

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link[1].close()
            await asyncio.gather(self._link[1].wait_closed(), return_exceptions=True)  # reset is closed, too
        self._link = None


async def _read(reader: asyncio.StreamReader, *, bodiless: bool) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection ends with it."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    status, last = int(lines[0].split(" ")[1]), headers.get("connection", "").lower() == "close"
    if bodiless or status in (204, 304):
        return status, b"", last
    if headers.get("transfer-encoding") == "chunked":
        return status, await _chunks(reader), last
    if "content-length" in headers:
        return status, await reader.readexactly(int(headers["content-length"])), last
    return status, await reader.read(), True


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
