from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bridge.accounts.model import Role
from tests.admin.rows import Seeded
from tests.admin.seed import PASSWORD
from tests.admin.world import World, build
from tests.support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def morning(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeded]:
    """A seeded folder to copy: seeding costs more than a test."""
    folder = tmp_path_factory.mktemp("morning")

    async def make() -> Seeded:
        world = await build(folder)
        world.close()
        return world.ids

    # In a thread, because a test with a browser may have a loop running here.
    with ThreadPoolExecutor(1) as thread:
        return folder, thread.submit(asyncio.run, make()).result()


@pytest.fixture
async def world(tmp_path: Path, morning: tuple[Path, Seeded]) -> AsyncIterator[World]:
    folder, ids = morning
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    made = await build(tmp_path, ids=ids)
    yield made
    made.close()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[World]:
    made = await build(tmp_path, ids=Seeded())
    await made.accounts.add_user("asha", PASSWORD, Role.OWNER)
    await made.directory.refresh()
    yield made
    made.close()


@pytest.fixture
async def asha(world: World) -> AsyncIterator[httpx.AsyncClient]:
    browser = await world.signed_in()
    yield browser
    await browser.aclose()
