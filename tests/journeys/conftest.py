"""Installations to travel through, closed at the end whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.installation import Installation
from tests.support.postgres import database_url, postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """An empty installation, on SQLite and on PostgreSQL."""
    with Installation(tmp_path / "home", database_url) as made:
        yield made


@pytest.fixture
def small_house(tmp_path: Path) -> Iterator[Installation]:
    """An empty installation on SQLite."""
    with Installation(tmp_path / "home", f"sqlite:///{tmp_path / 'bridge.db'}") as made:
        yield made
