"""Our words ↔ the simulated broker's. Its wire is described beside it, in `tests/fakebroker/README.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from bridge.brokers.base import (
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerState,
    BrokerTrade,
    Capabilities,
    Funds,
    OrderRequest,
    Unsupported,
)
from bridge.brokers.families.replies import Failure, ReplyRules, decimal, identifier, optional
from bridge.domain.intent import OrderType, Product, Side, TimeInForce

Json = Mapping[str, Any]
Word = TypeVar("Word")

SIDE: Final = {Side.BUY: "BUY", Side.SELL: "SELL"}
PRODUCT: Final = {Product.MIS: "MIS", Product.CNC: "CNC", Product.NRML: "NRML"}
VALIDITY: Final = {TimeInForce.DAY: "DAY", TimeInForce.IOC: "IOC"}
ORDER_TYPE: Final = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "SL-M",
    OrderType.STOP_LIMIT: "SL",
}
STATE: Final = {
    "OPEN": BrokerState.OPEN,
    "TRIGGER PENDING": BrokerState.TRIGGER_PENDING,
    "COMPLETE": BrokerState.FILLED,
    "CANCELLED": BrokerState.CANCELLED,
    "REJECTED": BrokerState.REJECTED,
    "EXPIRED": BrokerState.EXPIRED,
}

CAPABILITIES: Final = Capabilities(
    exchanges=frozenset({"NSE", "BSE", "NFO", "BFO", "MCX", "CDS", "CRYPTO"}),
    order_types=frozenset(ORDER_TYPE),
    products=frozenset(PRODUCT),
    time_in_force=frozenset(VALIDITY),
    fractional_quantity=True,
)

REFUSALS: Final = frozenset(
    {
        ("MarginException", 400),
        ("HoldingException", 400),
        ("InputException", 400),
        ("StateException", 400),
        ("PermissionException", 403),
    }
)
LOGIN: Final = frozenset({("TokenException", 403)})
THROTTLED: Final = frozenset({("RateException", 429)})  # its gateway's, before the order system

_OUR_SIDE = {word: side for side, word in SIDE.items()}
_OUR_PRODUCT = {word: product for product, word in PRODUCT.items()}
_OUR_ORDER_TYPE = {word: order_type for order_type, word in ORDER_TYPE.items()}


def failure(body: Any) -> Failure | None:
    """The error a body states; every body but `status: success` states one."""
    if body["status"] == "success":
        return None
    return Failure(str(body["error_type"]), str(body["message"]))


RULES: Final = ReplyRules(failure=failure, refused=REFUSALS, login=LOGIN, throttled=THROTTLED)


def capabilities(settings: Mapping[str, Any]) -> Capabilities:
    """`CAPABILITIES` with what the account's settings say differently (`orders_per_second: null` is no limit)."""
    plain = {
        "fractional_quantity",
        "ref_echo",
        "visibility_lag_max_s",
        "orders_per_second",
        "market_orders_need_protection",
    }
    return replace(CAPABILITIES, **{name: value for name, value in settings.items() if name in plain})


def order_body(request: OrderRequest) -> dict[str, Any]:
    """A new or changed order. Raises `Unsupported` for a word this wire does not have."""
    return {
        "tag": request.ref,
        "symbol": request.instrument.symbol,
        "exchange": request.instrument.exchange,
        "side": SIDE[request.side],
        "quantity": _figure(request.quantity),
        "order_type": _say(ORDER_TYPE, request.order_type),
        "product": _say(PRODUCT, request.product),
        "price": _figure(request.price),
        "trigger_price": _figure(request.trigger_price),
        "validity": _say(VALIDITY, request.time_in_force),
    }


def _say(table: Mapping[Word, str], word: Word) -> str:
    if word not in table:
        raise Unsupported(f"The simulated broker has no word for {word}")
    return table[word]


def _figure(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def placed_id(body: Json) -> str:
    """The id of a placed order; raises `ValueError` for an order that came back in slices: one ref, several orders."""
    if "children" in body["data"]:
        raise ValueError("the broker cut the order into slices")
    return identifier(body["data"]["order_id"])


def order(row: Json) -> BrokerOrder:
    """One row of the order book."""
    filled, state = decimal(row["filled_quantity"]), STATE[row["status"]]
    if state is BrokerState.OPEN and filled > 0:
        state = BrokerState.PARTIALLY_FILLED
    return BrokerOrder(
        broker_order_id=identifier(row["order_id"]),
        ref=row.get("tag") or None,
        symbol=row["symbol"],
        exchange=row["exchange"],
        side=_OUR_SIDE[row["side"]],
        quantity=decimal(row["quantity"]),
        filled=filled,
        state=state,
        order_type=_OUR_ORDER_TYPE[row["order_type"]],
        product=_OUR_PRODUCT[row["product"]],
        price=optional(row["price"]),
        trigger_price=optional(row["trigger_price"]),
        average_price=optional(row["average_price"]),
        placed_at=datetime.fromisoformat(row["placed_at"]),
        message=row["message"],
    )


def trade(row: Json) -> BrokerTrade:
    """One execution."""
    return BrokerTrade(
        trade_id=identifier(row["trade_id"]),
        broker_order_id=identifier(row["order_id"]),
        symbol=row["symbol"],
        exchange=row["exchange"],
        side=_OUR_SIDE[row["side"]],
        product=_OUR_PRODUCT[row["product"]],
        quantity=decimal(row["quantity"]),
        price=decimal(row["price"]),
        at=datetime.fromisoformat(row["at"]),
    )


def position(row: Json) -> BrokerPosition:
    """One net position."""
    return BrokerPosition(
        symbol=row["symbol"],
        exchange=row["exchange"],
        product=_OUR_PRODUCT[row["product"]],
        quantity=decimal(row["quantity"]),
        average_price=decimal(row["average_price"]),
        last_price=optional(row["last_price"]),
        realised=decimal(row["realised"]),
        unrealised=decimal(row["unrealised"]),
    )


def holding(row: Json) -> BrokerHolding:
    """One settled holding."""
    return BrokerHolding(
        symbol=row["symbol"],
        exchange=row["exchange"],
        quantity=decimal(row["quantity"]),
        average_price=decimal(row["average_price"]),
        last_price=optional(row.get("last_price")),
    )


def funds(row: Json) -> Funds:
    """Money."""
    return Funds(
        available=decimal(row["available"]),
        used_margin=decimal(row["used_margin"]),
        realised=decimal(row["realised"]),
        unrealised=decimal(row["unrealised"]),
        currency=row["currency"],
        capital=decimal(row["capital"]),
    )
