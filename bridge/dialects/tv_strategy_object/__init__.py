"""TradingView strategies' own words as an object: `strategy.order.*` and positions, nested in `strategy` or flat.

A home-made family that spread with open-source receivers; no page documents it. Placeholders:
https://www.tradingview.com/support/solutions/43000531021
"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.home_made import read_objects
from bridge.dialects.families.values import object_of
from bridge.domain.intent import Reading

_ORDER = frozenset({"order_action", "order_contracts", "market_position", "position_size"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict):
        return None
    if _is_strategy(body.get("strategy")):
        return "its strategy object has the words of a TradingView strategy"
    if ("order_action" in body and len(_ORDER & body.keys()) > 1) or {"market_position", "action"} <= body.keys():
        return "it has the words of a TradingView strategy"
    return None


def _is_strategy(block: Any) -> bool:
    return isinstance(block, dict) and bool(_ORDER & block.keys())


def _read(message: Message, context: Context) -> Reading:
    return read_objects(DIALECT.name, [object_of(message.json)])


DIALECT = Dialect(
    name="tv_strategy_object", title="TradingView strategy object", rank=50, recognise=_recognise, read=_read
)
