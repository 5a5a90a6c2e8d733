"""The options on an underlying at one moment: the chain around the money, what an offset means, the future they make, greeks.

Prices are Decimals in the contract's currency, as quoted. The errors are a tree in `bridge.market.view`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight, parse_symbol
from bridge.domain.refusal import Refusal
from bridge.market.base import Quote
from bridge.market.black76 import NoVolatility
from bridge.market.contracts import (
    contracts_on,
    derivatives_exchange,
    distances_from_money,
    live_option_expiries,
    nearest_strike,
    option_by_rule,
    strikes_of,
)
from bridge.market.valuation import USUAL, Forward, OptionGreeks, Terms, forward_of, valued
from bridge.market.view import ExpiryNeeded, MarketView, NoPrice, NoStrikes, NotAnOption, OffsetOutOfRange, base_of

_OFFSET = re.compile(r"ATM|(?:ITM|OTM)(?:[1-9]|[1-4]\d|50)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSide:
    """One option of a chain. `label` (ATM, ITM1…, OTM1…) is the offset by which it is found.

    `quote` is None when there is none, `value` when no terms were given, nobody priced the option, or it costs more than
    any volatility explains. A price without time value has a `value` with a `note`.
    """

    option: Instrument
    label: str
    quote: Quote | None
    value: OptionGreeks | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    """A strike with its call and put; None for one that is not listed."""

    strike: Decimal
    call: ChainSide | None
    put: ChainSide | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The options of one expiry by rising strike. `underlying` is the bare name, `forward` None without terms."""

    underlying: str
    exchange: str
    expiry: date
    expires_at: datetime
    underlying_quote: Quote
    atm_strike: Decimal
    forward: Forward | None
    rows: tuple[ChainRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticFuture:
    """The future that a bought call and a sold put at the money make: `price` = strike + call − put."""

    underlying: str
    exchange: str
    expiry: date
    underlying_quote: Quote
    atm_strike: Decimal
    call: Quote
    put: Quote
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenOption:
    """The option an offset means, and the quote of the underlying it was counted from."""

    option: Instrument
    underlying_quote: Quote


@dataclass(frozen=True, slots=True)
class _Series:
    """The options on one name that expire on one day: at least one."""

    exchange: str
    underlying: str
    expiry: date
    underlying_quote: Quote
    options: Mapping[OptionRight, Mapping[Decimal, Instrument]]

    @property
    def strikes(self) -> Sequence[Decimal]:
        """Every listed strike, rising, whether it has both rights or one."""
        return sorted({strike for of_a_right in self.options.values() for strike in of_a_right})

    @property
    def atm_strike(self) -> Decimal:
        return nearest_strike(self.strikes, self.underlying_quote.last)

    @property
    def any_option(self) -> Instrument:
        """One of them, where what is asked is the same of all."""
        return next(option for of_a_right in self.options.values() for option in of_a_right.values())

    def around_the_money(self, each_side: int | None) -> Sequence[Decimal]:
        """So many strikes above and below the one at the money; all when None."""
        strikes = self.strikes
        if each_side is None:
            return strikes
        middle = strikes.index(self.atm_strike)
        return strikes[max(0, middle - each_side) : middle + each_side + 1]


@dataclass(frozen=True, slots=True)
class OptionBoard(MarketView):
    """The options that a market shows at a moment. An underlying's symbol that holds an expiry says which one is meant.

    Where an expiry is asked for it may be any that is listed, also one whose last session is over.
    """

    def option(
        self, exchange: str, underlying: str, expiry: date | None, right: OptionRight, offset: str
    ) -> ChosenOption:
        """The option so many listed strikes from the one at the money: ATM, ITM1 to ITM50, OTM1 to OTM50.

        Raises OffsetOutOfRange, ExpiryNeeded, NoStrikes, NoPrice.
        """
        rule = offset.strip().upper()
        if not _OFFSET.fullmatch(rule):
            raise OffsetOutOfRange(f"{offset!r} is no offset; write ATM, ITM1 to ITM50 or OTM1 to OTM50.")
        series = self._series(exchange, underlying, expiry)
        quote = series.underlying_quote
        found = option_by_rule(self.market, quote.instrument, series.expiry, right, rule, quote.last)
        if isinstance(found, Refusal):
            raise (NoStrikes if found.code == "contract_unknown" else OffsetOutOfRange)(found.message)
        return ChosenOption(option=found, underlying_quote=quote)

    def chain(
        self,
        exchange: str,
        underlying: str,
        expiry: date | None,
        strikes_each_side: int | None = None,
        terms: Terms | None = None,
    ) -> Chain:
        """The chain with so many strikes above and below the one at the money, or all; with `terms` also its greeks.

        Raises ExpiryNeeded, NoStrikes, and NoPrice when the underlying (not just an option) has none.
        """
        series = self._series(exchange, underlying, expiry)
        forward = forward_of(self, series.any_option, terms) if terms else None
        strikes = series.around_the_money(strikes_each_side)
        calls, puts = (
            {
                strike: self._side(series.options[right][strike], label, forward, terms)
                for strike, label in self._labels(series, right).items()
                if strike in strikes
            }
            for right in (OptionRight.CALL, OptionRight.PUT)
        )
        return Chain(
            underlying=series.underlying,
            exchange=series.exchange,
            expiry=series.expiry,
            expires_at=self.expires_at(series.any_option, terms.expiry_time if terms else None),
            underlying_quote=series.underlying_quote,
            atm_strike=series.atm_strike,
            forward=forward,
            rows=tuple(ChainRow(strike=strike, call=calls.get(strike), put=puts.get(strike)) for strike in strikes),
        )

    def synthetic_future(self, exchange: str, underlying: str, expiry: date | None) -> SyntheticFuture:
        """The future that the options at the money make. Raises ExpiryNeeded, NoStrikes, NoPrice."""
        series = self._series(exchange, underlying, expiry)
        strike = series.atm_strike
        call, put = (series.options[right].get(strike) for right in (OptionRight.CALL, OptionRight.PUT))
        if call is None or put is None:
            raise NoStrikes(
                f"{series.underlying} lists no pair of call and put at {strike:f} for {_said(series.expiry)}."
            )
        bought, sold = self.quote(call), self.quote(put)
        return SyntheticFuture(
            underlying=series.underlying,
            exchange=series.exchange,
            expiry=series.expiry,
            underlying_quote=series.underlying_quote,
            atm_strike=strike,
            call=bought,
            put=sold,
            price=strike + bought.last - sold.last,
        )

    def greeks(self, exchange: str, symbol: str, terms: Terms = USUAL) -> OptionGreeks:
        """What the model says of one option. Raises NotAnOption, NoPrice, black76.Expired, black76.AboveEveryPrice."""
        option = self.market.instrument(exchange, symbol)
        if option is None or option.kind is not InstrumentKind.OPTION:
            raise NotAnOption(f"{exchange}:{symbol} is no listed option.")
        return valued(self, option, forward_of(self, option, terms), terms)

    def _series(self, exchange: str, underlying: str, expiry: date | None) -> _Series:
        at, base = derivatives_exchange(exchange), base_of(underlying)
        if not any(c.kind is InstrumentKind.OPTION for c in contracts_on(self.market, at, base)):
            raise NoStrikes(f"No options on {base} are listed on {at}.")
        if expiry is None and (parts := parse_symbol(underlying)):
            expiry = parts.expiry
        if expiry is None:
            raise ExpiryNeeded(f"Name an expiry of the options on {base}: {self._next_expiries(at, base)}.")
        options = {right: strikes_of(self.market, at, base, expiry, right) for right in OptionRight}
        if not any(options.values()):
            listed = self._next_expiries(at, base)
            raise NoStrikes(f"{base} has no options that expire on {_said(expiry)}; the next expiries are {listed}.")
        return _Series(at, base, expiry, self.underlying_quote(exchange, underlying, expiry), options)

    def _labels(self, series: _Series, right: OptionRight) -> Mapping[Decimal, str]:
        return distances_from_money(series.options[right], right, series.underlying_quote.last)

    def _next_expiries(self, at: str, base: str) -> str:
        live = live_option_expiries(self.market, at, base, self.moment, self.calendar)
        return ", ".join(map(_said, live[:3])) or "none that can still be traded"

    def _side(self, option: Instrument, label: str, forward: Forward | None, terms: Terms | None) -> ChainSide:
        value = None
        # an option that nobody priced, or priced madly, does not take the others' greeks away
        with suppress(NoPrice, NoVolatility):
            value = valued(self, option, forward, terms) if forward and terms else None
        return ChainSide(option=option, label=label, quote=self.market.quote(option), value=value)


def _said(day: date) -> str:
    return f"{day:%-d %b %Y}"
