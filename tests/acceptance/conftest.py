"""How large a run is, where its dice start, and what it plays on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.floor import bare_server
from tests.acceptance.sizes import SIZES, Size

SEED = 20261121


@pytest.fixture(scope="session")
def size(reliability: str) -> Size:
    """The figures of `--reliability`."""
    return SIZES[reliability]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Puts a line into the test's report, which is shown when the test fails, and with -rA always."""
    return lambda line: request.node.add_report_section("call", "figures", line)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Where the dice start; a failure's report says it."""
    request.node.add_report_section("setup", "seed", str(SEED))
    return SEED


@pytest.fixture(scope="session")
def bare_port() -> Iterator[int]:
    """Where the server listens that does nothing."""
    with bare_server() as port:
        yield port
