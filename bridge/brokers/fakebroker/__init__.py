"""The simulated broker of the rehearsals: not a place where money is."""

from bridge.brokers.base import BrokerDeclaration
from bridge.brokers.fakebroker.adapter import FakeBroker
from bridge.brokers.fakebroker.translate import CAPABILITIES

BROKER = BrokerDeclaration(
    name="fakebroker",
    title="Simulated broker (rehearsals only)",
    needs=("token",),
    connect=FakeBroker,
    capabilities=CAPABILITIES,
)
