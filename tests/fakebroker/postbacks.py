"""Order updates pushed to the client: missing, late, doubled or out of order, as asked."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from typing import Any
from urllib.parse import urlsplit

from tests.fakebroker.pace import Pace, draw


class Postbacks:
    """Posts each change of an order to the URL in its settings; nobody waits for it and nothing is repeated on failure.

    Settings: `url`, `key` (of the signature), and `missing`, `doubled`, `reordered` (probabilities), `late_s` (a span).
    """

    def __init__(self, pace: Pace, dice: random.Random) -> None:
        self._pace, self._dice = pace, dice
        self._tasks: set[asyncio.Task[None]] = set()
        self.settings: dict[str, Any] = {}

    def push(self, account: str, row: dict[str, Any]) -> None:
        """Send (or lose) one update."""
        url = self.settings.get("url")
        if not url or self._chance("missing"):
            return
        body = json.dumps({"account": account, **row}).encode()
        for _ in range(2 if self._chance("doubled") else 1):
            wait = draw(self.settings.get("late_s", 0), self._dice)
            # one held back is overtaken by those that follow
            wait += self._dice.uniform(1, 3) if self._chance("reordered") else 0
            task = asyncio.get_running_loop().create_task(self._send(url, body, wait))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _chance(self, name: str) -> bool:
        return self._dice.random() < float(self.settings.get(name, 0))

    async def _send(self, url: str, body: bytes, wait: float) -> None:
        await self._pace.sleep(wait)
        parts = urlsplit(url)
        signature = hmac.new(str(self.settings.get("key", "")).encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"X-Signature: {signature}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
                writer.write(head.encode() + body)
                await reader.read()
                writer.close()
        except OSError:
            return  # a vendor does not care whether we listened
