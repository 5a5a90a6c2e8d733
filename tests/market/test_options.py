"""Black-76 against published values and against itself."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.instrument import OptionRight
from bridge.market import options

CALL, PUT = OptionRight.CALL, OptionRight.PUT

forwards = st.floats(50, 200)
strikes = st.floats(50, 200)
years = st.floats(0.01, 2)
volatilities = st.floats(0.05, 1.5)
rates = st.floats(0, 0.12)
rights = st.sampled_from([CALL, PUT])


@pytest.mark.parametrize(
    ("forward", "strike", "term", "volatility", "rate", "right", "published"),
    [
        # E. G. Haug, The Complete Guide to Option Pricing Formulas, Black-76
        (19, 19, 0.75, 0.28, 0.10, CALL, 1.7011),
        (19, 19, 0.75, 0.28, 0.10, PUT, 1.7011),
        # J. Hull, Options, Futures, and Other Derivatives: put on crude oil futures
        (20, 20, 4 / 12, 0.25, 0.09, PUT, 1.1166),
        # Hull, stock 42, strike 40, half a year at 10 %: the forward is 42 e^0.05
        (42 * exp(0.05), 40, 0.5, 0.20, 0.10, CALL, 4.7594),
        (42 * exp(0.05), 40, 0.5, 0.20, 0.10, PUT, 0.8086),
    ],
)
def test_prices_agree_with_the_textbooks(
    forward: float, strike: float, term: float, volatility: float, rate: float, right: OptionRight, published: float
) -> None:
    assert options.price(forward, strike, term, volatility, rate, right) == pytest.approx(published, abs=1e-3)


def test_greeks_agree_with_the_textbook() -> None:
    # Hull's running example: stock 49, strike 50, 20 weeks at 5 %, volatility 20 %; his greeks are for the stock
    rate, term = 0.05, 20 / 52
    growth = exp(rate * term)
    found = options.greeks(49 * growth, 50, term, 0.2, rate, CALL)
    assert found.delta * growth == pytest.approx(0.522, abs=1e-3)
    assert found.gamma * growth**2 == pytest.approx(0.066, abs=1e-3)
    assert found.vega == pytest.approx(0.121, abs=1e-3)


@given(forwards, strikes, years, volatilities, rates)
def test_a_call_and_a_put_differ_by_the_discounted_forward(f: float, k: float, t: float, v: float, r: float) -> None:
    call, put = (options.price(f, k, t, v, r, right) for right in (CALL, PUT))
    assert call - put == pytest.approx(exp(-r * t) * (f - k), abs=1e-9)


@given(forwards, strikes, years, volatilities, rates, rights)
def test_the_implied_volatility_gives_the_price_back(
    f: float, k: float, t: float, v: float, r: float, right: OptionRight
) -> None:
    value = options.price(f, k, t, v, r, right)
    implied = options.implied_volatility(value, f, k, t, r, right)
    assume(value - options.price(f, k, t, 0, r, right) > 1e-6)  # else any small volatility explains it
    assert implied is not None
    assert options.price(f, k, t, implied, r, right) == pytest.approx(value, abs=1e-6)


@given(forwards, strikes, years, volatilities, rates, rights)
def test_the_greeks_are_the_slopes_of_the_price(
    f: float, k: float, t: float, v: float, r: float, right: OptionRight
) -> None:
    found = options.greeks(f, k, t, v, r, right)
    step = 1e-4

    def slope(up: float, down: float, width: float) -> float:
        return (up - down) / (2 * width)

    def value(f: float = f, t: float = t, v: float = v) -> float:
        return options.price(f, k, t, v, r, right)

    assert found.delta == pytest.approx(slope(value(f=f + step), value(f=f - step), step), abs=1e-4)
    assert found.vega == pytest.approx(slope(value(v=v + step), value(v=v - step), step) / 100, abs=1e-3)
    assert found.theta == pytest.approx(slope(value(t=t - step), value(t=t + step), step) / 365, abs=1e-2)
    assert found.gamma >= 0


@pytest.mark.parametrize(("right", "worth"), [(CALL, 5.0), (PUT, 0.0)])
def test_an_expired_option_is_worth_its_exercise(right: OptionRight, worth: float) -> None:
    assert options.price(105, 100, 0, 0.2, 0.05, right) == worth
    assert options.price(105, 100, -1, 0.2, 0.05, right) == worth
    assert options.greeks(105, 100, 0, 0.2, 0.05, right).vega == 0


@pytest.mark.parametrize("value", [-1.0, 0.0, 3.0, 120.0])
def test_no_volatility_explains_an_impossible_price(value: float) -> None:
    assert options.implied_volatility(value, 105, 100, 0.1, 0.0, CALL) is None
    assert options.implied_volatility(6.0, 105, 100, 0, 0.0, CALL) is None
