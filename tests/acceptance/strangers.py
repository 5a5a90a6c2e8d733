"""Requests that nobody should send: to every route of the product, with wrong methods, paths, headers and bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from starlette.routing import BaseRoute

from tests.acceptance.damage import DAMAGES, FRAGMENTS, examples
from tests.acceptance.program import build
from tests.acceptance.wire import request

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
WRITING = ("application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "")
PIECES = (
    "..", "%2e%2e", "%00", "%ff", "a" * 300, "-1", "0", "al_1", "'", "%0d%0aX:1", "{{7*7}}", "~", "%25", "\xff", ";", "*", "<b>",
)  # fmt: skip
HEADERS: tuple[tuple[str, str], ...] = (
    ("Cookie", "bridge=x; bridge_visitor=\xff"),
    ("Cookie", "a" * 4000),
    ("Authorization", "Bearer nonsense"),
    ("Authorization", "Basic Og=="),
    ("X-Forwarded-For", "8.8.8.8, \xff, ::1"),
    ("X-Forwarded-Host", "evil.example"),
    ("Host", "evil.example"),
    ("Origin", "null"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Accept-Language", "x" * 2000),
    ("Idempotency-Key", "\xe9"),
    ("Idempotency-Key", "k" * 500),
    ("webhook-id", ""),
    ("webhook-signature", "v1,AAAA " * 50),
    ("X-SSL-Client-S-DN", "CN=TradingView Webhooks,\xff"),
    ("Range", "bytes=0-1,5-"),
    ("If-None-Match", "*"),
    ("Expect", "200-ok"),
    ("Content-Type", "application/json; charset=utf-7"),
    ("Upgrade", "websocket"),
)
# A key to nothing: OpenAlgo's users send theirs in the body.
ORDER = {
    "apikey": "0" * 64,
    "strategy": "s",
    "symbol": "SBIN",
    "exchange": "NSE",
    "action": "BUY",
    "quantity": "1",
    "product": "MIS",
}


@dataclass(frozen=True, slots=True)
class Route:
    """An address of the product, with `{…}` where it takes anything."""

    path: str
    methods: Sequence[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One request. Only with `may_trade` may an order come of it; only what is no HTTP may be answered by hanging up."""

    kind: str
    said: bytes
    may_trade: bool = False
    is_http: bool = True


def routes(folder: Path) -> list[Route]:
    """Every route of the web application, as the application itself has them."""
    house = build(folder)
    try:
        site = house._site()  # the routes are behind a closure otherwise
        return [Route("/hook/{public_id}/{secret}", ("POST",)), *_walk(site.routes)]
    finally:
        house.writer.close()
        house.engine.dispose()


def _walk(found: Iterable[BaseRoute]) -> Iterable[Route]:
    for route in found:
        inner: Any = getattr(route, "original_router", None)  # how FastAPI keeps what was included
        if inner is not None:
            yield from _walk(inner.routes)
        elif getattr(route, "name", "") != "turn_away":  # which opens nothing: it says the methods of an address
            yield Route(getattr(route, "path", "/"), sorted(getattr(route, "methods", None) or ("GET",)))


class Strangers:
    """Cases without end: the same seed and number give the same case."""

    def __init__(self, seed: int, hook: str, site: Sequence[Route], keys: Sequence[tuple[str, str]] = ()) -> None:
        """`keys` are headers that open doors which are closed to strangers, so that what lies behind is knocked at, too."""
        self._seed, self._hook, self._site = seed, hook, site
        self._headers = (*HEADERS, *[*keys] * 10)
        self._kinds: tuple[Callable[[Random], Case], ...] = (
            *[self._alert] * 6,
            *[self._visit] * 3,
            self._wrong_address,
            self._no_http,
        )

    def case(self, number: int) -> Case:
        """The case of that number."""
        dice = Random(f"{self._seed}/{number}")
        return dice.choice(self._kinds)(dice)

    def _alert(self, dice: Random) -> Case:
        damage = dice.choice(DAMAGES)
        damaged = damage(dice)
        odd = dict([dice.choice(HEADERS)]) if dice.random() < 0.1 else {}
        headers = odd | {"Content-Type": damaged.content_type} | dict(damaged.headers)
        return Case(damage.__name__, request("POST", self._hook, damaged.body, headers), damaged.may_trade)

    def _wrong_address(self, dice: Random) -> Case:
        """A real alert that knocks at a wrong door, or in a wrong way at the right one."""
        body = dice.choice(examples())[1].encode()
        _, hook, public_id, secret = self._hook.split("/")
        target = dice.choice(
            (
                f"/{hook}/{public_id}/{secret[:-1]}", f"/{hook}/{public_id}/", f"/{hook}/{public_id}", f"/{hook}",
                f"/{hook}//{secret}",
                f"/{hook}/{public_id}/{secret}/x", f"/{hook}/{public_id}x/{secret}", f"/{hook}/{secret}/{public_id}",
                f"/{hook}/{public_id}/{dice.choice(PIECES)}", f"/{hook}/{dice.choice(PIECES)}/{secret}",
                f"/{hook.upper()}/{public_id}/{secret}",
            )
        )  # fmt: skip
        if dice.random() < 0.3:
            return Case("wrong method", request(dice.choice([m for m in METHODS if m != "POST"]), self._hook, body))
        return Case("wrong address", request("POST", target, body, {"Content-Type": "application/json"}))

    def _visit(self, dice: Random) -> Case:
        """Any route with anything."""
        route = dice.choice(self._site)
        path = re.sub(r"\{[^}]*\}", lambda _: dice.choice(PIECES), route.path)
        query = dice.choice(
            (
                "",
                "",
                "?a=1",
                "?next=//evil.example",
                "?next=%ff",
                "?" + "&".join(f"k{n}=v" for n in range(300)),
                "?page=-1&of=x",
            )
        )
        method = dice.choice((*route.methods, dice.choice(METHODS)))
        headers = dict(dice.sample(self._headers, dice.randint(0, 3)))
        body = b"" if method in ("GET", "HEAD") and dice.random() < 0.8 else self._body(dice)
        return Case(
            f"visit {route.path}", request(method, path + query, body, {"Content-Type": dice.choice(WRITING)} | headers)
        )

    def _body(self, dice: Random) -> bytes:
        if dice.random() < 0.5:
            return dice.choice(DAMAGES)(dice).body
        order: dict[str, Any] = dict(ORDER) | {dice.choice(list(ORDER)): dice.choice((None, [], "x" * 100, -1, True))}
        return dice.choice(
            (json.dumps(order).encode(), b"name=rehearsal&password=x&csrf=" + b"0" * 64, b"csrf=%ff&%00", b"&" * 100)
        )

    def _no_http(self, dice: Random) -> Case:
        """What is not even HTTP, or says two things about its own length."""
        said = dice.choice(
            (
                dice.randbytes(40) + b"\r\n\r\n",
                b"GET\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"POST " + self._hook.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                b"POST "
                + self._hook.encode()
                + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
                b"POST " + self._hook.encode() + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                b"GET /" + dice.choice(FRAGMENTS).encode() + b" x HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            )
        )
        return Case("no HTTP", said, is_http=False)
