"""A fixed list of instruments, found by name, symbol or underlying."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from bridge.domain.instrument import Instrument


class Catalogue:
    """The instruments it was given, and no others."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_key = {(found.exchange, found.symbol): found for found in instruments}
        self._by_symbol: dict[str, list[Instrument]] = defaultdict(list)
        self._by_underlying: dict[tuple[str, str], list[Instrument]] = defaultdict(list)
        for found in self._by_key.values():
            self._by_symbol[found.symbol].append(found)
            if found.underlying and found.expiry:
                self._by_underlying[found.exchange, found.underlying].append(found)
        for contracts in self._by_underlying.values():
            contracts.sort(key=lambda c: c.expiry or date.max)

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly."""
        return self._by_key.get((exchange, symbol))

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol."""
        return self._by_symbol.get(symbol, ())

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry."""
        return self._by_underlying.get((exchange, underlying), ())

    def instruments(self) -> Iterable[Instrument]:
        """The whole list."""
        return self._by_key.values()
