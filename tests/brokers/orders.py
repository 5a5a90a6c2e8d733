"""Orders for tests, each with a reference of its own."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from bridge.brokers.base import OrderRequest
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import OrderType, Product, Side

_count = itertools.count(1)
SBIN = Instrument(symbol="SBIN", exchange="NSE", kind=InstrumentKind.EQUITY)


def order(**more: Any) -> OrderRequest:
    """Buy 10 SBIN at 99.95, unless told otherwise."""
    usual: dict[str, Any] = {
        "ref": f"R{next(_count):09d}",
        "instrument": SBIN,
        "side": Side.BUY,
        "quantity": Decimal(10),
        "order_type": OrderType.LIMIT,
        "product": Product.MIS,
        "price": Decimal("99.95"),
    }
    return OrderRequest(**usual | more)
