"""What a user notices on each page."""

from __future__ import annotations

import httpx
import pytest


@pytest.mark.parametrize("path", ["/", "/alerts", "/alerts/al_parked", "/orders", "/positions", "/stop", "/more"])
async def test_every_page_opens(asha: httpx.AsyncClient, path: str) -> None:
    answer = await asha.get(path)

    assert answer.status_code == 200, answer.text
