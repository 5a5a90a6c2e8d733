"""Choosing a dated contract: the live future, the option by strike or by distance from the money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol, runtime_checkable

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.domain.refusal import Refusal
from bridge.market.base import Market
from bridge.market.calendar import CALENDAR, Calendar

DERIVATIVE_EXCHANGES = ("NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO", "OPRA", "CME")
_WRITTEN_ON = {  # indices first: a name that is both an index and a share is the index to those who trade options on it
    "NSE_INDEX": "NFO",
    "NSE": "NFO",
    "BSE_INDEX": "BFO",
    "BSE": "BFO",
    "NASDAQ": "OPRA",
    "NYSE": "OPRA",
    "AMEX": "OPRA",
}


@runtime_checkable
class ListsContracts(Protocol):
    """A market that finds an underlying's contracts without reading its whole list."""

    def contracts(self, exchange: str, underlying: str) -> Sequence[Instrument]:
        """The futures and options on an underlying, in order of expiry."""


def contracts_on(market: Market, exchange: str, underlying: str) -> Sequence[Instrument]:
    """The futures and options on an underlying, in order of expiry."""
    if isinstance(market, ListsContracts):
        return market.contracts(exchange, underlying)
    found = [i for i in market.instruments() if i.exchange == exchange and i.underlying == underlying and i.expiry]
    return sorted(found, key=lambda i: i.expiry or date.max)


def derivatives_exchange(exchange: str) -> str:
    """Where the contracts on what trades at `exchange` are traded; a derivatives exchange is its own."""
    return _WRITTEN_ON.get(exchange, exchange)


def cash_exchanges(exchange: str) -> Sequence[str]:
    """Where what contracts at `exchange` are written on is itself traded; nowhere when it has a price only by its futures."""
    return [cash for cash, derivatives in _WRITTEN_ON.items() if derivatives == exchange]


def is_live(instrument: Instrument, moment: datetime, calendar: Calendar = CALENDAR) -> bool:
    """Whether a contract can still be traded: its last session has not closed. What has no expiry is always live."""
    if instrument.expiry is None:
        return True
    close = calendar.last_close(instrument, instrument.expiry)
    # a day the calendar does not know: the contract lives until that day is over everywhere
    close = close or datetime.combine(instrument.expiry + timedelta(days=1), time(12), UTC)
    return moment < close


def live_futures(
    market: Market, exchange: str, underlying: str, moment: datetime, calendar: Calendar = CALENDAR
) -> Sequence[Instrument]:
    """The futures that can still be traded, nearest first."""
    futures = (c for c in contracts_on(market, exchange, underlying) if c.kind is InstrumentKind.FUTURE)
    return [c for c in futures if is_live(c, moment, calendar)]


def live_option_expiries(
    market: Market, exchange: str, underlying: str, moment: datetime, calendar: Calendar = CALENDAR
) -> Sequence[date]:
    """The expiries of options that can still be traded, nearest first."""
    options = (c for c in contracts_on(market, exchange, underlying) if c.kind is InstrumentKind.OPTION)
    first_of_each = {c.expiry: c for c in options if c.expiry}
    return sorted(expiry for expiry, c in first_of_each.items() if is_live(c, moment, calendar))


def option_by_strike(
    market: Market, underlying: Instrument, expiry: date, right: OptionRight, strike: Decimal
) -> Instrument | Refusal:
    """The listed option with exactly that strike. Codes: contract_unknown, strike_unknown."""
    strikes = strikes_of(market, derivatives_exchange(underlying.exchange), _base(underlying), expiry, right)
    if not strikes:
        return _no_options(underlying, expiry)
    if not strike.is_finite():
        return Refusal("strike_unknown", f"{strike} is no strike.")
    if strike in strikes:
        return strikes[strike]
    near = ", ".join(f"{s.normalize():f}" for s in sorted(strikes, key=lambda s: abs(s - strike))[:2])
    text = f"{_base(underlying)} has no {right} with strike {strike.normalize():f} for {expiry:%-d %b %Y}; the nearest are {near}."
    return Refusal("strike_unknown", text)


def option_by_rule(
    market: Market, underlying: Instrument, expiry: date, right: OptionRight, rule: str, spot: Decimal
) -> Instrument | Refusal:
    """The option `rule` (ATM, ITM1…, OTM1…) listed strikes from the one nearest `spot`.

    A tie takes the lower strike. Codes: contract_unknown, strike_rule_unknown, strike_unknown.
    """
    match = re.fullmatch(r"ATM|(ITM|OTM)([1-9]\d?)", rule.strip().upper())
    if not match:
        return Refusal("strike_rule_unknown", f"{rule!r} is no distance from the money; write ATM, ITM1… or OTM1….")
    strikes = strikes_of(market, derivatives_exchange(underlying.exchange), _base(underlying), expiry, right)
    if not strikes:
        return _no_options(underlying, expiry)
    ladder = sorted(strikes)
    middle = ladder.index(nearest_strike(ladder, spot))
    # in the money is below the price for a call and above it for a put
    towards_higher = (match[1] == "OTM") == (right is OptionRight.CALL)
    position = middle + (int(match[2]) if match[1] else 0) * (1 if towards_higher else -1)
    if not 0 <= position < len(ladder):
        text = f"{_base(underlying)} has only {len(ladder)} strikes for {expiry:%-d %b %Y}; {rule} lies outside them."
        return Refusal("strike_unknown", text)
    return strikes[ladder[position]]


def distances_from_money(strikes: Iterable[Decimal], right: OptionRight, spot: Decimal) -> dict[Decimal, str]:
    """The rule (ATM, ITM1…, OTM1…) by which `option_by_rule` finds each of an expiry's strikes of one right."""
    ladder = sorted(strikes)
    middle = ladder.index(nearest_strike(ladder, spot)) if ladder else 0
    outwards = 1 if right is OptionRight.CALL else -1
    steps = {strike: (n - middle) * outwards for n, strike in enumerate(ladder)}
    return {strike: f"OTM{out}" if out > 0 else f"ITM{-out}" if out < 0 else "ATM" for strike, out in steps.items()}


def nearest_strike(strikes: Iterable[Decimal], spot: Decimal) -> Decimal:
    """The strike at the money, of a tie the lower one. Raises ValueError where there are no strikes."""
    return min(strikes, key=lambda strike: (abs(strike - spot), strike))


def strikes_of(
    market: Market, exchange: str, underlying: str, expiry: date, right: OptionRight
) -> dict[Decimal, Instrument]:
    """The options of one right and expiry by their strikes."""
    contracts = contracts_on(market, exchange, underlying)
    return {c.strike: c for c in contracts if c.expiry == expiry and c.right is right and c.strike is not None}


def _base(underlying: Instrument) -> str:
    """The name contracts go by: a future stands for what it is written on."""
    return underlying.underlying or underlying.symbol


def _no_options(underlying: Instrument, expiry: date) -> Refusal:
    return Refusal("contract_unknown", f"{_base(underlying)} has no options that expire on {expiry:%-d %b %Y}.")
