"""The judge at the wire: what must be true at the moment the first byte of an order leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from bridge.brokers.base import OrderRequest
from bridge.kit.clock import micros
from tests.support.house import House

Row = dict[str, Any]


class Wire:
    """Collects objections to orders as they are sent; each begins with the invariant it breaks."""

    def __init__(self, house: House, query: Callable[..., list[Row]]) -> None:
        self.house = house
        self.objections: list[str] = []
        self._all = query
        house.broker.witness = self.bytes_leave

    def bytes_leave(self, request: OrderRequest) -> None:
        """INV-3, 10, 15 and the rule that no entry follows an unknown order, judged when they matter."""
        self.objections += list(self._objections(request))

    def _objections(self, request: OrderRequest) -> Iterator[str]:
        found = self._all("SELECT * FROM orders WHERE ref = ?", request.ref)
        if len(found) != 1:
            yield f"INV-3: {len(found)} orders are called {request.ref} as its bytes leave"
            return
        order = found[0]
        opened = self._all(
            "SELECT * FROM attempts WHERE order_id = ? AND operation = 'place' AND closed_at IS NULL", order["id"]
        )
        lease = self._all("SELECT fence FROM leases WHERE account_id = ?", order["account_id"])
        fences = {row["fence"] for row in (*opened, *lease, order)}
        if order["state"] != "SENDING" or len(opened) != 1 or len(fences) != 1:
            yield f"INV-3: bytes of {request.ref} leave with {len(opened)} open attempts, state {order['state']}, fences {fences}"
        if Decimal(order["quantity"]) != request.quantity or order["side"] != request.side:
            yield f"WRONG: {request} is not what {order['ref']} planned"
        yield from self._too_late(order)
        yield from self._forbidden(order, request)
        yield from self._too_fast(request)

    def _too_late(self, order: Row) -> Iterator[str]:
        late_s = (micros(self.house.clock.now()) - order["deadline"]) / 1e6
        if late_s > 0:
            yield f"INV-10: {order['ref']} is sent {late_s:.3f} s after its deadline"

    def _forbidden(self, order: Row, request: OrderRequest) -> Iterator[str]:
        scopes = ("", order["user_id"], order["account_id"], order["strategy_id"])
        for switch in self._all("SELECT * FROM switches WHERE stopped = 1"):
            if switch["scope_id"] in scopes:
                yield f"INV-10: {order['ref']} is sent although {switch['scope']} is stopped"
        if not self.house.calendar.is_open(request.instrument, self.house.clock.now()):
            yield f"INV-10: {order['ref']} is sent to a closed market"
        lane = (order["account_id"], order["strategy_id"], order["exchange"], order["symbol"], order["product"])
        uncertain = self._all(
            "SELECT ref FROM orders WHERE state IN ('UNKNOWN', 'PARKED') AND account_id = ? AND strategy_id = ?"
            " AND exchange = ? AND symbol = ? AND product = ?",
            *lane,
        )
        if uncertain and not order["reduces"]:
            yield f"U2: the entry {order['ref']} is sent while {uncertain[0]['ref']} is not accounted for"

    def _too_fast(self, request: OrderRequest) -> Iterator[str]:
        now = self.house.clock.monotonic()
        limit = self.house.desk_limit()
        recent = [s for s in self.house.broker.sent if s.what == "place" and s.at > now - 1 + 1e-9]
        count = 1 + sum(1 for s in recent if s.exchange == request.instrument.exchange)
        if limit is not None and count > limit:
            yield f"INV-15: {count} orders in one second, {limit} are allowed"
