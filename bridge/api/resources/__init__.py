"""Our own resources. Each module adds one; every route asks for a key with a scope, and knows only its person's rows.

Accounts are not made here: credentials of a broker are given where a person is asked for a password (`bridge account add`).
"""

from __future__ import annotations

from fastapi import APIRouter

from bridge.api.door import Door
from bridge.api.keys import Keys
from bridge.api.ports import Ports
from bridge.api.queries import Queries
from bridge.api.rates import Rates
from bridge.api.resources import (
    accounts,
    alerts,
    keyring,
    limits,
    notices,
    orders,
    panic,
    positions,
    sources,
    strategies,
)
from bridge.api.resources.base import Resources

_ALL = (alerts, orders, positions, strategies, sources, accounts, limits, keyring, notices, panic)


def create(ports: Ports, keys: Keys, rates: Rates) -> APIRouter:
    """The router of all of them, under `/api/v1`."""
    found = Resources(ports, keys, Door(keys, rates), Queries(ports.reader))
    for resource in _ALL:
        resource.add(found)
    return found.router
