from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.world import World, build
from tests.support.postgres import database_url, postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]


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
