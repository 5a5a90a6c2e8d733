"""Options and fixtures of the whole test suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fakebroker.fixtures"]

# How much the reliability tests do: in every run, before a merge, at night (docs/testing.md).
settings.register_profile(
    "reliability-sample",
    max_examples=25,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
)
settings.register_profile(
    "reliability-pr", max_examples=200, stateful_step_count=50, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "reliability-night", max_examples=20_000, stateful_step_count=100, database=None, deadline=None, print_blob=True
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--reliability=pr` or BRIDGE_RELIABILITY=pr."""
    parser.addoption(
        "--reliability",
        choices=("sample", "pr", "night"),
        default=os.environ.get("BRIDGE_RELIABILITY", "sample"),
        help="size of the reliability tests: a fixed sample (default), 200 examples of 50 steps, or 20,000 of 100",
    )


@pytest.fixture(scope="session")
def reliability(request: pytest.FixtureRequest) -> str:
    """`sample`, `pr` or `night`."""
    return str(request.config.getoption("--reliability"))
