"""Stops and targets of home-made alerts, whose figures may be prices or distances without saying which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from bridge.dialects.base import Unreadable
from bridge.dialects.families.synonyms import ExitMember, bare_name
from bridge.dialects.families.values import absent, amount, object_of, optional_positive
from bridge.domain.intent import DistanceType, Level, Side

# A level further than this from the price, as a ratio, is a distance and no price.
_FARTHEST = Decimal(2)
# The same between a stop and a target when no price is known.
_WIDEST = Decimal("1.8")

_BLOCK: dict[str, DistanceType] = {
    "price": "price",
    "limitPrice": "price",
    "stopPrice": "price",
    "percent": "percent",
    "percentage": "percent",
    "offset": "offset",
    "amount": "offset",
    "distance": "offset",
    "pips": "pips",
    "points": "points",
}
_PERCENT_NAME = re.compile(r"(?:percentage|percent|pct)$")
_SHARES = ("percent", "percentage")  # beside a price they say how much is taken there
_PORTIONS = ("portion", "volume_percent", "percent_of_position", "close_percent", "qty_percent", "piece")


class Figure(NamedTuple):
    """One stop or target as sent: its figure and its unit, if the message says one."""

    name: str
    value: Decimal
    unit: DistanceType | None
    portion: Decimal | None = None


def levels(
    stops: Sequence[ExitMember], targets: Sequence[ExitMember], side: Side | None, price: Decimal | None
) -> tuple[Level | None, tuple[Level, ...]]:
    """The stop loss and the take profits. Figures that do not name their unit are judged together, by what is plausible."""
    _refuse_said_twice((*stops, *targets))
    stop = [figure for member in stops for figure in _figures(member)]
    target = [figure for member in targets for figure in _figures(member)]
    if len(stop) > 1:
        raise Unreadable("two_levels", f"{stop[0].name} and {stop[1].name}: send one stop loss")
    bare = [figure for figure in stop + target if figure.unit is None]
    unit = _likely(
        [figure.value for figure in stop if figure in bare], [f.value for f in target if f in bare], side, price
    )
    return (_level(stop[0], unit) if stop else None), tuple(_level(figure, unit) for figure in target)


def _refuse_said_twice(members: Sequence[ExitMember]) -> None:
    """`tp1` beside `tp1_percent`: the second may be another way to say it, or the share that is taken there."""
    names = {bare_name(member.name): member.name for member in members if _figures(member)}
    for name, sent in names.items():
        stem = _PERCENT_NAME.sub("", name)
        if stem != name and stem in names:
            raise Unreadable("ambiguous_exit", f"{names[stem]} and {sent}: what the percentage counts is not clear")


def _level(figure: Figure, unit: DistanceType) -> Level:
    return Level(type=figure.unit or unit, value=figure.value, portion_percent=figure.portion)


def _figures(member: ExitMember) -> list[Figure]:
    values = member.value if isinstance(member.value, list) else [member.value]
    found = (_figure(member.name, member.unit, value) for value in values if value is not False and not absent(value))
    return [figure for figure in found if figure is not None]


def _figure(name: str, unit: DistanceType | None, value: Any) -> Figure | None:
    if isinstance(value, dict):
        return _block(name, object_of(value, name))
    if value == 0 or value in ("0", "0.0"):
        return None
    found, is_percent = amount(value, name)
    return Figure(name, found, "percent" if is_percent else unit)


def _block(name: str, block: dict[str, Any]) -> Figure | None:
    portion = next((optional_positive(block[p], f"{name} {p}") for p in _PORTIONS if p in block), None)
    for member, unit in _BLOCK.items():
        if not absent(block.get(member)):
            found, is_percent = amount(block[member], f"{name} {member}")
            if unit == "price" and portion is None:
                portion = next((optional_positive(block[s], f"{name} {s}") for s in _SHARES if s in block), None)
            return Figure(name, found, "percent" if is_percent else unit, portion)
    raise Unreadable("missing_member", f"{name}: needs a price or a percent")


def _likely(stop: list[Decimal], target: list[Decimal], side: Side | None, price: Decimal | None) -> DistanceType:
    """Whether bare figures are prices or distances; `setting` when nothing tells."""
    figures = stop + target
    if not figures:
        return "price"
    if price:
        near = [price / _FARTHEST <= figure <= price * _FARTHEST for figure in figures]
        if all(near):
            return "price"
        if not any(near) and all(figure < price for figure in figures):
            return "offset"
        raise Unreadable(
            "ambiguous_exit", "stop and target do not fit the price; write both as prices or both as distances"
        )
    if not (stop and target):
        return "setting"
    low, high = (stop[0], target[0]) if side is not Side.SELL else (target[0], stop[0])
    return "price" if low < high < low * _WIDEST else "offset"
