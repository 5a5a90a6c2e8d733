"""The account behind a key: what it has, holds and did. A paper account and a live one answer with the same members."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from bridge.accounts.model import Account
from bridge.api.openalgo.books import Books
from bridge.api.openalgo.figures import ZERO, Result, Valued, amount, local_time, money, own_currency, price
from bridge.api.openalgo.strategies import Strategies
from bridge.api.openalgo.wire import Body, Call, Name, Refused, Upper, Wire, plain_number, upper
from bridge.domain.lifecycle import UNCERTAIN, OrderState
from bridge.orders.records import OrderRecord


class Nothing(Body):
    """A body of which only the key matters."""


class OrderStatus(Body):
    """One order, by our id or its broker's."""

    strategy: Name
    orderid: Name


class OpenPosition(Body):
    """One instrument in one product."""

    strategy: Name
    symbol: Upper
    exchange: Upper
    product: Annotated[Literal["MIS", "NRML", "CNC"], BeforeValidator(upper)]


class Toggle(Body):
    """Whether the key's orders go to practice money."""

    mode: bool


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    books = Books(wire.ports)
    _add_books(wire, books)
    _add_one_order_and_position(wire, books)
    _add_key(wire)


def _add_books(wire: Wire, books: Books) -> None:
    async def funds(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Money, as text with two decimals; results are the day's, `grossexposure` is the margin in use.

        Of practice money `total_realized_pnl` is the result since it last began anew, and `last_reset` says when that
        was; of other money it is the day's.
        """
        found = await (await books.broker(wire.account(call))).funds()
        since = found.realised if found.began_with is None else found.capital + found.realised - found.began_with
        data = {
            "availablecash": money(found.available),
            "collateral": money(ZERO),
            "m2mrealized": money(found.realised),
            "m2munrealized": money(found.unrealised),
            "utiliseddebits": money(found.used_margin),
            "total_realized_pnl": money(since),
            "today_realized_pnl": money(found.realised),
            "grossexposure": money(found.used_margin),
            "totalpnl": money(found.realised + found.unrealised),
            "last_reset": local_time(found.reset_at, ""),
            "reset_count": found.resets or 0,
        }
        return wire.marked(call, {"data": data})

    async def orderbook(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Every order of the day: the broker's book, and ours that are not in it (yet) with the reason."""
        rows = await books.orders(wire.account(call))
        sides = Counter(row["action"] for row in rows)
        states = Counter(row["order_status"] for row in rows)
        statistics = {
            "total_buy_orders": sides["BUY"],
            "total_sell_orders": sides["SELL"],
            "total_completed_orders": states["complete"],
            "total_open_orders": states["open"],
            "total_rejected_orders": states["rejected"],
            "total_trigger_pending_orders": states["trigger pending"],
        }
        return wire.marked(call, {"data": {"orders": rows, "statistics": statistics}})

    async def tradebook(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Every execution of the day."""
        return wire.marked(call, {"data": await books.trades(wire.account(call))})

    async def positionbook(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Net positions of the day. Totals are in the account's own currency and leave out positions in others."""
        account = wire.account(call)
        positions = await books.positions(account)
        return wire.marked(call, {"data": [_position(each) for each in positions], **_totals(account, positions)})

    async def pnl_symbols(call: Call, _: Nothing) -> Mapping[str, Any]:
        """What the day has brought in each instrument, over all products; results are before `costs`.

        Practice money counts holdings in and knows its costs; of other money it is the day's positions, and `costs` is 0.
        """
        account = wire.account(call)
        results = await books.results(account)
        return wire.marked(call, {"data": [_result(each) for each in results], **_totals(account, results)})

    async def holdings(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Settled delivery stock. Statistics are in the account's own currency and leave out stock in others."""
        account = wire.account(call)
        held = await books.holdings(account)
        own = [each for each in held if each.currency == own_currency(account)]
        value, invested = sum((e.value for e in own), ZERO), sum((e.invested for e in own), ZERO)
        gain = sum((e.unrealised for e in own), ZERO)
        statistics = {
            "totalholdingvalue": amount(value),
            "totalinvvalue": amount(invested),
            "totalprofitandloss": amount(gain),
            "totalpnlpercentage": amount(gain / invested * 100 if invested else ZERO),
        }
        return wire.marked(call, {"data": {"holdings": [_holding(e) for e in held], "statistics": statistics}})

    wire.post("funds", Nothing, funds)
    wire.post("orderbook", Nothing, orderbook)
    wire.post("tradebook", Nothing, tradebook)
    wire.post("positionbook", Nothing, positionbook)
    wire.post("holdings", Nothing, holdings)
    wire.post("pnl/symbols", Nothing, pnl_symbols)


def _add_one_order_and_position(wire: Wire, books: Books) -> None:
    strategies = Strategies(wire.ports)

    async def orderstatus(call: Call, body: OrderStatus) -> Mapping[str, Any]:
        """One order, by our id or its broker's. `message` says when it has not reached its broker, or nobody knows whether."""
        found = await books.order(wire.account(call), body.orderid)
        if found is None:
            raise Refused(404, f"Order {body.orderid} not found.")
        row, order = found
        return wire.marked(call, {"data": row, **_waiting(order)})

    async def openposition(call: Call, body: OpenPosition) -> Mapping[str, Any]:
        """Signed net quantity: of the strategy of that name if there is one, else of the whole account; 0 when none."""
        account, strategy = wire.account(call), strategies.known(call, body.strategy)
        where = (body.exchange, body.symbol, body.product)
        held = books.held(account, strategy.id, *where) if strategy else books.net(account, *where)
        return wire.marked(call, {"quantity": plain_number(await held)})

    wire.post("orderstatus", OrderStatus, orderstatus)
    wire.post("openposition", OpenPosition, openposition)


def _add_key(wire: Wire) -> None:
    async def ping(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Whether key and account are good."""
        return wire.marked(call, {"data": {"message": "pong", "broker": wire.account(call).broker}})

    async def mode(call: Call) -> dict[str, Any]:
        counted = await wire.ports.reader.row(
            "SELECT COUNT(*) AS n FROM alerts WHERE source_id = :source AND user_id = :user",
            {"source": call.caller.source_id, "user": call.caller.user.id},
        )
        on = call.caller.settings.analyze
        total = counted["n"] if counted else 0
        return {"mode": "analyze" if on else "live", "analyze_mode": on, "total_logs": total}

    async def analyzer(call: Call, _: Nothing) -> Mapping[str, Any]:
        """Whether this key's orders go to practice money, and how many requests to trade it has sent."""
        return wire.marked(call, {"data": await mode(call)})

    async def toggle(call: Call, body: Toggle) -> Mapping[str, Any]:
        """Send this key's orders to practice money, or to its own account again. Other keys are not changed."""
        after = await wire.analyse(call, body.mode)
        whose = "to practice money" if body.mode else "to its own account"
        message = f"Orders of this API key go {whose} from now on."
        return wire.marked(after, {"data": {**await mode(after), "message": message}})

    wire.post("ping", Nothing, ping)
    wire.post("analyzer", Nothing, analyzer)
    wire.post("analyzer/toggle", Toggle, toggle, scope="orders:write")


# -- rows ---------------------------------------------------------------------------------------------------------


def _waiting(order: OrderRecord | None) -> dict[str, str]:
    """What "open" does not say of an order that its broker may not have."""
    if order is not None and order.state in UNCERTAIN:
        return {"message": "Nobody knows yet whether the broker has this order. Do not send it again."}
    if order is not None and order.state in (OrderState.QUEUED, OrderState.SENDING):
        return {"message": "The order is kept and will be sent; its broker has not answered yet."}
    return {}


def _position(held: Valued) -> dict[str, Any]:
    return {
        "symbol": held.symbol,
        "exchange": held.exchange,
        "product": held.product,
        "quantity": plain_number(held.quantity),
        "average_price": money(held.average),  # text, as live OpenAlgo has it
        "ltp": price(held.last),
        "pnl": amount(held.result),
        "pnlpercent": amount(held.percent),
        "unrealized_pnl": amount(held.unrealised),
        "today_realized_pnl": amount(held.realised),
        "total_pnl_today": amount(held.result),
        "lot_size": plain_number(held.lot_size),
    }


def _result(found: Result) -> dict[str, Any]:
    return {
        "symbol": found.symbol,
        "exchange": found.exchange,
        "product": found.product,
        "quantity": plain_number(found.quantity),
        "pnl": amount(found.result),
        "unrealized_pnl": amount(found.unrealised),
        "today_realized_pnl": amount(found.realised),
        "total_pnl_today": amount(found.result),
        "costs": amount(found.costs),
    }


def _totals(account: Account, positions: Iterable[Valued | Result]) -> dict[str, float]:
    own = [each for each in positions if each.currency == own_currency(account)]
    result = amount(sum((each.result for each in own), ZERO))
    return {
        "total_pnl": result,
        "total_unrealized_pnl": amount(sum((each.unrealised for each in own), ZERO)),
        "total_today_realized_pnl": amount(sum((each.realised for each in own), ZERO)),
        "total_pnl_today": result,
    }


def _holding(held: Valued) -> dict[str, Any]:
    return {
        "symbol": held.symbol,
        "exchange": held.exchange,
        "quantity": plain_number(held.quantity),
        "product": held.product,
        "average_price": price(held.average),
        "ltp": price(held.last),
        "pnl": amount(held.unrealised),
        "pnlpercent": amount(held.percent),
        "current_value": amount(held.value),
    }
