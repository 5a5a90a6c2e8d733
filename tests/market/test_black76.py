"""Black-76 against published values, against another library and against itself."""

from __future__ import annotations

import csv
from dataclasses import asdict
from math import exp, inf, isfinite, nan
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.domain.instrument import OptionRight
from bridge.market import black76
from bridge.market.black76 import AboveEveryPrice, BadFigure, Expired, NoTimeValue, NoVolatility

CALL, PUT = OptionRight.CALL, OptionRight.PUT
CASES = Path(__file__).parent / "data" / "black76_cases.csv"  # by QuantLib: scripts/black76_cases.py

forwards = st.floats(50, 200)
strikes = st.floats(50, 200)
years = st.floats(0.01, 2)
volatilities = st.floats(0.05, 1.5)
rates = st.floats(0, 0.12)
rights = st.sampled_from([CALL, PUT])


Terms = tuple[float, float, float, float, float, OptionRight]


def cases() -> list[tuple[Terms, dict[str, float]]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return [case(OptionRight(row.pop("right")), row) for row in csv.DictReader(file)]


def case(right: OptionRight, row: dict[str, str]) -> tuple[Terms, dict[str, float]]:
    figures = {name: float(text) for name, text in row.items()}
    f, k, t, v, r = (figures.pop(name) for name in ("forward", "strike", "years", "volatility", "rate"))
    return (f, k, t, v, r, right), figures


def test_a_thousand_options_are_worth_what_another_library_says() -> None:
    assert len(cases()) == 1000
    for terms, expected in cases():
        found = {"price": black76.price(*terms)} | asdict(black76.greeks(*terms))
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), terms


def test_another_library_s_prices_imply_the_volatility_it_was_given() -> None:
    for (forward, strike, term, volatility, rate, right), expected in cases():
        implied = black76.implied_volatility(expected["price"], forward, strike, term, rate, right)
        assert implied == pytest.approx(volatility, abs=1e-6), (forward, strike, term, rate, right)


@pytest.mark.parametrize(
    ("forward", "strike", "term", "volatility", "rate", "right", "published", "digits"),
    [
        # E. G. Haug, The Complete Guide to Option Pricing Formulas, Black-76
        (19, 19, 0.75, 0.28, 0.10, CALL, 1.7011, 4),
        (19, 19, 0.75, 0.28, 0.10, PUT, 1.7011, 4),
        # J. Hull, Options, Futures, and Other Derivatives, chapter on futures options: put on crude oil futures
        (20, 20, 4 / 12, 0.25, 0.09, PUT, 1.12, 2),
        # the same chapter: half a year's call on gold by its futures, and the problem of the five-month put
        (1240, 1200, 0.5, 0.20, 0.05, CALL, 88.37, 2),
        (19, 20, 5 / 12, 0.20, 0.12, PUT, 1.50, 2),
        # Hull, stock 42, strike 40, half a year at 10 %: the forward is 42 e^0.05
        (42 * exp(0.05), 40, 0.5, 0.20, 0.10, CALL, 4.76, 2),
        (42 * exp(0.05), 40, 0.5, 0.20, 0.10, PUT, 0.81, 2),
        # SAS 9.2 Language Reference, BLACKCLPRC: figures far from any market's
        (950, 1000, 0.5, 2, 4, CALL, 65.335687119, 9),
        (125, 850, 2.5, 1, 3, CALL, 0.012649067, 9),
    ],
)
def test_prices_agree_with_the_textbooks(
    forward: float,
    strike: float,
    term: float,
    volatility: float,
    rate: float,
    right: OptionRight,
    published: float,
    digits: int,
) -> None:
    assert round(black76.price(forward, strike, term, volatility, rate, right), digits) == published


@pytest.mark.parametrize(("right", "published"), [(CALL, 0.5946), (PUT, -0.3566)])
def test_deltas_agree_with_the_textbook(right: OptionRight, published: float) -> None:
    # Haug, delta of a futures option: six months, future 105, strike 100, 10 %, volatility 36 %
    assert round(black76.greeks(105, 100, 0.5, 0.36, 0.10, right).delta, 4) == published


def test_greeks_agree_with_the_textbook() -> None:
    # Hull's running example: stock 49, strike 50, 20 weeks at 5 %, volatility 20 %; his greeks are for the stock
    rate, term = 0.05, 20 / 52
    growth = exp(rate * term)
    found = black76.greeks(49 * growth, 50, term, 0.2, rate, CALL)
    assert found.delta * growth == pytest.approx(0.522, abs=1e-3)
    assert found.gamma * growth**2 == pytest.approx(0.066, abs=1e-3)
    assert found.vega == pytest.approx(0.121, abs=1e-3)


@given(forwards, strikes, years, volatilities, rates)
def test_a_call_and_a_put_differ_by_the_discounted_forward(f: float, k: float, t: float, v: float, r: float) -> None:
    call, put = (black76.price(f, k, t, v, r, right) for right in (CALL, PUT))
    assert call - put == pytest.approx(exp(-r * t) * (f - k), abs=1e-9)


@given(forwards, strikes, years, volatilities, rates)
def test_a_call_and_a_put_share_gamma_and_vega_and_their_deltas_make_one_forward(
    f: float, k: float, t: float, v: float, r: float
) -> None:
    call, put = (black76.greeks(f, k, t, v, r, right) for right in (CALL, PUT))
    assert (call.gamma, call.vega) == (put.gamma, put.vega)
    assert call.delta - put.delta == pytest.approx(exp(-r * t), abs=1e-12)


@given(forwards, strikes, years, volatilities, volatilities, rates, rights)
def test_more_volatility_never_makes_an_option_cheaper(
    f: float, k: float, t: float, v: float, w: float, r: float, right: OptionRight
) -> None:
    calm, wild = (black76.price(f, k, t, volatility, r, right) for volatility in sorted((v, w)))
    assert calm <= wild + 1e-12


@given(forwards, forwards, strikes, strikes, years, volatilities, rates)
def test_a_call_gains_and_a_put_loses_with_the_forward_and_the_other_way_with_the_strike(
    f: float, g: float, k: float, m: float, t: float, v: float, r: float
) -> None:
    (f, g), (k, m) = sorted((f, g)), sorted((k, m))
    assert black76.price(f, k, t, v, r, CALL) <= black76.price(g, k, t, v, r, CALL) + 1e-12
    assert black76.price(f, k, t, v, r, PUT) + 1e-12 >= black76.price(g, k, t, v, r, PUT)
    assert black76.price(f, k, t, v, r, CALL) + 1e-12 >= black76.price(f, m, t, v, r, CALL)
    assert black76.price(f, k, t, v, r, PUT) <= black76.price(f, m, t, v, r, PUT) + 1e-12


@given(forwards, strikes, years, volatilities, rates, rights)
def test_a_price_lies_between_exercise_and_the_most_such_an_option_can_be_worth(
    f: float, k: float, t: float, v: float, r: float, right: OptionRight
) -> None:
    discount, sign = exp(-r * t), 1 if right is CALL else -1
    value = black76.price(f, k, t, v, r, right)
    assert discount * max(sign * (f - k), 0) - 1e-12 <= value <= discount * (f if right is CALL else k)


@given(
    st.floats(0.01, 1e5),
    st.floats(-8, 8),
    st.floats(1e-6, 10),
    st.floats(0.001, 20),
    st.floats(-0.05, 1),
    rights,
)
@example(26050.0, 0.0, 1 / 365, 0.13, 0.0, CALL)  # at the money
@example(26050.0, -8.0, 7 / 365, 0.13, 0.07, PUT)  # worth less than a millionth of a tick
@example(1.0, 1.0, 10.0, 20.0, 0.0, CALL)  # all but the most it can be worth
def test_the_implied_volatility_gives_the_price_back(
    f: float, deviations: float, t: float, v: float, r: float, right: OptionRight
) -> None:
    k = f * exp(max(-50.0, min(50.0, deviations * v * t**0.5)))
    value = black76.price(f, k, t, v, r, right)
    try:
        implied = black76.implied_volatility(value, f, k, t, r, right)
    except NoVolatility:
        exercised, most = black76.price(f, k, t, 0, r, right), exp(-r * t) * (f if right is CALL else k)
        # only where a float cannot tell the price from one of its bounds
        assert value - exercised <= 4e-15 * exercised or most - value <= 1e-14 * most
        return
    again = black76.price(f, k, t, implied, r, right)
    assert isfinite(implied)
    assert again == pytest.approx(value, rel=1e-10, abs=1e-15 * (f + k))  # no sum of these two is exact beyond that


@pytest.mark.parametrize(("deviations", "right"), [(8, CALL), (-8, PUT), (20, CALL)])
def test_an_option_far_from_the_money_keeps_its_digits(deviations: float, right: OptionRight) -> None:
    strike = 26050 * exp(deviations * 0.13 * (7 / 365) ** 0.5)
    value = black76.price(26050, strike, 7 / 365, 0.13, 0.065, right)
    assert 0 < value < 1e-12
    assert black76.implied_volatility(value, 26050, strike, 7 / 365, 0.065, right) == pytest.approx(0.13, rel=1e-10)


def test_a_price_a_thousandth_above_its_bounds_still_has_its_volatility() -> None:
    for value in (5.0001, 104.9999):
        implied = black76.implied_volatility(value, 105, 100, 0.25, 0.0, CALL)
        assert black76.price(105, 100, 0.25, implied, 0.0, CALL) == pytest.approx(value, rel=1e-12)


@given(forwards, strikes, years, volatilities, rates, rights)
def test_the_greeks_are_the_slopes_of_the_price(
    f: float, k: float, t: float, v: float, r: float, right: OptionRight
) -> None:
    found = black76.greeks(f, k, t, v, r, right)
    step = 1e-4

    def slope(up: float, down: float, width: float) -> float:
        return (up - down) / (2 * width)

    def value(f: float = f, t: float = t, v: float = v, r: float = r) -> float:
        return black76.price(f, k, t, v, r, right)

    assert found.delta == pytest.approx(slope(value(f=f + step), value(f=f - step), step), abs=1e-4)
    assert found.vega == pytest.approx(slope(value(v=v + step), value(v=v - step), step) / 100, abs=1e-3)
    assert found.theta == pytest.approx(slope(value(t=t - step), value(t=t + step), step) / 365, abs=1e-2)
    assert found.rho == pytest.approx(slope(value(r=r + step), value(r=r - step), step) / 100, abs=1e-6)
    assert found.gamma >= 0


@pytest.mark.parametrize(("right", "worth", "delta"), [(CALL, 5.0, 1.0), (PUT, 0.0, 0.0)])
def test_an_expired_option_is_worth_its_exercise(right: OptionRight, worth: float, delta: float) -> None:
    for term in (0.0, -1.0):
        assert black76.price(105, 100, term, 0.2, 0.05, right) == worth
        assert asdict(black76.greeks(105, 100, term, 0.2, 0.05, right)) == {
            "delta": delta,
            "gamma": 0,
            "theta": 0,
            "vega": 0,
            "rho": 0,
        }


def test_without_volatility_an_option_is_a_promise_that_only_the_rate_moves() -> None:
    found = black76.greeks(105, 100, 0.5, 0.0, 0.10, CALL)
    worth = 5 * exp(-0.05)
    assert black76.price(105, 100, 0.5, 0.0, 0.10, CALL) == pytest.approx(worth)
    assert found.delta == pytest.approx(exp(-0.05))
    assert (found.gamma, found.vega) == (0, 0)
    assert (found.theta, found.rho) == pytest.approx((0.10 * worth / 365, -0.5 * worth / 100))
    assert black76.greeks(100, 100, 0.5, 0.0, 0.0, PUT).delta == -0.5


@pytest.mark.parametrize("value", [0.0, 3.0, 5.0])
def test_a_price_without_time_value_has_no_volatility(value: float) -> None:
    with pytest.raises(NoTimeValue, match=f"A price of {value:g} is not above the exercise value of 5"):
        black76.implied_volatility(value, 105, 100, 0.1, 0.0, CALL)


def test_a_price_equal_to_exercise_up_to_rounding_has_no_volatility() -> None:
    worth = black76.price(
        3238.9, 1784.1, 0.92, 0.0, 0.055, CALL
    )  # divided by the discount again, a hair more than 1454.8
    with pytest.raises(NoTimeValue):
        black76.implied_volatility(worth, 3238.9, 1784.1, 0.92, 0.055, CALL)


@pytest.mark.parametrize(("right", "most"), [(CALL, 105), (PUT, 100)])
def test_a_price_above_the_forward_of_a_call_or_the_strike_of_a_put_has_no_volatility(
    right: OptionRight, most: float
) -> None:
    for value in (most, most + 20):
        with pytest.raises(AboveEveryPrice, match=f"A price of {value} is not below {most}, the most such a {right}"):
            black76.implied_volatility(value, 105, 100, 0.1, 0.0, right)


@pytest.mark.parametrize("term", [0.0, -0.1])
def test_an_expired_option_has_no_volatility(term: float) -> None:
    with pytest.raises(Expired, match="has expired"):
        black76.implied_volatility(6.0, 105, 100, term, 0.0, CALL)


@pytest.mark.parametrize(
    "figures",
    [
        (0.0, 100, 0.1, 0.2, 0.0),
        (-5.0, 100, 0.1, 0.2, 0.0),
        (105, 0.0, 0.1, 0.2, 0.0),
        (105, 100, 0.1, -0.2, 0.0),
        (105, 100, nan, 0.2, 0.0),
        (105, nan, 0.1, 0.2, 0.0),
        (inf, 100, 0.1, 0.2, 0.0),
        (105, 100, 0.1, inf, 0.0),
        (105, 100, 0.1, 0.2, nan),
        (105, 100, 1.0, 0.2, -1e6),
    ],
)
def test_figures_that_no_option_has_are_named(figures: tuple[float, float, float, float, float]) -> None:
    forward, strike, term, volatility, rate = figures
    with pytest.raises(BadFigure, match="Black-76 needs"):
        black76.price(*figures, CALL)
    with pytest.raises(BadFigure, match="Black-76 needs"):
        black76.greeks(*figures, CALL)
    with pytest.raises(BadFigure, match="Black-76 needs"):
        black76.implied_volatility(volatility, forward, strike, term, rate, CALL)
