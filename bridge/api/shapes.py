"""What the API shows. Times are ISO 8601 in UTC, quantities and prices text, so that nothing is rounded on the way."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from bridge.kit.clock import from_micros


def _moment(stamp: Any) -> Any:
    return from_micros(stamp) if isinstance(stamp, int) else stamp


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


Moment = Annotated[datetime, BeforeValidator(_moment)]
Exact = Annotated[Decimal, PlainSerializer(lambda number: f"{number:f}", return_type=str)]
Json = Annotated[Any, BeforeValidator(_json)]


class _Shape(BaseModel):
    """Made of a row; columns that are not named here are not shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Alert(_Shape):
    """One message as it came in. `status`: accepted, refused, duplicate or noted; `code` and `message` say why."""

    id: str
    received_at: Moment
    source_id: str
    strategy_id: str
    dialect: str
    kind: str
    status: str
    code: str | None
    message: str | None
    duplicate_of: str | None


class Order(_Shape):
    """One order at one account. Quantities in units."""

    id: str
    ref: str
    alert_id: str
    intent_id: str
    account_id: str
    strategy_id: str
    exchange: str
    symbol: str
    product: str
    side: str
    quantity: Exact
    order_type: str
    price: Exact | None
    trigger_price: Exact | None
    time_in_force: str
    state: str
    code: str | None
    message: str | None
    filled: Exact
    average_price: Exact | None
    broker_order_id: str | None
    queued_at: Moment
    sent_at: Moment | None
    updated_at: Moment


class Event(_Shape):
    """One entry of the journal. `provenance` says what it rests on."""

    at: Moment
    type: str
    provenance: str
    account_id: str | None
    order_id: str | None
    payload: Json


class Position(_Shape):
    """What one strategy holds at one account: signed units."""

    account_id: str
    strategy_id: str
    exchange: str
    symbol: str
    product: str
    quantity: Exact
    average_price: Exact
    realised: Exact
    updated_at: Moment


class AlertStory(Alert):
    """An alert with its time-line: the steps up to its commit (milliseconds since it came), then the journal."""

    content_type: str
    body: str
    sender: str
    trace: Json
    orders: tuple[Order, ...]
    events: tuple[Event, ...]


class OrderStory(Order):
    """An order with its time-line."""

    events: tuple[Event, ...]


Item = TypeVar("Item", Alert, Order, Position)


class Page(BaseModel, Generic[Item]):
    """Some of a list. `next_cursor` asks for those that follow; null on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None
