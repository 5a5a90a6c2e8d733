"""HTTP/1.1 on bare asyncio: what a misbehaving server needs and no web framework lets one do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httptools

_LINGER_NONE = struct.pack("ii", 1, 0)  # close sends RST


@dataclass(slots=True)
class Request:
    """One request as received; `gone` is set when the client lets go of the connection."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. `raw` replaces status line, headers and body; `then` says what happens to the connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    then: str = "keep"  # keep | close | reset

    def encode(self, date: bytes) -> bytes:
        """The bytes on the wire."""
        if self.raw is not None:
            return self.raw
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Odd"
        head = f"HTTP/1.1 {self.status} {phrase}\r\nContent-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return b"".join((head.encode(), more.encode(), b"Date: ", date, b"\r\n\r\n", self.body))


DROP = Answer(raw=b"", then="close")
Handler = Callable[[Request], Awaitable[Answer]]


class Wire(asyncio.Protocol):
    """One connection: parse, hand over, answer, one request at a time."""

    def __init__(self, handle: Handler, date: Callable[[], bytes], open_wires: set[Wire]) -> None:
        self._handle, self._date, self._wires = handle, date, open_wires
        self._gone = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._parser = httptools.HttpRequestParser(self)
        self._wires.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; a request in hand goes on, as at a real broker."""
        self._gone.set()
        self._wires.discard(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """Parser: a new request."""
        self._url = b""
        self._body: list[bytes] = []
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        """Parser: (part of) the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser: one header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Parser: (part of) the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Parser: all there."""
        parts = urlsplit(self._url.decode("latin-1"))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        method = self._parser.get_method().decode()
        request = Request(method, parts.path, query, self._headers, b"".join(self._body), self._gone)
        task = asyncio.get_running_loop().create_task(self._reply(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, request: Request) -> None:
        answer = await self._handle(request)
        if self._transport.is_closing():
            return
        if answer.then == "reset":
            self.reset()
            return
        self._transport.write(answer.encode(self._date()))
        if answer.then == "close":
            self._transport.close()

    def carries(self, request: Request) -> bool:
        """Did this request come over this connection?"""
        return request.gone is self._gone

    def reset(self) -> None:
        """Tear the connection down with RST."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._transport.abort()
