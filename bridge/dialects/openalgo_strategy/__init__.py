"""OpenAlgo's strategy webhook: symbol, action and, for strategies that trade both sides, the wanted position.

Source: OpenAlgo's strategy management guide (docs.openalgo.in). The secret is in the address.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import object_of, optional_number, optional_text, symbol, word
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading, Side

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ENTRY = {"LONG": Side.BUY, "SHORT": Side.SELL}
ENTERING = {Side.BUY: Intent.ENTER_LONG, Side.SELL: Intent.ENTER_SHORT}
LEAVING = {Side.SELL: Intent.EXIT_LONG, Side.BUY: Intent.EXIT_SHORT}

_MEMBERS = frozenset({"symbol", "action", "position_size"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or not body.keys() <= _MEMBERS or not {"symbol", "action"} <= body.keys():
        return None
    if isinstance(body["action"], str) and body["action"].strip().casefold() in SIDES:
        return "it has symbol, action and at most position_size"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    side = word(body.get("action"), "action", SIDES, code="unknown_side")
    wanted = optional_number(body.get("position_size"), "position_size")
    order = OrderIntent(
        symbol=symbol(body.get("symbol")),
        side=side,
        order_type=OrderType.MARKET,
        **_verb(str(body["action"]).strip(), side, wanted, (context.trading_mode or "").upper()),
    )
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(order,),
        strategy=optional_text(body.get("strategy"), "strategy"),
        endpoint="strategy/webhook",
    )


def _verb(action: str, side: Side, wanted: Decimal | None, mode: str) -> dict[str, Any]:
    if wanted is not None:
        _refuse_contradiction(side, wanted)
    if mode in ENTRY:
        return _one_sided(side, wanted, ENTRY[mode])
    if wanted is not None:
        return {"intent": Intent.TARGET_POSITION, "target_position": wanted}
    if mode == "BOTH":
        raise Unreadable("missing_member", "position_size: is needed because this strategy trades both sides")
    # OpenAlgo writes BUY and SELL; in small letters the same two members are a plain order in many other formats.
    return {"intent": ENTERING[side] if action.isupper() else PLAIN[side]}


def _one_sided(side: Side, wanted: Decimal | None, entry: Side) -> dict[str, Any]:
    if side is not entry:
        return {"intent": LEAVING[side], "quantity_type": QuantityType.FULL_POSITION}
    if wanted:
        return {"intent": ENTERING[side], "quantity": abs(wanted), "quantity_type": QuantityType.UNITS}
    return {"intent": ENTERING[side]}


def _refuse_contradiction(side: Side, wanted: Decimal) -> None:
    if wanted * side.sign < 0:
        raise Unreadable(
            "position_against_action",
            f"position_size: {wanted} cannot be reached by a {side.value}; check the alert's message",
        )


DIALECT = Dialect(
    name="openalgo_strategy", title="OpenAlgo strategy webhook", rank=40, recognise=_recognise, read=_read
)
