"""How large a run is, where its dice start, and the stages it plays on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.acceptance.sizes import SIZES, Size
from tests.acceptance.stage import Stage

SEED = 20261121


def pytest_addoption(parser: pytest.Parser) -> None:
    with suppress(ValueError):  # the reliability tests have the same option
        parser.addoption("--reliability", choices=tuple(SIZES), default="sample", help="how much the long tests do")


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    """The figures of `--reliability`."""
    return SIZES[request.config.getoption("--reliability", default="sample")]


@pytest.fixture
def seed() -> int:
    """Where the dice start; printed, so that a failure says it."""
    print(f"seed {SEED}")
    return SEED


@pytest.fixture(scope="module")
def stage_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, Any]], Stage]]:
    """Sets up a stage with these account settings, to be taken down after the module's tests."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(Stage(tmp_path_factory.mktemp("stage"), settings))
