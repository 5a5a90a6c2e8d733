"""The one way to a broker's REST address: one client per account; `replies.py` judges what it brings back.

The guarantee: a request's bytes leave at most once. No retries, no redirects, no proxies from the environment. A call
that failed without ever holding a connection is `Unavailable`; a failure of an order after that is `OutcomeUnknown`,
whatever it was. A read changes nothing, so whatever went wrong with it is `Unavailable`: ask again.

aiohttp by itself sends PUT and DELETE a second time when a kept-alive connection turns out dead, and httpx-aiohttp
calls that same death a connect timeout. So neither is asked what happened: a `_Flight` watches each call board its
connection, and lets it board only once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from ssl import SSLContext, SSLError
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bridge.brokers.base import BrokerError, Connection, LoginRequired, OutcomeUnknown, Unavailable
from bridge.kit.clock import Clock, SystemClock

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, and some brokers want tokens there

LIMITS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=45.0)
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "bridge"}
LARGEST_BODY: Final = 16 * 1024 * 1024  # a day's order book of 10,000 rows is about 5 MiB
LARGEST_RECORD: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds of the clock in use. `connect` covers waiting for a slot, DNS, TCP and TLS; `total` covers everything.

    aiohttp has no timer of its own for writing, there `total` bounds it; an order fits into the socket's buffer anyway.
    """

    connect: float = 3.0
    write: float = 3.0
    read: float = 10.0
    total: float = 15.0

    def at_speed(self, speed: float) -> Timeouts:
        """The same spans on a clock that runs `speed` times as fast, in real seconds."""
        spans = (self.connect, self.write, self.read, self.total)
        connect, write, read, total = (span / speed for span in spans)
        return Timeouts(connect=connect, write=write, read=read, total=total)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, whole."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """What the journal may keep: without secrets, at most 4 KiB."""
        return masked(self.body, self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What metrics may know of one call: never headers, bodies or query. `outcome` is `answered` or one of the words."""

    account_id: str
    call: str
    outcome: str
    seconds: float
    status: int | None = None


Observer = Callable[[Exchange], None]


@dataclass(slots=True)
class _Flight:
    """One call on its way. `boarded`: it holds (or held) a connection, so its bytes may have left."""

    watched: bool  # by aiohttp's trace; another transport is believed when it says that it could not connect
    boarded: bool = False

    def queue(self) -> None:
        """Look for a connection; refuses to look for a second one, because the library is about to send again."""
        if self.boarded:
            raise _SentOnce("the connection died; not sent again")

    def board(self) -> None:
        """Take the connection that was found."""
        self.queue()
        self.boarded = True

    def never_left(self, failure: BaseException) -> bool:
        """Is it certain that not one byte was written?"""
        return not self.boarded if self.watched else isinstance(failure, _NO_CONNECTION)


_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _SentOnce(Exception):
    """A second try was stopped before its first byte."""


_flight: ContextVar[_Flight] = ContextVar("flight")


def _watch() -> aiohttp.TraceConfig:
    watch: aiohttp.TraceConfig = aiohttp.TraceConfig(lambda **_: _flight.get())  # type: ignore[arg-type]  # any object will do

    async def board(session: object, flight: Any, params: object) -> None:
        flight.board()

    async def queue(session: object, flight: Any, params: object) -> None:
        flight.queue()

    watch.on_connection_create_start.append(queue)
    watch.on_connection_create_end.append(board)
    watch.on_connection_reuseconn.append(board)
    return watch


_url = lru_cache(maxsize=64)(httpx.URL)  # a broker has few addresses, and taking one apart costs as much as sending


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # one for all accounts: loading the roots takes 10 ms and 1 MB


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=LIMITS.max_connections or 0, keepalive_timeout=LIMITS.keepalive_expiry, ssl=_tls()
    )
    return aiohttp.ClientSession(connector=connector, trace_configs=[_watch()], cookie_jar=aiohttp.DummyCookieJar())


class BrokerHttp:
    """One account's HTTP client. `send` is for what changes something at the broker, `read` for what does not.

    An `auth` signs; it may not send anything itself.
    """

    def __init__(
        self,
        base_url: str,
        *,
        account_id: str = "",
        clock: Clock | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        secrets: Collection[str] = (),
        timeouts: Timeouts | None = None,
        observe: Observer | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._account_id, self._clock, self._observe = account_id, clock or SystemClock(), observe
        self._secrets = tuple(secret for secret in secrets if len(secret) > 3)
        # a clock for rehearsals says how fast it runs; the machine's does not
        self._timeouts = (timeouts or Timeouts()).at_speed(getattr(self._clock, "speed", 1.0))
        limits = self._timeouts
        self._watched = transport is None
        self._base_url, self._headers, self._auth = base_url.rstrip("/"), {**_HEADERS, **(headers or {})}, auth
        timeout = httpx.Timeout(limits.read, connect=limits.connect, write=limits.write, pool=limits.connect)
        self._extensions = {"timeout": timeout.as_dict()}
        # The transport is spoken to without httpx's client around it: what that adds (redirects, cookies, retries of an
        # auth) is just what an order must not meet, and it takes a third of the processor time of a call.
        self._transport = transport or AiohttpTransport(verify=_tls(), client=_session)

    @classmethod
    def of(cls, connection: Connection, base_url: str | None = None, **more: Any) -> BrokerHttp:
        """The client of an account: its own host before the vendor's; `clock`, `observe`, `transport` from its services."""
        address = connection.rest_url or base_url
        if not address:
            raise LoginRequired("This broker has no address of its own: give the account one (--rest URL)")
        named = {
            name: connection.services[name] for name in ("clock", "observe", "transport") if name in connection.services
        }
        secrets = tuple(connection.credentials.values())
        return cls(address, account_id=connection.account_id, secrets=secrets, **{**named, **more})

    async def send(self, call: str, method: str, path: str, **request: Any) -> Reply:
        """One request that changes something, sent once. Raises `Unavailable` or `OutcomeUnknown`.

        `request` is what httpx takes: json, data, params, headers. A cancelled caller also gets `OutcomeUnknown`
        if bytes may have left (its `asyncio.current_task().cancelling()` still says so), so that it can be written down.
        """
        return await self._exchange(OutcomeUnknown, call, method, path, request)

    async def read(self, call: str, path: str, *, method: str = "GET", **request: Any) -> Reply:
        """One request that changes nothing. Raises `Unavailable`."""
        return await self._exchange(Unavailable, call, method, path, request)

    async def warm(self, path: str, connections: int = 2) -> None:
        """Open `connections` at once; they stay for 45 s after their last use. Raises `Unavailable` if one cannot be had.

        A book read every 30 s keeps one warm; call this again to have more.
        """
        reads = (self.read("warm", path) for _ in range(connections))
        for result in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.aclose()

    async def _exchange(
        self, word: type[BrokerError], call: str, method: str, path: str, request: Mapping[str, Any]
    ) -> Reply:
        flight, started = _Flight(self._watched), self._clock.monotonic()
        status: int | None = None
        outcome = "answered"
        token = _flight.set(flight)
        try:
            async with asyncio.timeout(self._timeouts.total):
                reply = await self._talk(method, path, request)
            status = reply.status
            return reply
        except asyncio.CancelledError as cancelled:
            outcome = "Cancelled"
            if word is not OutcomeUnknown or flight.never_left(cancelled):
                raise
            raise OutcomeUnknown(f"{call}: cancelled while the request was under way") from cancelled
        except Exception as failure:  # whatever it was, what counts is whether bytes may have left
            error = (Unavailable if flight.never_left(failure) else word)(f"{call}: {_said(failure)}")
            outcome = type(error).__name__
            raise error from failure
        finally:
            _flight.reset(token)
            self._tell(call, outcome, started, status)

    async def _talk(self, method: str, path: str, request: Mapping[str, Any]) -> Reply:
        headers = {**self._headers, **request.get("headers", {})}
        more = {**request, "headers": headers, "extensions": self._extensions}
        asked = httpx.Request(method, _url(self._base_url + path), **more)
        if self._auth is not None:
            async with aclosing(self._auth.async_auth_flow(asked)) as flow:
                asked = await anext(flow)
        answer = await self._transport.handle_async_request(asked)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise ValueError(f"the answer is larger than {LARGEST_BODY} bytes")
        finally:
            await answer.aclose()
        return Reply(answer.status_code, answer.headers, bytes(body), self._secrets)

    def _tell(self, call: str, outcome: str, started: float, status: int | None) -> None:
        if self._observe is not None:
            seconds = self._clock.monotonic() - started
            self._observe(
                Exchange(account_id=self._account_id, call=call, outcome=outcome, seconds=seconds, status=status)
            )


def _said(failure: BaseException) -> str:
    """The failure for people; an address may carry credentials, so only its kind and the system's words."""
    root: BaseException = failure
    while root.__cause__ is not None and not isinstance(root, TimeoutError):
        root = root.__cause__
    if isinstance(root, SSLError):
        return f"{type(root).__name__} {root.reason}"
    if isinstance(root, OSError) and root.errno is not None and root.errno > 0:
        return f"{type(root).__name__} {os.strerror(root.errno)}"
    return type(root).__name__


# ---- what the journal may keep

# spans are bounded: a reply of one endless word must not hold up the loop
_SECRET_MEMBER = re.compile(
    r"""((?:token|secret|passw|api_?key|authori[sz]ation|otp|mpin|jwt|cookie|session_?id)[\w-]{0,40}["']?\s{0,9}[:=]\s{0,9})"""
    r"""("(?:[^"\\]|\\.)*(?:"|$)|'[^']*(?:'|$)|(?:(?:bearer|basic|token)\s)?[^\s,;&}"']+)""",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")


def masked(body: bytes, secrets: Collection[str] = ()) -> str:
    """The body as text without secrets, at most 4 KiB: the account's own credentials, tokens by name, and JWTs."""
    # masked with some room to spare, so that a secret on the edge is seen whole
    text = body[: 2 * LARGEST_RECORD].decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, "•••")
    text = _JWT.sub("•••", _SECRET_MEMBER.sub(r'\1"•••"', text))
    return text.encode()[:LARGEST_RECORD].decode("utf-8", "ignore")
