"""A market at a moment, as those see it who deal in dated contracts: what the name behind them costs and when they end.

OptionsError            what was asked has no answer; the message is a sentence for whoever asked
├── ExpiryNeeded        neither the request nor the underlying's name says which expiry: ask again with one
├── NoExpiry            nothing dated is listed on the underlying
├── NoStrikes           no options are listed on the underlying, or none of that expiry
├── OffsetOutOfRange    the offset is not spelled ATM, ITM1–50 or OTM1–50, or no strike is listed so far away
├── NoPrice             nobody quotes what the answer is made of
└── NotAnOption         the symbol is not a listed option's
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bridge.domain.instrument import Instrument, InstrumentKind, parse_symbol
from bridge.market.base import Market, Quote
from bridge.market.calendar import CALENDAR, Calendar, segment_of
from bridge.market.contracts import cash_exchanges, derivatives_exchange, live_futures, live_option_expiries

_DAY = timedelta(days=1)


class OptionsError(LookupError):
    """What was asked of the options on an underlying has no answer."""


class ExpiryNeeded(OptionsError):
    """Neither the request nor the underlying's name says which expiry is meant."""


class NoExpiry(OptionsError):
    """Nothing dated is listed on the underlying."""


class NoStrikes(OptionsError):
    """No options are listed on the underlying, or none of that expiry."""


class OffsetOutOfRange(OptionsError):
    """The offset is no offset, or lies outside the listed strikes."""


class NoPrice(OptionsError):
    """Nobody quotes what the answer is made of."""


class NotAnOption(OptionsError):
    """The symbol is not a listed option's."""


@dataclass(frozen=True, slots=True)
class MarketView:
    """What a market shows at a moment.

    Wherever an underlying is asked for, `exchange` is where it or its contracts trade (NSE_INDEX, NSE or NFO for NIFTY),
    and `underlying` its name or the symbol of one of its contracts (NIFTY28OCT25FUT). Its price is the index's or the
    share's; where contracts are written on futures (MCX, CDS), that of the future named, else of the first one that
    outlives them.
    """

    market: Market
    moment: datetime
    calendar: Calendar = CALENDAR

    def expiries(self, exchange: str, underlying: str, kind: InstrumentKind) -> Sequence[date]:
        """The expiries of the futures or options (`kind`) that can still be traded, nearest first. Raises NoExpiry."""
        at, base = derivatives_exchange(exchange), base_of(underlying)
        if kind is InstrumentKind.FUTURE:
            futures = live_futures(self.market, at, base, self.moment, self.calendar)
            found = sorted({f.expiry for f in futures if f.expiry})
        else:
            found = list(live_option_expiries(self.market, at, base, self.moment, self.calendar))
        if not found:
            raise NoExpiry(f"No {kind}s on {base} are listed on {at}.")
        return found

    def underlying_quote(self, exchange: str, underlying: str, expiry: date | None = None) -> Quote:
        """The quote that is the underlying's price, for contracts that expire on `expiry`. Raises NoPrice."""
        at, base = derivatives_exchange(exchange), base_of(underlying)
        for cash in cash_exchanges(at):
            if found := self.market.instrument(cash, base):
                return self.quote(found)
        named = self.market.instrument(at, underlying)
        if named and named.kind is InstrumentKind.FUTURE:
            return self.quote(named)
        for future in live_futures(self.market, at, base, self.moment, self.calendar):
            if expiry is None or (future.expiry and future.expiry >= expiry):
                return self.quote(future)
        raise NoPrice(f"Nothing is listed that says what {base} costs: neither itself nor a future on {at}.")

    def quote(self, instrument: Instrument) -> Quote:
        """The latest quote with a price above zero. Raises NoPrice."""
        quote = self.market.quote(instrument)
        if quote is None or quote.last <= 0:
            raise NoPrice(f"{instrument.key} has no price at the moment.")
        return quote

    def expires_at(self, contract: Instrument, expiry_time: time | None = None) -> datetime:
        """When a dated contract ends: at that time of its last day, by the exchange's clock, else at the exchange's close.

        Of a day that the calendar does not know it is the end. Raises ValueError for a contract without expiry.
        """
        if contract.expiry is None:
            raise ValueError(f"{contract.key} never expires")
        zone = segment_of(contract).zone
        if expiry_time is not None:
            return datetime.combine(contract.expiry, expiry_time, zone)
        close = self.calendar.last_close(contract, contract.expiry)
        return close or datetime.combine(contract.expiry + _DAY, time(0), zone)

    def days_to_expiry(self, contract: Instrument, expiry_time: time | None = None) -> float:
        """Calendar days and their fraction until `expires_at`; 0 once that is over. Raises as it does."""
        # two times of one zone would be subtracted by wall clock, an hour wrong when clocks change in between
        left = self.expires_at(contract, expiry_time).astimezone(UTC) - self.moment.astimezone(UTC)
        return max(left / _DAY, 0.0)


def base_of(underlying: str) -> str:
    """The bare name: a dated contract's symbol stands for what it is written on."""
    parts = parse_symbol(underlying)
    return parts.base if parts else underlying
