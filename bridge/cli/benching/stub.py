"""A broker that accepts everything at once and remembers when it came: the far end of every latency figure.

It speaks as much of the reference wire (`bridge.brokers.fakebroker`) as the bridge needs; nothing is simulated.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

_NOW = datetime.now(UTC).isoformat()
_FUNDS = {"available": 1e9, "used_margin": 0, "realised": 0, "unrealised": 0, "currency": "INR", "capital": 1e9}

# An order that is not the bridge's.
STRANGER = {
    "ref": None,
    "symbol": "SBIN",
    "exchange": "NSE",
    "side": "BUY",
    "quantity": "1",
    "order_type": "MARKET",
    "product": "MIS",
    "price": None,
    "trigger_price": None,
}


class Stub:
    """Every order is filled; `GET /arrivals` tells the monotonic second at which each quantity arrived."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._orders: list[dict[str, Any]] = []
        self._arrivals: list[tuple[str, float]] = []
        self._shown = 2000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        arrived = time.monotonic()
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        data = self._answer(scope, body, arrived)
        reply = json.dumps({"status": "success", "data": data}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    def _answer(self, scope: Scope, body: bytes, arrived: float) -> Any:
        path = scope["path"]
        if scope["method"] == "POST" and path == "/orders":
            return self._place(json.loads(body), arrived)
        if path == "/arrivals":
            found, self._arrivals = self._arrivals, []
            return found
        if path == "/orders":
            recent = self._orders[-self._shown :]
            return {"page": 1, "pages": 1, "total": len(recent), "orders": recent}
        if path == "/long-book":  # from now on the book has ten thousand rows, most of them of other programs
            self._shown = 10_000
            for _ in range(self._shown):
                self._place(STRANGER, arrived)
            self._arrivals.clear()
            return self._shown
        return _FUNDS if path == "/funds" else {"account": "bench", "time": time.time()}

    def _place(self, order: dict[str, Any], arrived: float) -> dict[str, str]:
        self._arrivals.append((order["quantity"], arrived))
        order_id = str(next(self._ids))
        done = {"status": "COMPLETE", "filled_quantity": order["quantity"], "average_price": 100.0}
        self._orders.append(order | done | {"order_id": order_id, "message": "", "placed_at": _NOW})
        return {"order_id": order_id}


if __name__ == "__main__":
    uvicorn.run(Stub(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
