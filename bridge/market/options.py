"""Black-76: what a European option on a forward is worth, and its sensitivities.

A model, not money: floats throughout; whoever shows a price rounds it to the tick. Rates and volatilities are a year's
(0.13 is 13 %), `years` is the time to expiry. Source: F. Black, "The pricing of commodity contracts", 1976.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt

from bridge.domain.instrument import OptionRight

_LOWEST, _HIGHEST = 1e-4, 10.0  # no market quotes a volatility outside 0.01 % … 1,000 %
_DAYS = 365.0


@dataclass(frozen=True, slots=True)
class Greeks:
    """`theta` a day; `vega` and `rho` for one percentage point; `delta` and `gamma` for one unit of the forward."""

    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def price(forward: float, strike: float, years: float, volatility: float, rate: float, right: OptionRight) -> float:
    """The option's value; what it is worth exercised when no time or no volatility is left."""
    sign = 1 if right is OptionRight.CALL else -1
    discount = exp(-rate * max(years, 0.0))
    spread = volatility * sqrt(years) if years > 0 else 0.0
    if spread <= 0:
        return discount * max(sign * (forward - strike), 0.0)
    d1 = log(forward / strike) / spread + spread / 2
    d2 = d1 - spread
    return discount * sign * (forward * _normal(sign * d1) - strike * _normal(sign * d2))


def implied_volatility(
    value: float, forward: float, strike: float, years: float, rate: float, right: OptionRight
) -> float | None:
    """The volatility at which the model gives `value`; `None` when none does (below exercise value, or expired)."""
    if years <= 0:
        return None
    low, high = _LOWEST, _HIGHEST
    lowest = price(forward, strike, years, low, rate, right)
    if not lowest <= value <= price(forward, strike, years, high, rate, right) or value <= 0:
        return None
    # the value only rises with volatility, so halving cannot fail where Newton's method can; 60 halvings exhaust a float
    for _ in range(60):
        middle = (low + high) / 2
        if price(forward, strike, years, middle, rate, right) < value:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def greeks(forward: float, strike: float, years: float, volatility: float, rate: float, right: OptionRight) -> Greeks:
    """The sensitivities; all but delta are zero once expired."""
    sign = 1 if right is OptionRight.CALL else -1
    if years <= 0 or volatility <= 0:
        return Greeks(float(sign) if sign * (forward - strike) > 0 else 0.0, 0.0, 0.0, 0.0, 0.0)
    root = sqrt(years)
    discount = exp(-rate * years)
    d1 = log(forward / strike) / (volatility * root) + volatility * root / 2
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    value = price(forward, strike, years, volatility, rate, right)
    return Greeks(
        delta=discount * sign * _normal(sign * d1),
        gamma=discount * density / (forward * volatility * root),
        theta=(rate * value - forward * discount * density * volatility / (2 * root)) / _DAYS,
        vega=forward * discount * density * root / 100,
        rho=-years * value / 100,
    )


def _normal(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * (1 + erf(x / sqrt(2)))
