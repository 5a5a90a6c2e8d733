"""Everything under `/api/v1`: our own resources, and the endpoints that OpenAlgo's clients call."""

from __future__ import annotations

from fastapi import APIRouter

from bridge.api import openalgo, resources
from bridge.api.keys import Keys
from bridge.api.methods import others
from bridge.api.ports import Ports
from bridge.api.rates import Rates


def create(ports: Ports) -> APIRouter:
    """The API's router. Both families know the same keys and count in the same windows."""
    keys = Keys(ports.reader, ports.vault, ports.clock, ports.directory, ports.accounts, ports.trusted_proxies)
    rates = Rates()
    router = APIRouter()
    families = (resources.create(ports, keys, rates), openalgo.create(ports, keys, rates))
    for family in (*families, others(*families)):
        router.include_router(family)
    return router
