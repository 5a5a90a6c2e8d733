"""Bid, ask and depth around a simulated last price, the same for the same instrument and instant."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.market.base import DepthLevel

_LEVELS = 5
_HALF_SPREAD = {  # as a share of the price
    InstrumentKind.EQUITY: 0.00008,
    InstrumentKind.FUTURE: 0.00004,
    InstrumentKind.OPTION: 0.002,
    InstrumentKind.CRYPTO: 0.00003,
    InstrumentKind.FOREX: 0.00003,
}
_LEVEL_WORTH = {"INR": 6e5, "USD": 2e4, "USDT": 2e4, "JPY": 3e6, "BTC": 0.3}  # money standing at one price
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides, best first. Nothing stands in an index."""

    bid: Decimal
    ask: Decimal
    bids: tuple[DepthLevel, ...] = ()
    asks: tuple[DepthLevel, ...] = ()


def book_around(instrument: Instrument, ticks: int, noise: int) -> Book:
    """The book of an instrument whose last price is `ticks` ticks; `noise` is any number, and decides the rest."""
    tick = instrument.tick_size
    if instrument.kind is InstrumentKind.INDEX:
        return Book(ticks * tick, ticks * tick)
    spread = max(1, round(2 * _HALF_SPREAD[instrument.kind] * ticks))
    noise = scrambled(noise)
    below = noise % (spread + 1)
    bid = max(1, ticks - below)
    ask = max(bid + 1, ticks + spread - below)
    typical = _typical_size(instrument, ticks)
    bids = tuple(_level(instrument, max(1, bid - n), typical, noise >> 4 * n, n) for n in range(min(_LEVELS, bid)))
    asks = tuple(_level(instrument, ask + n, typical, noise >> (20 + 4 * n), n) for n in range(_LEVELS))
    return Book(bids[0].price, asks[0].price, bids, asks)


def scrambled(number: int) -> int:
    """A number of 64 bits that looks random and depends on every bit of the one given (the finaliser of SplitMix64)."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _MASK
    return number ^ (number >> 31)


def _typical_size(instrument: Instrument, ticks: int) -> float:
    """Lots, or for undated instruments units, that usually stand at one price."""
    worth = _LEVEL_WORTH.get(instrument.currency, 2e4)
    if instrument.kind is InstrumentKind.OPTION:
        return 12.0
    if instrument.kind is InstrumentKind.FUTURE:
        return 6.0
    return worth / (ticks * float(instrument.tick_size))


def _level(instrument: Instrument, ticks: int, typical: float, noise: int, depth: int) -> DepthLevel:
    size = typical * (0.4 + (noise & 15) / 10) * (1 + 0.35 * depth)
    if instrument.is_derivative:
        quantity = max(1, round(size)) * instrument.lot_size
    elif instrument.kind is InstrumentKind.CRYPTO:
        quantity = Decimal(max(1, round(size * 1000))).scaleb(-3)
    else:
        quantity = Decimal(max(1, round(size)))
    return DepthLevel(ticks * instrument.tick_size, quantity)
