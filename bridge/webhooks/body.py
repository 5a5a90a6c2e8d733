"""Reading a body from a stranger: so much, so long, and nothing but text."""

from __future__ import annotations

import asyncio

from starlette.types import Receive

from bridge.kit.clock import Clock
from bridge.webhooks.replies import BROKEN_OFF, NOT_TEXT, TOO_LARGE, TOO_SLOW, Refused


async def read_body(receive: Receive, *, largest: int, clock: Clock, seconds: float) -> bytes:
    """The whole body; raises `Refused` when it is larger, slower or ends early. The size is checked as it comes in."""
    try:
        async with asyncio.timeout(None) as limit:
            alarm = asyncio.create_task(_expire(limit, clock, seconds))
            try:
                return await _collect(receive, largest)
            finally:
                alarm.cancel()
    except TimeoutError as problem:
        raise Refused(TOO_SLOW) from problem


async def _expire(limit: asyncio.Timeout, clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)
    limit.reschedule(asyncio.get_running_loop().time())


async def _collect(receive: Receive, largest: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(BROKEN_OFF)
        part = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise Refused(TOO_LARGE)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def as_text(body: bytes) -> str:
    """The body as text. Text in another coding is refused here and not journaled: it could only be kept garbled, and
    no sender writes it. So is NUL, which PostgreSQL cannot keep."""
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        raise Refused(NOT_TEXT) from problem
    if "\0" in text:
        raise Refused(NOT_TEXT)
    return text
