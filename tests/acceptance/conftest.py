"""How large a run is, where its dice start, and the stages it plays on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.acceptance.program import Plan
from tests.acceptance.sizes import SIZES, Size
from tests.acceptance.stage import Stage

SEED = 20261121

Stages = Callable[[Plan], Stage]


@pytest.fixture(scope="session")
def size(reliability: str) -> Size:
    """The figures of `--reliability`."""
    return SIZES[reliability]


@pytest.fixture
def seed() -> int:
    """Where the dice start; printed, so that a failure says it."""
    print(f"seed {SEED}")
    return SEED


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """Sets up stages, which are taken down after the module's tests."""
    with ExitStack() as stack:
        yield lambda plan: stack.enter_context(Stage(tmp_path_factory.mktemp("stage"), plan))
