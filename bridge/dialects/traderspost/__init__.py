"""TradersPost's webhook JSON, also written by TrendSpider users. https://docs.traderspost.io/docs/core-concepts/webhooks"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import NEEDS_TRIGGER, ORDER_TYPES, TIME_IN_FORCE, level
from bridge.dialects.families.positions import LEAVE, PLAIN, STANCES, TOWARDS, Stance, opposite
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.synonyms import ROLE, bare_name
from bridge.dialects.families.values import (
    absent,
    not_negative,
    object_of,
    optional_boolean,
    optional_number,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    word,
)
from bridge.dialects.families.verbs import known_verb
from bridge.domain.intent import (
    DistanceType,
    InstrumentHint,
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

ACTIONS = {
    "buy": Intent.BUY,
    "sell": Intent.SELL,
    "exit": Intent.EXIT,
    "cancel": Intent.CANCEL_ORDERS,
    "add": Intent.ADD,
}
SIDES = {Intent.BUY: Side.BUY, Intent.SELL: Side.SELL}
SENTIMENTS = {name: STANCES[name] for name in ("bullish", "bearish", "long", "short", "flat")}
QUANTITY_TYPES = {
    "fixed_quantity": QuantityType.UNITS,
    "dollar_amount": QuantityType.CASH,
    "amount_per_position": QuantityType.CASH,
    "risk_dollar_amount": QuantityType.RISK_CASH,
    "risk_per_position": QuantityType.RISK_CASH,
    "risk_percent": QuantityType.RISK_PERCENT,
    "percent_of_equity": QuantityType.PERCENT_EQUITY,
    "percent_of_position": QuantityType.PERCENT_POSITION,
}
NEED_A_STOP = frozenset({QuantityType.RISK_CASH, QuantityType.RISK_PERCENT})
TAKE_PROFITS: dict[str, DistanceType] = {
    "limitPrice": "price",
    "price": "price",
    "percent": "percent",
    "amount": "offset",
}
STOP_LOSSES: dict[str, DistanceType] = {
    "stopPrice": "price",
    "percent": "percent",
    "amount": "offset",
    "trailAmount": "trail_offset",
    "trailPrice": "trail_offset",
    "trailPercent": "trail_percent",
}
# The type decides how the stop is worked; a trailing one already says so by its distance.
STOP_ORDERS: dict[str, Any] = {"stop": "stop", "stop_limit": "stop_limit", "trailing_stop": None}
RIGHTS: dict[str, Any] = {"call": "call", "put": "put", "both": "both"}
MONEYNESS = {"itm": "ITM", "otm": "OTM"}
# TradersPost has its password in the address; users who move here put one into the body.
SECRETS = ("secret", "passphrase", "password", "token", "key")

_CONTRACT = re.compile(r"([A-Z][A-Z.]{0,5})([ _]?)(\d{2})(\d{2})(\d{2})([CP])(\d{1,8}(?:\.\d{1,3})?)")
_SCALED_STRIKE = 8  # digits of a strike without its point, in thousandths
# What TradersPost itself has a name for; `strategy` and `exchange` stand in no message of its own.
_OWN = frozenset(
    {"ticker", "action", "sentiment", "quantity", "quantityType", "orderType", "limitPrice", "stopPrice"}
    | {"trailAmount", "trailPercent", "signalPrice", "price", "timeInForce", "takeProfit", "stopLoss"}
)
_ONLY_THERE = _OWN - {"ticker", "action", "quantity", "price"}
# Members that only other senders write and that would change the order: with one of them it is not TradersPost's.
_FOREIGN = frozenset(
    {"auth_key", "apikey", "api_key", "bot_id", "strategy", "exchange", "bar"}
    | {"sl", "tp", "stop_loss", "take_profit", "stop", "target"}
)
_FOREIGN_ROLES = frozenset(
    {"action", "type", "position", "quantity", "volume", "lots", "cash", "percent", "risk", "leverage", "con_id"}
    | {"order_type", "limit", "trigger", "position_after", "target"}
)


def _recognise(message: Message) -> str | None:
    body = message.json
    if not isinstance(body, dict) or "ticker" not in body or "action" not in body or reports_an_order(body):
        return None
    if any(name in _FOREIGN or ROLE.get(bare_name(name)) in _FOREIGN_ROLES for name in body.keys() - _OWN):
        return None
    if _other_word(body["action"]) and not _ONLY_THERE & body.keys():
        return None
    return "it has ticker and action and nothing that TradersPost does not know"


def _other_word(action: Any) -> bool:
    """Whether the action is a word that TradersPost does not have but other senders do, such as close or long."""
    return known_verb(action) is not None and str(action).strip().casefold() not in ACTIONS


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    intent = word(body.get("action"), "action", ACTIONS, code="invalid_action")
    ticker = _ticker(body.get("ticker"))
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.CANCEL if intent is Intent.CANCEL_ORDERS else Kind.ORDER,
        orders=(_order(body, ticker, intent),),
        delay_s=None if absent(body.get("delay")) else not_negative(body["delay"], "delay"),
        timestamp=optional_text(body.get("time"), "time"),
        interval=optional_text(body.get("interval"), "interval"),
        secret=next((body[name] for name in SECRETS if isinstance(body.get(name), str)), None),
        extras={"extras": body["extras"]} if isinstance(body.get("extras"), dict) else {},
    )


def _ticker(value: Any) -> str:
    if absent(value):
        raise Unreadable("empty_ticker_name", "ticker: must name a symbol, was empty")
    return symbol(value, "ticker")


def _order(body: dict[str, Any], ticker: str, intent: Intent) -> OrderIntent:
    sentiment = optional_word(body.get("sentiment"), "sentiment", SENTIMENTS, code="invalid_sentiment")
    if sentiment and intent not in SIDES:
        raise Unreadable("invalid_sentiment_action", "sentiment: only goes with action buy or sell; leave it out here")
    if intent is Intent.CANCEL_ORDERS:
        return OrderIntent(intent=intent, symbol=ticker, scope="symbol", filter=_cancelled(body))
    side = SIDES.get(intent)
    instrument = _instrument(body, ticker)
    if side and instrument:
        side, sentiment, instrument = _on_option(side, sentiment, instrument)
        intent = PLAIN[side]
    stop_loss = _stop_loss(body.get("stopLoss"))
    quantity, quantity_type = _size(body, intent, sentiment, side, stop_loss)
    verb = _verb(intent, sentiment, side)
    return OrderIntent(
        intent=verb,
        symbol=ticker,
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        **_entry(body),
        take_profit=_take_profit(body.get("takeProfit")),
        stop_loss=stop_loss,
        sentiment_after=sentiment,
        # "buy" closes a short and goes long, "sell" the other way round
        close_opposite=True if side and verb is intent else None,
        instrument=instrument,
        cancel_open_orders=optional_boolean(body.get("cancel"), "cancel"),
        extras=_extras(body),
    )


def _cancelled(body: dict[str, Any]) -> dict[str, str] | None:
    kind = optional_word(body.get("cancelOrderType"), "cancelOrderType", ORDER_TYPES, code="invalid_order_type")
    return {"order_type": kind.value} if kind else None


def _verb(intent: Intent, sentiment: Stance | None, side: Side | None) -> Intent:
    """A buy that leaves no long behind, or a sell that leaves no short, can only have closed something."""
    if side is None or sentiment in (None, TOWARDS[side]):
        return intent
    return LEAVE[opposite(TOWARDS[side])]


def _size(
    body: dict[str, Any], intent: Intent, sentiment: Stance | None, side: Side | None, stop_loss: Level | None
) -> tuple[Any, QuantityType]:
    kind = optional_word(body.get("quantityType"), "quantityType", QUANTITY_TYPES, code="invalid_quantity_type")
    sent = None if absent(body.get("quantity")) else _quantity(body["quantity"])
    if sentiment == "flat":  # the full position is closed whatever quantity says
        return None, QuantityType.FULL_POSITION
    if sent is None:
        closing = intent is Intent.EXIT or _verb(intent, sentiment, side) is not intent
        return None, QuantityType.FULL_POSITION if closing else QuantityType.DEFAULT
    kind = kind or QuantityType.UNITS
    if kind in NEED_A_STOP and stop_loss is None:
        raise Unreadable("risk_needs_a_stop", "quantityType: a size by risk needs a stopLoss to measure the risk to")
    return sent, kind


def _quantity(value: Any) -> Any:
    try:
        return positive(value, "quantity")
    except Unreadable as fault:
        if fault.refusal.code == "bad_number":
            raise Unreadable("invalid_quantity", fault.refusal.message) from None
        raise


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("orderType"), "orderType", ORDER_TYPES, code="invalid_order_type")
    stop_price = optional_positive(body.get("stopPrice"), "stopPrice")
    limit_price = optional_positive(body.get("limitPrice"), "limitPrice")
    signal = "price" if absent(body.get("signalPrice")) else "signalPrice"
    return {
        "order_type": order_type or OrderType.DEFAULT,
        "price": limit_price,
        "trigger_price": stop_price if order_type is None or order_type in NEEDS_TRIGGER else None,
        "trailing": _trailing(body),
        "signal_price": optional_number(body.get(signal), signal),
        "time_in_force": optional_word(body.get("timeInForce"), "timeInForce", TIME_IN_FORCE),
    }


def _trailing(body: dict[str, Any]) -> Trailing | None:
    found = _one_of(body, {"trailAmount": "trail_offset", "trailPercent": "trail_percent"}, "trailing stop")
    return Trailing(type=found.type, distance=found.value) if found else None


def _one_of(part: dict[str, Any], kinds: dict[str, DistanceType], what: str) -> Level | None:
    """The one level of a block that offers several ways to say it."""
    sent = [found for name, kind in kinds.items() if (found := level(kind, part.get(name), f"{what} {name}"))]
    if len(sent) > 1:
        raise Unreadable("two_levels", f"{what}: say it in one way only, one of {', '.join(kinds)}")
    return sent[0] if sent else None


def _take_profit(block: Any) -> tuple[Level, ...]:
    if absent(block):
        return ()
    found = _one_of(object_of(block, "takeProfit"), TAKE_PROFITS, "takeProfit")
    return (found,) if found else ()


def _stop_loss(block: Any) -> Level | None:
    if absent(block):
        return None
    part = object_of(block, "stopLoss")
    order = optional_word(part.get("type"), "stopLoss type", STOP_ORDERS, code="invalid_stop_loss_type")
    found = _one_of(part, STOP_LOSSES, "stopLoss")
    limit = optional_positive(part.get("limitPrice"), "stopLoss limitPrice")
    if found is None:
        return None
    return Level(type=found.type, value=found.value, order=order, limit_price=limit)


def _on_option(
    side: Side, sentiment: Stance | None, contract: InstrumentHint
) -> tuple[Side, Stance | None, InstrumentHint]:
    """What the action means for the contract: it tells where the underlying goes, so puts are traded the other way round."""
    if contract.right == "both" and sentiment in (None, TOWARDS[side]):
        contract = replace(contract, right="call" if side is Side.BUY else "put")
    if contract.right != "put":
        return side, sentiment, contract
    return side.opposite, opposite(sentiment) if sentiment else None, contract


def _instrument(body: dict[str, Any], ticker: str) -> InstrumentHint | None:
    if match := _CONTRACT.fullmatch(ticker):
        return _contract(match)
    right = optional_word(body.get("optionType"), "optionType", RIGHTS, code="invalid_option_type")
    if right is None:
        return None
    return InstrumentHint(
        kind="option",
        underlying=ticker,
        expiry=optional_text(body.get("expiration"), "expiration"),
        right=right,
        strike=optional_positive(body.get("strikePrice"), "strikePrice"),
        strike_rule=_strike_rule(body),
    )


def _contract(match: re.Match[str]) -> InstrumentHint:
    base, mark, *digits, right, strike = match.groups()
    # Behind an underscore the month stands first: SPY_052025C582.5
    month, day, year = digits if mark == "_" else (*digits[1:], digits[0])
    figure = positive(strike, "ticker strike")
    return InstrumentHint(
        kind="option",
        underlying=base,
        expiry=_expiry(int(year), int(month), int(day)),
        right="call" if right == "C" else "put",
        strike=figure / 1000 if len(strike) == _SCALED_STRIKE and "." not in strike else figure,
    )


def _expiry(year: int, month: int, day: int) -> str:
    try:
        return date(2000 + year, month, day).isoformat()
    except ValueError:
        raise Unreadable(
            "bad_expiry", "ticker: the option's expiry is no date of the form yymmdd, or _mmddyy"
        ) from None


def _strike_rule(body: dict[str, Any]) -> str | None:
    rule = optional_word(body.get("intrinsicValue"), "intrinsicValue", MONEYNESS)
    steps = optional_number(body.get("strikesAway"), "strikesAway")
    if steps == 0:
        return "ATM"
    return f"{rule}{steps or 1:f}" if rule else None


def _extras(body: dict[str, Any]) -> dict[str, Any]:
    kept = ("extendedHours", "ignoreTradingWindows", "cancelOrderType", "strikeCount")
    return {name: body[name] for name in kept if not absent(body.get(name))}


DIALECT = Dialect(name="traderspost", title="TradersPost", rank=60, recognise=_recognise, read=_read)
