"""What the door turned away stands on the page of alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from tests.admin.rows import Seeded
from tests.admin.test_pages import text_of
from tests.admin.world import World, build

DAY = date(2026, 11, 20)


@pytest.fixture
async def refused(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """The same world, whose door has turned some away."""
    ids: Seeded = world.ids
    lines = (
        (DAY, None, "not_found", 1200),
        (DAY, ids.sources["Chartink breakout"], "too_fast", 3),
        (DAY, ids.sources["Ravi’s strategy"], "signature_wrong", 2),
    )
    made = await build(tmp_path, ids=ids, turned_away=lambda: lines)
    yield made
    made.close()


async def test_an_owner_sees_strangers_and_what_was_refused_of_their_own_sources(refused: World) -> None:
    page = text_of(await (await refused.signed_in()).get("/alerts"))

    assert "Turned away at the door, 1,203 in the last days" in page
    assert "20 Nov Not found No address of ours 1,200" in page
    assert "20 Nov Too fast Chartink 3" in page
    assert "Signature wrong" not in page


async def test_others_see_only_what_was_refused_of_theirs(refused: World) -> None:
    page = text_of(await (await refused.signed_in("ravi")).get("/alerts"))

    assert "Turned away at the door, 2 in the last days" in page
    assert "20 Nov Signature wrong TradingView of Ravi 2" in page


async def test_where_nothing_was_refused_nothing_is_said(world: World) -> None:
    assert "Turned away" not in (await (await world.signed_in()).get("/alerts")).text
