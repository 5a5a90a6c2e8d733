"""The wire's routes, and where each goes wrong when told to."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakebroker.books import Books, owned
from tests.fakebroker.exchange import Exchange
from tests.fakebroker.forms import Refused, changes, good, order_fields, shortened
from tests.fakebroker.knobs import REFUSALS, Fault, Knobs, Rule
from tests.fakebroker.pace import Pace, draw, http_date, iso
from tests.fakebroker.replies import BAD_REPLIES, error
from tests.fakebroker.wire import Answer, Request, Wire

Route = tuple[str, str, bool]  # method, first part of the path, is there a second one


class Server:
    """One process, several accounts: whoever has a token is an account, named by the token unless told otherwise."""

    def __init__(self, ledger: Path, pace: Pace, seed: int) -> None:
        self.knobs, self.pace = Knobs(), pace
        self.exchange = Exchange(ledger, pace, self.knobs, random.Random(seed))
        # after a restart the dice go on, they do not repeat what they said
        self.dice = random.Random(f"{seed}/{self.exchange.book.requests}")
        self.exchange.dice = self.dice
        self._books = Books(self.exchange.book, self.knobs, pace, self._expired)
        self._reads: dict[Route, Callable[[Request, str], Answer]] = {
            ("GET", "orders", False): self._books.orders,
            ("GET", "orders", True): self._books.one_order,
            ("GET", "trades", False): self._books.trades,
            ("GET", "positions", False): self._books.positions,
            ("GET", "holdings", False): self._books.holdings,
            ("GET", "funds", False): self._books.funds,
            ("GET", "session", False): self._books.session,
        }
        self._writes: dict[Route, Callable[[Request, str, int], Awaitable[Answer]]] = {
            ("POST", "orders", False): self._place,
            ("PUT", "orders", True): self._change,
            ("DELETE", "orders", True): self._change,
        }
        self._rules: list[Rule] = []
        self._recent: dict[str, deque[float]] = {}
        self._session_ends: float | None = None
        self._wires: set[Wire] = set()
        self._listener: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._closing: set[asyncio.Task[None]] = set()

    # ---- listening

    async def listen(self, host: str, port: int) -> int:
        """Open the socket; returns its port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._wire, host, port, backlog=1024, reuse_address=True)
        self._address = (host, self._listener.sockets[0].getsockname()[1])
        return self._address[1]

    def _wire(self) -> Wire:
        return Wire(self.handle, lambda: http_date(self._shown_now()), self._wires)

    def _shown_now(self) -> float:
        return self.pace.now() + self.knobs.clock_offset_s

    def _refuse_connections(self, seconds: float, control: Request) -> None:
        """From now on nobody gets through, but whoever turned this knob still gets the answer."""
        assert self._listener is not None
        self._listener.close()
        for wire in [wire for wire in self._wires if not wire.carries(control)]:
            wire.reset()
        task = asyncio.get_running_loop().create_task(self._listen_again(seconds))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _listen_again(self, seconds: float) -> None:
        await self.pace.sleep(seconds)
        await self.listen(*self._address)
        self.knobs.refuse_connections_for_s = 0

    # ---- control

    def control(self, said: Mapping[str, Any]) -> None:
        """Turn knobs; raises `ValueError` with what is wrong and changes nothing."""
        said = dict(said)
        if (now := said.pop("now", None)) is not None:
            self.pace.set(float(now))
        rules = self.knobs.change(said)
        self._rules = self._rules if rules is None else rules
        self.exchange.book.forget_encodings()
        if "session_expires_in_s" in said:
            wait = said["session_expires_in_s"]
            self._session_ends = None if wait is None else self.pace.now() + wait
        if "prices" in said:
            self.exchange.prices_moved()

    def _control(self, request: Request) -> Answer:
        try:
            said = json.loads(request.body) if request.method == "POST" else {}
            if request.path == "/act":
                return good({"order_id": self.exchange.act(said)})
            self.control(said)
            if seconds := said.get("refuse_connections_for_s"):
                self._refuse_connections(seconds, request)
        except (ValueError, KeyError, TypeError) as wrong:
            return error(400, "ControlException", str(wrong))
        return good({**self.knobs.shown(), "clock": iso(self.pace.now())})

    # ---- routes

    async def handle(self, request: Request) -> Answer:
        """Any request."""
        if request.path in ("/control", "/act"):
            return self._control(request)
        _, first, *rest = [*request.path.split("/"), ""]
        key = (request.method, first, bool(rest and rest[0]))
        account = self._account(request)
        try:
            if key in self._reads:
                return await self._read(self._reads[key], first, request, account)
            if key in self._writes:
                return await self._write(self._writes[key], request, account)
        except Refused as refused:
            return refused.answer
        return error(404, "RouteException", "No such route")

    def _account(self, request: Request) -> str:
        """The account of the token, empty for a stranger."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        known = kind == "token" and token not in self.knobs.bad_tokens
        return self.knobs.accounts.get(token, token) if known else ""

    def _expired(self) -> bool:
        return self.knobs.session_expired or (self._session_ends is not None and self.pace.now() >= self._session_ends)

    def _need_session(self, account: str) -> None:
        if not account or self._expired():
            raise Refused(error(403, "TokenException", "Incorrect token or session expired"))

    # ---- writing

    async def _write(
        self, write: Callable[[Request, str, int], Awaitable[Answer]], request: Request, account: str
    ) -> Answer:
        n = self._received(request, account)
        try:
            self._within_rate(account)
            self._need_session(account)
            return await write(request, account, n)
        except Refused as refused:
            said = json.loads(refused.answer.body)
            self.exchange.record("refused", n=n, account=account, type=said["error_type"], message=said["message"])
            raise

    def _received(self, request: Request, account: str) -> int:
        """In the ledger before anything is decided; `n` counts order placements only."""
        n = self.exchange.book.requests + (request.method == "POST")
        body: Any = request.body.decode("utf-8", "replace")
        with suppress(ValueError):  # what is no JSON is kept as text
            body = json.loads(body) if body else None
        self.exchange.record("request", n=n, account=account, method=request.method, path=request.path, body=body)
        return n

    def _within_rate(self, account: str) -> None:
        if self.knobs.rate_limit is None:
            return
        recent, now = self._recent.setdefault(account, deque()), self.pace.now()
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self.knobs.rate_limit:
            raise Refused(error(429, "RateException", "Too many requests", ("Retry-After", "1")))
        recent.append(now)

    async def _place(self, request: Request, account: str, n: int) -> Answer:
        fields = order_fields(request.body)
        fault = self._fault("place", n, fields | {"account": account})
        await self.pace.sleep(draw(self.knobs.latency_s, self.dice))
        if fault is None:
            return self._accept(account, fields, n)
        return await self._fail(fault, request, n, lambda: self._accept(account, fields, n))

    def _accept(self, account: str, fields: dict[str, Any], n: int) -> Answer:
        if self.knobs.slice_above and Decimal(fields["quantity"]) > Decimal(str(self.knobs.slice_above)):
            return self._accept_slices(account, fields, n)
        return good({"order_id": self.exchange.accept(account, fields, n).order_id})

    def _accept_slices(self, account: str, fields: dict[str, Any], n: int, last_fails: bool = False) -> Answer:
        whole = Decimal(fields["quantity"])
        size = Decimal(str(self.knobs.slice_above or max(Decimal(1), whole // 2)))
        children: list[dict[str, Any]] = []
        while whole > 0:
            part = fields | {"quantity": str(min(size, whole))}
            whole -= size
            if last_fails and whole <= 0:
                children.append({"error": {"error_type": "MarginException", "message": "Insufficient funds"}})
            else:
                children.append({"order_id": self.exchange.accept(account, part, n).order_id})
        return good({"order_id": children[0].get("order_id"), "children": children})

    async def _change(self, request: Request, account: str, n: int) -> Answer:
        order = owned(self.exchange.book, request, account)
        route = "modify" if request.method == "PUT" else "cancel"
        fault = self._fault(route, n, {"account": account, "tag": order.tag, "symbol": order.symbol})
        await self.pace.sleep(draw(self.knobs.latency_s, self.dice))

        def work() -> Answer:
            if not order.working:
                raise Refused(error(400, "StateException", f"The order is {order.status}"))
            if route == "modify":
                self.exchange.modify(order, changes(request.body, order.filled))
            else:
                self.exchange.cancel(order)
            return good({"order_id": order.order_id})

        return work() if fault is None else await self._fail(fault, request, n, work)

    async def _fail(self, fault: Fault, request: Request, n: int, work: Callable[[], Answer]) -> Answer:
        if fault.until_gone:
            await request.gone.wait()
        await self.pace.sleep(draw(fault.hold_s, self.dice))
        answer = good({"order_id": "0"})
        if fault.placed and fault.reply == "slices":
            fields = order_fields(request.body)
            return self._accept_slices(self._account(request), fields, n, last_fails=True)
        if fault.placed:
            answer = work()
        await self.pace.sleep(draw(fault.delay_s, self.dice))
        return self._spoil(fault.reply, answer)

    def _spoil(self, reply: str, answer: Answer) -> Answer:
        if reply == "good":
            return answer
        if reply in REFUSALS:
            raise Refused(error(*REFUSALS[reply]))
        if reply in ("rows_missing", "pages_missing"):
            return shortened(answer, reply)
        return BAD_REPLIES[reply](answer.body)

    def _fault(self, route: str, n: int, fields: Mapping[str, Any]) -> Fault | None:
        for rule in self._rules:
            if rule.strikes(route, n, fields, self.dice):
                self.exchange.record("fault", n=n, name=rule.name, route=route)
                return rule.fault
        return None

    # ---- reading

    async def _read(self, read: Callable[[Request, str], Answer], route: str, request: Request, account: str) -> Answer:
        fault = self._fault(route, self.exchange.book.requests, {"account": account})
        await self.pace.sleep(draw(self.knobs.latency_s, self.dice))
        if not account or self.knobs.session_style == "error" or route == "session":
            self._need_session(account)
        answer = read(request, account)
        if fault is None:
            return answer
        await self.pace.sleep(draw(fault.hold_s, self.dice) + draw(fault.delay_s, self.dice))
        return self._spoil(fault.reply, answer)
