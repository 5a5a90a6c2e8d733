"""Amounts are whole hundred-millionths, so that sums are exact and a position that closes leaves nothing behind."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
_SMALLEST = Decimal("0.00000001")


def money(amount: Decimal) -> Decimal:
    """The amount in whole hundred-millionths, neither `-0` nor `1E+2`."""
    return amount.quantize(_SMALLEST, ROUND_HALF_EVEN) + ZERO


def share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`amount × part ÷ whole`; all of it, to the last digit, when the part is the whole."""
    return amount if part == whole else money(amount * part / whole)


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros or an exponent, as people read it."""
    return Decimal(text(number))


def text(number: Decimal) -> str:
    """A number for a column."""
    said = f"{number:f}"
    said = said.rstrip("0").rstrip(".") if "." in said else said
    return "0" if said in ("", "-0") else said
