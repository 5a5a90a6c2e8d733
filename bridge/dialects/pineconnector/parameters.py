"""The `key=value` part of a PineConnector message: size, entry, exits, trailing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values
from bridge.dialects.families.pairs import Pairs, level, one_of
from bridge.domain.intent import BreakEven, DistanceType, Level, OrderType, QuantityType, Trailing

SIZES: Mapping[str, QuantityType] = {
    "vol_lots": QuantityType.LOTS,
    "vol_dollar": QuantityType.RISK_CASH,
    "vol_pct_bal_loss": QuantityType.RISK_PERCENT,
    "vol_pct_eq_loss": QuantityType.RISK_PERCENT,
    "vol_pct_bal_margin": QuantityType.PERCENT_MARGIN,
    "risk": QuantityType.SETTING,
}
_LOSS = (QuantityType.RISK_CASH, QuantityType.RISK_PERCENT)
_STOPS: Mapping[str, DistanceType] = {"sl_pips": "pips", "sl_price": "price", "sl_pct": "percent", "sl": "setting"}
_TARGETS: Mapping[str, DistanceType] = {"tp_pips": "pips", "tp_price": "price", "tp_pct": "percent", "tp": "setting"}
_ENTRIES: Mapping[str, DistanceType] = {
    "entry_pips": "pips",
    "entry_price": "price",
    "entry_pct": "percent",
    "price": "setting",
}
_TRAILING = ("trailtrig", "traildist", "trailstep")
_AVERAGE_TRUE_RANGE = ("atrtimeframe", "atrperiod", "atrmultiplier", "atrshift", "atrtrigger")
_RANGE_NEEDS = ("atrtimeframe", "atrperiod")
LONGEST_COMMENT = 20  # characters

KEYS = frozenset(
    {*SIZES, *_STOPS, *_TARGETS, *_ENTRIES, *_TRAILING, *_AVERAGE_TRUE_RANGE}
    | {"betrigger", "beoffset", "spread", "accfilter", "comment", "secret"}
)


def size(pairs: Pairs) -> dict[str, Any]:
    """The one size an entry must have. A size by loss needs a stop to be computed from."""
    found = one_of(pairs, SIZES, "duplicate_volume", "size")
    if found is None:
        raise Unreadable("missing_volume", f"an entry needs a size: one of {', '.join(SIZES)}")
    key, unit = found
    if unit in _LOSS and stop(pairs) is None:
        raise Unreadable(
            "missing_stop_loss",
            f"{key}: the size follows from the loss at the stop, so sl_pips= or sl_price= is needed",
        )
    return {"quantity": values.positive(pairs[key], key), "quantity_type": unit}


def stop(pairs: Pairs) -> Level | None:
    """The stop loss; zero means none."""
    found = one_of(pairs, _STOPS, "duplicate_stop_loss", "stop loss")
    return level(pairs[found[0]], *found) if found else None


def targets(pairs: Pairs) -> tuple[Level, ...]:
    """The take profit; zero means none."""
    found = one_of(pairs, _TARGETS, "duplicate_take_profit", "take profit")
    target = level(pairs[found[0]], *found) if found else None
    return (target,) if target else ()


def entry(pairs: Pairs, order_type: OrderType) -> dict[str, Any]:
    """Where a pending order rests; a distance is counted from the market, above it for buy stop and sell limit."""
    found = one_of(pairs, _ENTRIES, "duplicate_entry", "entry price")
    if order_type is OrderType.MARKET:
        if found:
            raise Unreadable(
                "unexpected_entry", f"{found[0]}: a market order has no entry price; use a stop or limit command"
            )
        return {}
    if found is None:
        raise Unreadable("missing_entry", f"a pending order needs one of {', '.join(_ENTRIES)}")
    key, unit = found
    figure = values.positive(pairs[key], key)
    if unit == "price":
        return {"trigger_price" if order_type is OrderType.STOP else "price": figure}
    if unit == "setting":
        return {"entry": Level(type=unit, value=figure)}
    return {"price_offset": Level(type=unit, value=figure)}


def management(pairs: Pairs) -> dict[str, Any]:
    """Trailing, break-even, filters and comment."""
    return {
        "trailing": _trailing(pairs),
        "break_even": _break_even(pairs),
        "tag": _comment(pairs),
        "extras": _extras(pairs),
    }


def _comment(pairs: Pairs) -> str | None:
    said = values.optional_text(pairs.get("comment"), "comment")
    if said and len(said) > LONGEST_COMMENT:
        raise Unreadable("comment_too_long", f"comment: at most {LONGEST_COMMENT} characters, was {len(said)}")
    return said


def _trailing(pairs: Pairs) -> Trailing | None:
    trigger, distance, step = (values.unless_zero(pairs.get(key), key) for key in _TRAILING)
    if distance is None and (trigger or step):
        raise Unreadable("missing_trail_distance", "traildist: a trailing stop needs its distance")
    return Trailing(type="pips", trigger=trigger, distance=distance, step=step) if distance else None


def _break_even(pairs: Pairs) -> BreakEven | None:
    trigger = values.unless_zero(pairs.get("betrigger"), "betrigger")
    offset = values.optional_number(pairs.get("beoffset"), "beoffset")
    if trigger is None:
        if offset:
            raise Unreadable(
                "missing_break_even_trigger", "beoffset: needs betrigger, the profit at which the stop moves"
            )
        return None
    return BreakEven(trigger=trigger, offset=offset)


def _extras(pairs: Pairs) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if (spread := values.unless_zero(pairs.get("spread"), "spread")) is not None:
        extras["max_spread_pips"] = spread
    if (least := values.unless_zero(pairs.get("accfilter"), "accfilter")) is not None:
        extras["account_filter"] = least
    if average := {key[3:]: _figure(pairs[key], key) for key in _AVERAGE_TRUE_RANGE if key in pairs}:
        if missing := next((key for key in _RANGE_NEEDS if values.absent(pairs.get(key))), None):
            raise Unreadable("missing_member", f"{missing}: a trailing stop by average true range needs it")
        extras["atr_trailing"] = average
    return extras


def _figure(said: str, key: str) -> Decimal | str:
    # The time frame is a word of the platform (M15, H1) or a number of minutes.
    return values.text(said, key) if key == "atrtimeframe" else values.number(said, key)
