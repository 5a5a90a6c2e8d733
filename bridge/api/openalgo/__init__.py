"""The wire that OpenAlgo's clients speak: its paths, fields and envelope over our own pipeline, journal and brokers.

One module for each family of endpoints; `wire.py` is what they share. What is served, and how it differs, stands in
docs/compatibility.md.
"""

from __future__ import annotations

from fastapi import APIRouter

from bridge.api.keys import Keys
from bridge.api.openalgo import account, calendar, chart, data, gtt, instruments, margin, options, orders
from bridge.api.openalgo.wire import Wire
from bridge.api.ports import Ports


def create(ports: Ports, keys: Keys) -> APIRouter:
    """The router of every endpoint, under `/api/v1`."""
    wire = Wire(ports, keys)
    for family in (account, calendar, chart, data, gtt, instruments, margin, options, orders):
        family.add(wire)
    return wire.router
