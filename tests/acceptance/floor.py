"""What this machine needs for the same load when nothing is done with it.

The pass figures are those of a machine that is not busy with something else. This one may be: then the bare server is slow
too, and what the house may take is counted in the bare server's own times. On a machine that has time the multiples
lie far below the pass figures and change nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.cli.bench import answers, free_port, process
from bridge.cli.benching.load import Client, Shot, percentile

Load = Callable[[Client, Sequence[str]], Awaitable[list[Shot]]]

TIMES = 25  # on an idle machine the house takes 5 to 10 times as long as a server that does nothing


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of many requests under one load."""

    ms: tuple[float, ...]

    @classmethod
    def of(cls, shots: Sequence[Shot]) -> Took:
        """From what a load generator measured."""
        return cls(tuple(shot.ms for shot in shots))

    def at(self, share: float) -> float:
        """The percentile, 1 for the longest."""
        return percentile(self.ms, share)

    def __str__(self) -> str:
        return f"p50 {self.at(0.5):.1f} p99 {self.at(0.99):.1f} max {self.at(1):.1f} ms of {len(self.ms)}"


@dataclass(frozen=True, slots=True)
class Floor:
    """The bare server before and after the house had its turn; the slower of the two counts."""

    before: Took
    after: Took

    def allows(self, figure_ms: float, share: float) -> float:
        """The pass figure, or on a machine that is visibly overloaded the multiple of the floor."""
        return max(figure_ms, TIMES * self.before.at(share), TIMES * self.after.at(share))

    def __str__(self) -> str:
        return f"bare server {self.before}, afterwards {self.after}"


@contextmanager
def bare_server() -> Iterator[Client]:
    """A server that answers without doing anything."""
    port = free_port()
    with process("bridge.cli.benching.floor", "bare", str(port)):
        answers(f"http://127.0.0.1:{port}/")
        yield Client(port, "/")


async def beside(house: Client, load: Load, bodies: Sequence[str], short: Sequence[str]) -> tuple[list[Shot], Floor]:
    """The load on the house, and the same with the shorter list on the bare server before and after it."""
    with bare_server() as bare:
        before = Took.of(await load(bare, short))
        shots = await load(house, bodies)
        after = Took.of(await load(bare, short))
    return shots, Floor(before, after)
