from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from admin.world import World, build
from bridge.accounts.model import Role


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await build(tmp_path)
    yield made
    made.writer.close()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[World]:
    made = await build(tmp_path, seeded=False)
    await made.accounts.add_user("asha", "correct horse battery staple", Role.OWNER)
    await made.directory.refresh()
    yield made
    made.writer.close()


@pytest.fixture
async def asha(world: World) -> AsyncIterator[httpx.AsyncClient]:
    browser = await world.signed_in()
    yield browser
    await browser.aclose()
