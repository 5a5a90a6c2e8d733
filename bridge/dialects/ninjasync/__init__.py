"""NinjaSync for NinjaTrader: the kind of order in words. https://geniusfreq.com/docs/ninjasync/all-order-types"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, TIME_IN_FORCE, level, some
from bridge.dialects.families.positions import ENTER, SIDE_OF
from bridge.dialects.families.values import object_of, optional_text, optional_word, positive, shown, symbol, text
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, QuantityType, Reading

ORDER_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stopmarket": OrderType.STOP,
    "stop market": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
    "stop limit": OrderType.STOP_LIMIT,
}
CLOSES = frozenset({"market close", "close"})
CLOSE_FIRST = "close then "
BRACKET = "oco "


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and isinstance(body.get("alert"), str) and {"account", "ticker"} <= body.keys():
        return "it names the order in alert beside account and ticker"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=_orders(body, " ".join(text(body.get("alert"), "alert").casefold().split())),
        account=text(body.get("account"), "account"),
        secret=optional_text(body.get("auth_token"), "auth_token"),
    )


def _orders(body: dict[str, Any], alert: str) -> tuple[OrderIntent, ...]:
    ticker = symbol(body.get("ticker"), "ticker")
    if alert in CLOSES:
        return (_exit(ticker),)
    if alert.startswith(CLOSE_FIRST):
        return _exit(ticker), _entry(body, ticker, alert.removeprefix(CLOSE_FIRST))
    return (_entry(body, ticker, alert),)


def _exit(ticker: str) -> OrderIntent:
    return OrderIntent(
        intent=Intent.EXIT,
        symbol=ticker,
        quantity_type=QuantityType.FULL_POSITION,
        order_type=OrderType.MARKET,
    )


def _entry(body: dict[str, Any], ticker: str, alert: str) -> OrderIntent:
    words, _, stance = alert.removeprefix(BRACKET).rpartition(" ")
    if stance not in ENTER or words not in ORDER_TYPES:
        raise Unreadable("unknown_action", f'alert: "{shown(body["alert"])}" is no kind of order that is known here')
    order_type = ORDER_TYPES[words]
    take_profit = level("price", body.get("take_profit_price"), "take_profit_price")
    stop_loss = level("price", body.get("stop_loss_price"), "stop_loss_price")
    if alert.startswith(BRACKET) and not (take_profit and stop_loss):
        raise Unreadable("missing_member", "an OCO order needs take_profit_price and stop_loss_price")
    return OrderIntent(
        intent=ENTER[stance],
        symbol=ticker,
        side=SIDE_OF[ENTER[stance]],
        quantity=positive(body.get("qty"), "qty"),
        quantity_type=QuantityType.CONTRACTS,
        order_type=order_type,
        price=positive(body.get("limit_price"), "limit_price") if order_type in NEEDS_LIMIT else None,
        trigger_price=positive(body.get("stop_price"), "stop_price") if order_type in NEEDS_TRIGGER else None,
        time_in_force=optional_word(body.get("tif"), "tif", TIME_IN_FORCE),
        take_profit=some(take_profit),
        stop_loss=stop_loss,
    )


DIALECT = Dialect(name="ninjasync", title="NinjaSync", rank=20, recognise=_recognise, read=_read)
