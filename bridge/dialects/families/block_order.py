"""One order command of a block: its size, where it rests, and whether it leaves what the block entered."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families import values
from bridge.dialects.families.block_values import Amount, Place, amount, place, seconds, towards
from bridge.dialects.families.command_blocks import Step
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, QuantityType, Side, Trailing

ORDER_TYPES = {
    "market": OrderType.MARKET,
    "steppedmarket": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "aggressiveentry": OrderType.LIMIT,
    "scaled": OrderType.LIMIT,
    "iceberg": OrderType.LIMIT,
    "stoporder": OrderType.STOP,
    "trailingstop": OrderType.TRAILING_STOP,
}
_SIZE = {"side", "amount", "position", "reduceonly", "tag", "leverage"}
_ARGUMENTS: Mapping[str, set[str]] = {
    "market": set(),
    "limit": {"offset", "price", "postonly"},
    "aggressiveentry": {"offset", "price", "postonly", "timelimit", "initialoffset", "finaloffset", "slippagelimit"},
    "stoporder": {"offset", "stop", "price", "limitoffset", "trigger"},
    "trailingstop": {"offset", "limitoffset", "trigger", "trailingmethod", "stepsize", "maxsteps", "background"},
    "scaled": {"from", "to", "ordercount", "easing", "varyamount", "varyprice", "postonly"},
    "steppedmarket": {"ordercount", "duration", "easing", "varyamount"},
    "iceberg": {"offset", "totalamount", "averageamount", "variance", "limitprice", "timelimit"},
}
_STOPS = ("stoporder", "trailingstop")


class BlockOrder:
    """One order command, read as far as it can be without knowing what stands before it."""

    def __init__(self, name: str, step: Step, symbol: str) -> None:
        for key in step.named:
            if key not in _SIZE | _ARGUMENTS[name]:
                raise Unreadable("unknown_key", f'{step.name} has no argument "{values.shown(key)}"')
        self.name, self.named, self.symbol = name, step.named, symbol
        self.reduce_only = values.optional_boolean(self.named.get("reduceonly"), "reduceOnly")
        self.place = _placed(self.named)
        # A wanted position makes side and amount void, as documented.
        self.wanted = amount(self.named["position"], "position", symbol) if "position" in self.named else None
        if self.wanted is None and self._said() is None:
            raise Unreadable("missing_quantity", f"{step.name}: expected amount= with side=, or position=")
        self.side = None if self.wanted else values.side(self.named.get("side"), "side")
        if name in _STOPS:
            self._where()

    def _where(self) -> Place:
        if self.place is None:
            raise Unreadable("missing_stop_price", "offset: expected the distance or @price of the stop")
        return self.place

    def _said(self) -> str | None:
        return self.named.get("amount") or self.named.get("totalamount")

    def leaves(self, entry: OrderIntent) -> bool:
        """Whether this is a stop or target of the entry before it rather than an order of its own."""
        if self.name not in ("limit", *_STOPS) or self.place is None or "limitoffset" in self.named:
            return False
        against = self._reduces() if self.wanted else self.side is not entry.side
        bound = self.reduce_only or self.place.from_entry or self.name in _STOPS or self._takes_share()
        return against and bool(bound)

    def _takes_share(self) -> bool:
        return self.wanted is None and self._amount().unit is QuantityType.PERCENT_POSITION

    def _reduces(self) -> bool:
        return self.wanted is not None and (
            self.wanted.figure == 0 or self.wanted.unit is QuantityType.PERCENT_POSITION
        )

    def share(self, left: Decimal, entry: OrderIntent) -> Decimal:
        """How much of the entry this exit is for, in percent."""
        if self.wanted:
            return _within(left - abs(self.wanted.figure))  # signed for shorts
        size = self._amount()
        if size.unit is QuantityType.PERCENT_POSITION:
            return _within(size.figure)
        if size.unit is entry.quantity_type and entry.quantity:
            return min(size.figure / entry.quantity * 100, values.HUNDRED)
        return values.HUNDRED

    def exit(self, share: Decimal | None = None) -> Level:
        """As a level of the entry, for a share of it in percent."""
        return self._where().level(portion_percent=share, reduce_only=self.reduce_only)

    def trailing(self) -> Trailing:
        """As a trailing stop."""
        where = self._where()
        if where.kind == "price":
            raise Unreadable("bad_trail_distance", "offset: a trailing stop needs a distance, not a fixed price")
        step = place(self.named["stepsize"], "stepSize") if "stepsize" in self.named else None
        if step and step.kind != where.kind:
            raise Unreadable("bad_trail_step", "stepSize: must be in the unit of offset, a percentage or an amount")
        return Trailing(type=where.kind, distance=abs(where.figure), step=abs(step.figure) if step else None)

    def intent(self, *, after_entry: bool) -> OrderIntent:
        """As an order of its own."""
        size = _target(self.wanted, after_entry) if self.wanted else self._trade()
        order_type = ORDER_TYPES[self.name]
        if order_type is OrderType.STOP and "limitoffset" in self.named:
            order_type = OrderType.STOP_LIMIT
        return OrderIntent(
            symbol=self.symbol,
            order_type=order_type,
            reduce_only=self.reduce_only,
            tag=self.named.get("tag"),
            trailing=self.trailing() if self.name == "trailingstop" else None,
            extras=self._extras(),
            **size,
            **self._price(size.get("side")),
        )

    def _amount(self) -> Amount:
        size = amount(self._said() or "", "amount", self.symbol)
        values.positive(size.figure, "amount")
        return size

    def _trade(self) -> dict[str, Any]:
        size = self._amount()
        side = values.side(self.named.get("side"), "side")
        return {"intent": PLAIN[side], "side": side, "quantity": size.figure, "quantity_type": size.unit}

    def _price(self, side: Side | None) -> dict[str, Any]:
        stop = self.name in _STOPS
        if self.place is None or self.name == "trailingstop":
            return {}
        if self.place.kind == "price":
            return {"trigger_price" if stop else "price": self.place.figure}
        if self.place.kind == "percent":
            return {"price_offset": self.place.level()}
        return {"price_offset": towards(side if self.side else None, self.place.figure, stop=stop)}

    def _extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = {"from": "entry"} if self.place and self.place.from_entry else {}
        if values.optional_boolean(self.named.get("postonly"), "postOnly"):
            extras["post_only"] = True
        if "limitoffset" in self.named:
            extras["limit_offset"] = place(self.named["limitoffset"], "limitOffset").level()
        if self.name == "aggressiveentry":
            extras["chase"] = True
        if self.name in ("scaled", "steppedmarket", "iceberg"):
            extras[self.name] = _spread(self.named)
        return extras


def _placed(named: Mapping[str, str]) -> Place | None:
    sent = [key for key in ("offset", "stop", "price", "limitprice") if key in named]
    if len(sent) > 1:
        raise Unreadable("repeated_price", f"{' and '.join(sent)} both say where the order rests; keep one of them")
    if not sent:
        return None
    said = named[sent[0]]
    return Place("price", values.positive(said.lstrip("@"), "price")) if "price" in sent[0] else place(said, sent[0])


def _spread(named: Mapping[str, str]) -> dict[str, Any]:
    """How one command is cut into many orders."""
    found: dict[str, Any] = {}
    for key in ("from", "to", "averageamount"):
        if key in named:
            where = place(named[key], key)
            found[key] = where.figure if where.kind != "percent" else where.level()
    if "ordercount" in named:
        found["count"] = values.positive(named["ordercount"], "orderCount")
    if "duration" in named:
        found["duration_s"] = seconds(named["duration"], "duration")
    return found | {key: named[key] for key in ("easing",) if key in named}


def _within(share: Decimal) -> Decimal:
    if not 0 < share <= values.HUNDRED:
        raise Unreadable(
            "bad_portion", "the exits of an entry must each take more than 0 and at most 100 percent of it"
        )
    return share


def _target(wanted: Amount, after_entry: bool) -> dict[str, Any]:
    """The position to bring about. Zero closes it, unless it is the later part of what the block itself opens."""
    figure, unit = wanted.figure, wanted.unit
    if figure == 0:
        return {"intent": Intent.TARGET_POSITION if after_entry else Intent.FLATTEN, "target_position": figure}
    if unit is QuantityType.PERCENT_POSITION:
        if not 0 < abs(figure) < values.HUNDRED:
            raise Unreadable("bad_position", "position: a share of the position must lie between 0 and 100%p")
        return {"intent": Intent.EXIT, "quantity": values.HUNDRED - abs(figure), "quantity_type": unit}
    side = Side.BUY if figure > 0 else Side.SELL
    if unit in (QuantityType.UNITS, QuantityType.BASE):
        return {"intent": Intent.TARGET_POSITION, "side": side, "target_position": figure}
    return {"intent": Intent.TARGET_POSITION, "side": side, "quantity": abs(figure), "quantity_type": unit}
