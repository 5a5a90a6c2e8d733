from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.world import World, build


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await build(tmp_path)
    yield made
    await made.close()
