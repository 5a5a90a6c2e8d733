"""A door with a pipeline behind it that only remembers, and a clock that stands still."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import httpx
import sqlalchemy as sa
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from bridge.accounts.directory import Directory, Snapshot
from bridge.accounts.model import Source, SourceSettings
from bridge.kit.clock import micros
from bridge.kit.database import Reader
from bridge.kit.vault import Vault
from bridge.orders.arrival import Answer, Arrival
from bridge.webhooks.gates import seal_context
from bridge.webhooks.receive import Hook
from tests.support.clock import FakeClock

PUBLIC_ID = "7w3kq9"
SECRET = "Zk3vQ0f5bq8cXy1rT6mN2sLdWh4gJpEa9uOiRtCxVzM"
PATH = f"/hook/{PUBLIC_ID}/{SECRET}"
SENDER = "203.0.113.9"
ALERT = '{"ticker":"INFY","action":"buy"}'
SIGNING_SECRET = "whsec_" + base64.b64encode(b"a signing key of 32 bytes, fine.").decode()


class CountingVault(Vault):
    """A vault that counts its fingerprints: the one costly step before an address is known to be good."""

    fingerprints = 0

    def fingerprint(self, token: str) -> str:
        self.fingerprints += 1
        return super().fingerprint(token)


class Door:
    """`Hook` and all that stands around it."""

    def __init__(self, settings: SourceSettings | None = None, **options: Any) -> None:
        self.clock = FakeClock()
        self.vault = CountingVault(b"pepper" * 6, [Fernet.generate_key()])
        self.directory = Directory(Reader(sa.create_engine("sqlite://")), self.clock)
        self.registry = CollectorRegistry()
        self.arrivals: list[Arrival] = []
        self.answer = Answer(202, {"alert_id": "al_1", "status": "accepted", "orders": [], "trace": "/alerts/al_1"})
        self.problem: Exception | None = None
        self.hook = Hook(self.directory, self.vault, self.clock, self._submit, registry=self.registry, **options)
        self.source = self.add_source(settings)

    async def _submit(self, arrival: Arrival) -> Answer:
        if self.problem is not None:
            raise self.problem
        self.arrivals.append(arrival)
        return self.answer

    def add_source(
        self, settings: SourceSettings | None = None, public_id: str = PUBLIC_ID, secret: str = SECRET
    ) -> Source:
        """One more address."""
        source = Source(
            id=f"so_{public_id}",
            public_id=public_id,
            user_id="us_1",
            strategy_id="st_1",
            name="Breakouts",
            secret_hash=self.vault.fingerprint(secret),
            settings=settings or SourceSettings(),
        )
        self.keep(source)
        return source

    def change_source(self, **changes: Any) -> None:
        """As if its owner had changed the first source."""
        self.source = replace(self.source, **changes)
        self.keep(self.source)

    def require_signatures(self, secret: str = SIGNING_SECRET) -> None:
        """The first source has a signing secret from now on."""
        sealed = self.vault.seal(secret, seal_context(self.source.id))
        self.change_source(settings=self.source.settings.model_copy(update={"signing_secret": sealed}))

    def rotate(self, new_secret: str, *, overlap_s: float) -> None:
        """A new secret; the old one lives on for a while."""
        self.change_source(
            secret_hash=self.vault.fingerprint(new_secret),
            old_secret_hash=self.source.secret_hash,
            old_secret_until=micros(self.clock.now()) + int(overlap_s * 1_000_000),
        )

    def keep(self, source: Source) -> None:
        old = self.directory.snapshot
        sources = {**old.sources, source.id: source}
        by_public_id = {known.public_id: known for known in sources.values()}
        self.directory.snapshot = Snapshot(old.revision + 1, sources=sources, sources_by_public_id=by_public_id)

    async def post(
        self,
        content: str | bytes | AsyncIterator[bytes] = ALERT,
        *,
        path: str = PATH,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        peer: str = SENDER,
        method: str = "POST",
    ) -> httpx.Response:
        """Send one alert."""
        transport = httpx.ASGITransport(app=self.hook, client=(peer, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
            return await client.request(method, path, content=content, headers=headers)

    async def post_signed(self, content: str = ALERT, **changes: str) -> httpx.Response:
        """Send one alert with a Standard Webhooks signature; `changes` replace single headers."""
        headers = sign(content, timestamp=int(self.clock.now().timestamp()))
        return await self.post(content, headers={**headers, **{k.replace("_", "-"): v for k, v in changes.items()}})

    async def call(self, scope: dict[str, Any], messages: Iterable[dict[str, Any]] = ()) -> list[Any]:
        """Call the application itself with whatever scope; what it sent. After the messages the client is gone."""
        waiting = iter([*messages, {"type": "http.disconnect"}])

        async def receive() -> dict[str, Any]:
            return next(waiting)

        return await self._call({**scope_of(), **scope}, receive)

    async def call_streaming(self, body: AsyncIterator[bytes]) -> list[Any]:
        """An alert whose body is made while it is read."""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": await anext(body), "more_body": True}

        return await self._call(scope_of(), receive)

    async def call_silent(self, path: str = PATH) -> list[Any]:
        """An alert whose body never comes."""
        return await self._call(scope_of(path), asyncio.Event().wait)

    async def _call(self, scope: dict[str, Any], receive: Any) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.hook(scope, receive, send)
        return sent


def scope_of(path: str = PATH) -> dict[str, Any]:
    """An ASGI scope as a server makes it."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "root_path": "",
        "headers": [],
        "client": (SENDER, 50000),
    }


def sign(content: str, *, timestamp: int, message_id: str = "msg_1", secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The three headers, as the specification computes them."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.{content}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
