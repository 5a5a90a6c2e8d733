"""Black-76: what a European option on a forward is worth, its sensitivities, and the volatility a price implies.

A model, not money: floats throughout; whoever shows a price rounds it to the tick. Rates and volatilities are a year's
(0.13 is 13 %), rates compound continuously, `years` is the time to expiry in years of 365 days.
Source: F. Black, "The pricing of commodity contracts", 1976.

    ValueError
    └── BadFigure           a figure no option can have; a mistake of the caller's
    NoVolatility            the price cannot be explained; show the price alone
    ├── Expired             no time is left
    ├── NoTimeValue         the price is not above what the exercise is worth
    └── AboveEveryPrice     the price is not below what no volatility can exceed: the forward of a call, the strike of a put
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, inf, isfinite, log, pi, sqrt

from bridge.domain.instrument import OptionRight

_DAYS = 365.0
_NEWTON_STEPS = 50
_EXACT = 1e-13  # of the price
_MOST_GROWTH = 700.0  # what more compounding than that gives is no number of this machine
_ROUNDING = 1e-15  # of a price: what is left of it when two equal ones are subtracted


class BadFigure(ValueError):
    """A forward or strike that is not above zero, a volatility below zero, or a figure that is not finite."""


class NoVolatility(ArithmeticError):
    """No volatility gives the price; the message says why."""


class Expired(NoVolatility):
    """No time is left, so the price no longer depends on volatility."""


class NoTimeValue(NoVolatility):
    """The price leaves nothing, or less, beyond what the exercise is worth."""


class AboveEveryPrice(NoVolatility):
    """The price is at or above what the option costs at any volatility, however high."""


@dataclass(frozen=True, slots=True)
class Greeks:
    """`theta` a calendar day; `vega` and `rho` for one percentage point; `delta` and `gamma` for one unit of the forward."""

    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def price(forward: float, strike: float, years: float, volatility: float, rate: float, right: OptionRight) -> float:
    """The option's value; what it is worth exercised when no time or no volatility is left. Raises BadFigure."""
    _check(forward, strike, years, volatility, rate)
    sign = _sign(right)
    spread = volatility * sqrt(years) if years > 0 else 0.0
    d1 = _d1(forward, strike, spread)
    worth = sign * (forward * _normal(sign * d1) - strike * _normal(sign * (d1 - spread)))
    return _discount(rate, years) * max(0.0, worth)  # rounding may leave a hair less than nothing


def greeks(forward: float, strike: float, years: float, volatility: float, rate: float, right: OptionRight) -> Greeks:
    """The sensitivities, with the forward held when the rate moves; all but delta are zero once expired. Raises BadFigure."""
    value = price(forward, strike, years, volatility, rate, right)
    sign = _sign(right)
    years = max(years, 0.0)
    root = sqrt(years)
    spread = volatility * root
    d1 = _d1(forward, strike, spread)
    discount = _discount(rate, years)
    # without time or volatility the value has a corner at the strike and is straight elsewhere
    density = discount * exp(-d1 * d1 / 2) / sqrt(2 * pi) if spread > 0 else 0.0
    decay = forward * density * volatility / (2 * root) if spread > 0 else 0.0
    return Greeks(
        delta=discount * sign * _normal(sign * d1),
        gamma=density / (forward * spread) if spread > 0 else 0.0,
        theta=(rate * value - decay) / _DAYS if years > 0 else 0.0,
        vega=forward * density * root / 100,
        rho=-years * value / 100,
    )


def implied_volatility(
    value: float, forward: float, strike: float, years: float, rate: float, right: OptionRight
) -> float:
    """The volatility at which the model gives `value`. Raises Expired, NoTimeValue, AboveEveryPrice, BadFigure."""
    _check(forward, strike, years, value, rate)
    if years <= 0:
        raise Expired("The option has expired: no volatility follows from its price.")
    undiscounted = value / _discount(rate, years)
    exercised = max(_sign(right) * (forward - strike), 0.0)
    time_value = undiscounted - exercised
    if time_value <= _ROUNDING * exercised:
        worth = exercised * _discount(rate, years)
        raise NoTimeValue(
            f"A price of {value:g} is not above the exercise value of {worth:g}: no volatility explains it."
        )
    if time_value >= min(forward, strike):
        most = (forward if right is OptionRight.CALL else strike) * _discount(rate, years)
        raise AboveEveryPrice(f"A price of {value:g} is not below {most:g}, the most such a {right} can be worth.")
    return _spread_of(time_value, min(forward, strike), max(forward, strike)) / sqrt(years)


def _spread_of(target: float, low: float, high: float) -> float:
    """The deviation until expiry, volatility × √years, at which an option out of the money is worth `target`.

    A call and a put of one strike have the same time value, and so has the call whose forward and strike are exchanged:
    the option taken is the call on a forward of `low` struck at `high`, whose value is all time value.
    """

    def worth(spread: float) -> float:
        d1 = _d1(low, high, spread)
        return low * _normal(d1) - high * _normal(d1 - spread)

    too_little, enough = 0.0, 1.0
    while worth(enough) < target:  # it comes to `low`, which is more than the target, well before a spread of 1000
        too_little, enough = enough, enough * 2
    # where the value bends from convex to concave, Newton's method starts best (Manaster and Koehler, 1982)
    spread = sqrt(2 * log(high / low))
    steps = 0
    while True:
        if not too_little < spread < enough:
            spread = (too_little + enough) / 2
            if spread in (too_little, enough):
                return enough
        found = worth(spread)
        if abs(found - target) <= _EXACT * target:
            return spread
        too_little, enough = (spread, enough) if found < target else (too_little, spread)
        slope = low * exp(-(_d1(low, high, spread) ** 2) / 2) / sqrt(2 * pi)
        # on the logarithm, which is nearly straight where the value itself is all but flat. Nothing proves how many
        # steps that takes, so after some the bracket is only halved, which always ends
        is_steep = found > 0 and slope > 0 and steps < _NEWTON_STEPS
        spread = spread - log(found / target) * found / slope if is_steep else -1.0
        steps += 1


def _d1(forward: float, strike: float, spread: float) -> float:
    """Black's d₁; its limit where nothing can move any more."""
    if spread > 0:
        return log(forward / strike) / spread + spread / 2
    return 0.0 if forward == strike else inf if forward > strike else -inf


def _check(forward: float, strike: float, years: float, not_negative: float, rate: float) -> None:
    are_finite = isfinite(forward + strike + years + not_negative + rate) and abs(rate * years) < _MOST_GROWTH
    if not (are_finite and forward > 0 and strike > 0 and not_negative >= 0):
        raise BadFigure(
            "Black-76 needs a forward and a strike above zero, a volatility or price of at least zero and finite figures, "
            f"not forward {forward:g}, strike {strike:g}, years {years:g}, volatility or price {not_negative:g}, rate {rate:g}."
        )


def _sign(right: OptionRight) -> int:
    return 1 if right is OptionRight.CALL else -1


def _discount(rate: float, years: float) -> float:
    return exp(-rate * max(years, 0.0))


def _normal(x: float) -> float:
    """The standard normal distribution function; by `erfc`, which keeps its digits in the far tail where `1 + erf` has none."""
    return 0.5 * erfc(-x / sqrt(2))
