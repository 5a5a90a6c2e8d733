"""A day of a strategy that was written for OpenAlgo, with OpenAlgo's own client: every method but those of the WebSocket.

Runs in an environment that has `openalgo` and nothing of Bridge; told where to by BRIDGE_URL, BRIDGE_KEY and BRIDGE_USER.
Prints one JSON line for each call: what it is called here, the method, what was asked, what the client gave back.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
from openalgo import api  # type: ignore[import-not-found,unused-ignore]

URL, KEY, USER = (os.environ[name] for name in ("BRIDGE_URL", "BRIDGE_KEY", "BRIDGE_USER"))
PATIENCE_S = 10.0
SHOWN_ROWS = 2000
WEBSOCKET = ("connect", "disconnect", "subscribe", "unsubscribe", "get_")
NSE = {"exchange": "NSE"}
SBIN = {"symbol": "SBIN", **NSE}
RELIANCE = {"symbol": "RELIANCE", **NSE}
NIFTY = {"underlying": "NIFTY", "exchange": "NSE_INDEX"}

client = api(api_key=KEY, host=URL)


def tell(line: dict[str, Any]) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def shown(found: Any) -> Any:
    """As JSON has it: a table by its columns and rows."""
    if not isinstance(found, pandas.DataFrame):
        return found
    index = found.index
    return {
        "columns": list(found.columns),
        "index_name": index.name,
        "zone": str(getattr(index, "tz", None)),
        "ascending": bool(index.is_monotonic_increasing and index.is_unique),
        "length": len(found),
        "index": [str(each) for each in index[:SHOWN_ROWS]],
        "rows": json.loads(found.head(SHOWN_ROWS).to_json(orient="records")),
    }


def ask(call: str, method: str, **asked: Any) -> Any:
    """What the client gives back, which is printed, too."""
    answered = getattr(client, method)(**asked)
    tell({"call": call, "method": method, "asked": asked, "answered": shown(answered)})
    return answered


def status_once(call: str, order_id: str, *wanted: str) -> None:
    """Ask for the order until it is as wanted, as strategies do, and tell the last answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        reply = client.orderstatus(order_id=order_id)
        if reply.get("status") != "success" or reply.get("data", {}).get("order_status") in wanted:
            break
        time.sleep(0.1)
    ask(call, "orderstatus", order_id=order_id)


def position_once(call: str, wanted: int, **of: str) -> None:
    """Ask for the position until it is as wanted, and tell the last answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        reply = client.openposition(**of)
        if reply.get("status") != "success" or float(reply["quantity"]) == wanted:
            break
        time.sleep(0.1)
    ask(call, "openposition", **of)


def order_id(reply: dict[str, Any]) -> str:
    """The id of the order, or a word that is none."""
    return str(reply.get("orderid", "none"))


def market_data() -> float:
    """Prices and instruments; the last price of SBIN."""
    quote = ask("quote", "quotes", **SBIN)
    ask("index quote", "quotes", symbol="NIFTY", exchange="NSE_INDEX")
    ask("several quotes", "multiquotes", symbols=[RELIANCE, SBIN, {"symbol": "NIFTY", "exchange": "NSE_INDEX"}])
    ask("depth", "depth", **SBIN)
    today = datetime.now(ZoneInfo("Asia/Kolkata")).date()
    ask("intervals", "intervals")
    ask("intervals by their old name", "interval")
    days = {"start_date": f"{today - timedelta(days=4)}", "end_date": f"{today}"}
    ask("minutes", "history", **SBIN, interval="5m", **days)
    ask("days", "history", **SBIN, interval="D", **(days | {"start_date": f"{today - timedelta(days=30)}"}))
    ask("symbol", "symbol", **SBIN)
    ask("search", "search", query="RELIANCE", exchange="NSE")
    ask("search everywhere", "search", query="SBIN")
    ask("instruments", "instruments", exchange="NSE")
    ask("all instruments", "instruments")
    ask("holidays", "holidays", year=2026)
    ask("holidays of this year", "holidays")
    ask("timings", "timings", date="2026-01-05")
    ask("timings of today", "timings")
    return float(quote.get("data", {}).get("ltp", 800))


def options() -> None:
    """From an expiry to an iron condor."""
    expiries = ask("expiries", "expiry", symbol="NIFTY", exchange="NFO", instrumenttype="options")
    ask("expiries of futures", "expiry", symbol="NIFTY", exchange="NFO", instrumenttype="futures")
    # Not the nearest: it may expire today.
    expiry = (expiries.get("data") or ["", "28-OCT-25"])[1].replace("-", "")
    chosen = {**NIFTY, "expiry_date": expiry}
    ask("chain", "optionchain", **chosen, strike_count=5)
    ask("synthetic future", "syntheticfuture", **chosen)
    found = ask("option symbol", "optionsymbol", **chosen, offset="ATM", option_type="CE")
    ask(
        "option symbol, the old way",
        "optionsymbol",
        strategy="Python",
        strike_int=50,
        **chosen,
        offset="OTM2",
        option_type="PE",
    )
    symbol, lot = found.get("symbol", "none"), found.get("lotsize", 75)
    ask("greeks", "optiongreeks", symbol=symbol, exchange="NFO", interest_rate=6.5)
    ask(
        "greeks by the index", "optiongreeks",
        symbol=symbol, exchange="NFO", interest_rate=0, underlying_symbol="NIFTY", underlying_exchange="NSE_INDEX",
    )  # fmt: skip
    margin = {"symbol": symbol, "exchange": "NFO", "action": "SELL", "product": "NRML", "pricetype": "MARKET"}
    ask("margin", "margin", positions=[{**margin, "quantity": lot}])
    bought = ask(
        "option order", "optionsorder",
        **chosen, offset="ATM", option_type="CE", action="BUY", quantity=lot, product="NRML",
    )  # fmt: skip
    status_once("option order filled", order_id(bought), "complete", "rejected")
    ask(
        "option order in parts", "optionsorder",
        **chosen, offset="OTM1", option_type="CE", action="BUY", quantity=3 * int(lot), splitsize=2 * int(lot), product="NRML",
    )  # fmt: skip
    wings = [{"offset": "OTM4", "option_type": right, "action": "BUY", "quantity": lot} for right in ("CE", "PE")]
    body = [{"offset": "OTM2", "option_type": right, "action": "SELL", "quantity": lot} for right in ("CE", "PE")]
    legs = [{**leg, "product": "NRML"} for leg in (*body, *wings)]
    ask("iron condor", "optionsmultiorder", strategy="Python", **chosen, legs=legs)


def orders(last: float) -> None:
    """Each way to trade a share, and each way back."""
    below, lower = round(last * 0.97), round(last * 0.96)
    market = ask(
        "market order",
        "placeorder",
        strategy="Python",
        **SBIN,
        action="BUY",
        price_type="MARKET",
        product="MIS",
        quantity=1,
    )
    status_once("market order filled", order_id(market), "complete", "rejected")
    resting = {**SBIN, "price_type": "LIMIT", "product": "MIS"}
    limit = ask(
        "limit order", "placeorder",
        **resting, action="BUY", quantity="10", price=str(below), trigger_price="0", disclosed_quantity="0",
    )  # fmt: skip
    status_once("limit order open", order_id(limit), "open", "rejected")
    ask("change", "modifyorder", order_id=order_id(limit), **resting, action="BUY", quantity=12, price=lower)
    status_once("limit order changed", order_id(limit), "open", "rejected")
    ask("cancel", "cancelorder", order_id=order_id(limit), strategy="Python")
    status_once("limit order cancelled", order_id(limit), "cancelled", "rejected")
    stop = {"price_type": "SL", "product": "MIS", "quantity": 5, "price": below, "trigger_price": below + 1}
    stopped = ask("stop order", "placeorder", **SBIN, action="SELL", **stop)
    status_once("stop order waiting", order_id(stopped), "trigger pending", "rejected")
    ask("another limit order", "placeorder", **resting, action="BUY", quantity=3, price=lower)
    ask("book before cancelling all", "orderbook")
    ask("cancel all", "cancelallorder", strategy="Python")
    ask("book after cancelling all", "orderbook")


def positions() -> None:
    """Targets, baskets, parts, and flat again."""
    smart = {**RELIANCE, "price_type": "MARKET", "product": "MIS", "quantity": 1}
    held = {**RELIANCE, "product": "MIS"}
    ask("smart order to 30", "placesmartorder", **smart, action="BUY", position_size=30)
    position_once("position of 30", 30, **held)
    ask("smart order to −20", "placesmartorder", **smart, action="SELL", position_size=-20)
    position_once("position of −20", -20, **held)
    ask("smart order to where it is", "placesmartorder", **smart, action="SELL", position_size=-20)
    position_once("position is as it was", -20, **held)
    ask("smart order to 0", "placesmartorder", **(smart | {"quantity": 0}), action="BUY", position_size=0)
    position_once("position of 0", 0, **held)
    ask("no position", "openposition", symbol="TCS", exchange="NSE", product="CNC")
    basket = [
        {"symbol": "INFY", "exchange": "NSE", "action": "BUY", "quantity": 4, "pricetype": "MARKET", "product": "MIS"},
        {"symbol": "TCS", "exchange": "NSE", "action": "SELL", "quantity": 2, "pricetype": "MARKET", "product": "MIS"},
        {"symbol": "NOSUCHNAME", "exchange": "NSE", "action": "BUY", "quantity": 1, "pricetype": "MARKET", "product": "MIS"},
    ]  # fmt: skip
    ask("basket", "basketorder", strategy="Python", orders=basket)
    position_once("basket bought", 4, symbol="INFY", exchange="NSE", product="MIS")
    position_once("basket sold", -2, symbol="TCS", exchange="NSE", product="MIS")
    ask("order in parts", "splitorder", symbol="ITC", exchange="NSE", action="BUY", quantity=105, splitsize=20)
    position_once("parts bought", 105, symbol="ITC", exchange="NSE", product="MIS")
    delivery = ask(
        "order for delivery", "placeorder", symbol="INFY", exchange="NSE", action="BUY", product="CNC", quantity=2
    )
    status_once("order for delivery filled", order_id(delivery), "complete", "rejected")


def account() -> None:
    """What the account says of all that."""
    ask("funds", "funds")
    ask("orders", "orderbook")
    ask("trades", "tradebook")
    ask("positions", "positionbook")
    ask("holdings", "holdings")
    ask("margin of several", "margin", positions=[
        {**SBIN, "action": "BUY", "product": "MIS", "pricetype": "LIMIT", "quantity": "10", "price": "750.50"},
        {**RELIANCE, "action": "SELL", "product": "MIS", "pricetype": "MARKET", "quantity": 5},
    ])  # fmt: skip


def modes() -> None:
    """Practice, and back."""
    ask("mode", "analyzerstatus")
    ask("practice", "analyzertoggle", mode=True)
    ask("mode while practising", "analyzerstatus")
    ask("order while practising", "placeorder", **SBIN, action="BUY", quantity=1)
    ask("back from practice", "analyzertoggle", mode=False)
    ask("mode after practising", "analyzerstatus")


def faults() -> None:
    """What a strategy must be able to tell apart."""
    ask("unknown symbol", "placeorder", symbol="NOSUCHNAME", exchange="NSE", action="BUY")
    ask("limit order without a price", "placeorder", **SBIN, action="BUY", price_type="LIMIT")
    ask("unknown order", "orderstatus", order_id="250408000989443")
    ask("cancel of an unknown order", "cancelorder", order_id="250408000989443")
    ask("quote of an unknown symbol", "quotes", symbol="NOSUCHNAME", exchange="NSE")
    ask("interval that there is not", "history", **SBIN, interval="7x", start_date="2026-01-05", end_date="2026-01-06")
    client.api_key = "0" * 64
    ask("wrong key", "funds")
    client.api_key = KEY


def chat() -> None:
    """A message to oneself, and one to somebody else."""
    ask("message", "telegram", username=USER, message="📈 BUY signal\nEntry: ₹145.50", priority=8)
    ask("message to a stranger", "telegram", username="nobody-here", message="hello")


def flat() -> None:
    """The end of the day."""
    ask("close everything", "closeposition", strategy="Python")
    for symbol in ("INFY", "TCS", "ITC", "SBIN"):
        position_once(f"{symbol} closed", 0, symbol=symbol, exchange="NSE", product="MIS")
    ask("positions at the end", "positionbook")


if __name__ == "__main__":
    methods = [name for name in dir(client) if not name.startswith("_") and callable(getattr(client, name))]
    tell({"methods": [name for name in methods if not name.startswith(WEBSOCKET)]})
    last_price = market_data()
    options()
    orders(last_price)
    positions()
    account()
    chat()
    faults()
    flat()
    modes()
