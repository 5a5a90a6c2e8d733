"""Somebody who sends alerts, many at a time, and remembers every answer."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

AT_ONCE = 8
PATIENCE_S = 30.0
AGAIN_AFTER_S = 0.25


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of a spreadsheet, as the samples send it: its id makes sure that it trades once."""

    id: str
    symbol: str
    side: str
    quantity: int

    @property
    def body(self) -> str:
        """The message."""
        row = {"action": self.side, "symbol": self.symbol, "quantity": self.quantity, "signalId": self.id}
        return json.dumps(row)

    @property
    def signed(self) -> Decimal:
        """What it adds to the position."""
        return Decimal(self.quantity if self.side == "buy" else -self.quantity)


def burst(seed: int, count: int, symbols: Sequence[str], prefix: str = "row") -> list[Alert]:
    """Buys and sells of all sizes, spread over the symbols."""
    dice = random.Random(seed)
    return [
        Alert(f"{prefix}-{n}", symbols[n % len(symbols)], dice.choice(("buy", "sell")), dice.randint(1, 20))
        for n in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook said; status 0 when nobody answered."""

    status: int
    content: dict[str, Any]
    retry_after: str | None = None


class Sender:
    """Sends to one webhook address, with `AT_ONCE` alerts on their way."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = httpx.Client(timeout=30, headers={"Content-Type": "application/json"})
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._changed = threading.Condition()
        self.taken = 0

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def post(self, body: str, content_type: str = "application/json") -> Answer:
        """Send once."""
        try:
            reply = self._client.post(self._address, content=body, headers={"Content-Type": content_type})
        except httpx.TransportError:
            return Answer(0, {})
        with self._changed:
            self.taken += reply.status_code == 202
            self._changed.notify_all()
        return Answer(reply.status_code, reply.json(), reply.headers.get("retry-after"))

    def insist(self, alert: Alert) -> list[Answer]:
        """Send again, under the same id, until it is taken; every answer."""
        answers: list[Answer] = []
        deadline = time.monotonic() + PATIENCE_S
        while not answers or answers[-1].status != 202:
            assert time.monotonic() < deadline, f"{alert.id} was never taken: {answers[-1]}"
            if answers:
                time.sleep(AGAIN_AFTER_S)
            answers.append(self.post(alert.body))
        return answers

    def send_all(self, alerts: Sequence[Alert]) -> list[Future[Answer]]:
        """Send each once, in the background."""
        return [self._pool.submit(self.post, alert.body) for alert in alerts]

    def insist_on_all(self, alerts: Sequence[Alert]) -> list[Future[list[Answer]]]:
        """`insist` on each, in the background."""
        return [self._pool.submit(self.insist, alert) for alert in alerts]

    def wait_until_taken(self, count: int) -> None:
        """Until so many answers were a yes."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.taken >= count, PATIENCE_S), f"only {self.taken} were taken"
