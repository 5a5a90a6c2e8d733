"""What OpenAlgo's client must have been given for each call of the driver's day: status, fields, types, and what they mean.

A judge says in a few words what came back, for the scoreboard, or fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

MUMBAI = ZoneInfo("Asia/Kolkata")
STATUSES = {"open", "trigger pending", "complete", "rejected", "cancelled"}
CANDLE = ("open", "high", "low", "close", "volume", "oi")
ORDER = {
    "symbol": str, "exchange": str, "action": str, "quantity": float, "price": float, "trigger_price": float,
    "pricetype": str, "product": str, "orderid": str, "order_status": str, "timestamp": str,
}  # fmt: skip
TRADE = {
    "symbol": str, "exchange": str, "product": str, "action": str, "quantity": float, "average_price": float,
    "trade_value": float, "orderid": str, "timestamp": str,
}  # fmt: skip
POSITION = {
    "symbol": str, "exchange": str, "product": str, "quantity": float, "average_price": float, "ltp": float, "pnl": float,
}  # fmt: skip
QUOTE = dict.fromkeys(("open", "high", "low", "ltp", "ask", "bid", "prev_close", "volume"), float)
INSTRUMENT = {
    "symbol": str, "brsymbol": str, "name": str, "exchange": str, "brexchange": str, "token": str, "lotsize": float,
    "instrumenttype": str, "tick_size": float,
}  # fmt: skip
STRIKE = {**QUOTE, "symbol": str, "label": str, "oi": float, "lotsize": float, "tick_size": float}
GREEKS = dict.fromkeys(("delta", "gamma", "theta", "vega", "rho"), float)


@dataclass(frozen=True, slots=True)
class Line:
    """One call of the driver."""

    call: str
    method: str
    asked: Mapping[str, Any]
    answered: Any


class Story:
    """The driver's day."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = {line.call: line for line in lines}

    def reply(self, call: str) -> dict[str, Any]:
        """What a call was answered, which must be a success."""
        answered: dict[str, Any] = self.lines[call].answered
        assert answered.get("status") == "success", answered
        return answered

    def data(self, call: str) -> Any:
        """The `data` of a reply."""
        return self.reply(call)["data"]

    def table(self, call: str) -> dict[str, Any]:
        """A call that the client makes a DataFrame of."""
        answered: dict[str, Any] = self.lines[call].answered
        assert "columns" in answered, answered
        return answered

    def error(self, call: str, code: int) -> str:
        """The message of a call that the client gave back as an error with that HTTP status."""
        answered = self.lines[call].answered
        assert (answered.get("status"), answered.get("code")) == ("error", code), answered
        assert answered["error_type"] == "http_error"
        return str(answered["message"])

    def order(self, call: str) -> str:
        """The id of the order that a call placed."""
        order_id = self.reply(call)["orderid"]
        assert isinstance(order_id, str), order_id
        assert order_id
        return order_id

    def row(self, order_id: str, book: str = "orders") -> dict[str, Any]:
        """The order's row of an order book."""
        (row,) = (row for row in self.data(book)["orders"] if row["orderid"] == order_id)
        has(row, ORDER)
        return dict(row)

    def was(self, call: str, order: str, **members: Any) -> None:
        """What `orderstatus` said of an order that another call placed."""
        row = self.data(call)
        has(row, {**ORDER, "average_price": float})
        found = {name: row[name] if isinstance(value, str) else number(row[name]) for name, value in members.items()}
        assert (row["orderid"], found) == (self.order(order), members)


def number(value: Any) -> float:
    """A number, or one in text: the client passes on what it gets, and strategies call `float`."""
    assert isinstance(value, int | float | str), value
    assert not isinstance(value, bool), value
    return float(value)


def has(row: Mapping[str, Any], shape: Mapping[str, type]) -> None:
    """The row has these members, of these types; `float` is any number."""
    for name, kind in shape.items():
        assert name in row, f"{name} is missing in {row}"
        if kind is float:
            number(row[name])
        else:
            assert isinstance(row[name], kind), f"{name} is {row[name]!r}"


Judge = Callable[[Story], str]
JUDGES: dict[str, Judge] = {}


def judges(call: str) -> Callable[[Judge], Judge]:
    """The function below judges that call."""

    def put(judge: Judge) -> Judge:
        JUDGES[call] = judge
        return judge

    return put


# -- prices ---------------------------------------------------------------------------------------------------------


def a_quote(found: Mapping[str, Any]) -> None:
    has(found, QUOTE)
    low, last, high = (number(found[name]) for name in ("low", "ltp", "high"))
    assert 0 < low <= last <= high


@judges("quote")
def quote(story: Story) -> str:
    a_quote(story.data("quote"))
    found = story.data("quote")
    assert number(found["bid"]) <= number(found["ask"])
    return "a quote whose last price is inside the day's range, bid not above ask"


@judges("index quote")
def index_quote(story: Story) -> str:
    a_quote(story.data("index quote"))
    return "a quote of the index"


@judges("several quotes")
def several_quotes(story: Story) -> str:
    results = story.reply("several quotes")["results"]
    asked = [(each["symbol"], each["exchange"]) for each in story.lines["several quotes"].asked["symbols"]]
    assert [(each["symbol"], each["exchange"]) for each in results] == asked
    for each in results:
        a_quote(each["data"])
    return "a quote of each, under `results`"


@judges("depth")
def depth(story: Story) -> str:
    found = story.data("depth")
    has(found, dict.fromkeys(("open", "high", "low", "ltp", "ltq", "prev_close", "volume", "oi"), float))
    has(found, {"totalbuyqty": float, "totalsellqty": float})
    asks, bids = ([number(level["price"]) for level in found[side]] for side in ("asks", "bids"))
    assert len(asks) == len(bids) == 5
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert all(number(level["quantity"]) >= 0 for level in (*found["asks"], *found["bids"]))
    return "five asks upwards, five bids downwards"


@judges("intervals")
def intervals(story: Story) -> str:
    found = story.data("intervals")
    assert set(found) == {"seconds", "minutes", "hours", "days", "weeks", "months"}
    assert {"1m", "5m", "15m"} <= set(found["minutes"])
    assert "1h" in found["hours"]
    assert found["days"] == ["D"]
    return "lists of `seconds` to `months`"


@judges("intervals by their old name")
def old_intervals(story: Story) -> str:
    assert story.data("intervals by their old name") == story.data("intervals")
    return "the same"


def candles(story: Story, call: str) -> list[dict[str, Any]]:
    found = story.table(call)
    assert found["index_name"] == "timestamp"
    assert found["ascending"]
    assert set(CANDLE) <= set(found["columns"])
    assert found["length"] == len(found["rows"]) > 1
    for row in found["rows"]:
        assert row["low"] <= min(row["open"], row["close"]) <= max(row["open"], row["close"]) <= row["high"]
    return list(found["rows"])


@judges("minutes")
def minutes(story: Story) -> str:
    candles(story, "minutes")
    found, asked = story.table("minutes"), story.lines["minutes"].asked
    assert found["zone"] == "Asia/Kolkata"
    moments = [datetime.fromisoformat(each) for each in found["index"]]
    assert all(moment.minute % 5 == 0 and not moment.second for moment in moments)
    days = {f"{moment.date()}" for moment in moments}
    assert asked["start_date"] <= min(days) <= max(days) <= asked["end_date"]
    return "a DataFrame by ascending time of Mumbai, within the days asked for"


@judges("days")
def days(story: Story) -> str:
    candles(story, "days")
    dates = [each[:10] for each in story.table("days")["index"]]
    asked = story.lines["days"].asked
    assert len(set(dates)) == len(dates)
    assert asked["start_date"] <= dates[0] <= dates[-1] <= asked["end_date"]
    return "a DataFrame with one row for each day"


@judges("symbol")
def symbol(story: Story) -> str:
    found = story.data("symbol")
    has(found, {**INSTRUMENT, "expiry": str, "strike": float, "freeze_qty": float, "id": int})
    assert (found["symbol"], found["exchange"], found["instrumenttype"]) == ("SBIN", "NSE", "EQ")
    return "one instrument with lot, tick and freeze quantity"


@judges("search")
def search(story: Story) -> str:
    rows = story.data("search")
    for row in rows:
        has(row, INSTRUMENT)
    assert "RELIANCE" in {row["symbol"] for row in rows}
    assert {row["exchange"] for row in rows} == {"NSE"}
    assert story.reply("search")["message"] == f"Found {len(rows)} matching symbols"
    return "the instruments that fit, of that exchange"


@judges("search everywhere")
def search_everywhere(story: Story) -> str:
    assert {"NSE", "NFO"} <= {row["exchange"] for row in story.data("search everywhere")}
    return "shares and contracts"


@judges("instruments")
def instruments(story: Story) -> str:
    found = story.table("instruments")
    assert set(INSTRUMENT) <= set(found["columns"])
    assert {row["exchange"] for row in found["rows"]} == {"NSE"}
    assert {"SBIN", "RELIANCE"} <= {row["symbol"] for row in found["rows"]}
    return "a DataFrame of that exchange"


@judges("all instruments")
def all_instruments(story: Story) -> str:
    found = story.table("all instruments")
    assert found["length"] > story.table("instruments")["length"]
    assert set(INSTRUMENT) <= set(found["columns"])
    return "a DataFrame of all nine exchanges"


# -- the calendar ---------------------------------------------------------------------------------------------------


@judges("holidays")
def holidays(story: Story) -> str:
    reply = story.reply("holidays")
    assert (reply["year"], reply["timezone"]) == (2026, "Asia/Kolkata")
    for row in reply["data"]:
        has(
            row,
            {"date": str, "description": str, "holiday_type": str, "closed_exchanges": list, "open_exchanges": list},
        )
        assert date.fromisoformat(row["date"]).year == 2026
        for window in row["open_exchanges"]:
            has(window, {"exchange": str, "start_time": int, "end_time": int})
    return "days on which exchanges are closed or trade at other hours; a demo never closes"


@judges("holidays of this year")
def holidays_of_this_year(story: Story) -> str:
    assert story.reply("holidays of this year")["year"] == datetime.now(MUMBAI).year
    return "those of the present year"


def windows(story: Story, call: str) -> dict[str, tuple[int, int]]:
    for row in story.data(call):
        has(row, {"exchange": str, "start_time": int, "end_time": int})
    return {row["exchange"]: (row["start_time"], row["end_time"]) for row in story.data(call)}


@judges("timings")
def timings(story: Story) -> str:
    found = windows(story, "timings")
    assert {"NSE", "BSE", "NFO", "MCX"} <= set(found)
    start, end = (datetime.fromtimestamp(stamp / 1000, MUMBAI) for stamp in found["NSE"])
    # A demo never closes; that others open at 09:15 is a test of the calendar's.
    assert f"{start:%F %R}" <= "2026-01-05 09:15" < "2026-01-05 15:30" <= f"{end:%F %R}"
    return "the hours of each exchange in epoch milliseconds; those of a demo are all day"


@judges("timings of today")
def timings_of_today(story: Story) -> str:
    assert all(start < end for start, end in windows(story, "timings of today").values())
    return "hours, or none on a holiday"


# -- options --------------------------------------------------------------------------------------------------------


def expiry_days(story: Story, call: str) -> list[date]:
    assert all(re.fullmatch(r"\d{2}-[A-Z]{3}-\d{2}", each) for each in story.data(call))
    return [datetime.strptime(each, "%d-%b-%y").date() for each in story.data(call)]  # noqa: DTZ007 - a day has no zone


@judges("expiries")
def expiries(story: Story) -> str:
    found = expiry_days(story, "expiries")
    assert found == sorted(set(found))
    assert len(found) >= 2
    return "days as `28-OCT-25`, nearest first"


@judges("expiries of futures")
def expiries_of_futures(story: Story) -> str:
    found = expiry_days(story, "expiries of futures")
    assert found
    assert found == sorted(set(found))
    return "days, nearest first"


@judges("chain")
def chain(story: Story) -> str:
    reply, asked = story.reply("chain"), story.lines["chain"].asked
    has(reply, {"underlying": str, "underlying_ltp": float, "expiry_date": str, "atm_strike": float})
    assert (reply["underlying"], reply["expiry_date"]) == ("NIFTY", asked["expiry_date"])
    strikes = [number(row["strike"]) for row in reply["chain"]]
    assert strikes == sorted(strikes)
    assert len(strikes) == 11
    last, middle = number(reply["underlying_ltp"]), number(reply["atm_strike"])
    assert middle == strikes[5] == min(strikes, key=lambda strike: abs(strike - last))
    labels = [(row["ce"]["label"], row["pe"]["label"]) for row in reply["chain"]]
    assert labels[4:7] == [("ITM1", "OTM1"), ("ATM", "ATM"), ("OTM1", "ITM1")]
    for row in reply["chain"]:
        has(row["ce"], STRIKE)
        has(row["pe"], STRIKE)
    return "eleven strikes around the one nearest the index, calls and puts labelled `ITM5` to `OTM5`"


@judges("synthetic future")
def synthetic_future(story: Story) -> str:
    reply = story.reply("synthetic future")
    has(reply, {"underlying": str, "underlying_ltp": float, "expiry": str, "atm_strike": float})
    assert abs(number(reply["synthetic_future_price"]) / number(reply["underlying_ltp"]) - 1) < 0.05
    return "a price near that of the index"


@judges("option symbol")
def option_symbol(story: Story) -> str:
    reply, middle = story.reply("option symbol"), story.reply("chain")["atm_strike"]
    has(
        reply,
        {
            "symbol": str,
            "exchange": str,
            "lotsize": int,
            "tick_size": float,
            "freeze_qty": float,
            "underlying_ltp": float,
        },
    )
    expiry = story.lines["option symbol"].asked["expiry_date"]
    found = re.fullmatch(rf"NIFTY{expiry}(\d+)CE", reply["symbol"])
    assert found, reply
    assert abs(float(found[1]) - number(middle)) <= 200  # the index moves on between two questions
    assert reply["exchange"] == "NFO"
    return "the call nearest the index, with its lot"


@judges("option symbol, the old way")
def old_option_symbol(story: Story) -> str:
    reply, asked = story.reply("option symbol, the old way"), story.lines["option symbol, the old way"].asked
    found = re.fullmatch(rf"NIFTY{asked['expiry_date']}(\d+)PE", reply["symbol"])
    assert found, reply
    assert float(found[1]) < number(reply["underlying_ltp"])
    return "the put two strikes below; `strike_int` and `strategy` do no harm"


@judges("greeks")
def greeks(story: Story) -> str:
    reply = story.reply("greeks")
    has(reply, {
        "symbol": str, "exchange": str, "underlying": str, "strike": float, "option_type": str, "expiry_date": str,
        "days_to_expiry": float, "spot_price": float, "option_price": float, "interest_rate": float, "implied_volatility": float,
    })  # fmt: skip
    has(reply["greeks"], GREEKS)
    assert reply["symbol"] == story.reply("option symbol")["symbol"]
    assert (reply["option_type"], number(reply["interest_rate"])) == ("CE", 6.5)
    assert 0 < number(reply["greeks"]["delta"]) < 1
    assert number(reply["greeks"]["theta"]) < 0
    assert number(reply["greeks"]["gamma"]) > 0
    assert 0 < number(reply["implied_volatility"]) < 200
    return "implied volatility in per cent, and greeks of a call: delta in (0, 1), theta below 0"


@judges("greeks by the index")
def greeks_by_the_index(story: Story) -> str:
    reply = story.reply("greeks by the index")
    assert number(reply["interest_rate"]) == 0
    assert abs(number(reply["spot_price"]) / number(story.reply("chain")["underlying_ltp"]) - 1) < 0.01
    return "the same by the price of the index"


@judges("option order")
def option_order(story: Story) -> str:
    reply, asked = story.reply("option order"), story.lines["option order"].asked
    has(reply, {"symbol": str, "exchange": str, "underlying": str, "underlying_ltp": float})
    assert (reply["offset"], reply["option_type"], reply["underlying"]) == ("ATM", "CE", "NIFTY")
    assert re.fullmatch(rf"NIFTY{asked['expiry_date']}\d+CE", reply["symbol"])
    order = {"action": "BUY", "quantity": float(asked["quantity"]), "product": "NRML", "symbol": reply["symbol"]}
    story.was("option order filled", "option order", order_status="complete", **order)
    return "an order id and the option; `complete`"


@judges("option order in parts")
def option_order_in_parts(story: Story) -> str:
    reply, asked = story.reply("option order in parts"), story.lines["option order in parts"].asked
    lots = asked["splitsize"] // 2
    assert (number(reply["total_quantity"]), number(reply["split_size"])) == (3 * lots, 2 * lots)
    assert [number(each["quantity"]) for each in reply["results"]] == [2 * lots, lots]
    assert [number(story.row(each["orderid"])["quantity"]) for each in reply["results"]] == [2 * lots, lots]
    return "two order ids for three lots, two at a time"


@judges("iron condor")
def iron_condor(story: Story) -> str:
    reply, asked = story.reply("iron condor"), story.lines["iron condor"].asked
    has(reply, {"underlying": str, "underlying_ltp": float})
    legs = {each["leg"]: each for each in reply["results"]}
    assert sorted(legs) == [1, 2, 3, 4]
    for place, wanted in enumerate(asked["legs"], start=1):
        leg = legs[place]
        assert {name: leg[name] for name in ("offset", "option_type", "action")} == {
            name: wanted[name] for name in ("offset", "option_type", "action")
        }
        row = story.row(leg["orderid"])
        assert (leg["status"], row["symbol"], row["action"]) == ("success", leg["symbol"], wanted["action"])
    ids = {leg["orderid"] for leg in legs.values()}
    traded = [trade["action"] for trade in story.data("trades") if trade["orderid"] in ids]
    assert traded == ["BUY", "BUY", "SELL", "SELL"]
    return "four order ids in the order asked for; what is bought is traded first"


# -- orders ---------------------------------------------------------------------------------------------------------


@judges("market order")
def market_order(story: Story) -> str:
    row = story.row(story.order("market order"))
    assert (row["symbol"], row["action"], row["pricetype"], row["product"]) == ("SBIN", "BUY", "MARKET", "MIS")
    assert (number(row["quantity"]), number(row["price"])) == (1, 0)
    trades = [trade for trade in story.data("trades") if trade["orderid"] == row["orderid"]]
    assert sum(number(trade["quantity"]) for trade in trades) == 1
    return "an order id; `complete` in the order book, and in the trade book"


@judges("market order filled")
def market_order_filled(story: Story) -> str:
    story.was("market order filled", "market order", order_status="complete", quantity=1)
    assert number(story.data("market order filled")["average_price"]) > 0
    return "`complete`, with its average price"


@judges("option order filled")
def option_order_filled(story: Story) -> str:
    story.was("option order filled", "option order", order_status="complete")
    return "`complete`"


@judges("limit order")
def limit_order(story: Story) -> str:
    story.order("limit order")
    return "an order id"


@judges("limit order open")
def limit_order_open(story: Story) -> str:
    price = float(story.lines["limit order"].asked["price"])
    story.was("limit order open", "limit order", order_status="open", pricetype="LIMIT", quantity=10, price=price)
    return "`open` at its price"


@judges("change")
def change(story: Story) -> str:
    assert story.reply("change")["orderid"] == story.order("limit order")
    return "the same order id"


@judges("limit order changed")
def limit_order_changed(story: Story) -> str:
    price = float(story.lines["change"].asked["price"])
    story.was("limit order changed", "limit order", order_status="open", quantity=12, price=price)
    return "`open` with the new price and quantity"


@judges("cancel")
def cancel(story: Story) -> str:
    assert story.reply("cancel")["orderid"] == story.order("limit order")
    return "the order id"


@judges("limit order cancelled")
def limit_order_cancelled(story: Story) -> str:
    story.was("limit order cancelled", "limit order", order_status="cancelled")
    return "`cancelled`"


@judges("stop order")
def stop_order(story: Story) -> str:
    story.order("stop order")
    return "an order id"


@judges("stop order waiting")
def stop_order_waiting(story: Story) -> str:
    asked = story.lines["stop order"].asked
    prices = {"price": float(asked["price"]), "trigger_price": float(asked["trigger_price"])}
    story.was(
        "stop order waiting", "stop order", order_status="trigger pending", pricetype="SL", action="SELL", **prices
    )
    return "`trigger pending` at its prices"


@judges("another limit order")
def another_limit_order(story: Story) -> str:
    story.order("another limit order")
    return "an order id"


@judges("book before cancelling all")
def book_before(story: Story) -> str:
    rows = [
        story.row(story.order(call), "book before cancelling all") for call in ("stop order", "another limit order")
    ]
    assert [row["order_status"] for row in rows] == ["trigger pending", "open"]
    return "both orders that wait"


@judges("cancel all")
def cancel_all(story: Story) -> str:
    reply = story.reply("cancel all")
    has(reply, {"canceled_orders": list, "failed_cancellations": list, "message": str})
    assert set(reply["canceled_orders"]) == {story.order("stop order"), story.order("another limit order")}
    assert reply["failed_cancellations"] == []
    assert reply["message"] == "Canceled 2 orders. Failed to cancel 0 orders."
    return "both order ids"


@judges("book after cancelling all")
def book_after(story: Story) -> str:
    rows = [story.row(story.order(call), "book after cancelling all") for call in ("stop order", "another limit order")]
    assert [row["order_status"] for row in rows] == ["cancelled", "cancelled"]
    return "both `cancelled`"


# -- positions ------------------------------------------------------------------------------------------------------


def holds(call: str, quantity: int) -> None:
    """That call of `openposition` must say that quantity."""

    @judges(call)
    def position(story: Story) -> str:
        found = story.reply(call)["quantity"]
        assert isinstance(found, int | float), found
        assert found == quantity
        return f"`{quantity}`"


@judges("smart order to 30")
def smart_order_up(story: Story) -> str:
    row = story.row(story.order("smart order to 30"))
    assert (row["action"], number(row["quantity"])) == ("BUY", 30)
    return "an order id: 30 bought"


@judges("smart order to −20")
def smart_order_down(story: Story) -> str:
    story.order("smart order to −20")
    return "an order id"


@judges("smart order to where it is")
def smart_order_nowhere(story: Story) -> str:
    reply = story.reply("smart order to where it is")
    assert "orderid" not in reply
    assert reply["message"] == "Positions Already Matched. No Action needed."
    return "“Positions Already Matched. No Action needed.”"


@judges("smart order to 0")
def smart_order_out(story: Story) -> str:
    story.order("smart order to 0")
    return "an order id"


holds("position of 30", 30)
holds("position of −20", -20)
holds("position is as it was", -20)
holds("position of 0", 0)
holds("no position", 0)
holds("basket bought", 4)
holds("basket sold", -2)
holds("parts bought", 105)
for name in ("INFY", "TCS", "ITC", "SBIN"):
    holds(f"{name} closed", 0)


@judges("basket")
def basket(story: Story) -> str:
    results = {each["symbol"]: each for each in story.reply("basket")["results"]}
    assert {name: each["status"] for name, each in results.items()} == {
        "INFY": "success",
        "TCS": "success",
        "NOSUCHNAME": "error",
    }
    assert "NOSUCHNAME" in results["NOSUCHNAME"]["message"]
    assert story.row(results["INFY"]["orderid"])["action"] == "BUY"
    assert story.row(results["TCS"]["orderid"])["action"] == "SELL"
    return "two order ids, and why the third is none"


@judges("order in parts")
def order_in_parts(story: Story) -> str:
    reply = story.reply("order in parts")
    assert (number(reply["total_quantity"]), number(reply["split_size"])) == (105, 20)
    assert [each["order_num"] for each in reply["results"]] == [1, 2, 3, 4, 5, 6]
    assert [number(each["quantity"]) for each in reply["results"]] == [20, 20, 20, 20, 20, 5]
    assert {each["status"] for each in reply["results"]} == {"success"}
    assert sum(number(story.row(each["orderid"])["quantity"]) for each in reply["results"]) == 105
    return "six order ids, the last for the rest of 5"


@judges("order for delivery")
def order_for_delivery(story: Story) -> str:
    assert story.row(story.order("order for delivery"))["product"] == "CNC"
    return "an order id"


@judges("order for delivery filled")
def order_for_delivery_filled(story: Story) -> str:
    story.was("order for delivery filled", "order for delivery", order_status="complete", product="CNC")
    return "`complete`"


@judges("close everything")
def close_everything(story: Story) -> str:
    has(story.reply("close everything"), {"message": str})
    return "a message"


@judges("positions at the end")
def positions_at_the_end(story: Story) -> str:
    assert {row["symbol"] for row in story.data("positions at the end") if number(row["quantity"])} <= {"INFY"}
    left = [row for row in story.data("positions at the end") if number(row["quantity"])]
    assert all(row["product"] == "CNC" for row in left)
    return "nothing open; what was delivered is kept or sold, as the account has it"


# -- the account ------------------------------------------------------------------------------------------------------


@judges("funds")
def funds(story: Story) -> str:
    found = story.data("funds")
    has(found, dict.fromkeys(("availablecash", "collateral", "m2mrealized", "m2munrealized", "utiliseddebits"), float))
    assert number(found["availablecash"]) > 0
    assert number(found["utiliseddebits"]) > 0
    return "cash, collateral, profits and what is in use, each a number"


@judges("orders")
def order_book(story: Story) -> str:
    rows, told = story.data("orders")["orders"], story.data("orders")["statistics"]
    for row in rows:
        has(row, ORDER)
        assert row["order_status"] in STATUSES
        assert row["action"] in ("BUY", "SELL")
    assert told["total_buy_orders"] == sum(row["action"] == "BUY" for row in rows)
    assert told["total_sell_orders"] == sum(row["action"] == "SELL" for row in rows)
    counted = {"completed": "complete", "open": "open", "rejected": "rejected"}
    for said, status in counted.items():
        assert told[f"total_{said}_orders"] == sum(row["order_status"] == status for row in rows)
    return "every order of the day, and statistics that agree with them"


@judges("trades")
def trade_book(story: Story) -> str:
    rows = story.data("trades")
    for row in rows:
        has(row, TRADE)
        value = number(row["quantity"]) * number(row["average_price"])
        assert abs(value - number(row["trade_value"])) <= 0.01 * max(1, value / 100)
    complete = {row["orderid"] for row in story.data("orders")["orders"] if row["order_status"] == "complete"}
    assert {row["orderid"] for row in rows} == complete
    return "a trade for each complete order; value is quantity times price"


@judges("positions")
def position_book(story: Story) -> str:
    rows = story.data("positions")
    for row in rows:
        has(row, POSITION)
    held = {(row["symbol"], row["product"]): number(row["quantity"]) for row in rows}
    wanted = {("INFY", "MIS"): 4, ("TCS", "MIS"): -2, ("ITC", "MIS"): 105, ("SBIN", "MIS"): 1}
    assert {key: held[key] for key in wanted} == wanted
    assert held.get(("RELIANCE", "MIS"), 0) == 0
    options = [row for row in rows if row["exchange"] == "NFO" and number(row["quantity"])]
    assert {row["product"] for row in options} == {"NRML"}
    return "what the orders came to, signed"


@judges("holdings")
def holdings(story: Story) -> str:
    found = story.data("holdings")
    for row in found["holdings"]:
        has(row, {"symbol": str, "exchange": str, "product": str, "quantity": float, "pnl": float, "pnlpercent": float})
    has(found["statistics"], dict.fromkeys(
        ("totalholdingvalue", "totalinvvalue", "totalprofitandloss", "totalpnlpercentage"), float
    ))  # fmt: skip
    return "holdings and their statistics"


@judges("margin")
def margin(story: Story) -> str:
    found = story.data("margin")
    has(found, dict.fromkeys(("total_margin_required", "span_margin", "exposure_margin"), float))
    assert number(found["total_margin_required"]) > 0
    return "the margin of one option, above 0"


@judges("margin of several")
def margin_of_several(story: Story) -> str:
    assert number(story.data("margin of several")["total_margin_required"]) > 0
    return "the margin of both"


# -- practice, messages, faults -----------------------------------------------------------------------------------------


def mode(call: str, word: str) -> None:
    """That call must say that the key trades in that mode."""

    @judges(call)
    def said(story: Story) -> str:
        found = story.data(call)
        assert (found["mode"], found["analyze_mode"]) == (word, word == "analyze")
        assert isinstance(found["total_logs"], int)
        return f"`{word}`"


mode("mode", "live")
mode("practice", "analyze")
mode("mode while practising", "analyze")
mode("back from practice", "live")
mode("mode after practising", "live")


@judges("order while practising")
def order_while_practising(story: Story) -> str:
    story.order("order while practising")
    assert story.reply("order while practising")["mode"] == "analyze"
    assert "mode" not in story.reply("market order")
    return "an order id, marked `analyze`"


@judges("message")
def message(story: Story) -> str:
    assert story.reply("message")["message"] == "Notification queued for delivery"
    return "“Notification queued for delivery”: kept as a notice"


def fault(call: str, code: int, told: str, says: str = "") -> None:
    """That call must be an error of that status, with a word in its message that tells why."""

    @judges(call)
    def refused(story: Story) -> str:
        found = story.error(call, code)
        assert found.startswith(f"HTTP {code}: ")
        assert says in found
        return f"`{code}`: {told}"


fault("message to a stranger", 404, "not found", "User not found or not linked to Telegram")
fault("unknown symbol", 400, "names the symbol", "NOSUCHNAME")
fault("limit order without a price", 400, "names the member", "price")
fault("unknown order", 404, "not found")
fault("cancel of an unknown order", 404, "not found")
fault("quote of an unknown symbol", 404, "names the symbol", "NOSUCHNAME")
fault("interval that there is not", 400, "names the member", "interval")
fault("wrong key", 403, "the key is not good", "API key")
