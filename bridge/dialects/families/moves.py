"""Orders that many grammars word differently and mean alike: leave a position, cancel, which kind of message that makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bridge.dialects.base import Unreadable
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Side

ENTER: Mapping[Side, Intent] = {Side.BUY: Intent.ENTER_LONG, Side.SELL: Intent.ENTER_SHORT}
# The closing order's side stands beside the intent: a long is left by selling.
_LEAVE: Mapping[str, tuple[Intent, Side | None]] = {
    "long": (Intent.EXIT_LONG, Side.SELL),
    "short": (Intent.EXIT_SHORT, Side.BUY),
    "both": (Intent.EXIT, None),
}


MOST_ORDERS = 100


def refuse_many(count: int) -> None:
    """Raise `too_many_orders` when one message asks for more than `MOST_ORDERS` things."""
    if count > MOST_ORDERS:
        raise Unreadable(
            "too_many_orders", f"one message may ask for at most {MOST_ORDERS} orders, this one has {count}"
        )


def leave(position: Literal["long", "short", "both"], **members: Any) -> OrderIntent:
    """Close the whole position (or only its long or short side) at market; `members` may say otherwise."""
    intent, side = _LEAVE[position]
    usual = {"quantity_type": QuantityType.FULL_POSITION, "order_type": OrderType.MARKET}
    return OrderIntent(intent=intent, side=side, **(usual | members))


def flatten(scope: Literal["all", "symbol"], **members: Any) -> OrderIntent:
    """Close everything in the account, or in one symbol, at market."""
    usual = {"quantity_type": QuantityType.FULL_POSITION, "order_type": OrderType.MARKET, "scope": scope}
    return OrderIntent(intent=Intent.FLATTEN, **(usual | members))


def cancel(side: Side | None = None, **members: Any) -> OrderIntent:
    """Cancel open orders, of one side when given."""
    narrowed = {"filter": {"side": side.value}} if side else {}
    return OrderIntent(intent=Intent.CANCEL_ORDERS, **(narrowed | members))


_KINDS: Mapping[Intent, Kind] = {
    Intent.CANCEL_ORDERS: Kind.CANCEL,
    Intent.FLATTEN: Kind.FLATTEN,
    Intent.MODIFY_ORDER: Kind.MODIFY,
    Intent.MODIFY_POSITION: Kind.MODIFY,
}


def kind_of(orders: Sequence[OrderIntent]) -> Kind:
    """Cancel, flatten or modify when the message asks for nothing else, order for everything that is mixed or trades."""
    kinds = {_KINDS.get(order.intent, Kind.ORDER) for order in orders}
    return kinds.pop() if len(kinds) == 1 else Kind.ORDER
