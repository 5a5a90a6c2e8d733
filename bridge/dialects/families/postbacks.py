"""Tells a broker's report about an order from an order: the report has a status and an id beside everything else."""

from __future__ import annotations

from typing import Any

# Names are compared without case and marks: `order_status`, `orderStatus` and `OrderStatus` are one.
_STATUS = frozenset({"status", "orderstatus", "omsorderstatus"})
_REPORTED = frozenset(
    {"filledquantity", "filledqty", "filledshares", "filledavgprice", "averageprice", "avgprice", "tradedquantity"}
    | {"pendingquantity", "unfilledquantity", "exchangeorderid", "exchorderno", "exchangetimestamp"}
    | {"ordertimestamp", "statusmessage", "rejectionreason"}
)
_ORDER_IDS = frozenset({"orderid", "exchangeorderid", "norenordno", "id"})
_OUTCOMES = frozenset({"success", "error", "failure", "failed", "ok"})
_CARRIES = frozenset({"data", "results", "payload", "response"})


def reports_an_order(body: dict[str, Any]) -> bool:
    """Whether the object is a broker's postback, or a server's answer to an order. It must never become an order."""
    if isinstance(body.get("order"), dict) and "event" in body:
        return reports_an_order(body["order"])
    names = {"".join(filter(str.isalnum, name.casefold())) for name in body}
    return bool(_STATUS & names and _ORDER_IDS & names) or len(_REPORTED & names) >= 2 or _answers(body)


def _answers(body: dict[str, Any]) -> bool:
    """`{"status": "success", "data": …}` and `{"success": true, "payload": …}` are what a server says, not what it is asked."""
    status = body.get("status")
    told = isinstance(body.get("success"), bool) or (isinstance(status, str) and status.casefold() in _OUTCOMES)
    return told and not _CARRIES.isdisjoint(body)
