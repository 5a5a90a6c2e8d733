"""The wire that OpenAlgo's clients speak: its paths, fields and envelope over our own pipeline, journal and brokers.

One module for each family of endpoints; `wire.py` is what they share. What is served, and how it differs, stands in
docs/compatibility.md.
"""

from __future__ import annotations

from fastapi import APIRouter

from bridge.api.keys import Keys
from bridge.api.openalgo import (
    account,
    baskets,
    calendar,
    changes,
    chart,
    chat,
    data,
    gtt,
    instruments,
    margin,
    option_orders,
    options,
    orders,
)
from bridge.api.openalgo.wire import Wire
from bridge.api.ports import Ports
from bridge.api.rates import Rates


def create(ports: Ports, keys: Keys, rates: Rates) -> APIRouter:
    """The router of every endpoint, under `/api/v1`."""
    wire = Wire(ports, keys, rates)
    for family in (account, calendar, chart, chat, data, instruments, margin, options):
        family.add(wire)
    desk = orders.Desk(wire)
    for trading in (orders, baskets, changes, gtt, option_orders):
        trading.add(wire, desk)
    return wire.router
