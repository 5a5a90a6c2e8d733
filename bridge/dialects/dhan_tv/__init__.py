"""Dhan's TradingView webhook: legs in their own order. https://knowledge.dhan.co (TradingView alerts with Dhan)"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import INDIAN_ORDER_TYPES, NEEDS_LIMIT, NEEDS_TRIGGER, PRODUCTS
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import (
    absent,
    object_of,
    objects_of,
    optional_number,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    text,
    word,
)
from bridge.domain.intent import (
    InstrumentHint,
    Intent,
    Kind,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
)

SIDES = {"b": Side.BUY, "buy": Side.BUY, "s": Side.SELL, "sell": Side.SELL}
INSTRUMENTS: dict[str, Any] = {
    "eq": "equity",
    "equity": "equity",
    "fut": "future",
    "future": "future",
    "opt": "option",
    "option": "option",
    "idx": "index",
    "index": "index",
}
RIGHTS: dict[str, Any] = {"ce": "call", "call": "call", "pe": "put", "put": "put"}
# Not in Dhan's own template, but users write it for a leg that only closes.
MANAGE = {"exit_all": Intent.FLATTEN}


def _recognise(message: Message) -> str | None:
    body = message.json
    return "it has Dhan's order_legs" if isinstance(body, dict) and "order_legs" in body else None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    word(body.get("alertType"), "alertType", {"multi_leg_order": True})
    legs = sorted(objects_of(body.get("order_legs"), "order_legs"), key=_place)
    meta = {} if absent(legs[0].get("meta")) else object_of(legs[0]["meta"], "meta")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=tuple(_leg(leg) for leg in legs),
        timestamp=optional_text(meta.get("timenow"), "meta timenow"),
        interval=optional_text(meta.get("interval"), "meta interval"),
        secret=optional_text(body.get("secret"), "secret"),
    )


def _place(leg: dict[str, Any]) -> Decimal:
    return optional_number(leg.get("sort_order"), "sort_order") or Decimal(0)


def _leg(leg: dict[str, Any]) -> OrderIntent:
    hint = _instrument(leg)
    said: dict[str, Any] = {
        "symbol": symbol(leg.get("symbol")),
        "exchange": text(leg.get("exchange"), "exchange"),
        "instrument": hint,
        "extras": {"seq": _place(leg)} if _place(leg) else {},
    }
    closing = optional_word(leg.get("manage_position"), "manage_position", MANAGE)
    if closing:
        return OrderIntent(intent=closing, scope="symbol", **said)
    side = word(leg.get("transactionType"), "transactionType", SIDES, code="unknown_side")
    return OrderIntent(
        intent=PLAIN[side],
        side=side,
        quantity=positive(leg.get("quantity"), "quantity"),
        # Dhan's pages do not settle whether an option's quantity counts lots or units.
        quantity_type=QuantityType.SETTING if hint and hint.kind == "option" else QuantityType.UNITS,
        product=optional_word(leg.get("productType"), "productType", PRODUCTS),
        **_entry(leg),
        **said,
    )


def _entry(leg: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(leg.get("orderType"), "orderType", INDIAN_ORDER_TYPES) or OrderType.DEFAULT
    trigger = "triggerPrice" if "triggerPrice" in leg else "trigger_price"
    return {
        "order_type": order_type,
        "price": positive(leg.get("price"), "price") if order_type in NEEDS_LIMIT else None,
        "trigger_price": positive(leg.get(trigger), trigger) if order_type in NEEDS_TRIGGER else None,
    }


def _instrument(leg: dict[str, Any]) -> InstrumentHint | None:
    kind = optional_word(leg.get("instrument"), "instrument", INSTRUMENTS)
    if kind is None:
        return None
    if kind not in ("option", "future"):
        return InstrumentHint(kind=kind)
    return InstrumentHint(
        kind=kind,
        underlying=symbol(leg.get("symbol")),
        expiry=optional_text(leg.get("expiry_date"), "expiry_date"),
        right=optional_word(leg.get("option_type"), "option_type", RIGHTS),
        strike=None if absent(leg.get("strike_price")) else optional_positive(leg["strike_price"], "strike_price"),
    )


DIALECT = Dialect(name="dhan_tv", title="Dhan (TradingView)", rank=10, recognise=_recognise, read=_read)
