"""Everything under `/api/v1`: our own resources, and the endpoints that OpenAlgo's clients call."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from bridge.api import openalgo, resources
from bridge.api.keys import Keys
from bridge.api.methods import others
from bridge.api.ports import Ports
from bridge.api.rates import Rates


def create(ports: Ports) -> Sequence[APIRouter]:
    """The API's routers. Both families know the same keys and count in the same windows."""
    keys = Keys(ports.reader, ports.vault, ports.clock, ports.directory, ports.accounts, ports.trusted_proxies)
    rates = Rates()
    families = (resources.create(ports, keys, rates), openalgo.create(ports, keys, rates))
    return *families, others(*families)
