"""A simulated broker for the tests of this folder, and the adapter connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.brokers.base import Broker
from tests.brokers.rehearsal import SPEED, connected
from tests.fakebroker.client import FakeBrokerProcess
from tests.fakebroker.fixtures import fakebroker
from tests.fakebroker.knobs import Knobs
from tests.support.postgres import postgres_server, postgres_url

__all__ = ["fakebroker", "postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeBrokerProcess]:
    """One process for many tests: each has an account of its own."""
    ledger = tmp_path_factory.mktemp("shared") / "ledger.jsonl"
    broker = FakeBrokerProcess(ledger, speed=SPEED).start()
    yield broker
    broker.stop()


@pytest.fixture
def vendor(shared_broker: FakeBrokerProcess) -> FakeBrokerProcess:
    """The shared process with every knob at rest."""
    shared_broker.set(**Knobs().shown())
    return shared_broker


@pytest.fixture
async def adapter(vendor: FakeBrokerProcess, request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    """The adapter, on an account named after the test."""
    broker = connected(vendor.url, token_of(request))
    yield broker
    await broker.close()


@pytest.fixture
def token(request: pytest.FixtureRequest) -> str:
    """The token of `adapter`'s account, and its name."""
    return token_of(request)


def token_of(request: pytest.FixtureRequest) -> str:
    """A token only this test has."""
    return f"{hash(request.node.nodeid) & 0xFFFFFFFF:08x}"
