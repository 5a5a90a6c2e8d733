"""Lots, ticks and freeze quantities of an instrument."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from bridge.domain.instrument import Instrument
from bridge.market.rules import FreezeLimit, freeze_limit


def lots_of(instrument: Instrument, units: Decimal) -> Decimal:
    """How many lots so many units are; a fraction when they are not whole lots."""
    return units / instrument.lot_size


def is_whole_lots(instrument: Instrument, units: Decimal) -> bool:
    """Whether the exchange takes the quantity: whole lots for derivatives, anything else elsewhere."""
    return not instrument.is_derivative or units % instrument.lot_size == 0


def round_to_tick(instrument: Instrument, price: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    """The nearest price the exchange takes; `rounding` is a rounding word of `decimal` (ROUND_FLOOR never raises it)."""
    ticks = (price / instrument.tick_size).to_integral_value(rounding)
    return ticks * instrument.tick_size


def freeze_quantity(instrument: Instrument, day: date) -> FreezeLimit | None:
    """The largest single order that day and whether larger ones may be sliced; `None` where there is no such limit."""
    return freeze_limit(instrument, day)
