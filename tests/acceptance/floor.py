"""What this machine needs for the same load when nothing is done with it.

The pass figures are those of a machine that is not busy with something else. This one may be: then the bare server is slow
too, and what the house may take is counted in the bare server's own times. On a machine that has time the multiples
lie far below the pass figures and change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from bridge.cli.bench import answers, free_port, process
from bridge.cli.benching.load import Client, Shot
from tests.acceptance.load import Load, hang_up

TRICKLE_S = 0.02
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
        """The time within which that share was done (nearest rank); 1 for the longest."""
        ordered = sorted(self.ms)
        return ordered[ceil(len(ordered) * share) - 1]

    def __str__(self) -> str:
        return f"p50 {self.at(0.5):.1f} p99 {self.at(0.99):.1f} max {self.at(1):.1f} ms of {len(self.ms)}"


class Floor:
    """What the bare server took, once or several times beside the house; the slowest time counts."""

    def __init__(self, *runs: Took) -> None:
        self._runs = runs

    def allows(self, figure_ms: float, share: float, times: float = TIMES) -> float:
        """The pass figure, or on a machine that is visibly overloaded the multiple of the floor."""
        return max(figure_ms, *(times * run.at(share) for run in self._runs))

    def __str__(self) -> str:
        return f"bare server {', then '.join(map(str, self._runs))}"


@contextmanager
def bare_server() -> Iterator[int]:
    """The port of a server that answers without doing anything."""
    port = free_port()
    with process("bridge.cli.benching.floor", "bare", str(port)):
        answers(f"http://127.0.0.1:{port}/")
        yield port


async def beside(
    bare_port: int, house: Client, load: Load, bodies: Sequence[str], short: Sequence[str]
) -> tuple[list[Shot], Floor]:
    """The load on the house, and the bare server's turn: the same with the shorter list before and after, a trickle meanwhile."""
    bare, over = Client(bare_port, "/"), asyncio.Event()
    before = Took.of(await load(bare, short))
    meanwhile = asyncio.create_task(trickle(bare, over))
    shots = await load(house, bodies)
    over.set()
    during = Took.of(await meanwhile)
    after = Took.of(await load(bare, short))
    return shots, Floor(before, during, after)


async def trickle(client: Client, over: asyncio.Event) -> list[Shot]:
    """A request now and then until the event is set."""
    link = await client.open()
    shots: list[Shot] = []
    while not shots or not over.is_set():
        shots.append(await client.post(link, "{}"))
        await asyncio.sleep(TRICKLE_S)
    await hang_up([link])
    return shots
