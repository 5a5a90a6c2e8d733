"""The instrument list of a day: what stands in the bundled tables, and the dated contracts that the rules give.

Contracts are made when somebody first asks for their underlying, so that a start costs a few hundred instruments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache

from bridge.domain.instrument import (
    Instrument,
    InstrumentKind,
    OptionRight,
    future_symbol,
    option_symbol,
    parse_symbol,
)
from bridge.kit.clock import Clock
from bridge.market.expiries import future_expiries, option_expiries
from bridge.market.listings import Underlying, listings, underlyings
from bridge.market.rules import freeze_limit, lot_rule
from bridge.market.sessions import IST, SEGMENT_OF_EXCHANGE, SEGMENTS

_RIGHTS = (OptionRight.CALL, OptionRight.PUT)


class Master:
    """Every instrument listed at some time of `day` in India, by exchange and symbol."""

    def __init__(self, day: date, *, simulated: bool = False) -> None:
        self.day = day
        self._simulated = simulated
        self._by_key = dict(_undated())
        if simulated:
            self._by_key = {key: replace(found, simulated=True) for key, found in self._by_key.items()}
        self._contracts: dict[tuple[str, str], Sequence[Instrument]] = {}

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly."""
        found = self._by_key.get((exchange, symbol))
        if found is None and (parts := parse_symbol(symbol)) and (exchange, parts.base) not in self._contracts:
            self.contracts(exchange, parts.base)
            found = self._by_key.get((exchange, symbol))
        return found

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol, over all exchanges."""
        found = (self.instrument(exchange, symbol) for exchange in sorted(SEGMENT_OF_EXCHANGE))
        return [instrument for instrument in found if instrument is not None]

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry; none for what nothing is written on."""
        listed = underlyings().get((exchange, underlying))
        if listed is None:
            return ()
        made = self._contracts.get((exchange, underlying))
        if made is None:
            since = _first_day(exchange, self.day)
            made = tuple(_contracts(listed, since, self._simulated))
            self._by_key.update({(c.exchange, c.symbol): c for c in made})
            self._contracts[exchange, underlying] = made  # last: it tells other threads that the names are known
        return made

    def instruments(self) -> Iterable[Instrument]:
        """The whole list. Contracts are made as it is read, so a reader that pauses holds nobody up for long."""
        yield from (self._by_key[key] for key in _undated())
        for exchange, name in underlyings():
            yield from self.contracts(exchange, name)


class TodaysMaster:
    """The list of the clock's day in India, made anew when the day changes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._master = Master(self._today(), simulated=True)

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The instrument by its OpenAlgo spelling, exactly."""
        return self._current().instrument(exchange, symbol)

    def find(self, symbol: str) -> Sequence[Instrument]:
        """Every instrument with that symbol, over all exchanges."""
        return self._current().find(symbol)

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry."""
        return self._current().contracts(exchange, underlying)

    def instruments(self) -> Iterable[Instrument]:
        """The whole list of the day it is now."""
        return self._current().instruments()

    def _current(self) -> Master:
        if self._master.day != (today := self._today()):
            self._master = Master(today, simulated=True)
        return self._master

    def _today(self) -> date:
        return self._clock.now().astimezone(IST).date()


def master(day: date) -> list[Instrument]:
    """The whole instrument list of that day: some fifteen thousand; prefer `Master` where one name is looked up."""
    return list(Master(day).instruments())


@cache
def _undated() -> Mapping[tuple[str, str], Instrument]:
    return {
        (listing.exchange, listing.symbol): Instrument(
            symbol=listing.symbol,
            exchange=listing.exchange,
            kind=listing.kind,
            name=listing.name,
            currency=listing.currency,
            lot_size=listing.lot,
            tick_size=listing.tick,
        )
        for listing in listings().values()
        if listing.exchange != "REFERENCE"
    }


def _first_day(exchange: str, day: date) -> date:
    """Which day the exchange has when `day` begins in India: where that is still yesterday, yesterday's contracts trade on."""
    begins = datetime.combine(day, time(0), IST)
    return begins.astimezone(SEGMENTS[SEGMENT_OF_EXCHANGE[exchange]].zone).date()


def _contracts(underlying: Underlying, day: date, simulated: bool) -> Iterable[Instrument]:
    for expiry in future_expiries(underlying, day):
        yield _contract(underlying, expiry, day, simulated)
    strikes = listed_strikes(underlying)
    for expiry in option_expiries(underlying, day):
        pattern = _contract(underlying, expiry, day, simulated)
        for strike in strikes:
            for right in _RIGHTS:
                yield replace(
                    pattern,
                    symbol=option_symbol(underlying.symbol, expiry, strike, right),
                    kind=InstrumentKind.OPTION,
                    tick_size=underlying.option_tick,
                    strike=strike,
                    right=right,
                )


def _contract(underlying: Underlying, expiry: date, day: date, simulated: bool) -> Instrument:
    lot = lot_rule(underlying.exchange, underlying.symbol, expiry)
    future = Instrument(
        symbol=future_symbol(underlying.symbol, expiry),
        exchange=underlying.exchange,
        kind=InstrumentKind.FUTURE,
        name=underlying.name,
        currency=underlying.currency,
        lot_size=Decimal(lot.value) if lot else Decimal(1),
        tick_size=underlying.future_tick,
        underlying=underlying.symbol,
        expiry=expiry,
        simulated=simulated,
    )
    limit = freeze_limit(future, day)
    return replace(future, freeze_quantity=limit.quantity if limit else None)


def listed_strikes(underlying: Underlying) -> Sequence[Decimal]:
    """The strikes around the reference price, in steps; positive ones only."""
    if underlying.strike_step is None:
        return ()
    step = underlying.strike_step
    middle = (listings()[underlying.spot].price / step).to_integral_value() * step
    strikes = (middle + step * n for n in range(-underlying.strikes, underlying.strikes + 1))
    return [strike for strike in strikes if strike > 0]
