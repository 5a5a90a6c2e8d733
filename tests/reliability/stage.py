"""What several rehearsals play with."""

from __future__ import annotations

from functools import cache

from bridge.domain.instrument import InstrumentKind
from bridge.market.hand import HandMarket


@cache
def equities() -> tuple[str, ...]:
    """Symbols of shares at NSE that every dialect can write."""
    found = (
        each for each in HandMarket().instruments() if each.exchange == "NSE" and each.kind is InstrumentKind.EQUITY
    )
    return tuple(each.symbol for each in found if each.symbol.isalnum())
