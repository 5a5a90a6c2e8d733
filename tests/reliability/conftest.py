"""What the rehearsals share: how large they are, the nursery, a furnished house to copy, and rigs that always get closed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.rig import Nursery, Rig
from tests.support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

SIZES = ("sample", "pr", "night")
SPEED = 20.0
FIGURES = "rehearsal"


@pytest.fixture
def sized(reliability: str) -> Callable[[Any, Any, Any], Any]:
    """Picks the figure of this run's size: `sized(100, 1000, 10_000)`."""
    return lambda *figures: figures[SIZES.index(reliability)]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Forks programs for all tests of this process."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="session")
def house(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A furnished data directory, to be copied."""
    rig = Rig(tmp_path_factory.mktemp("house"), nursery, SPEED, seed=0)
    try:
        asyncio.run(_furnish(rig))
    finally:
        rig.close()
    return rig.home


async def _furnish(rig: Rig) -> None:
    program = await rig.start()
    program.stop()


@pytest.fixture
def rig(nursery: Nursery, house: Path, tmp_path: Path, figures: Callable[[str], None]) -> Iterator[Callable[..., Rig]]:
    """Makes rigs: `rig(seed, speed=20, **knobs of the broker)`; what each came to is told at the end."""
    made: list[Rig] = []
    numbers = itertools.count()

    def make(seed: int, *, speed: float = SPEED, database: str | None = None, home: Path = Path(), **knobs: Any) -> Rig:
        folder = tmp_path / f"rig-{next(numbers)}"
        new = Rig(folder, nursery, speed, seed, house, database, knobs, home=home)
        made.append(new)
        return new

    yield make
    for each in made:
        for sentence in each.figures:
            figures(sentence)
        each.close()


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a sentence for the end of the run."""
    return lambda sentence: record_property(FIGURES, sentence)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What every rehearsal came to, with its seed."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    ended = [report for report in reports if isinstance(report, pytest.TestReport) and report.when == "teardown"]
    told = [(report.nodeid.split("::")[-1], said) for report in ended for said in report.user_properties]
    lines = sorted(f"{test}: {said}" for test, (name, said) in told if name == FIGURES)
    if lines:
        terminalreporter.section("rehearsals")
        terminalreporter.write_line("\n".join(lines))
