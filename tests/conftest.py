"""Options and fixtures of the whole test suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

pytest_plugins = ["tests.fakebroker.fixtures"]

# Stories and steps of the lifecycle machine: in every run, before a merge, at night (docs/testing.md).
SIZES = {"sample": (25, 40), "pr": (200, 50), "night": (20_000, 100)}
# A failing story is printed as it was found; to shorten it first takes up to five minutes.
PHASES = [Phase.generate, Phase.shrink] if os.environ.get("BRIDGE_SHRINK") else [Phase.generate]
for name, (stories, steps) in SIZES.items():
    settings.register_profile(
        f"reliability-{name}",
        max_examples=stories,
        stateful_step_count=steps,
        derandomize=name == "sample",
        database=None,
        deadline=None,
        phases=PHASES,
        print_blob=True,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--reliability=pr` or BRIDGE_RELIABILITY=pr."""
    parser.addoption(
        "--reliability",
        choices=tuple(SIZES),
        default=os.environ.get("BRIDGE_RELIABILITY", "sample"),
        help="size of the reliability and acceptance tests: a sample (default), that of a merge, or that of a night",
    )


@pytest.fixture(scope="session")
def reliability(request: pytest.FixtureRequest) -> str:
    """`sample`, `pr` or `night`."""
    return str(request.config.getoption("--reliability"))


@pytest.fixture(autouse=True)
def forgotten_houses() -> Iterator[None]:
    """FastAPI keeps the routes of thousands of applications in caches of its own, and with them each test's whole house;
    the garbage collector then takes seconds at a time."""
    yield
    models = sys.modules.get("fastapi.dependencies.models")
    for cached in vars(models).values() if models else ():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()
