"""A2: the program is killed at every named place there is, whatever the broker does, and started again at once or too late."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.kit.failpoints import POINTS
from tests.reliability.ledgers import Sent
from tests.reliability.rig import Program, Rig
from tests.reliability.sender import Sender, alert, cancel
from tests.reliability.stage import equities

SPEED = 40.0
TRIES = 4
HIT_WITHIN_REAL_S = 2.5
SIGKILLED = -9
AT_START = ("claim.before_commit", "claim.committed", "takeover.before_commit", "takeover.committed")
TAKES_LONG_S = {"absence.before_commit": 90.0, "absence.committed": 90.0, "book.matched": 10.0}  # rehearsal seconds

Rule = dict[str, Any]
BEHAVIOURS: dict[str, Rule] = {
    "good": {"do": "slow", "delay_s": 0.05},
    "takes_it_and_hangs_up": {"do": "accept_then_drop"},
    "hangs_up": {"do": "drop_request"},
    "says_timeout_and_has_it": {"do": "timeout_400_placed"},
    "shows_a_web_page": {"do": "html_page"},
    "takes_it_long_after": {"do": "late_accept", "hold_s": [2, 20]},
}
DELAYS_S = (0.0, 65.0)  # at once; when every entry is too old


@dataclass
class Chain:
    """Lives of one house, each killed at another place; what one leaves behind the next takes over."""

    rig: Rig
    behaviour: str
    delay_s: float
    sender: Sender = field(init=False)
    sending: list[asyncio.Task[None]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.symbols = itertools.cycle(equities())
        self.numbers = itertools.count()

    async def run(self, points: list[str]) -> None:
        """Every point once, then a life that is left in peace; the judge looks at what it made of it all."""
        first = await self.rig.start()
        self.sender = self.rig.sender(patience_real_s=60.0)
        first.kill()
        for point in points:
            await self._die_at(point)
            await asyncio.sleep(self.rig.epoch.real(self.delay_s))
        self.rig.broker.set(faults=[], fill="instant")
        await self.rig.start()
        await asyncio.gather(*self.sending)
        await self.rig.conclude(note=f"{self.behaviour} {self.delay_s:g} s")
        assert not self.missed, f"seed {self.rig.seed}: never reached: {self.missed}"

    async def _die_at(self, point: str) -> None:
        program = self.rig.spawn(failpoints=f"{point}=kill@1")
        await self.rig.until_born(program)
        for _ in range(TRIES):
            if program.status is not None or point in AT_START:
                break
            self._provoke(point, program)
            patience = HIT_WITHIN_REAL_S + self.rig.epoch.real(TAKES_LONG_S.get(point, 0))
            await asyncio.to_thread(program.nursery.wait, program.pid, patience)
        if await asyncio.to_thread(program.nursery.wait, program.pid, HIT_WITHIN_REAL_S) != SIGKILLED:
            self.missed.append(f"{point} (it ended with {program.status}, log {program.log})")
            program.kill()

    def _provoke(self, point: str, program: Program) -> None:
        """Alerts that lead to the place: one to the misbehaving broker, others that make sure."""
        symbol, probe = next(self.symbols), next(self.symbols)
        rules = [{**BEHAVIOURS[self.behaviour], "symbol": symbol}, *_RULES_FOR_PROBE.get(point, ())]
        rules = [{**rule, "symbol": rule.get("symbol", probe)} for rule in rules]
        resting = point.startswith("cancel.")
        self.rig.broker.set(faults=rules, fill={"default": "instant", **({probe: "never"} if resting else {})})
        if point == "requeue.committed":
            self.rig.broker.set(refuse_connections_for_s=2)
        alerts = [alert(self._key(), "double", "buy", symbol, 3), *self._probe(point, probe)]
        self.sending.append(asyncio.create_task(self.sender.send_all(alerts, at_once=1)))
        if point == "park.committed":
            self.sending.append(asyncio.create_task(self._stranger(probe, program)))
        if point == "squareoff.planned":
            program.square_off()
        if point.startswith("approve."):
            program.say_yes()

    def _probe(self, point: str, symbol: str) -> list[Sent]:
        if point.startswith("plan."):
            return [alert(self._key(), "long", side, symbol, 2) for side in ("buy", "sell")]
        if point.startswith("cancel."):
            return [alert(self._key(), "single", "buy", symbol, 2, limit=90), cancel(self._key(), "single", symbol)]
        return [alert(self._key(), "asked" if point.startswith("approve.") else "single", "buy", symbol, 2)]

    async def _stranger(self, symbol: str, program: Program) -> None:
        """Somebody places by hand exactly what we may have placed: nobody can tell the two apart."""

        def sent() -> bool:
            return any(_is_for(row, symbol) for row in self.rig.broker.sent())

        await self.rig.until(lambda: sent() or program.status is not None, 60, "a request or the end")
        order = {"symbol": symbol, "exchange": "NSE", "side": "BUY", "quantity": "2", "order_type": "MARKET"}
        self.rig.broker.act("place", account="alpha", order=order | {"product": "MIS", "validity": "DAY"})

    def _key(self) -> str:
        return f"{self.behaviour}-{next(self.numbers)}"


_LOST: tuple[Rule, ...] = ({"do": "drop_request"},)
_RULES_FOR_PROBE: dict[str, tuple[Rule, ...]] = {
    "unknown.committed": ({"do": "accept_then_drop"},),
    "book.matched": _LOST,
    "absence.before_commit": _LOST,
    "absence.committed": _LOST,
    "park.committed": _LOST,
}


def _is_for(row: Rule, symbol: str) -> bool:
    return isinstance(row["body"], dict) and row["body"]["symbol"] == symbol


def _shuffled(seed: int) -> list[str]:
    """Every point, in an order of the seed's; a takeover needs somebody who died while sending."""
    points = list(POINTS)
    random.Random(seed).shuffle(points)
    return points


def _seeds(reliability: str) -> Iterator[int]:
    return iter(range(10) if reliability == "night" else range(1))


@pytest.mark.parametrize("delay_s", DELAYS_S)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_killed_at_every_named_place(
    rig: Callable[..., Rig], reliability: str, behaviour: str, delay_s: float
) -> None:
    if reliability == "sample" and (behaviour, delay_s) != ("takes_it_and_hangs_up", 0.0):
        pytest.skip("one chain over all points in the sample; the others with --reliability=pr")
    for seed in _seeds(reliability):
        await Chain(rig(seed, speed=SPEED), behaviour, delay_s).run(_shuffled(seed))


async def test_killed_at_every_named_place_on_postgres(
    rig: Callable[..., Rig], reliability: str, postgres_url: str
) -> None:
    points = _shuffled(7)
    if reliability == "sample":
        points = [point for point in points if point.startswith(("accept.committed", "sending", "outcome", "takeover"))]
    await Chain(rig(7, speed=SPEED, database=postgres_url), "says_timeout_and_has_it", 0.0).run(points)
