"""The command words of PineConnector, https://docs.pineconnector.com/syntax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.domain.intent import OrderType, QuantityType, Side

Closes = Literal["long", "short", "both", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one word does; a combined word cancels first, then closes, then opens.

    `partly` is the unit in which `risk=` says how much to close, `control` what happens to the receiver itself.
    """

    cancels: Side | None = None
    closes: Closes | None = None
    partly: QuantityType | None = None
    opens: Side | None = None
    order_type: OrderType = OrderType.MARKET
    modifies: Side | None = None
    control: str | None = None

    @property
    def combined(self) -> bool:
        """Several steps that belong together."""
        return bool(self.opens and (self.closes or self.cancels))


_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_PENDING = {"stop": OrderType.STOP, "limit": OrderType.LIMIT}
_CLOSE: Mapping[str, Literal["long", "short", "both"]] = {"long": "long", "short": "short", "longshort": "both"}
_SHORTHAND = {"long": "l", "short": "s", "longshort": "ls"}


def _entries() -> dict[str, Command]:
    words = {"buy": ("long", "bull", "bullish"), "sell": ("short", "bear", "bearish")}
    plain = {word: Command(opens=_SIDES[side]) for side, others in words.items() for word in (side, *others)}
    pending = {
        f"{side}{kind}": Command(opens=opens, order_type=order_type)
        for side, opens in _SIDES.items()
        for kind, order_type in _PENDING.items()
    }
    return plain | pending


def _closes() -> dict[str, Command]:
    whole = {f"close{word}": Command(closes=position) for word, position in _CLOSE.items()}
    partial = {
        f"close{word}{unit}": Command(closes=_CLOSE[word], partly=partly)
        for word in ("long", "short")
        for unit, partly in (("vol", QuantityType.LOTS), ("pct", QuantityType.PERCENT_POSITION))
    }
    return whole | partial | {"closeall": Command(closes="all")}


def _combinations() -> dict[str, Command]:
    found = {}
    for word, position in _CLOSE.items():
        for opened, side in (("long", Side.BUY), ("short", Side.SELL)):
            command = Command(closes=position, opens=side)
            found[f"close{word}open{opened}"] = found[f"c{_SHORTHAND[word]}+o{_SHORTHAND[opened]}"] = command
    return found


def _cancels() -> dict[str, Command]:
    found = {}
    for word, side in (("long", "buy"), ("short", "sell")):
        found[f"cancel{word}"] = Command(cancels=_SIDES[side])
        for kind, order_type in _PENDING.items():
            found[f"cancel{word}{side}{kind}"] = Command(
                cancels=_SIDES[side], opens=_SIDES[side], order_type=order_type
            )
    return found


def _changes() -> dict[str, Command]:
    positions = {"newsltplong": Command(modifies=Side.BUY), "newsltpshort": Command(modifies=Side.SELL)}
    pending = {
        f"newsltp{side}{kind}": Command(modifies=modifies, order_type=order_type)
        for side, modifies in _SIDES.items()
        for kind, order_type in _PENDING.items()
    }
    return positions | pending


COMMANDS: Mapping[str, Command] = {
    **_entries(),
    **_closes(),
    **_combinations(),
    **_cancels(),
    **_changes(),
    "eaon": Command(control="resume"),
    "eaoff": Command(control="pause"),
    "closealleaoff": Command(closes="all", control="pause"),
}
