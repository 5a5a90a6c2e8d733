"""OpenAlgo's order API as spreadsheets, charts and scripts post it. The endpoint decides the meaning. https://docs.openalgo.in

When the receiver does not know the endpoint, the members tell it: each endpoint has one that no other has.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import INDIAN_ORDER_TYPES, NEEDS_LIMIT, NEEDS_TRIGGER, PRODUCTS
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.values import (
    absent,
    not_negative,
    number,
    object_of,
    objects_of,
    optional_text,
    optional_word,
    positive,
    symbol,
    text,
    unless_zero,
    word,
)
from bridge.domain.instrument import parse_symbol
from bridge.domain.intent import (
    InstrumentHint,
    Intent,
    Kind,
    OrderIntent,
    OrderType,
    Product,
    QuantityType,
    Reading,
    Side,
)

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES = {name: INDIAN_ORDER_TYPES[name] for name in ("market", "limit", "sl", "sl-m")}
OPENALGO_PRODUCTS = {name: PRODUCTS[name] for name in ("mis", "cnc", "nrml")}
RIGHTS: dict[str, Any] = {"ce": "call", "pe": "put"}

# The member that gives an endpoint away, the most particular first.
_TELLTALE = (
    ("orders", "basketorder"),
    ("legs", "optionsmultiorder"),
    ("offset", "optionsorder"),
    ("trigger_type", "placegttorder"),
    ("position_size", "placesmartorder"),
    ("splitsize", "splitorder"),
)
_KINDS = {
    "modifyorder": Kind.MODIFY,
    "cancelorder": Kind.CANCEL,
    "cancelallorder": Kind.CANCEL,
    "closeposition": Kind.FLATTEN,
    "query": Kind.QUERY,
}
_STRIKE_RULE = re.compile(r"ATM|[IO]TM(?:[1-9]|[1-4]\d|50)")
_OURS = frozenset({"symbol", "exchange", "action"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or reports_an_order(body):
        return None
    if isinstance(body.get("apikey"), str) and "command" not in body:
        return "it has an apikey as OpenAlgo's API wants it"
    if body.keys() >= _OURS and ("pricetype" in body or body.get("product") in ("MIS", "CNC", "NRML")):
        return "it has symbol, exchange, action and OpenAlgo's pricetype or product"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    endpoint = (context.endpoint or "").rstrip("/").rsplit("/", 1)[-1] or _endpoint(body)
    if endpoint == "placegttorder":
        raise Unreadable("unsupported_endpoint", "orders with a trigger kept at the broker (GTT) are not read here")
    return Reading(
        dialect=DIALECT.name,
        kind=_KINDS.get(endpoint, Kind.ORDER),
        orders=_orders(endpoint, body),
        strategy=optional_text(body.get("strategy"), "strategy"),
        endpoint=endpoint,
        secret=optional_text(body.get("apikey"), "apikey"),
    )


def _endpoint(body: dict[str, Any]) -> str:
    if "orderid" in body:
        return "modifyorder" if "action" in body else "cancelorder"
    for member, endpoint in _TELLTALE:
        if member in body and (member != "offset" or "action" in body):  # without one it asks for the contract's name
            return endpoint
    if "action" in body or "quantity" in body:
        return "placeorder"
    return "query" if "symbol" in body or "strategy" not in body else "closeposition"


def _orders(endpoint: str, body: dict[str, Any]) -> tuple[OrderIntent, ...]:
    if endpoint == "query":
        return ()
    if endpoint == "closeposition":
        return (OrderIntent(intent=Intent.FLATTEN, scope="all"),)
    if endpoint == "cancelallorder":
        return (OrderIntent(intent=Intent.CANCEL_ORDERS, scope="all"),)
    if endpoint == "cancelorder":
        return (OrderIntent(intent=Intent.CANCEL_ORDERS, order_id=text(body.get("orderid"), "orderid")),)
    if endpoint == "basketorder":
        return tuple(_order(part) for part in objects_of(body.get("orders"), "orders"))
    if endpoint == "optionsmultiorder":
        legs = [_option(body, leg) for leg in objects_of(body.get("legs"), "legs")]
        return tuple(sorted(legs, key=lambda leg: leg.side is Side.SELL))  # buy legs first, for the margin
    if endpoint == "optionsorder":
        return (_option(body, body),)
    return (_single(endpoint, body),)


def _single(endpoint: str, body: dict[str, Any]) -> OrderIntent:
    if endpoint == "modifyorder":
        return _order(body, intent=Intent.MODIFY_ORDER, order_id=text(body.get("orderid"), "orderid"))
    if endpoint == "placesmartorder":
        wanted = number(body.get("position_size"), "position_size")
        return _order(body, intent=Intent.TARGET_POSITION, target_position=wanted)
    if endpoint == "splitorder":
        return _order(body, split_size=unless_zero(body.get("splitsize"), "splitsize"))
    return _order(body)


def _order(body: dict[str, Any], *, intent: Intent | None = None, **more: Any) -> OrderIntent:
    return OrderIntent(
        symbol=symbol(body.get("symbol")),
        **_terms(body, body.get("exchange"), smart=intent is Intent.TARGET_POSITION, intent=intent),
        **more,
    )


def _terms(body: dict[str, Any], exchange: Any, *, smart: bool = False, intent: Intent | None = None) -> dict[str, Any]:
    """What all orders have: side, size, type with the prices it needs, product."""
    side = word(body.get("action"), "action", SIDES, code="unknown_side")
    order_type = _word_or(body, "pricetype", ORDER_TYPES, OrderType.MARKET)
    quantity = _quantity(body, smart=smart)
    disclosed = unless_zero(body.get("disclosed_quantity"), "disclosed_quantity")
    return {
        "intent": intent or PLAIN[side],
        "exchange": text(exchange, "exchange"),
        "side": side,
        "quantity": quantity,
        "quantity_type": QuantityType.DEFAULT if quantity is None else QuantityType.UNITS,
        "order_type": order_type,
        "price": _needed(body, "price", order_type in NEEDS_LIMIT),
        "trigger_price": _needed(body, "trigger_price", order_type in NEEDS_TRIGGER),
        "product": _word_or(body, "product", OPENALGO_PRODUCTS, Product.MIS),
        "extras": {} if disclosed is None else {"disclosed_quantity": disclosed},
    }


def _quantity(body: dict[str, Any], *, smart: bool) -> Decimal | None:
    # A smart order is sized by its wanted position; a quantity of zero is how senders say "only close".
    if not smart:
        return positive(body.get("quantity"), "quantity")
    return None if absent(body.get("quantity")) else not_negative(body["quantity"], "quantity")


def _word_or(body: dict[str, Any], name: str, table: dict[str, Any], default: Any) -> Any:
    found = optional_word(body.get(name), name, table)
    return default if found is None else found


def _needed(body: dict[str, Any], name: str, needed: bool) -> Decimal | None:
    """The price when the order type has use for it; senders fill the others with zeros or leftovers."""
    return positive(body.get(name), name) if needed else None


def _option(body: dict[str, Any], leg: dict[str, Any]) -> OrderIntent:
    underlying = symbol(body.get("underlying"), "underlying")
    rule = text(leg.get("offset"), "offset").upper()
    if not _STRIKE_RULE.fullmatch(rule):
        raise Unreadable("bad_offset", "offset: expected ATM, ITM1 to ITM50 or OTM1 to OTM50")
    expiry = leg.get("expiry_date") if not absent(leg.get("expiry_date")) else body.get("expiry_date")
    hint = InstrumentHint(
        kind="option",
        underlying=underlying,
        expiry=_expiry(expiry, underlying),
        right=word(leg.get("option_type"), "option_type", RIGHTS),
        strike_rule=rule,
    )
    split = unless_zero(leg.get("splitsize"), "splitsize")
    return OrderIntent(symbol=underlying, instrument=hint, split_size=split, **_terms(leg, body.get("exchange")))


def _expiry(value: Any, underlying: str) -> str:
    """`30DEC25` as an ISO date; without one the date inside the underlying's own symbol."""
    if absent(value):
        parts = parse_symbol(underlying)
        if parts is None:
            raise Unreadable("missing_member", "expiry_date: is needed because the underlying does not carry a date")
        return parts.expiry.isoformat()
    said = text(value, "expiry_date").replace("-", "")
    try:
        return datetime.strptime(said, "%d%b%y").date().isoformat()  # noqa: DTZ007 - a date, not a moment
    except ValueError:
        raise Unreadable("bad_expiry", "expiry_date: expected a date such as 30DEC25") from None


DIALECT = Dialect(name="openalgo", title="OpenAlgo API", rank=20, recognise=_recognise, read=_read)
