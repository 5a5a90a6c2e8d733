"""Shapes of a trading day: random walks drawn once, of which every simulated day is a stretched copy.

Because a day is `open × exp(volatility × shape)`, its highs and lows are those of the shape, and bars of any length
agree with each other and with the price at every moment.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from random import Random
from statistics import NormalDist

STEP = 15  # seconds between two drawn points; the price moves straight from one to the next
SHAPES = 64
_PER_MINUTE = 60 // STEP

# Where a shape of each number ends, in standard deviations: evenly over the normal distribution.
ENDS = tuple(NormalDist().inv_cdf((n + 0.5) / SHAPES) for n in range(SHAPES))


class Shape:
    """One day's path from 0 to `ENDS[number]`, in standard deviations of that day, and how its volume comes in."""

    def __init__(self, seed: int, number: int, length: int) -> None:
        random = Random(f"shape {seed} {number} {length}")  # noqa: S311 - simulated prices, nothing secret
        steps = length // STEP
        self.length = length
        self._points = array("f", _bridge(random, steps, ENDS[number]))
        minutes = [self._points[i : i + _PER_MINUTE + 1] for i in range(0, steps, _PER_MINUTE)]
        self._highs = array("f", map(max, minutes))
        self._lows = array("f", map(min, minutes))
        self._highest = array("f", accumulate(self._highs, max))
        self._lowest = array("f", accumulate(self._lows, min))
        self._volumes = array("f", _volumes(random, len(minutes)))

    def at(self, second: float) -> float:
        """The path at that second of the day."""
        step, rest = divmod(second, STEP)
        index = int(step)
        here = self._points[index]
        return here if not rest else here + (self._points[index + 1] - here) * rest / STEP

    def extremes(self, start: float, end: float) -> tuple[float, float]:
        """The lowest and the highest point from one second to a later one, both included."""
        first, last = -int(-start // 60), int(end // 60)
        ends = (self.at(start), self.at(end))
        if first >= last:
            inside = self._points[int(start // STEP) + 1 : -int(-end // STEP)]
            return min(*ends, *inside), max(*ends, *inside)
        low, high = self._minutes(first, last)
        inside = self._points[int(start // STEP) + 1 : first * _PER_MINUTE]
        inside += self._points[last * _PER_MINUTE : -int(-end // STEP)]
        return min(low, *ends, *inside), max(high, *ends, *inside)

    def volume_until(self, second: float) -> float:
        """The share of the day's volume that has traded, 0 … 1."""
        minute, rest = divmod(second, 60)
        index = int(minute)
        here = self._volumes[index]
        return here if not rest else here + (self._volumes[index + 1] - here) * rest / 60

    def _minutes(self, first: int, last: int) -> tuple[float, float]:
        if first == 0:
            return self._lowest[last - 1], self._highest[last - 1]
        return min(self._lows[first:last]), max(self._highs[first:last])


@lru_cache(maxsize=160)
def shape(seed: int, number: int, length: int) -> Shape:
    """The shape of that number for a day of `length` seconds (whole minutes)."""
    return Shape(seed, number, length)


@lru_cache(maxsize=16)
def _paces(steps: int) -> tuple[Sequence[float], Sequence[float]]:
    """How far each step of a day may go, and the share of the day's variance that is over after it.

    Most happens after the open and before the close.
    """
    weights = [0.7 + 0.8 * (2 * i / steps - 1) ** 2 for i in range(steps)]
    variance = sum(weight * weight for weight in weights)
    elapsed = [0.0, *accumulate(weight * weight / variance for weight in weights)]
    # an even draw of width 1 has a variance of 1/12; sums of thousands are normal all the same, at a tenth of the time
    return [weight * sqrt(12 / variance) for weight in weights], elapsed


def _bridge(random: Random, steps: int, end: float) -> list[float]:
    """A walk from 0 to `end` with a little noise that fades."""
    paces, elapsed = _paces(steps)
    draw = random.random
    walk = [0.0, *accumulate((draw() - 0.5) * pace for pace in paces)]
    noise = [0.0, *accumulate(((draw() - 0.5) * 0.04 for _ in range(steps)), lambda n, shock: 0.8 * n + shock)]
    drift = end - walk[-1]
    path = [w + drift * e + n for w, e, n in zip(walk, elapsed, noise, strict=True)]
    path[-1] = end
    return path


@lru_cache(maxsize=16)
def _busyness(minutes: int) -> Sequence[float]:
    return [0.5 + 1.8 * (2 * i / minutes - 1) ** 2 for i in range(minutes)]


def _volumes(random: Random, minutes: int) -> list[float]:
    """The share of the volume until each minute: more at both ends of the day, and never smooth."""
    draw = random.random
    weights = [usual * (0.3 + 1.4 * draw() * draw()) for usual in _busyness(minutes)]
    total = sum(weights)
    return [0.0, *accumulate(weight / total for weight in weights)]
