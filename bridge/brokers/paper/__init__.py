"""Practice money behind the same port as every broker."""

from bridge.brokers.base import BrokerDeclaration
from bridge.brokers.paper.adapter import PaperBroker
from bridge.brokers.paper.capabilities import CAPABILITIES
from bridge.brokers.paper.settings import PaperSettings

BROKER = BrokerDeclaration(
    name="paper",
    title="Paper (practice money)",
    capabilities=CAPABILITIES,
    connect=PaperBroker,
    settings=PaperSettings,
)
