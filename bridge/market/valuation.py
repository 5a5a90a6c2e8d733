"""What Black-76 says of a listed option at its last price: which forward it is held against, its volatility and greeks.

Prices are Decimals in the contract's currency, as quoted; what the model gives is floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum
from math import exp

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.market import black76
from bridge.market.base import Quote
from bridge.market.contracts import contracts_on
from bridge.market.view import MarketView, NotAnOption, base_of

_DAYS_A_YEAR = 365
_HIGHEST_RATE = 1000.0


class ForwardSource(StrEnum):
    """Where a forward price comes from."""

    GIVEN = "given"  # by whoever asks
    FUTURE = "future"  # quoted
    SPOT = "spot"  # grown at the interest rate until expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What options are valued with.

    `interest_rate` is in percent a year. `forward` wins over every quote. `underlying` is taken instead of the usual
    instrument: a future's price is the forward, any other's grows at the rate. `expiry_time` is when the contract ends
    on its day, by the exchange's clock; the exchange's close unless given. Raises black76.BadFigure.
    """

    interest_rate: float = 0.0
    forward: Decimal | None = None
    underlying: Instrument | None = None
    expiry_time: time | None = None

    def __post_init__(self) -> None:
        if not abs(self.interest_rate) <= _HIGHEST_RATE:
            raise black76.BadFigure(f"{self.interest_rate:g} is no interest rate in percent a year.")
        if self.forward is not None and not (self.forward.is_finite() and self.forward > 0):
            raise black76.BadFigure(f"{self.forward} is no forward price: it must be above zero.")

    @property
    def rate(self) -> float:
        """The interest rate as the model counts it: 0.065 is 6.5 %."""
        return self.interest_rate / 100


USUAL = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What the underlying is expected to cost at an expiry.

    `underlying_price` is the price exercise is counted from today: the underlying's last, or the forward that was given.
    `days` until expiry are calendar days with their fraction, 0 once expired.
    """

    price: float
    source: ForwardSource
    underlying_price: Decimal
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionGreeks:
    """What the model says of an option at its last `price`.

    `implied_volatility` and `interest_rate` are in percent a year. The volatility is None, and `note` says why, when the
    price has no time value; the greeks are then those of an option whose exercise is certain. Units of `greeks` stand at
    `black76.Greeks`. `time_value` is the price less `intrinsic_value`: below zero when the forward lies far from the
    underlying's price.
    """

    option: Instrument
    price: Decimal
    forward: Forward
    interest_rate: float
    implied_volatility: float | None
    greeks: black76.Greeks
    intrinsic_value: Decimal
    time_value: Decimal
    note: str = ""


def forward_of(view: MarketView, option: Instrument, terms: Terms) -> Forward:
    """The forward an option is held against; all options of an underlying and expiry share it.

    The one in `terms`; else the quoted future's that expires with the option or, where options are written on futures,
    that future's; else the spot grown at the interest rate. Raises NoPrice.
    """
    days = view.days_to_expiry(option, terms.expiry_time)
    if terms.forward is not None:
        given = float(terms.forward)
        return Forward(price=given, source=ForwardSource.GIVEN, underlying_price=terms.forward, days=days)
    if terms.underlying is not None:
        spot, future = view.quote(terms.underlying), None
    else:
        spot = view.underlying_quote(option.exchange, base_of(option.symbol), option.expiry)
        future = _future_with(view, option)
    if spot.instrument.kind is InstrumentKind.FUTURE:
        future = spot
    if future is not None:
        price, source = float(future.last), ForwardSource.FUTURE
    else:
        price, source = float(spot.last) * exp(terms.rate * days / _DAYS_A_YEAR), ForwardSource.SPOT
    return Forward(price=price, source=source, underlying_price=spot.last, days=days)


def valued(view: MarketView, option: Instrument, forward: Forward, terms: Terms) -> OptionGreeks:
    """The option's volatility and greeks. Raises NoPrice, NotAnOption, black76.Expired, black76.AboveEveryPrice."""
    strike, right = option.strike, option.right
    if option.kind is not InstrumentKind.OPTION or strike is None or right is None:
        raise NotAnOption(f"{option.key} is no option.")
    price = view.quote(option).last
    held = (forward.price, float(strike), forward.days / _DAYS_A_YEAR)
    volatility, note = None, ""
    try:
        volatility = black76.implied_volatility(float(price), *held, terms.rate, right)
    except black76.NoTimeValue as reason:
        note = f"{reason} The greeks are those of a certain exercise."
    sign = 1 if right is OptionRight.CALL else -1
    intrinsic = max(sign * (forward.underlying_price - strike), Decimal(0))
    return OptionGreeks(
        option=option,
        price=price,
        forward=forward,
        interest_rate=terms.interest_rate,
        implied_volatility=None if volatility is None else volatility * 100,
        greeks=black76.greeks(*held, volatility or 0.0, terms.rate, right),
        intrinsic_value=intrinsic,
        time_value=price - intrinsic,
        note=note,
    )


def _future_with(view: MarketView, option: Instrument) -> Quote | None:
    """The quote of the future that expires with the option, if one is listed and has a price."""
    contracts = contracts_on(view.market, option.exchange, base_of(option.symbol))
    futures = (c for c in contracts if c.kind is InstrumentKind.FUTURE and c.expiry == option.expiry)
    quotes = (view.market.quote(future) for future in futures)
    return next((quote for quote in quotes if quote and quote.last > 0), None)
