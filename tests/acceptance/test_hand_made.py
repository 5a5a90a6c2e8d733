"""C3: no bad order is sent, and each sender is told what was wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.kit.clock import ScaledClock
from bridge.kit.database import Reader
from tests.acceptance.forms import JSON_FORMS, TEXT_FORMS
from tests.acceptance.hand_made import OPEN, Case, cases, good_cases, late_cases
from tests.acceptance.program import Lane, build, furnish
from tests.acceptance.stage import FREE
from tests.fakebroker.client import FakeBrokerProcess

DAY = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)  # a Monday, 10:00 in Mumbai
LANES: dict[str, dict[str, Any]] = {
    OPEN: {},
    "capped": {"quantity_max": 5},
    "thrifty": {"value_max": 1000},
    "listed": {"any_symbol": False, "symbols": {"TCS": {"exchange": "NSE", "symbol": "TCS"}}},
    "flat": {},  # nothing is ever held here
    "long": {"direction": "long"},
    "short": {"direction": "short"},
    "nightly": {"window": {"start": "22:00", "end": "23:00"}},
    **{form.dialect: {"dialect": form.dialect} for form in TEXT_FORMS},
}
DIALECTS = [form.dialect for form in (*JSON_FORMS, *TEXT_FORMS)]


@dataclass(frozen=True, slots=True)
class Play:
    """What came of all cases, and how many orders the bad ones made: in the house's journal, and at the broker."""

    bad: Mapping[Case, str]
    late: Mapping[Case, str]
    good: Mapping[Case, str]
    orders: int
    sent: int


async def play(folder: Path, broker: FakeBrokerProcess) -> Play:
    """Post everything to one house."""
    house = build(folder, ScaledClock(1, DAY))
    made = await furnish(house, broker.url, {name: Lane(FREE.account, rules) for name, rules in LANES.items()})
    paths = made.paths
    await house.start()
    transport = httpx.ASGITransport(app=house.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as sender:
        bad = {case: await reason(sender, paths[case.lane], case) for case in cases()}
        late = {case: await late_reason(sender, paths[case.lane], case, house.reader) for case in late_cases()}
        orders = house.reader.read("SELECT COUNT(*) AS n FROM orders")[0]["n"]
        sent = len(broker.sent())
        good = {case: await reason(sender, paths[case.lane], case) for case in good_cases()}
    await house.stop()
    return Play(bad, late, good, orders, sent)


async def reason(sender: httpx.AsyncClient, path: str, case: Case) -> str:
    """The code of the refusal; for anything else what the answer said."""
    answer = await sender.post(path, content=case.body.encode(), headers={"Content-Type": case.content_type})
    said: dict[str, Any] = answer.json()
    return said["code"] if answer.status_code == 422 else f"{answer.status_code} {said['status']}"


async def late_reason(sender: httpx.AsyncClient, path: str, case: Case, reader: Reader) -> str:
    """The code of the intent, once the account's desk has come to it."""
    answer = await sender.post(path, content=case.body.encode(), headers={"Content-Type": case.content_type})
    if answer.status_code != 202:
        return f"{answer.status_code} {answer.json()['code']}"
    async with asyncio.timeout(20):
        while True:
            [intent] = await reader.rows(
                "SELECT state, code FROM intents WHERE alert_id = :id", {"id": answer.json()["alert_id"]}
            )
            if intent["state"] != "RECEIVED":
                return str(intent["code"])
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder = tmp_path_factory.mktemp("hand-made")
    broker = FakeBrokerProcess(folder / "broker-ledger.jsonl").start()
    yield asyncio.run(play(folder / "house", broker))
    broker.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_bad_order_is_refused_with_its_own_reason(played: Play, dialect: str) -> None:
    assert_said({case: code for case, code in played.bad.items() if case.dialect == dialect})


def test_what_only_the_position_can_tell_ends_with_its_own_reason(played: Play) -> None:
    assert_said(played.late)


def test_the_same_order_without_a_flaw_is_taken(played: Play) -> None:
    assert_said(played.good)


def test_there_are_two_thousand_of_them(played: Play) -> None:
    assert len(played.bad) >= 2000


def test_nothing_is_sent(played: Play) -> None:
    assert (played.orders, played.sent) == (0, 0)


def assert_said(found: Mapping[Case, str]) -> None:
    """Each code is that of the table."""
    wrong = [
        f"{case.name}: {code} instead of {case.code}: {case.body[:160]}"
        for case, code in found.items()
        if code != case.code
    ]
    assert found
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(found)}:\n" + "\n".join(wrong), pytrace=False)
