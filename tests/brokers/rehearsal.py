"""The adapter at the simulated broker, in a hurry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bridge.brokers import declaration
from bridge.brokers.base import (
    Broker,
    Connection,
    LoginRequired,
    OrderRequest,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    Unsupported,
)
from bridge.kit.clock import ScaledClock
from tests.fakebroker.client import FakeBrokerProcess

SPEED = 20.0  # seconds of waiting take 50 ms, and a read timeout half a second


def connected(url: str, token: str, **settings: Any) -> Broker:
    """The adapter of one account."""
    connection = Connection(
        account_id=token,
        user_id="trader",
        credentials={"token": token},
        rest_url=url,
        settings=settings,
        services={"clock": ScaledClock(SPEED)},
    )
    return declaration("fakebroker").connect(connection)


async def word_for(adapter: Broker, request: OrderRequest) -> str:
    """The name of what `place` raises, or `placed`."""
    try:
        await adapter.place(request)
    except (Unsupported, LoginRequired, Unavailable, Rejected, OutcomeUnknown) as word:
        return type(word).__name__
    return "placed"


async def eventually(holds: Callable[[], bool], within_s: float = 5) -> bool:
    """Does it come true?"""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def listens(vendor: FakeBrokerProcess) -> bool:
    """Does the process take connections?"""
    try:
        vendor.set()
    except OSError:
        return False
    return True
