"""`fakebroker`: a running simulated broker, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakebroker.client import FakeBrokerProcess


@pytest.fixture
def fakebroker(tmp_path: Path) -> Iterator[FakeBrokerProcess]:
    """Started; its ledger lies in the test's own directory."""
    broker = FakeBrokerProcess(tmp_path / "broker-ledger.jsonl").start()
    yield broker
    broker.stop()
