"""The shared HTTP client: bytes leave at most once, and the word says whether they may have left."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.brokers.base import BrokerError, Connection, LoginRequired, OutcomeUnknown, Unavailable
from bridge.brokers.families.http import LARGEST_BODY, LARGEST_RECORD, LIMITS, BrokerHttp, Exchange, Timeouts, masked
from bridge.kit.clock import ScaledClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
QUICK = Timeouts(connect=0.2, write=0.2, read=0.2, total=0.4)
HANGS_S = 20
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Vendor:
    """A raw server: `answers` are played one per request over all connections; `None` closes without an answer."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0) if self.answers else None
                if answer is None:
                    break
                writer.write(answer)
        writer.close()


@contextlib.asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    open_ones: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones[asyncio.current_task()] = writer
        with contextlib.suppress(asyncio.CancelledError):
            await serve(reader, writer)

    server = await asyncio.start_server(each, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in open_ones.items():
            assert task is not None
            task.cancel()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await asyncio.gather(*(task for task in open_ones if task), return_exceptions=True)


@contextlib.asynccontextmanager
async def client(address: str, **more: object) -> AsyncIterator[BrokerHttp]:
    http = BrokerHttp(address, **{"timeouts": QUICK, **more})  # type: ignore[arg-type]
    try:
        yield http
    finally:
        await http.close()


def closed_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


class Swallower:
    """A server that takes requests and never answers; `taken` is set when it has so many."""

    def __init__(self, requests: int = 1) -> None:
        self.taken = asyncio.Event()
        self._left = requests

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self._left -= 1
        if self._left == 0:
            self.taken.set()
        await silent(reader, writer)


@pytest.mark.parametrize(
    "address",
    [f"http://127.0.0.1:{closed_port()}", "http://nowhere.invalid", "gopher://x"],
    ids=["nobody listens", "no such host", "no such protocol"],
)
async def test_an_order_that_found_no_connection_may_be_sent_again(address: str) -> None:
    async with client(address) as http:
        with pytest.raises(Unavailable):
            await http.send("place", "POST", "/orders", json={})


async def test_a_server_that_does_not_accept_is_unavailable_in_time() -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # fills the queue, further connects get no answer
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        async with client(f"http://127.0.0.1:{full.getsockname()[1]}") as http:
            with pytest.raises(Unavailable):
                await http.send("place", "POST", "/orders", json={})


async def test_an_order_without_a_free_connection_is_unavailable() -> None:
    assert LIMITS.max_connections is not None
    vendor = Swallower(LIMITS.max_connections)
    patient = Timeouts(connect=0.3, read=60, total=60)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}", timeouts=patient) as http:
        busy = [asyncio.create_task(http.read("book", "/")) for _ in range(LIMITS.max_connections)]
        await vendor.taken.wait()
        with pytest.raises(Unavailable, match="Timeout"):
            await http.send("place", "POST", "/orders", json={})
        for each in busy:
            each.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    tomorrow = now + dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, tomorrow)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both = folder / "both.pem"
    both.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


async def test_a_certificate_nobody_vouches_for_gets_no_order(tmp_path: Path) -> None:
    vendor = Vendor(OK)
    async with listening(vendor.serve, self_signed(tmp_path)) as port, client(f"https://127.0.0.1:{port}") as http:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await http.send("place", "POST", "/orders", json={})
    assert vendor.requests == []


async def test_a_server_without_tls_gets_no_order() -> None:
    vendor = Vendor(OK)
    async with listening(vendor.serve) as port, client(f"https://127.0.0.1:{port}") as http:
        with pytest.raises(Unavailable):
            await http.send("place", "POST", "/orders", json={})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_kept_connection_that_dies_under_an_order_is_unknown_and_the_order_not_sent_again(method: str) -> None:
    vendor = Vendor(OK, None, OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        await http.read("session", "/session")
        with pytest.raises(OutcomeUnknown):
            await http.send("change", method, "/orders/1", json={})
    assert [each.split()[0].decode() for each in vendor.requests] == ["GET", method]
    assert vendor.connections == 1


async def test_a_kept_connection_reset_by_the_server_is_unknown() -> None:
    async def reset_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with listening(reset_second) as port, client(f"http://127.0.0.1:{port}") as http:
        await http.read("session", "/session")
        with pytest.raises(OutcomeUnknown):
            await http.send("place", "POST", "/orders", json={})


async def test_a_first_request_on_a_new_connection_that_gets_no_answer_is_unknown() -> None:
    vendor = Vendor(None)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        with pytest.raises(OutcomeUnknown):
            await http.send("place", "POST", "/orders", json={})
    assert len(vendor.requests) == 1


async def test_silence_is_unknown_after_the_read_timeout() -> None:
    async with listening(silent) as port, client(f"http://127.0.0.1:{port}") as http:
        with pytest.raises(OutcomeUnknown, match="Timeout"):
            await http.send("place", "POST", "/orders", json={})


async def test_a_drip_that_never_ends_is_cut_by_the_total() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    async with asyncio.timeout(HANGS_S), listening(drip) as port, client(f"http://127.0.0.1:{port}") as http:
        with pytest.raises(OutcomeUnknown, match="Timeout"):
            await http.send("place", "POST", "/orders", json={})


async def test_a_cancelled_order_is_unknown_and_the_cancellation_still_shows() -> None:
    seen: list[int] = []

    async def place(http: BrokerHttp) -> None:
        try:
            await http.send("place", "POST", "/orders", json={})
        except OutcomeUnknown:
            task = asyncio.current_task()
            seen.append(task.cancelling() if task else 0)

    vendor = Swallower()
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}", timeouts=Timeouts()) as http:
        task = asyncio.create_task(place(http))
        await vendor.taken.wait()
        task.cancel()
        await task
    assert seen == [1]


async def test_a_cancelled_read_is_just_cancelled() -> None:
    vendor = Swallower()
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}", timeouts=Timeouts()) as http:
        task = asyncio.create_task(http.read("book", "/orders"))
        await vendor.taken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_failed_read_may_be_asked_again() -> None:
    vendor = Vendor(OK, None)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        await http.read("session", "/session")
        with pytest.raises(Unavailable):
            await http.read("book", "/orders")
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    vendor = Vendor(b"HTTP/1.1 %d Moved\r\nLocation: /orders\r\nContent-Length: 0\r\n\r\n" % status, OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        assert (await http.send("place", "POST", "/orders", json={})).status == status
    assert len(vendor.requests) == 1


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    vendor = Vendor(OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        assert (await http.send("place", "POST", "/orders", json={})).status == 200


async def test_a_cookie_is_never_sent_to_another_host_or_kept_by_the_pool() -> None:
    vendor = Vendor(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=example.com\r\nContent-Length: 2\r\n\r\n{}", OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        await http.read("session", "/session")
        await http.read("session", "/session")
    assert b"cookie" not in vendor.requests[1].lower()


async def test_an_answer_larger_than_any_book_is_unknown_for_an_order() -> None:
    vendor = Vendor(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1) + b" " * (LARGEST_BODY + 1))
    slow = Timeouts(connect=1, read=5, total=10)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}", timeouts=slow) as http:
        with pytest.raises(OutcomeUnknown):
            await http.send("place", "POST", "/orders", json={})


async def test_warm_connections_are_used_by_the_orders_that_follow() -> None:
    vendor = Vendor(OK, OK, OK, OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        await http.warm("/session", connections=2)
        await asyncio.gather(*(http.send("place", "POST", "/orders", json={}) for _ in range(2)))
    assert vendor.connections == 2


async def test_a_fast_clock_shortens_the_timeouts() -> None:
    usual = Timeouts()
    fast = ScaledClock(usual.read * 10)  # a tenth of a second is long enough
    seen: list[Exchange] = []
    async with (
        asyncio.timeout(usual.read),
        listening(silent) as port,
        client(f"http://127.0.0.1:{port}", clock=fast, timeouts=None, observe=seen.append) as http,
    ):
        with pytest.raises(OutcomeUnknown, match="Timeout"):
            await http.send("place", "POST", "/orders", json={})
    assert seen[0].seconds >= usual.read  # by its own clock it has waited as long as ever


async def test_metrics_hear_of_every_call_and_of_nothing_secret() -> None:
    seen: list[Exchange] = []
    vendor = Vendor(OK, None)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}", observe=seen.append) as http:
        await http.read("session", "/session?key=SECRET")
        with pytest.raises(OutcomeUnknown):
            await http.send("place", "POST", "/orders", json={"pin": "SECRET"})
    assert [(each.call, each.outcome, each.status) for each in seen] == [
        ("session", "answered", 200),
        ("place", "OutcomeUnknown", None),
    ]
    assert "SECRET" not in repr(seen)


async def test_an_error_says_what_happened_without_the_address() -> None:
    async with client(f"http://127.0.0.1:{closed_port()}") as http:
        with pytest.raises(BrokerError) as caught:
            await http.send("place", "POST", "/orders?token=SECRET", json={})
    assert str(caught.value) == "place: ConnectionRefusedError Connection refused"


def test_an_account_without_an_address_is_told_to_give_one() -> None:
    with pytest.raises(LoginRequired, match="--rest"):
        BrokerHttp.of(Connection(account_id="a", user_id="u"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token":"SECRET"}',
        b"{'password': 'SECRET'}",
        b"user=1&api_key=SECRET&x=2",
        b'{"Authorization" : "SECRET"}',
        b'{"enctoken":"SECRET","note":"SECRET-IN-FULL"}',
        b"token eyJhbGciOiJI.SECRET.SECRET",
        b'{"password":"quoted\\"SECRET"}',
        b"Authorization: Bearer SECRET",
        b'{"session_token":"' + b"SECRET" * 4000,
    ],
)
def test_a_raw_reply_is_kept_without_its_secrets(body: bytes) -> None:
    assert "SECRET" not in masked(body, ("SECRET-IN-FULL",))


def test_a_raw_reply_is_cut_for_the_journal() -> None:
    assert len(masked("é".encode() * 100_000).encode()) <= LARGEST_RECORD


class Signature(httpx.Auth):
    """Signs what it is shown, and would ask for a second request if it were let."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["X-Signature"] = f"over {len(request.content)} bytes"
        yield request
        yield request


async def test_a_call_is_signed_and_sent_once_with_the_accounts_headers_and_its_own() -> None:
    vendor = Vendor(OK.replace(b"200 OK", b"401 No"), OK)
    async with listening(vendor.serve) as port:
        account = {"X-Account": "7", "X-Mode": "a"}
        async with client(f"http://127.0.0.1:{port}/v1/", headers=account, auth=Signature()) as http:
            reply = await http.send("place", "POST", "/orders", json={}, headers={"X-Mode": "b"})

    (sent,) = vendor.requests
    lines = sent.decode().lower().split("\r\n")
    assert (reply.status, lines[0]) == (401, "post /v1/orders http/1.1")
    assert {"x-account: 7", "x-mode: b", "x-signature: over 2 bytes"} <= set(lines)
    assert "x-mode: a" not in lines


async def test_what_a_vendor_sets_as_a_cookie_is_not_sent_back() -> None:
    vendor = Vendor(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: sid=1; Path=/\r\n\r\n"), OK)
    async with listening(vendor.serve) as port, client(f"http://127.0.0.1:{port}") as http:
        for _ in range(2):
            await http.read("funds", "/funds")

    assert len(vendor.requests) == 2
    assert b"cookie" not in vendor.requests[1].lower()
