"""The door for alerts: `POST /hook/{public_id}/{secret}`, as a plain ASGI function (decision 2).

Who knocks without the right secret learns nothing, costs one hash and is not read. Whoever knows it is told what is
wrong. What was let in goes to the pipeline, and its answer goes back.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from starlette.types import Receive, Scope, Send

from bridge.accounts.directory import Directory
from bridge.accounts.model import Source
from bridge.kit import failpoints
from bridge.kit.addresses import Address, Networks
from bridge.kit.clock import Clock, micros
from bridge.kit.database import StorageUnavailable
from bridge.kit.vault import Vault
from bridge.orders.arrival import Answer, Arrival
from bridge.webhooks import replies
from bridge.webhooks.body import as_text, read_body
from bridge.webhooks.gates import Gate, Gates
from bridge.webhooks.metrics import metrics_in
from bridge.webhooks.rates import BadTokens
from bridge.webhooks.refusals import Refusals
from bridge.webhooks.replies import Refused, Reply
from bridge.webhooks.request import (
    Headers,
    address_of,
    content_type_of,
    headers_of,
    idempotency_key_of,
    peer_of,
    refuse_unreadable,
    sender_in,
    shows_certificate,
)
from bridge.webhooks.signature import Verifier

BODY_LIMIT = 64 * 1024
BODY_TIMEOUT_S = 5.0
_LONGEST_SECRET = 200
_SIGNED = "signed with the source's key"
_CERTIFIED = "with TradingView's client certificate, verified by the proxy"

Submit = Callable[[Arrival], Awaitable[Answer]]
_log = structlog.get_logger("bridge.webhooks")


@dataclass(slots=True)
class _Visit:
    """One request on its way, and what the log will say of it."""

    started: float
    headers: Headers = field(default_factory=dict)
    peer: Address | None = None
    sender: Address | None = None
    source: str | None = None
    reply: Reply = replies.FAILED
    let_in: bool = False


class Hook:
    """The ASGI application, mounted under `/hook` or called with the full path.

    `submit` is the pipeline; it may raise `StorageUnavailable`. `trusted_proxies` is a comma list of addresses and
    networks. Raises `ValueError` when that list has something else in it.
    """

    def __init__(
        self,
        directory: Directory,
        vault: Vault,
        clock: Clock,
        submit: Submit,
        *,
        trusted_proxies: str = "",
        max_in_flight: int = 2000,
        body_limit: int = BODY_LIMIT,
        body_timeout_s: float = BODY_TIMEOUT_S,
        registry: CollectorRegistry = REGISTRY,
        refusals: Refusals | None = None,
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._clock = clock
        self._submit = submit
        self._proxies = Networks.parse(trusted_proxies.split(","))
        self._max_in_flight = max_in_flight
        self._body_limit = body_limit
        self._body_timeout_s = body_timeout_s
        self._metrics = metrics_in(registry)
        self._refusals = refusals or Refusals(clock)
        self._gates = Gates(vault, clock)
        self._bad_tokens = BadTokens()
        self._in_flight = 0
        self._nobodys_hash = vault.fingerprint(secrets.token_hex(32))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _close(scope, send)
            return
        visit = _Visit(self._clock.monotonic())
        try:
            visit.reply = await self._reply(visit, scope, receive)
            await _send(send, visit.reply)
            failpoints.reach("accept.replied")
        finally:
            self._record(visit)

    async def _reply(self, visit: _Visit, scope: Scope, receive: Receive) -> Reply:
        if scope["method"] != "POST":
            return replies.METHOD
        visit.headers = headers_of(scope)
        visit.peer = peer_of(scope)
        visit.sender = sender_in(visit.headers, visit.peer, self._proxies)
        try:
            gate = self._gate(visit, *address_of(scope))
            return await self._admitted(visit, gate, receive)
        except Refused as refused:
            return refused.reply

    def _gate(self, visit: _Visit, public_id: str, secret: str) -> Gate:
        """The gate behind that address. An unknown address, a wrong secret and a disabled source take the same way."""
        snapshot = self._directory.snapshot
        source = snapshot.sources_by_public_id.get(public_id)
        if not self._opens(source, secret) or source is None or source.disabled:
            # Counted only here: TradingView's few addresses and an unnamed proxy are shared with strangers,
            # whose guesses must not keep out the alerts that know their secret.
            wait = self._bad_tokens.count(visit.sender, visit.started)
            raise Refused(replies.blocked(wait) if wait else replies.NOT_FOUND)
        visit.source = source.id
        return self._gates.of(source, snapshot)

    def _opens(self, source: Source | None, secret: str) -> bool:
        if not secret.isascii() or len(secret) > _LONGEST_SECRET:
            secret = ""  # none of ours; the hash is taken all the same
        presented = self._vault.fingerprint(secret)
        current = source.secret_hash if source else self._nobodys_hash
        old = (source.old_secret_hash if source else None) or self._nobodys_hash
        is_current, is_old = hmac.compare_digest(presented, current), hmac.compare_digest(presented, old)
        if source is None:
            return False
        return is_current or (is_old and micros(self._clock.now()) < (source.old_secret_until or 0))

    async def _admitted(self, visit: _Visit, gate: Gate, receive: Receive) -> Reply:
        if self._in_flight >= self._max_in_flight:
            return replies.OVERLOADED
        self._in_flight += 1
        try:
            answer = await self._submit(await self._arrival(visit, gate, receive))
            visit.let_in = True
            return replies.from_answer(answer)
        except StorageUnavailable:
            return replies.NOT_STORED
        finally:
            self._in_flight -= 1

    async def _arrival(self, visit: _Visit, gate: Gate, receive: Receive) -> Arrival:
        received_at = self._clock.now()
        self._check_before_reading(visit, gate)
        key = idempotency_key_of(visit.headers)
        body = await read_body(receive, largest=self._body_limit, clock=self._clock, seconds=self._body_timeout_s)
        if gate.verifier is not None:
            self._verify(gate.verifier, visit.headers, body)
            self._take(gate)  # last, so that who cannot sign does not use up what belongs to who can
        return Arrival(
            source=gate.source,
            content_type=content_type_of(visit.headers),
            body=as_text(body),
            sender=str(visit.sender or "unknown"),
            received_at=received_at,
            started=visit.started,
            idempotency_key=key,
            proofs=self._proofs(visit, gate),
        )

    def _check_before_reading(self, visit: _Visit, gate: Gate) -> None:
        if not gate.usable:
            raise Refused(replies.UNUSABLE)
        if not gate.lets_in(visit.sender):
            raise Refused(replies.SENDER)
        refuse_unreadable(visit.headers, self._body_limit)
        if gate.verifier is None:
            self._take(gate)  # before the body, so that one source's slow senders cannot fill the house

    def _verify(self, verifier: Verifier, headers: Headers, body: bytes) -> None:
        message_id, timestamp = headers.get(b"webhook-id", b""), headers.get(b"webhook-timestamp", b"")
        signatures = headers.get(b"webhook-signature", b"")
        flaw = verifier.flaw(message_id, timestamp, signatures, body, self._clock.now().timestamp())
        if flaw is not None:
            raise Refused(replies.UNSIGNED[flaw])

    def _take(self, gate: Gate) -> None:
        if wait := gate.bucket.take(self._clock.monotonic()):
            raise Refused(replies.too_fast(wait))

    def _proofs(self, visit: _Visit, gate: Gate) -> tuple[str, ...]:
        proofs = gate.proofs(visit.sender)
        if gate.verifier is not None:
            proofs += (_SIGNED,)
        if visit.peer in self._proxies and shows_certificate(visit.headers):
            proofs += (_CERTIFIED,)
        return proofs

    def _record(self, visit: _Visit) -> None:
        seconds = self._clock.monotonic() - visit.started
        reply = visit.reply
        self._metrics.count(reply.status, seconds)
        if not visit.let_in and reply is not replies.FAILED:
            self._refusals.count(visit.source, reply.code)
        if reply.code == replies.BLOCKED:  # counted, but a flood of guesses must not rotate the log away
            return
        _log.info(
            "alert_answered",
            source=visit.source,
            status=reply.status,
            code=reply.code,
            ms=round(seconds * 1000, 2),
            sender=str(visit.sender),
        )


async def _send(send: Send, reply: Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
    await send({"type": "http.response.body", "body": reply.body})


async def _close(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
