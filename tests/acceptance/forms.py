"""How fifteen dialects write one and the same order: buy one SBIN on NSE at 985.00."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.flaws import FRACTIONS, ZEROS

GONE = object()  # the member is not sent
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A dialect's good order, and where in it what stands.

    `calls` are the reason codes that this dialect words differently, as (member, usual code) or usual code → its own.
    """

    dialect: str
    good: Mapping[str, Any]
    places: Mapping[str, Path]
    words: Mapping[str, str] = field(default_factory=dict)  # its own for `stop` and `stop_limit`
    calls: Mapping[str | tuple[str, str], str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()  # members without which it is no order
    reads: Collection[tuple[str, Any]] = ()  # (member, value) that are no fault here
    looks_inside: bool = False  # an object is not a wrong value: its members are the message's own
    missing_trigger: str = "missing_member"

    def write(self, changes: Mapping[str, Any]) -> str:
        """The order with members changed, as it is sent."""
        body = copy.deepcopy(dict(self.good))
        for name, value in changes.items():
            *way, last = self.places[name]
            part: Any = body
            for step in way:
                part = part[step]
            if value is GONE:
                del part[last]
            else:
                part[last] = value
        return json.dumps(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """The same for a dialect of plain text."""

    dialect: str
    good: str  # with {member} where something stands
    members: Mapping[str, str]
    cuts: str = ""  # characters that end a member here, so that what holds one is another message
    calls: Mapping[str | tuple[str, str], str] = field(default_factory=dict)
    reads: Collection[tuple[str, Any]] = ()

    def write(self, changes: Mapping[str, Any]) -> str:
        """The order with members changed, as it is sent."""
        return self.good.format(**{**self.members, **changes})


def code_of(form: Form | TextForm, member: str, usual: str) -> str:
    """What a dialect calls that fault of that member."""
    return form.calls.get((member, usual)) or form.calls.get(usual) or usual


def flat(**names: str) -> dict[str, Path]:
    """Members at the top, by their own names."""
    return {name: (own,) for name, own in names.items()}


def inside(*way: str | int, **names: str) -> dict[str, Path]:
    """Members further in."""
    return {name: (*way, own) for name, own in names.items()}


# Home-made messages: with these sides they ask for nothing, or the punctuation around it is no part of it.
HOME_MADE: Mapping[str, Any] = {
    "words": {"stop": "stop", "stop_limit": "stop_limit"},
    "calls": {("type", "unknown_word"): "unknown_order_type", ("side", "bad_word"): "unknown_side"},
    "reads": [("side", said) for said in ("hold", "none", "BUY\u200b", "\u200bBUY", "BUY;", "'BUY'")],
    "looks_inside": True,
    "needs": frozenset({"price"}),
}
NO_PRICE = [("price", zero) for zero in ZEROS]

JSON_FORMS = (
    Form(
        dialect="openalgo",
        good={"apikey": "not-checked", "strategy": "s", "symbol": "SBIN", "exchange": "NSE", "action": "BUY", "quantity": "1",
              "pricetype": "LIMIT", "price": "985", "product": "MIS"},
        places=flat(symbol="symbol", exchange="exchange", side="action", size="quantity", price="price", type="pricetype",
                    trigger="trigger_price", product="product"),
        words={"stop": "SL-M", "stop_limit": "SL"},
        needs=frozenset({"symbol", "exchange", "side", "size", "price"}),
    ),
    Form(
        dialect="traderspost",
        good={"ticker": "SBIN", "action": "buy", "quantity": 1, "orderType": "limit", "limitPrice": 985, "timeInForce": "day"},
        places=flat(symbol="ticker", side="action", size="quantity", price="limitPrice", type="orderType", trigger="stopPrice",
                    validity="timeInForce"),
        words={"stop": "stop", "stop_limit": "stop_limit"},
        calls={("size", "bad_number"): "invalid_quantity", "unknown_side": "invalid_action",
               ("type", "unknown_word"): "invalid_order_type"},
        missing_trigger="trigger_price_missing",
    ),
    Form(
        dialect="trade_relay",
        good={"action": "buy", "symbol": "SBIN", "quantity": 1, "orderType": "limit", "limitPrice": 985, "timeInForce": "day"},
        places=flat(symbol="symbol", size="quantity", price="limitPrice", type="orderType", trigger="stopPrice", validity="timeInForce"),
        words={"stop": "stop", "stop_limit": "stop_limit"},
    ),
    Form(
        dialect="algomojo",
        good={"data": {"Tsym": "SBIN", "exch": "NSE", "Ttranstype": "B", "qty": 1, "prctyp": "L", "Price": 985, "Pcode": "MIS",
                       "Ret": "DAY"}},
        places=inside("data", symbol="Tsym", exchange="exch", side="Ttranstype", size="qty", price="Price", type="prctyp",
                      trigger="TrigPrice", product="Pcode", validity="Ret"),
        words={"stop": "SL-M", "stop_limit": "SL"},
        needs=frozenset({"symbol", "exchange", "size", "price"}),
    ),
    Form(
        dialect="dhan_tv",
        good={"alertType": "multi_leg_order", "order_legs": [
            {"symbol": "SBIN", "exchange": "NSE", "transactionType": "B", "quantity": 1, "orderType": "LMT", "price": 985,
             "productType": "I", "instrument": "EQ"}]},
        places=inside("order_legs", 0, symbol="symbol", exchange="exchange", side="transactionType", size="quantity", price="price",
                      type="orderType", trigger="triggerPrice", product="productType"),
        words={"stop": "SL-M", "stop_limit": "SL"},
        needs=frozenset({"symbol", "exchange", "side", "size", "price"}),
    ),
    Form(
        dialect="autotrader_web",
        good={"command": "PLACE_ORDERS", "orders": [
            {"symbol": "SBIN", "exchange": "NSE", "tradeType": "BUY", "quantity": 1, "orderType": "LIMIT", "price": 985,
             "productType": "INTRADAY"}]},
        places=inside("orders", 0, symbol="symbol", exchange="exchange", side="tradeType", size="quantity", price="price",
                      type="orderType", trigger="triggerPrice", product="productType"),
        words={"stop": "SL_MARKET", "stop_limit": "STOP_LOSS"},
        needs=frozenset({"symbol", "exchange", "side", "size", "price"}),
    ),
    Form(
        dialect="broker_native",
        good={"symbol": "SBIN", "side": "buy", "type": "limit", "time_in_force": "day", "qty": 1, "limit_price": 985},
        places=flat(symbol="symbol", side="side", size="qty", price="limit_price", type="type", trigger="stop_price",
                    validity="time_in_force"),
        words={"stop": "stop", "stop_limit": "stop_limit"},
        calls={("type", "unknown_word"): "unknown_order_type"},
        needs=frozenset({"size", "price"}),
    ),
    Form(
        dialect="generic_json",
        good={"symbol": "SBIN", "exchange": "NSE", "side": "buy", "qty": 1, "order_type": "limit", "limit_price": 985, "product": "MIS"},
        places=flat(symbol="symbol", exchange="exchange", side="side", size="qty", price="limit_price", type="order_type",
                    trigger="trigger_price", product="product"),
        **HOME_MADE,
    ),
    Form(
        dialect="tv_strategy_object",
        good={"strategy": {"order_action": "buy", "order_contracts": 1}, "ticker": "SBIN", "exchange": "NSE", "order_type": "limit",
              "limit_price": 985},
        places=flat(symbol="ticker", exchange="exchange", price="limit_price", type="order_type", trigger="trigger_price")
        | inside("strategy", side="order_action", size="order_contracts"),
        **HOME_MADE,
    ),
    Form(
        dialect="okx_signal",
        good={"signalToken": "not-checked", "instrument": "SBIN", "action": "ENTER_LONG", "investmentType": "base", "amount": 1},
        places=flat(symbol="instrument", side="action", size="amount"),
        calls={"unknown_side": "unknown_action"},
        needs=frozenset({"symbol"}),
    ),
)  # fmt: skip

TEXT_FORMS = (
    TextForm(
        dialect="generic_kv",
        good="symbol={symbol};side={side};qty={size};type=limit;price={price}",
        members={"symbol": "SBIN", "side": "buy", "size": "1", "price": "985"},
        cuts="; ",
        calls={("price", "number_zero"): "missing_limit_price"},
        reads=[("side", "x" * 300), ("symbol", "S" * 4000)],  # a message beyond any grammar
    ),
    TextForm(
        dialect="fyers_api_bridge",
        good="SYMBOL: {symbol}\nTYPE: {side}\nQTY: {size}\nPRICE: {price}",
        members={"symbol": "SBIN", "side": "LE", "size": "1", "price": "985"},
        calls={"unknown_side": "unknown_signal_type"},
        reads=NO_PRICE,
    ),
    TextForm(
        dialect="csv_short",
        good="{symbol},{side},985,{size}",
        members={"symbol": "SBIN", "side": "buy", "size": "1"},
        cuts=",",
        calls={"unknown_side": "unknown_action"},
    ),
    TextForm(
        dialect="password_line",
        good="not-checked\n{side} {symbol} q={size} p={price}",
        members={"symbol": "SBIN", "side": "long", "size": "1", "price": "985"},
        cuts=" =",
        reads=[("size", size) for size in FRACTIONS],  # it counts lots, of which the whole ones are traded
    ),
    TextForm(
        dialect="short_text",
        good="buy 1 {symbol} at {price} limit",
        members={"symbol": "SBIN", "price": "985"},
        cuts=" ",
        calls={("symbol", "odd_characters"): "bad_symbol"},
    ),
)
