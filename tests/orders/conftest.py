"""Fixtures of the tests of the middle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.support.house import House

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """What the middle logs is no part of these tests."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """`await open_house(direction="long")`: a house with these settings, closed after the test."""
    opened: list[House] = []

    async def build(**settings: Any) -> House:
        opened.append(await House.open(tmp_path, **settings))
        return opened[-1]

    yield build
    for house in opened:
        await house.close()


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The usual house."""
    return await open_house()
