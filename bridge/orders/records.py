"""Rows of the journal as values."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from bridge.accounts.model import StrategySettings
from bridge.domain.intent import Intent, OrderIntent, OrderType, Product, QuantityType, Side, TimeInForce
from bridge.domain.lifecycle import IntentState, OrderState
from bridge.kit.database import Row, dumps

_WISHES = TypeAdapter(OrderIntent)
CLOSING = frozenset({Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN, Intent.CANCEL_ORDERS})
_WHOLE = (None, QuantityType.FULL_POSITION, QuantityType.DEFAULT)
Lane = tuple[str, str, str, str]  # exchange, symbol, product, strategy: what must happen in order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order, as its row stands. Quantities in units; times in microseconds."""

    id: str
    ref: str
    trading_date: str
    user_id: str
    account_id: str
    strategy_id: str
    intent_id: str
    alert_id: str
    leg: int
    exchange: str
    symbol: str
    product: Product
    side: Side
    quantity: Decimal
    order_type: OrderType
    price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: TimeInForce
    protection: Decimal | None
    reduces: bool
    basket: str | None
    state: OrderState
    code: str | None
    message: str | None
    fence: int
    sends: int
    deadline: int
    filled: Decimal
    average_price: Decimal | None
    pending_op: str | None
    broker_order_id: str | None
    queued_at: int
    sent_at: int | None
    updated_at: int
    closed_at: int | None

    @property
    def lane(self) -> Lane:
        """What must happen in order."""
        return self.exchange, self.symbol, self.product, self.strategy_id

    @property
    def rest(self) -> Decimal:
        """Units not filled."""
        return self.quantity - self.filled

    def row(self) -> Row:
        """The order as its table keeps it."""
        return {f.name: stored(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def of(cls, row: Row) -> OrderRecord:
        """The order of a row."""
        return cls(**{name: _READ[name](row[name]) if name in _READ else row[name] for name in _ORDER_FIELDS})


def describe(order: OrderRecord) -> str:
    """`BUY 65 NIFTY24NOV26FUT`."""
    return f"{order.side.upper()} {order.quantity.normalize():f} {order.symbol}"


def stored(value: Any) -> Any:
    """A value as a column takes it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal:
    return Decimal(text)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else _number(text)


_ORDER_FIELDS = tuple(f.name for f in fields(OrderRecord))
_READ: dict[str, Any] = {
    # Thousands of orders of a day share these and most of their figures; each is kept once.
    **dict.fromkeys(("trading_date", "user_id", "account_id", "strategy_id", "exchange", "symbol"), sys.intern),
    "product": Product,
    "side": Side,
    "quantity": _number,
    "order_type": OrderType,
    "price": _decimal,
    "trigger_price": _decimal,
    "time_in_force": TimeInForce,
    "protection": _decimal,
    "reduces": bool,
    "state": OrderState,
    "filled": _number,
    "average_price": _decimal,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an intent has to do with a person's yes. Without any of it, its settings alone decide whether one is asked.

    `forced`: its sender's key asks a person, whatever the strategy says. `exempt`: it stops its strategy or ends the day, so
    it closes without asking. `given_by` names who said yes. The rest is what was asked: the last price when the intent began
    to wait (None: not known), and the side and units as far as they were known then.
    """

    forced: bool = False
    exempt: bool = False
    given_by: str | None = None
    price: Decimal | None = None
    side: Side | None = None
    quantity: Decimal | None = None


_APPROVALS = TypeAdapter(Approval)
NOT_ASKED = Approval()


@lru_cache(maxsize=256)
def settings_of(text: str) -> StrategySettings:
    """The settings that an intent was made under; a strategy's intents share them until somebody changes them."""
    return StrategySettings.model_validate_json(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """One intent for one account. `settings` are those it was made under, whatever the user changes later."""

    id: str
    alert_id: str
    number: int
    user_id: str
    strategy_id: str
    account_id: str
    state: IntentState
    wish: OrderIntent
    settings: StrategySettings
    settings_text: str
    multiplier: Decimal
    mapped_quantity: Decimal | None = None  # the size that the strategy's symbol line gives
    reduces: bool  # it can only take a position towards zero, or cancels
    bar: int | None = None  # when the bar ended that the alert tells of
    exchange: str  # '' with symbol '' for intents over everything the strategy holds
    symbol: str
    product: Product | None
    basket: str | None
    deadline: int
    opens_until: int  # what opens or enlarges a position may go out until then; what closes, until the deadline
    not_before: int
    created_at: int
    code: str | None = None
    message: str | None = None
    result: str | None = None
    approval: Approval = NOT_ASKED

    @property
    def opens(self) -> bool:
        """It may open or enlarge a position."""
        return not self.reduces

    @property
    def ends_all(self) -> bool:
        """A full exit, a target or a reversal: orders still resting would undo it later."""
        wish = self.wish
        if wish.cancel_open_orders is not None:
            return wish.cancel_open_orders
        if wish.intent in (Intent.TARGET_POSITION, Intent.REVERSE, Intent.FLATTEN):
            return True
        is_exit = wish.intent in (Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT)
        return is_exit and (wish.quantity is None or wish.quantity_type in _WHOLE)

    @property
    def lane(self) -> Lane:
        """What must happen in order."""
        return self.exchange, self.symbol, self.product or "", self.strategy_id

    def row(self) -> Row:
        """The intent as its table keeps it."""
        plan = {
            "multiplier": self.multiplier,
            "quantity": self.mapped_quantity,
            "product": self.product,
            "basket": self.basket,
            "opens_until": self.opens_until,
            "reduces": self.reduces,
        }
        if self.bar is not None:
            plan["bar"] = self.bar
        if self.approval != NOT_ASKED:
            plan["approval"] = _APPROVALS.dump_python(self.approval, mode="json", exclude_defaults=True)
        return {
            "id": self.id,
            "alert_id": self.alert_id,
            "number": self.number,
            "user_id": self.user_id,
            "strategy_id": self.strategy_id,
            "account_id": self.account_id,
            "state": str(self.state),
            "result": self.result,
            "code": self.code,
            "message": self.message,
            "payload": _WISHES.dump_json(self.wish, exclude_defaults=True).decode(),
            "plan": dumps(plan),
            "settings": self.settings_text,
            "exchange": self.exchange,
            "symbol": self.symbol,
            "deadline": self.deadline,
            "not_before": self.not_before,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }

    @classmethod
    def of(cls, row: Row) -> IntentRecord:
        """The intent of a row."""
        plan = json.loads(row["plan"])
        wish = wish_of(row)
        same = ("id", "alert_id", "number", "user_id", "strategy_id", "account_id", "exchange", "symbol", "deadline")
        return cls(
            **{name: row[name] for name in (*same, "not_before", "created_at", "code", "message", "result")},
            state=IntentState(row["state"]),
            wish=wish,
            settings=settings_of(row["settings"]),
            settings_text=row["settings"],
            multiplier=Decimal(plan["multiplier"]),
            mapped_quantity=_decimal(plan["quantity"]),
            product=Product(plan["product"]) if plan["product"] else None,
            basket=plan["basket"],
            opens_until=plan["opens_until"],
            reduces=plan.get("reduces", wish.intent in CLOSING),  # earlier versions went by the verb alone
            bar=plan.get("bar"),
            approval=_APPROVALS.validate_python(plan["approval"]) if "approval" in plan else NOT_ASKED,
        )


def wish_of(row: Row) -> OrderIntent:
    """What the intent of a row asks for."""
    return _WISHES.validate_json(row["payload"])


def readable(rows: Iterable[Row]) -> tuple[list[IntentRecord], list[Row]]:
    """The intents of rows, and the rows that cannot be read: another version of the program may have stored them."""
    intents, others = [], []
    for row in rows:
        try:
            intents.append(IntentRecord.of(row))
        except (ValueError, LookupError, TypeError, ArithmeticError):
            others.append(row)
    return intents, others
