"""How large a run is, where its dice start, and what it plays on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.floor import bare_server
from tests.acceptance.sizes import SIZES, Size

SEED = 20261121


@pytest.fixture(scope="session")
def size(reliability: str) -> Size:
    """The figures of `--reliability`."""
    return SIZES[reliability]


@pytest.fixture
def seed() -> int:
    """Where the dice start; printed, so that a failure says it."""
    print(f"seed {SEED}")
    return SEED


@pytest.fixture(scope="session")
def bare_port() -> Iterator[int]:
    """Where the server listens that does nothing."""
    with bare_server() as port:
        yield port
