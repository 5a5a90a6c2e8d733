"""Algomojo's PlaceOrder body. https://algomojo.com/docs"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.levels import INDIAN_ORDER_TYPES, NEEDS_LIMIT, NEEDS_TRIGGER, PRODUCTS, TIME_IN_FORCE
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import object_of, optional_text, optional_word, positive, symbol, text, word
from bridge.domain.intent import Kind, OrderIntent, OrderType, QuantityType, Reading, Side

SIDES = {"b": Side.BUY, "buy": Side.BUY, "s": Side.SELL, "sell": Side.SELL}


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and isinstance(body.get("data"), dict) and "Ttranstype" in body["data"]:
        return "its data has a Ttranstype"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    data = object_of(body.get("data"), "data")
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(data),),
        strategy=optional_text(data.get("strg_name"), "strg_name"),
        secret=optional_text(body.get("api_secret"), "api_secret"),
    )


def _order(data: dict[str, Any]) -> OrderIntent:
    side = word(data.get("Ttranstype"), "Ttranstype", SIDES, code="unknown_side")
    order_type = optional_word(data.get("prctyp"), "prctyp", INDIAN_ORDER_TYPES) or OrderType.MARKET
    after_hours = optional_text(data.get("AMO"), "AMO")
    return OrderIntent(
        intent=PLAIN[side],
        symbol=symbol(data.get("Tsym"), "Tsym"),
        exchange=text(data.get("exch"), "exch"),
        side=side,
        quantity=positive(data.get("qty"), "qty"),
        quantity_type=QuantityType.UNITS,
        order_type=order_type,
        price=positive(data.get("Price"), "Price") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(data.get("TrigPrice"), "TrigPrice") if order_type in NEEDS_TRIGGER else None,
        product=optional_word(data.get("Pcode"), "Pcode", PRODUCTS),
        time_in_force=optional_word(data.get("Ret"), "Ret", TIME_IN_FORCE),
        extras={"after_market": True} if after_hours and after_hours.upper() == "YES" else {},
    )


DIALECT = Dialect(name="algomojo", title="Algomojo", rank=10, recognise=_recognise, read=_read)
