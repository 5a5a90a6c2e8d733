"""Bad orders that only some dialects can write: several sizes, several legs, exits, times, sides that a strategy does not trade."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

JSON, TEXT = "application/json", "text/plain"

# (dialect, flaw, content type, body, code, lane)
Single = tuple[str, str, str, str, str, str]

_HOME: Mapping[str, Any] = {"symbol": "SBIN", "exchange": "NSE", "side": "buy"}
_TRADERSPOST: Mapping[str, Any] = {"ticker": "SBIN", "action": "buy", "quantity": 1}
_RELAY: Mapping[str, Any] = {"action": "buy", "symbol": "SBIN"}
_ALPACA: Mapping[str, Any] = {"symbol": "SBIN", "side": "buy", "type": "market", "time_in_force": "day"}
_OKX: Mapping[str, Any] = {"signalToken": "not-checked", "instrument": "SBIN", "investmentType": "base", "amount": 1}
_OKX_LONG: Mapping[str, Any] = {**_OKX, "action": "ENTER_LONG"}
_LEG: Mapping[str, Any] = {
    "symbol": "SBIN",
    "exchange": "NSE",
    "action": "BUY",
    "quantity": "1",
    "pricetype": "MARKET",
    "product": "MIS",
}
_SINGLE: Mapping[str, Any] = {"apikey": "not-checked", **_LEG}
_FUTURE: Mapping[str, Any] = {**_LEG, "symbol": "NIFTY27JAN26FUT", "exchange": "NFO"}


def _json(dialect: str, flaw: str, body: Any, code: str, lane: str = "open") -> Single:
    return dialect, flaw, JSON, json.dumps(body), code, lane


def _text(dialect: str, flaw: str, body: str, code: str, lane: str = "open") -> Single:
    return dialect, flaw, TEXT, body, code, lane


def _basket(*legs: Mapping[str, Any]) -> dict[str, Any]:
    return {"apikey": "not-checked", "strategy": "s", "orders": list(legs)}


_TWO_SIZES: Sequence[Single] = (
    *(_json("generic_json", f"two sizes: {one}, {two}", {**_HOME, one: 1, two: 2}, "two_sizes")
      for one, two in (("qty", "quantity"), ("qty", "size"), ("qty", "contracts"), ("qty", "amount"), ("qty", "lots"), ("qty", "cash"))),
    _json("generic_json", "two sizes: in two spellings", {**_RELAY, "quantity": 1, "Quantity": 5}, "two_sizes"),
    _json("generic_json", "two sizes: quantity, qty", {**_RELAY, "quantity": 1, "qty": 2}, "two_sizes"),
    _json("generic_json", "two sizes: quantity, contracts", {**_TRADERSPOST, "contracts": 2}, "two_sizes"),
    _json("broker_native", "two sizes: qty, notional", {**_ALPACA, "qty": 1, "notional": 500}, "two_sizes"),
    _text("generic_kv", "two sizes: qty, quantity", "symbol=SBIN;side=buy;qty=1;quantity=2", "repeated_key", "generic_kv"),
    _text("generic_kv", "two sizes: qty, lots", "symbol=SBIN;side=buy;qty=1;lots=2", "duplicate_quantity", "generic_kv"),
    _text("generic_kv", "two sizes: qty, cash", "symbol=SBIN;side=buy;qty=1;cash=900", "duplicate_quantity", "generic_kv"),
    _text("password_line", "two sizes", "not-checked\nlong SBIN q=1 q=2", "repeated_key", "password_line"),
    _text("short_text", "two sizes", "buy 1 2 SBIN", "unknown_words", "short_text"),
    _text("csv_short", "two sizes", "SBIN,buy,985,1,2", "too_many_items", "csv_short"),
)  # fmt: skip

_LEGS: Sequence[Single] = (
    _json("openalgo", "a bad second leg", _basket(_LEG, {**_LEG, "quantity": "-1"}), "number_negative"),
    _json("openalgo", "a second leg of nothing", _basket(_LEG, {**_LEG, "symbol": "NOSUCH"}), "symbol_unknown"),
    _json("openalgo", "a second leg without a side", _basket(_LEG, {**_LEG, "action": ""}), "missing_member"),
    _json("openalgo", "no legs", _basket(), "empty_list"),
    _json("openalgo", "legs that are none", {**_basket(), "orders": ["SBIN"]}, "not_an_object"),
    _json("openalgo", "a second leg off its tick", _basket(_LEG, {**_LEG, "pricetype": "LIMIT", "price": "985.01"}), "price_off_tick"),
    _json("openalgo", "a second leg of half a lot", _basket(_LEG, {**_FUTURE, "quantity": "30"}), "quantity_not_in_lots"),
)  # fmt: skip

_EXITS: Sequence[Single] = (
    _json("traderspost", "a target along", {**_TRADERSPOST, "takeProfit": {"limitPrice": 990}}, "attached_exits_unsupported"),
    _json("traderspost", "a stop along", {**_TRADERSPOST, "stopLoss": {"stopPrice": 980}}, "attached_exits_unsupported"),
    _json("traderspost", "a stop said twice", {**_TRADERSPOST, "stopLoss": {"stopPrice": 980, "percent": 1}}, "two_levels"),
    _json("traderspost", "risk without a stop", {**_TRADERSPOST, "quantityType": "risk_percent"}, "risk_needs_a_stop"),
    _json("generic_json", "a stop along", {**_HOME, "qty": 1, "stop_loss": 980}, "attached_exits_unsupported"),
    _text("fyers_api_bridge", "a stop along", "SYMBOL: SBIN\nTYPE: LE\nQTY: 1\nSL: 5", "attached_exits_unsupported", "fyers_api_bridge"),
    _text("generic_kv", "a stop along", "symbol=SBIN;side=buy;qty=1;sl=980", "attached_exits_unsupported", "generic_kv"),
    _text("password_line", "a stop along", "not-checked\nlong SBIN q=1 sl=20", "attached_exits_unsupported", "password_line"),
)  # fmt: skip

# The day of play begins at 04:30 UTC.
_TIMES: Sequence[Single] = (
    _json("traderspost", "two minutes old", {**_TRADERSPOST, "time": "2026-01-05T04:28:00Z"}, "alert_too_old"),
    _json("traderspost", "a year old", {**_TRADERSPOST, "time": "2025-01-05T04:28:00Z"}, "alert_too_old"),
    _json("traderspost", "from tomorrow", {**_TRADERSPOST, "time": "2026-01-06T04:30:00Z"}, "alert_from_the_future"),
    _json("traderspost", "from the end of time", {**_TRADERSPOST, "time": "9999-12-31T23:59:59Z"}, "alert_from_the_future"),
    _json("okx_signal", "two minutes old", {**_OKX_LONG, "timestamp": "2026-01-05T04:28:00Z"}, "alert_too_old"),
    _json("okx_signal", "older than it may be", {**_OKX_LONG, "timestamp": "2026-01-05T04:29:50Z", "maxLag": "5"}, "alert_too_old"),
    _json("generic_json", "two minutes old", {**_HOME, "qty": 1, "timestamp": "2026-01-05T04:28:00Z"}, "alert_too_old"),
)  # fmt: skip

_SIDES: Sequence[Single] = (
    _json("okx_signal", "short in a long-only strategy", {**_OKX, "action": "ENTER_SHORT"}, "direction_not_allowed", "long"),
    _text("fyers_api_bridge", "short in a long-only strategy", "SYMBOL: SBIN\nTYPE: SE\nQTY: 1", "direction_not_allowed", "long"),
    _text("password_line", "short in a long-only strategy", "not-checked\nshort SBIN q=1", "direction_not_allowed", "long"),
    _json("okx_signal", "long in a short-only strategy", _OKX_LONG, "direction_not_allowed", "short"),
    _text("fyers_api_bridge", "long in a short-only strategy", "SYMBOL: SBIN\nTYPE: LE\nQTY: 1", "direction_not_allowed", "short"),
)  # fmt: skip

# Taken with 202, because only the account's position can tell that there is nothing to do; the code is the intent's.
AFTERWARDS: Sequence[Single] = (
    _json("openalgo", "a sell of nothing in a long-only strategy", {**_SINGLE, "action": "SELL"}, "nothing_to_do", "long"),
    _json("openalgo", "a buy of nothing in a short-only strategy", _SINGLE, "nothing_to_do", "short"),
    _json("generic_json", "closing what is not held", {"symbol": "SBIN", "action": "close"}, "nothing_to_do", "long"),
    _json("traderspost", "adding to nothing", {"ticker": "SBIN", "action": "add", "quantity": 1}, "nothing_to_add_to", "flat"),
    _json("openalgo", "changing an order that is not there", {**_SINGLE, "orderid": "nobody's"}, "order_unknown", "flat"),
    _json("openalgo", "cancelling an order that is not there", {"apikey": "not-checked", "orderid": "nobody's"}, "order_unknown", "flat"),
    _json("openalgo", "a position of half a lot", {**_SINGLE, **_FUTURE, "position_size": "30"}, "quantity_not_in_lots", "flat"),
    _json("openalgo", "a position of a share and a half", {**_SINGLE, "position_size": "1.5"}, "quantity_fraction", "flat"),
    _text("fyers_api_bridge", "leaving what is not held", "SYMBOL: SBIN\nTYPE: LX\nQTY: 1", "nothing_to_do", "flat"),
)  # fmt: skip

SINGLES: Sequence[Single] = (*_TWO_SIZES, *_LEGS, *_EXITS, *_TIMES, *_SIDES)
