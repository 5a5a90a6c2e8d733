"""C1: whatever strangers send, the program answers, trades nothing that was not asked for, and stays small and quick."""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.acceptance.books import UNDER_WAY
from tests.acceptance.floor import Crowd, Floor, Took
from tests.acceptance.program import PASSWORD, USER, Lane
from tests.acceptance.sizes import Size
from tests.acceptance.stage import FREE, Stage
from tests.acceptance.strangers import Case, Strangers, routes
from tests.acceptance.wire import SILENCE, Answer, Wire

CALLERS = 4
BARE_EVERY = 20  # so many cases for one that the bare server gets, too
WARM_UP = 500  # until every dialect was imported and every cache has something in it
GROWTH = 64 * 2**20
SHOWN = 600  # bytes of a request in a report


@dataclass(slots=True)
class Verdict:
    """What came of the cases so far."""

    took: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    traded: set[str] = field(default_factory=set)  # alerts that were allowed to
    faults: list[str] = field(default_factory=list)

    def judge(self, number: int, case: Case, answer: Answer) -> None:
        """Note one answer."""
        self.took.append(answer.ms)
        self.statuses[answer.status] += 1
        if wrong := self._wrong(case, answer):
            self.faults.append(
                f"{wrong}: case {number}, {case.kind}: {case.said[:SHOWN]!r} → {answer.status} {answer.body[:SHOWN]!r}"
            )

    def _wrong(self, case: Case, answer: Answer) -> str | None:
        # 501 is OpenAlgo's own answer for what an account's broker cannot do, and clients know it as that.
        broker_cannot = answer.status == 501 and b"not supported for broker" in answer.body
        if answer.status >= 500 and not broker_cannot:
            return "a server error"
        if answer.status == SILENCE and case.is_http:
            return "no answer"
        if b"Traceback" in answer.body:
            return "a traceback"
        alert = ordered_by(answer)
        if alert and not case.may_trade:
            return "an order"
        self.traded |= {alert} if alert else set()
        return None


def ordered_by(answer: Answer) -> str | None:
    """The alert that has led to orders, if the answer says so."""
    if answer.status != 202:
        return None
    said = json.loads(answer.body)
    return str(said["alert_id"]) if said.get("orders") else None


async def ask_all(port: int, bare_port: int, cases: Iterator[tuple[int, Case]], verdict: Verdict) -> Took:
    """Several callers at a time, until the cases run out. What the bare server took for a few of them in the same minutes."""
    bare_ms: list[float] = []

    async def caller() -> None:
        async with Wire(port) as house, Wire(bare_port) as bare:
            for number, case in cases:
                verdict.judge(number, case, await house.ask(case.said))
                if number % BARE_EVERY == 0 and case.is_http:
                    bare_ms.append((await bare.ask(case.said)).ms)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return Took(tuple(bare_ms))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    # As willing to trade as a strategy can be.
    willing = Lane(FREE.account, {"attached_exits": "note", "scan_side": "buy"})
    with Stage(tmp_path, {"free": willing}) as made:
        yield made


async def test_strangers_get_answers_and_nothing_else(
    stage: Stage, bare_port: int, size: Size, seed: int, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    keys = [("Authorization", f"Bearer {stage.made.key}"), ("Cookie", await session(stage.port))]
    strangers = Strangers(seed, stage.made.paths["free"], routes(tmp_path / "routes"), keys)
    verdict = Verdict()
    await ask_all(stage.port, bare_port, numbered(strangers, 0, WARM_UP), verdict)
    small, warm, crowd = stage.process.memory_info().rss, len(verdict.took), Crowd()

    bare = await ask_all(stage.port, bare_port, numbered(strangers, WARM_UP, size.fuzzed), verdict)

    grown = stage.process.memory_info().rss - small
    took, floor = Took(tuple(verdict.took[warm:])), Floor(crowd.share(), bare)
    tell(
        f"C1 {took}; {floor}; {dict(verdict.statuses)}; {len(verdict.traded)} traded; grown by {grown / 2**20:.1f} MiB"
    )
    if verdict.faults:
        pytest.fail(f"{len(verdict.faults)} faults:\n" + "\n".join(verdict.faults[:20]))
    assert stage.is_alive()
    assert stage.complaints() == []
    assert_only_asked_for(stage, verdict)
    assert grown < GROWTH
    assert took.at(0.99) <= floor.allows(50, 0.99)


async def session(port: int) -> str:
    """The cookie of somebody who has signed in."""
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, headers={"Origin": address}) as browser:
        page = (await browser.get("/signin")).text
        proof = page.partition('name="csrf" value="')[2].partition('"')[0]
        answer = await browser.post("/signin", data={"csrf": proof, "name": USER, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def numbered(strangers: Strangers, first: int, end: int) -> Iterator[tuple[int, Case]]:
    return ((number, strangers.case(number)) for number in range(first, end))


def assert_only_asked_for(stage: Stage, verdict: Verdict) -> None:
    """Every order belongs to an alert that was allowed to trade, and the broker got none but these."""
    stage.wait_until_none("orders were still under way", UNDER_WAY, 60)
    orders = stage.rows("SELECT ref, alert_id FROM orders")
    assert len(verdict.traded) > len(verdict.took) // 200, "hardly anything traded, so this test proves little"
    assert {row["alert_id"] for row in orders} <= verdict.traded
    assert {row["body"]["tag"] for row in stage.broker.sent()} <= {row["ref"] for row in orders}
