"""What a message asks for, free of any broker.

The members and their words are those that alerts are documented in (`docs/dialects.md`); a dialect
writes them, the pipeline maps, sizes and checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from bridge.domain.refusal import Refusal


class Side(StrEnum):
    """Direction of one order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The side that undoes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Intent(StrEnum):
    """The verb of an order intent."""

    BUY = "buy"
    SELL = "sell"
    ENTER_LONG = "enter_long"
    ENTER_SHORT = "enter_short"
    EXIT_LONG = "exit_long"
    EXIT_SHORT = "exit_short"
    EXIT = "exit"
    REVERSE = "reverse"
    ADD = "add"
    FLATTEN = "flatten"
    TARGET_POSITION = "target_position"
    CANCEL_ORDERS = "cancel_orders"
    MODIFY_ORDER = "modify_order"
    MODIFY_POSITION = "modify_position"
    SCAN_HIT = "scan_hit"
    START_DEAL = "start_deal"
    SET_VARIABLE = "set_variable"


class Kind(StrEnum):
    """What sort of message an alert is. Only some kinds may trade."""

    ORDER = "order"
    CANCEL = "cancel"
    MODIFY = "modify"
    FLATTEN = "flatten"
    CONTROL = "control"
    SCAN = "scan"
    VARIABLE = "variable"
    NOTIFY = "notify"
    QUERY = "query"
    CONDITIONAL = "conditional"
    MALFORMED = "malformed"
    INVALID = "invalid"


class QuantityType(StrEnum):
    """The unit of `OrderIntent.quantity`."""

    UNITS = "units"
    BASE = "base"
    QUOTE = "quote"
    CONTRACTS = "contracts"
    LOTS = "lots"
    CASH = "cash"
    RISK_CASH = "risk_cash"
    RISK_PERCENT = "risk_percent"
    PERCENT_EQUITY = "percent_equity"
    PERCENT_AVAILABLE = "percent_available"
    PERCENT_MARGIN = "percent_margin"
    PERCENT_POSITION = "percent_position"
    FULL_POSITION = "full_position"
    SETTING = "setting"  # a number whose unit the strategy's settings decide
    DEFAULT = "default"  # not sent: the strategy's size


class OrderType(StrEnum):
    """How the order meets the market."""

    DEFAULT = "default"  # not sent: the strategy's order type
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # stop-market
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class Product(StrEnum):
    """OpenAlgo's product words."""

    MIS = "MIS"  # intraday
    CNC = "CNC"  # delivery
    NRML = "NRML"  # carry, derivatives


class TimeInForce(StrEnum):
    """How long an order stands."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"
    GTD = "gtd"


DistanceType = Literal["price", "percent", "offset", "pips", "points", "setting", "trail_percent", "trail_offset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price level: absolute (`price`) or a positive distance from the entry in the losing or winning direction."""

    type: DistanceType
    value: Decimal | None = None
    portion_percent: Decimal | None = None
    order: Literal["limit", "market", "stop"] | None = None
    limit_price: Decimal | None = None
    reduce_only: bool | None = None
    signed: bool | None = None  # True: counted from the market, up or down by the sign of `value`


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailing:
    """A stop that follows the price; every figure in the unit `type` names."""

    type: DistanceType
    trigger: Decimal | None = None
    distance: Decimal | None = None
    step: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Move the stop to the entry (plus `offset`) once the price went `trigger` into profit."""

    trigger: Decimal
    offset: Decimal | None = None
    unit: DistanceType = "pips"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionClaim:
    """What the sender says its position is or was."""

    side: Literal["long", "short", "flat"]
    size: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentHint:
    """What the message says about the contract beyond its symbol. `expiry` is ISO or a rule such as `+6 months`."""

    kind: Literal["equity", "future", "option", "index", "crypto", "forex"] | None = None
    underlying: str | None = None
    expiry: str | None = None
    right: Literal["call", "put", "both"] | None = None
    strike: Decimal | None = None
    strike_rule: str | None = None  # ATM, ITM1…, OTM1…
    con_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """One thing a message asks for. Quantities and prices are decimals in the unit their type names.

    `symbol` is as written; `symbol_from` says who supplies it when the message does not.
    `trigger_price` is a stop's trigger, `price` a limit, `signal_price` only the price at the alert.
    """

    intent: Intent
    symbol: str | None = None
    symbol_from: str | None = None
    raw_symbol: str | None = None
    exchange: str | None = None
    side: Side | None = None
    quantity: Decimal | None = None
    quantity_type: QuantityType = QuantityType.DEFAULT
    order_type: OrderType = OrderType.DEFAULT
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    price_offset: Level | Decimal | None = None
    entry: Level | None = None
    signal_price: Decimal | None = None
    take_profit: tuple[Level, ...] = ()
    stop_loss: Level | None = None
    trailing: Trailing | None = None
    break_even: BreakEven | None = None
    target_position: Decimal | None = None
    position_before: PositionClaim | None = None
    position_after: PositionClaim | None = None
    sentiment_after: Literal["long", "short", "flat"] | None = None
    product: Product | None = None
    time_in_force: TimeInForce | None = None
    instrument: InstrumentHint | None = None
    close_opposite: bool | None = None
    reduce_only: bool | None = None
    cancel_open_orders: bool | None = None
    filter: Mapping[str, Any] | None = None
    # What an exit or a cancel without a symbol is about; no dialect says `account`: an alert is for its own strategy.
    scope: Literal["all", "symbol", "bot", "strategy", "account"] | None = None
    order_id: str | None = None
    leverage: Decimal | None = None
    margin_mode: Literal["isolated", "cross"] | None = None
    split_size: Decimal | None = None
    delay_s: Decimal | None = None
    tag: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)  # members only one dialect has, in its documented words

    def to_json(self) -> dict[str, Any]:
        """The intent in the documented vocabulary, absent members left out, `extras` beside the others."""
        said = {f.name: plain(getattr(self, f.name)) for f in fields(self) if f.name not in ("extras", "break_even")}
        if self.break_even:
            unit = self.break_even.unit
            said["break_even"] = {f"trigger_{unit}": plain(self.break_even.trigger)}
            if self.break_even.offset is not None:
                said["break_even"][f"offset_{unit}"] = plain(self.break_even.offset)
        return {k: v for k, v in said.items() if v not in (None, [], {})} | _members(self.extras)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a dialect understood one message. Kinds other than order, cancel, modify, flatten and scan never trade.

    `because` are the sentences that explain the detection and each repair. `dedupe_key` names the body's member
    that identifies the alert, `dedupe_value` is what it held. `secret` is the body's own secret, to be compared and then
    masked; it is never part of `to_json`.
    """

    dialect: str
    kind: Kind
    orders: tuple[OrderIntent, ...] = ()
    refusal: Refusal | None = None
    repaired: bool = False
    because: tuple[str, ...] = ()
    account: str | None = None
    accounts: tuple[Mapping[str, Any], ...] = ()
    strategy: str | None = None
    bot: str | None = None
    timestamp: str | None = None
    alert_time: str | None = None
    max_age_s: Decimal | None = None
    delay_s: Decimal | None = None
    dedupe_key: str | None = None
    dedupe_value: str | None = None
    dry_run: bool | None = None
    control: str | None = None
    endpoint: str | None = None
    interval: str | None = None
    atomic: bool | None = None
    notify: str | None = None
    keyword_action: str | None = None
    scan: Mapping[str, Any] | None = None
    secret: str | None = field(default=None, repr=False)
    extras: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One `translate` line: dialect, kind, orders, refusal, repaired, and what else the message said."""
        skip = ("orders", "refusal", "secret", "extras", "because", "repaired", "dedupe_value")
        said = {f.name: plain(getattr(self, f.name)) for f in fields(self) if f.name not in skip}
        refusal = {"code": self.refusal.code, "message": self.refusal.message} if self.refusal else None
        return (
            {"dialect": self.dialect, "kind": self.kind.value}
            | {"orders": [o.to_json() for o in self.orders], "refusal": refusal, "repaired": self.repaired}
            | {k: v for k, v in said.items() if v not in (None, [], {})}
            | {"because": list(self.because)}
            | _members(self.extras)
        )


def _members(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: plain(v) for k, v in value.items()}


def plain(value: Any) -> Any:
    """The value as JSON can carry it: decimals as numbers, enums as words, dataclasses as objects without empty members."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: plain(v) for f in fields(value) if (v := getattr(value, f.name)) is not None}
    return value
