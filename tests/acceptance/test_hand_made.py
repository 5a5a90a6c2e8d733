"""C3: no bad order is sent, and each sender is told what was wrong with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.kit.clock import ScaledClock
from tests.acceptance.forms import JSON_FORMS, TEXT_FORMS
from tests.acceptance.hand_made import OPEN, TEXT, Case, cases
from tests.acceptance.program import Lane, build, furnish
from tests.acceptance.stage import FREE
from tests.fakebroker.client import FakeBrokerProcess

DAY = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)  # a Monday, 10:00 in Mumbai
LANES = {
    OPEN: {},
    "capped": {"quantity_max": 5},
    "thrifty": {"value_max": 1000},
    "listed": {"any_symbol": False, "symbols": {"TCS": {"exchange": "NSE", "symbol": "TCS"}}},
    "long": {"direction": "long"},
    "short": {"direction": "short"},
    "nightly": {"window": {"start": "22:00", "end": "23:00"}},
    **{form.dialect: {"dialect": form.dialect} for form in TEXT_FORMS},
}
DIALECTS = [form.dialect for form in (*JSON_FORMS, *TEXT_FORMS)]


@dataclass(frozen=True, slots=True)
class Play:
    """What came of all cases."""

    codes: Mapping[Case, str]
    orders: int
    sent: int


async def play(folder: Path, broker_url: str, asked: list[Case]) -> tuple[dict[Case, str], int]:
    """Post everything to one house; the reasons, and how many orders it made of it."""
    house = build(folder, ScaledClock(1, DAY))
    paths = await furnish(house, broker_url, {name: Lane(FREE.account, rules) for name, rules in LANES.items()})
    await house.start()
    transport = httpx.ASGITransport(app=house.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as sender:
        codes = {case: await reason(sender, paths[case.lane], case) for case in asked}
    orders = house.reader.read("SELECT COUNT(*) AS n FROM orders")[0]["n"]
    await house.stop()
    return codes, orders


async def reason(sender: httpx.AsyncClient, path: str, case: Case) -> str:
    """The code of the refusal; for anything else what the answer said."""
    answer = await sender.post(path, content=case.body.encode(), headers={"Content-Type": case.content_type})
    said: dict[str, Any] = answer.json()
    return said["code"] if answer.status_code == 422 else f"{answer.status_code} {said['status']}"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder = tmp_path_factory.mktemp("hand-made")
    broker = FakeBrokerProcess(folder / "broker-ledger.jsonl").start()
    codes, orders = asyncio.run(play(folder / "house", broker.url, cases()))
    broker.stop()
    yield Play(codes, orders, len(broker.sent()))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_bad_order_is_refused_with_its_own_reason(played: Play, dialect: str) -> None:
    found = {case: code for case, code in played.codes.items() if case.dialect == dialect}

    wrong = [f"{case.name}: {code} instead of {case.code}: {case.body[:200]}" for case, code in found.items() if code != case.code]

    assert found
    assert not wrong, f"{len(wrong)} of {len(found)}:\n" + "\n".join(wrong)


def test_there_are_two_thousand_of_them() -> None:
    assert len(set(cases())) >= 2000


def test_nothing_is_sent(played: Play) -> None:
    assert (played.orders, played.sent) == (0, 0)
