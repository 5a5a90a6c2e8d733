"""What programs ask: our own JSON API under `/api/v1`, and beside it the endpoints that OpenAlgo's clients call."""

from bridge.api.description import complete
from bridge.api.ports import Ports
from bridge.api.routes import create

__all__ = ["Ports", "complete", "create"]
