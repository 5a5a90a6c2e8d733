"""What the API shows. Times are ISO 8601 in UTC, quantities and prices text, so that nothing is rounded on the way."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from bridge.accounts.model import KeySettings, StrategySettings
from bridge.kit.clock import from_micros


def _moment(stamp: Any) -> Any:
    return from_micros(stamp) if isinstance(stamp, int) else stamp


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


Moment = Annotated[datetime, BeforeValidator(_moment)]
Exact = Annotated[Decimal, PlainSerializer(lambda number: f"{number:f}", return_type=str)]
Json = Annotated[Any, BeforeValidator(_json)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda text: text.split() if isinstance(text, str) else text)]


class Shape(BaseModel):
    """Made of a row; columns that are not named here are not shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Alert(Shape):
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


class Order(Shape):
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


class Event(Shape):
    """One entry of the journal. `provenance` says what it rests on."""

    at: Moment
    type: str
    provenance: str
    account_id: str | None
    order_id: str | None
    payload: Json


class Position(Shape):
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


Item = TypeVar("Item", bound=Shape)


class Page(BaseModel, Generic[Item]):
    """Some of a list. `next_cursor` asks for those that follow; null on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None


class Answered(Shape):
    """What was done about a request, in a sentence."""

    message: str


class Strategy(Shape):
    """Rules for what sources send, with all their settings."""

    id: str
    name: str
    enabled: bool
    settings: Annotated[StrategySettings, BeforeValidator(_json)]
    created_at: Moment
    updated_at: Moment


class SourceShown(Shape):
    """A source's settings, without what its senders prove themselves with."""

    preset: str
    allowed_senders: tuple[str, ...]
    rate_per_minute: int
    burst: int
    dialect: str | None
    signed: bool
    body_secret: bool


class Source(Shape):
    """A webhook address without its secret. `old_secret_until`: the secret before the last rotation works so long."""

    id: str
    name: str
    strategy_id: str
    disabled: bool
    settings: SourceShown
    old_secret_until: Moment | None
    created_at: Moment


class NewSource(Source):
    """A webhook address with its secret, which is shown this once."""

    webhook_url: str


class Account(Shape):
    """One connection to one broker, without its credentials. `credentials`: whether it has any."""

    id: str
    name: str
    broker: str
    paper: bool
    credentials: bool
    rest_url: str | None
    stream_url: str | None
    disabled: bool
    created_at: Moment


class Funds(Shape):
    """Money at the broker, in `currency`."""

    model_config = ConfigDict(from_attributes=True)

    currency: str
    available: Exact
    used_margin: Exact
    realised: Exact
    unrealised: Exact
    capital: Exact


class Proof(Shape):
    """Whether the broker lets us in; `message` is a sentence that says what to do if not."""

    account_id: str
    ok: bool
    message: str


class Key(Shape):
    """An API key without its secret."""

    id: str
    name: str
    scopes: Words
    settings: Annotated[KeySettings, BeforeValidator(_json)]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class NewKey(Key):
    """An API key with its secret, which is shown this once."""

    key: str


class Notice(Shape):
    """What the person was told because of an event."""

    id: int
    at: Moment
    kind: str
    severity: str
    message: str
    alert_id: str | None
    order_id: str | None
    delivered_at: Moment | None


class Held(Position):
    """A holding with what closing it now would earn before costs; null where there is no price."""

    last: Exact | None
    unrealised: Exact | None
    currency: str


class Trade(Shape):
    """One execution. `realised` is the profit it closed, before costs; `provenance` says what it rests on."""

    id: int
    at: Moment
    order_id: str
    alert_id: str
    account_id: str
    exchange: str
    symbol: str
    product: str
    side: str
    quantity: Exact
    price: Exact
    realised: Exact
    provenance: str


class Result(Shape):
    """What a strategy earned at one account in one currency, before costs: ever since, that day, and what is open now.

    `today` is `realised_today` and `unrealised` together. Holdings without a price are counted in `unpriced` and left out.
    """

    account_id: str
    paper: bool
    currency: str
    realised: Exact
    realised_today: Exact
    unrealised: Exact
    today: Exact
    unpriced: int


class Book(Shape):
    """What one strategy holds, earns and did. `undecided`: orders of which nobody knows yet whether they trade, which no
    figure counts. `day` is a calendar day in India; `trades` are that day's, newest first."""

    strategy_id: str
    day: date
    simulated: bool
    positions: tuple[Held, ...]
    results: tuple[Result, ...]
    undecided: tuple[Order, ...]
    trades: Page[Trade]


class AccountLimits(Shape):
    """Limits that hold whatever a strategy says; null is none. Money in the account's currency."""

    orders_per_second: int | None = Field(None, ge=1)
    orders_per_minute: int | None = Field(None, ge=1)
    orders_per_day: int | None = Field(None, ge=1)
    order_value_max: Exact | None = Field(None, gt=0)
    daily_loss_max: Exact | None = Field(None, gt=0)
    requests_per_second: int | None = Field(None, ge=1)


class StrategyLimits(Shape):
    """Limits of a strategy; null is none. Quantities in units, money in the account's currency."""

    quantity_max: Exact | None = Field(None, gt=0)
    value_max: Exact | None = Field(None, gt=0)
    orders_per_minute: int | None = Field(None, ge=1)
    orders_per_day: int | None = Field(None, ge=1)
    daily_loss_max: Exact | None = Field(None, gt=0)


class LimitsOfAccount(Shape):
    """One account's limits."""

    account_id: str
    name: str
    limits: Annotated[AccountLimits, BeforeValidator(_json)]


class LimitsOfStrategy(Shape):
    """One strategy's limits."""

    strategy_id: str
    name: str
    limits: Annotated[StrategyLimits, BeforeValidator(_json)]


class Stop(Shape):
    """A kill switch that is on. `scope`: global, user, account, strategy or source."""

    model_config = ConfigDict(from_attributes=True)

    scope: str
    scope_id: str
    reason: str
    changed_at: Moment
    changed_by: str


class Limits(Shape):
    """Everything that limits the person's trading, accounts first; `stops` are the kill switches that are on."""

    accounts: tuple[LimitsOfAccount, ...]
    strategies: tuple[LimitsOfStrategy, ...]
    stops: tuple[Stop, ...]
