"""Tells a broker's report about an order from an order: the report has a status and an id beside everything else."""

from __future__ import annotations

from typing import Any

_STATUS = frozenset({"status", "order_status", "orderStatus", "OrderStatus", "oms_order_status"})
_REPORTED = frozenset(
    {
        "filled_quantity",
        "filledQty",
        "filled_qty",
        "filledQuantity",
        "filled_avg_price",
        "average_price",
        "averagePrice",
    }
    | {"pending_quantity", "unfilled_quantity", "tradedQuantity", "traded_quantity", "exchange_order_id", "exchOrderNo"}
    | {"exchange_timestamp", "order_timestamp", "status_message", "avgPrice", "filledShares", "exchangeOrderId"}
)
_ORDER_IDS = frozenset({"order_id", "orderId", "orderid", "exchange_order_id", "norenordno", "id"})


def reports_an_order(body: dict[str, Any]) -> bool:
    """Whether the object is a broker's postback. It must never become an order."""
    if isinstance(body.get("order"), dict) and "event" in body:
        return reports_an_order(body["order"])
    return bool(_STATUS & body.keys() and _ORDER_IDS & body.keys()) or len(_REPORTED & body.keys()) >= 2
