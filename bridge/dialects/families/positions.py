"""What an order does to a strategy's position, from the pair of positions that TradingView reports around it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from bridge.dialects.families.values import optional_number, optional_word
from bridge.domain.intent import Intent, PositionClaim, Side

Stance = Literal["long", "short", "flat"]

STANCES: dict[str, Stance] = {
    "long": "long",
    "buy": "long",
    "bullish": "long",
    "short": "short",
    "sell": "short",
    "bearish": "short",
    "flat": "flat",
    "none": "flat",
    "neutral": "flat",
}

ENTER = {"long": Intent.ENTER_LONG, "short": Intent.ENTER_SHORT}
LEAVE = {"long": Intent.EXIT_LONG, "short": Intent.EXIT_SHORT}
TOWARDS: dict[Side, Stance] = {Side.BUY: "long", Side.SELL: "short"}
SIDE_OF = {
    Intent.BUY: Side.BUY,
    Intent.ENTER_LONG: Side.BUY,
    Intent.EXIT_SHORT: Side.BUY,
    Intent.SELL: Side.SELL,
    Intent.ENTER_SHORT: Side.SELL,
    Intent.EXIT_LONG: Side.SELL,
}
PLAIN = {Side.BUY: Intent.BUY, Side.SELL: Intent.SELL}


def claim(stance: Any, size: Any, name: str) -> PositionClaim | None:
    """The position that a pair of members claims, or `None` when it was not sent."""
    found = optional_word(stance, name, STANCES, code="unknown_position")
    if found is None:
        return None
    held = optional_number(size, f"{name} size")
    return PositionClaim(side=found, size=None if held is None else abs(held))


def side_of(claimed: PositionClaim | None) -> Stance | None:
    """The side of a claimed position, if there is a claim."""
    return None if claimed is None else claimed.side


def stance_of(size: Decimal) -> Stance:
    """The side of a signed position."""
    return "long" if size > 0 else "short" if size < 0 else "flat"


def opposite(stance: Stance) -> Stance:
    """The other side of the market; flat stays flat."""
    return {"long": "short", "short": "long"}.get(stance, "flat")  # type: ignore[return-value]  # dict.get widens


def intent_between(before: Stance | None, after: Stance | None, side: Side) -> Intent:
    """The verb for an order on that side between two positions, as far as they are known.

    A position that stays on its side was added to by an order in its direction, and reduced by one against it.
    """
    towards = TOWARDS[side]
    if after == "flat":
        return LEAVE[opposite(towards)]
    if before is None:
        return PLAIN[side]
    if before == "flat":
        return ENTER[towards]
    if after is None:
        return PLAIN[side]
    if before != after:
        return Intent.REVERSE
    return Intent.ADD if before == towards else LEAVE[before]
