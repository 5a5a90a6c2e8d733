"""What comes in and what goes out, in the wire's own words."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.fakebroker.replies import error
from tests.fakebroker.wire import Answer

REQUIRED = ("symbol", "exchange", "side", "quantity", "order_type", "product")
WORDS = {
    "side": {"BUY", "SELL"},
    "order_type": {"MARKET", "LIMIT", "SL", "SL-M"},
    "product": {"MIS", "CNC", "NRML"},
}


class Refused(Exception):
    """The answer is this error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _input(message: str, status: int = 400) -> Refused:
    return Refused(error(status, "InputException", message))


def good(data: Any) -> Answer:
    """The wire's success form."""
    return Answer(body=json.dumps({"status": "success", "data": data}, separators=(",", ":")).encode())


def order_fields(body: bytes) -> dict[str, Any]:
    """The fields of a new order; raises `Refused` naming the one that is wrong."""
    try:
        fields = json.loads(body)
        missing = [name for name in REQUIRED if not fields.get(name)]
    except (ValueError, AttributeError):
        raise _input("The body is not a JSON object") from None
    if missing:
        raise _input(f"Missing: {', '.join(missing)}")
    for name, words in WORDS.items():
        if fields[name] not in words:
            raise _input(f"{name}: one of {sorted(words)}, was {fields[name]!r}")
    try:
        if Decimal(str(fields["quantity"])) <= 0:
            raise _input("quantity: must be above zero")
    except InvalidOperation:
        raise _input("quantity: must be a number") from None
    if fields["order_type"] in ("LIMIT", "SL") and not fields.get("price"):
        raise _input("price: needed for this order type")
    if fields["order_type"] in ("SL", "SL-M") and not fields.get("trigger_price"):
        raise _input("trigger_price: needed for this order type")
    fields["quantity"] = str(fields["quantity"])
    return dict(fields)


def changes(body: bytes, filled: Decimal) -> dict[str, Any]:
    """What a modification names; raises `Refused` for a quantity that has already filled."""
    try:
        fields = dict(json.loads(body))
        if "quantity" in fields and Decimal(str(fields["quantity"])) <= filled:
            raise _input(f"quantity: {filled} have filled already")
    except (ValueError, TypeError, InvalidOperation):
        raise _input("The body is not a JSON object of fields") from None
    return fields


def shortened(answer: Answer, how: str) -> Answer:
    """A book page that lies: half its rows gone, or no word of the pages that follow."""
    said = json.loads(answer.body)
    if how == "rows_missing":
        rows = said["data"]["orders"]
        said["data"]["orders"] = rows[: len(rows) // 2]
    else:
        said["data"]["pages"] = 1
    return Answer(body=json.dumps(said).encode())
