"""LuxAlgo's Trade Relay: member names in any case, most with aliases. https://github.com/LuxAlgo/trade-relay docs/payload.md"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, ORDER_TYPES, TIME_IN_FORCE, level, some
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.families.values import (
    absent,
    object_of,
    optional_number,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    unless_zero,
    word,
)
from bridge.domain.intent import (
    Intent,
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

ALIASES = {
    "action": ("action", "side", "signal"),
    "symbol": ("symbol", "ticker", "sym", "instrument", "pair"),
    "quantity": ("quantity", "qty", "size", "contracts", "shares", "amount"),
    "notional": ("notional", "cash", "dollars", "cost"),
    "percentEquity": ("percentequity", "percent_equity", "equitypercent"),
    "riskPercent": ("riskpercent", "risk_percent"),
    "orderType": ("ordertype", "order_type", "type"),
    "limitPrice": ("limitprice", "limit_price", "limit"),
    "stopPrice": ("stopprice", "stop_price", "stop"),
    "trailAmount": ("trailamount", "trail_amount"),
    "trailPercent": ("trailpercent", "trail_percent"),
    "timeInForce": ("timeinforce", "time_in_force", "tif"),
    "takeProfit": ("takeprofit", "take_profit", "tp"),
    "stopLoss": ("stoploss", "stop_loss", "sl"),
    "stopLossLimit": ("stoplosslimit", "stop_loss_limit"),
    "price": ("price", "referenceprice", "close"),
    "account": ("account", "accountid"),
    "signalId": ("signalid", "signal_id", "id", "alertid"),
    "comment": ("comment", "message", "note"),
}
SIDES = {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL}
CLOSES = ("close", "exit", "flat")
FLATTENS = ("flatten", "close_all", "exit_all")
CANCELS = ("cancel_all", "cancel")
CONTROLS = ("pause", "resume", "kill")
ACTIONS = {name: name for name in (*SIDES, *CLOSES, *FLATTENS, *CANCELS, *CONTROLS)}
# The first that was sent is the size, in this order.
SIZES = {
    "quantity": QuantityType.UNITS,
    "notional": QuantityType.CASH,
    "percentEquity": QuantityType.PERCENT_EQUITY,
    "riskPercent": QuantityType.RISK_PERCENT,
}

_MEANING = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
# Names that hardly anybody else writes; without one of them only the plain `action` counts.
_PARTICULAR = frozenset({"sym", "notional", "percentequity", "riskpercent", "signalid", "stoplosslimit", "dollars"})


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or not body:
        return None
    names = {name.casefold() for name in body}
    if not names <= _MEANING.keys():
        return None
    meanings = {_MEANING[name] for name in names}
    if len(meanings) < len(body) or "action" not in meanings or not _acts(body) or _has_shares(body):
        return None
    if "orderType" not in meanings and not names.isdisjoint({"stop", "limit"}):
        return None  # a bare "stop" may as well be a stop loss
    if "action" in names:
        return "it has an action, and Trade Relay knows all its members"
    return "it has members that only Trade Relay knows" if _PARTICULAR & names else None


def _acts(body: dict[str, Any]) -> bool:
    """Whether the action is one of Trade Relay's own words."""
    action = next(value for name, value in body.items() if _MEANING[name.casefold()] == "action")
    return isinstance(action, str) and action.strip().casefold() in ACTIONS


def _has_shares(body: dict[str, Any]) -> bool:
    """Whether a size is written with a `%`, which Trade Relay has members of their own for."""
    sizes = (value for name, value in body.items() if _MEANING[name.casefold()] in SIZES)
    return any(isinstance(value, str) and value.rstrip().endswith("%") for value in sizes)


def _read(message: Message, context: Context) -> Reading:
    said, names = _meanings(object_of(message.json))
    action = word(said.get("action"), names.get("action", "action"), ACTIONS, code="unknown_action")
    signal_id = optional_text(said.get("signalId"), "signalId")
    common: dict[str, Any] = {
        "dialect": DIALECT.name,
        "account": optional_text(said.get("account"), "account"),
        "dedupe_key": names["signalId"] if signal_id else None,
        "dedupe_value": signal_id,
    }
    if action in CONTROLS:
        return Reading(kind=Kind.CONTROL, control=action, **common)
    if action in FLATTENS:
        return Reading(kind=Kind.FLATTEN, orders=(OrderIntent(intent=Intent.FLATTEN, scope="all"),), **common)
    if action in CANCELS:
        return Reading(kind=Kind.CANCEL, orders=(_cancel(said),), **common)
    order = _exit(said) if action in CLOSES else _entry(said, SIDES[action])
    return Reading(kind=Kind.ORDER, orders=(order,), **common)


def _meanings(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The members by their canonical names, and how each was written. Two spellings of one member are refused."""
    said: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name, value in body.items():
        meaning = _MEANING.get(name.casefold())
        if meaning is None or absent(value):
            continue
        if meaning in said and said[meaning] != value:
            raise Unreadable("two_members", f"{names[meaning]} and {name} say different things; send one of them")
        said[meaning], names[meaning] = value, name
    return said, names


def _instrument(said: dict[str, Any]) -> dict[str, Any]:
    """`NASDAQ:AAPL` is AAPL."""
    exchange, mark, name = symbol(said.get("symbol"), "symbol").rpartition(":")
    return {"symbol": name, "exchange": exchange if mark else None}


def _cancel(said: dict[str, Any]) -> OrderIntent:
    if absent(said.get("symbol")):
        return OrderIntent(intent=Intent.CANCEL_ORDERS, scope="all")
    return OrderIntent(intent=Intent.CANCEL_ORDERS, scope="symbol", **_instrument(said))


def _exit(said: dict[str, Any]) -> OrderIntent:
    return OrderIntent(
        intent=Intent.EXIT,
        quantity_type=QuantityType.FULL_POSITION,
        order_type=OrderType.MARKET,
        cancel_open_orders=True,
        **_instrument(said),
    )


def _entry(said: dict[str, Any], side: Side) -> OrderIntent:
    order_type = optional_word(said.get("orderType"), "orderType", ORDER_TYPES) or _implied(said)
    stop_loss = _stop_loss(said)
    quantity, quantity_type = _size(said, stop_loss)
    return OrderIntent(
        intent=PLAIN[side],
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        order_type=order_type,
        price=positive(said.get("limitPrice"), "limitPrice") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(said.get("stopPrice"), "stopPrice") if order_type in NEEDS_TRIGGER else None,
        trailing=_trailing(said, order_type),
        signal_price=optional_number(said.get("price"), "price"),
        time_in_force=optional_word(said.get("timeInForce"), "timeInForce", TIME_IN_FORCE),
        take_profit=some(level("price", said.get("takeProfit"), "takeProfit")),
        stop_loss=stop_loss,
        **_instrument(said),
    )


def _implied(said: dict[str, Any]) -> OrderType:
    """Market when nothing is said; a price that was sent must not be lost in a market order."""
    trails, stop, limit = (
        any(unless_zero(said.get(name), name) for name in names)
        for names in (("trailAmount", "trailPercent"), ("stopPrice",), ("limitPrice",))
    )
    if trails:
        return OrderType.TRAILING_STOP
    if stop:
        return OrderType.STOP_LIMIT if limit else OrderType.STOP
    return OrderType.LIMIT if limit else OrderType.MARKET


def _size(said: dict[str, Any], stop_loss: Level | None) -> tuple[Decimal | None, QuantityType]:
    sent = next((name for name in SIZES if name in said), None)
    if sent is None:
        return None, QuantityType.DEFAULT
    if sent == "riskPercent" and (stop_loss is None or "price" not in said):
        raise Unreadable(
            "risk_needs_a_stop", "riskPercent: needs a stopLoss and a price to measure the risk between them"
        )
    return positive(said[sent], sent), SIZES[sent]


def _stop_loss(said: dict[str, Any]) -> Level | None:
    found = level("price", said.get("stopLoss"), "stopLoss")
    limit = optional_positive(said.get("stopLossLimit"), "stopLossLimit")
    return found and Level(type="price", value=found.value, limit_price=limit)


def _trailing(said: dict[str, Any], order_type: OrderType) -> Trailing | None:
    if order_type is not OrderType.TRAILING_STOP:
        return None
    if "trailPercent" in said:
        return Trailing(type="trail_percent", distance=positive(said["trailPercent"], "trailPercent"))
    return Trailing(type="trail_offset", distance=positive(said.get("trailAmount"), "trailAmount"))


DIALECT = Dialect(name="trade_relay", title="Trade Relay", rank=65, recognise=_recognise, read=_read)
