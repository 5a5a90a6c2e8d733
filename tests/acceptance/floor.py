"""What this machine needs for the same load when nothing is done with it, and how much of it others take.

The pass figures are those of a machine that has time. Whether this one has is measured while the house has its turn: what
processes that are not ours take of the processors. Where that is little, the pass figure alone counts. Where others want
the processors, too, the bare server's own times say how long waiting for one's turn is now; the multiple is generous,
because what costs 2 ms of a processor queues up long before what costs 0.05 ms does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

import psutil

from bridge.cli.bench import answers, free_port, process
from bridge.cli.benching.load import Client, Shot
from tests.acceptance.load import Load, hang_up

TRICKLE_S = 0.02
OVERLOADED = 0.25  # of all processors, taken by others
TIMES = 100


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


class Crowd:
    """How much of the processors others take, from now on."""

    def __init__(self) -> None:
        self._began = self._spent()

    def share(self) -> float:
        """Between 0 and 1: everything that was not idle and not ours, the hypervisor's other guests included."""
        (all_then, idle_then, ours_then), (all_now, idle_now, ours_now) = self._began, self._spent()
        return max((all_now - all_then) - (idle_now - idle_then) - (ours_now - ours_then), 0) / (all_now - all_then)

    @staticmethod
    def _spent() -> tuple[float, float, float]:
        """Seconds of all processors, of those idle, and of this process with all it started."""
        times, us = psutil.cpu_times(), psutil.Process()
        ours = sum(sum(each.cpu_times()[:2]) for each in [us, *us.children(recursive=True)])
        idle = times.idle + getattr(times, "iowait", 0)
        guests = getattr(times, "guest", 0) + getattr(times, "guest_nice", 0)  # Linux counts them as user, too
        return sum(times) - guests, idle, ours


class Floor:
    """What the bare server took, once or several times beside the house; the slowest time counts."""

    def __init__(self, crowd: float, *runs: Took) -> None:
        self._crowd = crowd
        self._runs = runs

    def allows(self, figure_ms: float, share: float) -> float:
        """The pass figure; on a machine that is visibly overloaded at least the multiple of the floor."""
        if self._crowd < OVERLOADED:
            return figure_ms
        return max(figure_ms, *(TIMES * run.at(share) for run in self._runs))

    def __str__(self) -> str:
        return f"others took {self._crowd:.0%}; bare server {', then '.join(map(str, self._runs))}"


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
    meanwhile, crowd = asyncio.create_task(trickle(bare, over)), Crowd()
    shots = await load(house, bodies)
    taken = crowd.share()
    over.set()
    during = Took.of(await meanwhile)
    after = Took.of(await load(bare, short))
    return shots, Floor(taken, before, during, after)


async def trickle(client: Client, over: asyncio.Event) -> list[Shot]:
    """A request now and then until the event is set."""
    link = await client.open()
    shots: list[Shot] = []
    while not shots or not over.is_set():
        shots.append(await client.post(link, "{}"))
        await asyncio.sleep(TRICKLE_S)
    await hang_up([link])
    return shots
