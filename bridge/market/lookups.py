"""Asking a market's list what one reading of a symbol means there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.refusal import Refusal
from bridge.market.base import Market
from bridge.market.calendar import Calendar
from bridge.market.contracts import DERIVATIVE_EXCHANGES, contracts_on, is_live, live_futures
from bridge.market.sessions import SEGMENT_OF_EXCHANGE
from bridge.market.spellings import (
    Continuous,
    DatedFuture,
    DatedOption,
    MonthlyFuture,
    MonthlyOption,
    Named,
    Spelling,
    bases,
)
from bridge.market.venues import Venue

EVERYWHERE = Venue(tuple(SEGMENT_OF_EXCHANGE))
Fits = Callable[[Instrument], bool]


@dataclass(frozen=True, slots=True)
class Resolution:
    """The instrument a spelling means, and in sentences what was read into it."""

    instrument: Instrument
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """One resolution under way: where to look, and when."""

    market: Market
    venue: Venue
    moment: datetime
    calendar: Calendar

    def named(self, symbol: str, exchange: str | None = None) -> list[Instrument]:
        """Instruments with exactly that symbol at the venue, in the venue's order."""
        if self.venue.perpetual and not symbol.endswith("FUT"):
            # the pair's spot would be another instrument than the one the sender trades
            symbol = f"{symbol}FUT"
        allowed = [e for e in self.venue.exchanges if exchange in (None, e)]
        found = (self.market.instrument(e, symbol) for e in allowed)
        return [instrument for instrument in found if instrument is not None]

    def written_on(self, base: str) -> list[tuple[str, str]]:
        """Where at the venue contracts on `base` are listed, and under which name."""
        exchanges = [e for e in self.venue.exchanges if e in DERIVATIVE_EXCHANGES]
        return [(e, name) for name in bases(base) for e in exchanges if contracts_on(self.market, e, name)]


def look_up(search: Search, symbol: str, reading: Spelling) -> Resolution | Refusal | None:
    """What one reading of `symbol` means; `None` when nothing of the kind is listed."""
    match reading:
        case Named(name, because, exchange):
            return only_one(search, name, search.named(name, exchange), (f"{symbol} is {name}: {because}.",))
        case Continuous(base, nth):
            return _continuous(search, symbol, base, nth)
        case DatedFuture(base, expiry):
            return _on_day(search, symbol, base, expiry, _is_future)
        case DatedOption(base, expiry, right, strike):
            return _on_day(search, symbol, base, expiry, lambda c: c.right is right and c.strike == strike)
        case MonthlyFuture(base, year, month):
            return _in_month(search, symbol, base, (year, month), _is_future)
        case MonthlyOption(base, year, month, right, strike):
            return _in_month(search, symbol, base, (year, month), lambda c: c.right is right and c.strike == strike)


def only_one(
    search: Search, symbol: str, found: Sequence[Instrument], said: tuple[str, ...]
) -> Resolution | Refusal | None:
    """The one of several instruments of a name that is meant; refused when the place leaves it open."""
    if not found:
        return None
    first = found[0]
    if not is_live(first, search.moment, search.calendar):
        return _expired(search, symbol, first.exchange, first.underlying or symbol, first.expiry)
    is_preferred = search.venue is not EVERYWHERE and first.exchange == search.venue.exchanges[0]
    if len(found) == 1 or is_preferred:
        return Resolution(first, (*said, *_place(search, first)))
    if {i.exchange for i in found} == {"NSE", "BSE"}:
        # the same share on both; NSE is where it is traded most and what Indian screeners mean
        return Resolution(first, (*said, f"No exchange is named: {first.symbol} is taken on NSE, not on BSE."))
    keys = " or ".join(i.key for i in found)
    return Refusal("symbol_ambiguous", f"{symbol} may mean {keys}: name the exchange.")


def undated(search: Search, symbol: str) -> Refusal | None:
    """The refusal of a bare underlying: which of its contracts is meant is not for us to choose."""
    for exchange, name in search.written_on(symbol):
        if nearest := live_futures(search.market, exchange, name, search.moment, search.calendar):
            example = f"{nearest[0].symbol}, or {name}1! for the nearest future"
        else:
            example = contracts_on(search.market, exchange, name)[0].symbol
        return Refusal(
            "contract_needed", f"{symbol} is traded on {exchange} in dated contracts; name one, such as {example}."
        )
    return None


def _is_future(contract: Instrument) -> bool:
    return contract.kind is InstrumentKind.FUTURE


def _place(search: Search, instrument: Instrument) -> tuple[str, ...]:
    """A sentence where the sender's exchange is not the one our list has the instrument on."""
    if search.venue.perpetual:
        return (f"The exchange trades perpetual futures: {instrument.symbol}.",)
    if search.venue is EVERYWHERE or search.venue.exchanges[0] == instrument.exchange:
        return ()
    kind = "" if instrument.is_derivative else f"{instrument.kind.value} "
    return (f"{instrument.symbol} is the {kind}{instrument.key}.",)


def _continuous(search: Search, symbol: str, base: str, nth: int) -> Resolution | Refusal | None:
    for exchange, name in search.written_on(base):
        futures = live_futures(search.market, exchange, name, search.moment, search.calendar)
        if nth <= len(futures):
            contract = futures[nth - 1]
            which = "the continuous future" if nth == 1 else f"continuous future number {nth}"
            return Resolution(
                contract,
                (f"{symbol} is {which}; resolved to {contract.symbol}, which expires {_said(contract.expiry)}.",),
            )
        if futures:
            return Refusal("contract_unknown", f"{symbol}: only {len(futures)} futures on {name} are listed.")
    return None


def _on_day(search: Search, symbol: str, base: str, expiry: date, fits: Fits) -> Resolution | Refusal | None:
    is_over = expiry < search.moment.date()
    return _chosen(search, symbol, base, lambda c: c.expiry == expiry and fits(c), is_over)


def _in_month(
    search: Search, symbol: str, base: str, month: tuple[int, int], fits: Fits
) -> Resolution | Refusal | None:
    """The month's contract; of several in one month the last, which is the monthly one."""
    is_over = month < (search.moment.year, search.moment.month)
    return _chosen(search, symbol, base, lambda c: _month_of(c) == month and fits(c), is_over)


def _month_of(contract: Instrument) -> tuple[int, int] | None:
    return (contract.expiry.year, contract.expiry.month) if contract.expiry else None


def _chosen(search: Search, symbol: str, base: str, fits: Fits, is_over: bool) -> Resolution | Refusal | None:
    """The last listed contract that fits; `is_over` tells one that has left the list from one that never was in it."""
    for exchange, name in search.written_on(base):
        found = [c for c in contracts_on(search.market, exchange, name) if fits(c)]
        if found and is_live(found[-1], search.moment, search.calendar):
            said = f"{symbol} is {found[-1].symbol}, which expires {_said(found[-1].expiry)}."
            return Resolution(found[-1], () if symbol == found[-1].symbol else (said,))
        if found or is_over:
            return _expired(search, symbol, exchange, name, found[-1].expiry if found else None)
        expiries = sorted({c.expiry for c in contracts_on(search.market, exchange, name) if c.expiry})
        listed = ", ".join(map(_said, expiries[:3]))
        text = f"{symbol}: no such contract on {name} is listed on {exchange}; its next expiries are {listed}."
        return Refusal("contract_unknown", text)
    return None


def _expired(search: Search, symbol: str, exchange: str, name: str, expiry: date | None) -> Refusal:
    when = f" on {_said(expiry)}" if expiry else ""
    nearest = live_futures(search.market, exchange, name, search.moment, search.calendar)
    instead = f"; the nearest future is {nearest[0].symbol}" if nearest else ""
    return Refusal("contract_expired", f"{symbol} has expired{when}{instead}.")


def _said(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else "never"
