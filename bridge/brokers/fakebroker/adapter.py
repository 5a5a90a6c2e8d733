"""The reference adapter: translate, send, judge; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bridge.brokers.base import (
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerTrade,
    Connection,
    Funds,
    LoginRequired,
    OrderRequest,
    OutcomeUnknown,
    Placed,
    Unavailable,
)
from bridge.brokers.fakebroker import translate
from bridge.brokers.fakebroker.translate import RULES
from bridge.brokers.families.books import Book
from bridge.brokers.families.http import BrokerHttp
from bridge.brokers.families.replies import identifier, rows, shaped

Row = TypeVar("Row")

BOOK_READS = 3  # an order that arrives between two pages shifts them: read again


class FakeBroker:
    """One account at the simulated broker."""

    def __init__(self, connection: Connection) -> None:
        token = connection.credentials.get("token")
        if not token:
            raise LoginRequired("The simulated broker needs a token")
        self.capabilities = translate.capabilities(connection.settings)
        self._http = BrokerHttp.of(connection, headers={"Authorization": f"token {token}"})
        self._book = Book("order_id", translate.order)

    async def place(self, request: OrderRequest) -> Placed:
        """Send one order once."""
        reply = await self._http.send("place", "POST", "/orders", json=translate.order_body(request))
        body = RULES.sent(reply)
        with shaped(reply, OutcomeUnknown):
            return Placed(broker_order_id=translate.placed_id(body), reply=reply.text)

    async def modify(self, broker_order_id: str, request: OrderRequest) -> None:
        """Replace quantity, prices and type."""
        body = translate.order_body(request)
        await self._change("modify", "PUT", broker_order_id, json=body)

    async def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel."""
        await self._change("cancel", "DELETE", broker_order_id)

    async def _change(self, call: str, method: str, broker_order_id: str, **request: Any) -> None:
        reply = await self._http.send(call, method, f"/orders/{broker_order_id}", **request)
        body = RULES.sent(reply)
        with shaped(reply, OutcomeUnknown):
            if identifier(body["data"]["order_id"]) != broker_order_id:
                raise ValueError("an answer about another order")

    async def order_book(self) -> Sequence[BrokerOrder]:
        """Every order of the day; raises `Unavailable` rather than answer with some of them."""
        for _ in range(BOOK_READS):
            orders, total = await self._all_pages()
            self._book.turn()
            if len({each.broker_order_id for each in orders}) == len(orders) == total:
                return orders
        raise Unavailable(f"The order book does not add up: {len(orders)} rows of {total}")

    async def _all_pages(self) -> tuple[list[BrokerOrder], int]:
        orders: list[BrokerOrder] = []
        page, pages, total = 0, 1, 0
        while page < pages:
            page += 1
            reply = await self._http.read("order_book", "/orders", params={"page": page})
            body = RULES.seen(reply)
            with shaped(reply, Unavailable):
                data = body["data"]
                orders += await self._book.translate(rows(data["orders"]))
                pages, total = int(data["pages"]), int(data["total"])
        return orders, total

    async def trades(self) -> Sequence[BrokerTrade]:
        """Every execution of the day."""
        return await self._rows("trades", translate.trade)

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions of the day."""
        return await self._rows("positions", translate.position)

    async def holdings(self) -> Sequence[BrokerHolding]:
        """Settled delivery stock."""
        return await self._rows("holdings", translate.holding)

    async def funds(self) -> Funds:
        """Money."""
        return (await self._read("funds", lambda data: [translate.funds(data)]))[0]

    async def check_login(self) -> None:
        """Ask for the session itself: an expired one may answer books with empty lists."""
        await self._read("session", lambda data: [identifier(data["account"])])

    async def warm(self) -> None:
        """Open connections ahead of the first order."""
        await self._http.warm("/session")

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _rows(self, what: str, translated: Callable[[Any], Row]) -> Sequence[Row]:
        return await self._read(what, lambda data: [translated(row) for row in rows(data)])

    async def _read(self, what: str, translated: Callable[[Any], list[Row]]) -> list[Row]:
        reply = await self._http.read(what, f"/{what}")
        body = RULES.seen(reply)
        with shaped(reply, Unavailable):
            return translated(body["data"])
