# /// script
# requires-python = ">=3.11"
# dependencies = ["QuantLib==1.44"]
# ///
"""Writes the cases that tests/market/test_black76.py compares with, made by a library that is not ours: QuantLib 1.44.

uv run scripts/black76_cases.py            in an environment of its own, for Bridge itself never needs the library

Greeks are in Bridge's units: theta a calendar day, vega and rho for one percentage point. The figures given are rounded
before they are used, so that the file says all; figures found are written with every digit.
"""

from __future__ import annotations

import csv
import random
from importlib import import_module
from math import exp, sqrt
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "tests" / "market" / "data" / "black76_cases.csv"
CASES, SEED, VERSION = 1000, 76, "1.44"
GIVEN = ("right", "forward", "strike", "years", "volatility", "rate")
FOUND = ("price", "delta", "gamma", "theta", "vega", "rho")

ql: Any = import_module("QuantLib")  # not by name: where Bridge is checked, the library is not installed


def drawn(chance: random.Random) -> dict[str, Any]:
    """An option: from minutes to two years, strikes up to four deviations from the forward, negative rates among them."""
    forward = round(10 ** chance.uniform(0, 5), 2)
    years = round(10 ** chance.uniform(-4, 0.3), 6)
    volatility = round(chance.uniform(0.03, 1.2), 4)
    strike = max(0.01, round(forward * exp(chance.uniform(-4, 4) * volatility * sqrt(years)), 2))
    rate = round(chance.uniform(-0.02, 0.15), 4)
    return dict(zip(GIVEN, (chance.choice(("call", "put")), forward, strike, years, volatility, rate), strict=True))


def valued(case: dict[str, Any]) -> dict[str, Any]:
    """The case with what the library finds."""
    kind = ql.Option.Call if case["right"] == "call" else ql.Option.Put
    years, deviation = case["years"], case["volatility"] * sqrt(case["years"])
    discount = exp(-case["rate"] * years)
    black = ql.BlackCalculator(ql.PlainVanillaPayoff(kind, case["strike"]), case["forward"], deviation, discount)
    # the library's rho moves a spot's growth too; with an equal dividend yield moved as well the forward stands still
    rho = black.rho(years) + black.dividendRho(years)
    theta, vega = black.thetaPerDay(case["forward"], years), black.vega(years) / 100
    found = (black.value(), black.deltaForward(), black.gammaForward(), theta, vega, rho / 100)
    return case | dict(zip(FOUND, found, strict=True))


def main() -> None:
    """Draw, value and write."""
    if ql.__version__ != VERSION:
        raise SystemExit(
            f"made with QuantLib {VERSION}, this is {ql.__version__}: change the version everywhere or neither"
        )
    chance = random.Random(SEED)  # noqa: S311 - cases, not secrets
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*GIVEN, *FOUND), lineterminator="\n")
        writer.writeheader()
        writer.writerows(valued(drawn(chance)) for _ in range(CASES))
    print(f"{CASES} cases by QuantLib {VERSION} in {OUT.name}")


if __name__ == "__main__":
    main()
