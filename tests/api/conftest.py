from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.openalgo.conftest import Trader, asha, client, house, ravi
from tests.api.program import Program, program
from tests.api.world import World, build
from tests.support.postgres import database_url, postgres_server, postgres_url

__all__ = ["asha", "client", "database_url", "house", "postgres_server", "postgres_url", "ravi"]


@pytest.fixture
async def everywhere(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    """The world, once on each kind of database."""
    made = await build(tmp_path, database_url)
    yield made
    await made.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await build(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def mine(asha: Trader) -> Program:
    """A program of asha's that may do everything."""
    return await program(asha, orders_per_second=1000, requests_per_second=1000)


@pytest.fixture
async def theirs(ravi: Trader) -> Program:
    """A program of ravi's that may do everything."""
    return await program(ravi, orders_per_second=1000, requests_per_second=1000)
