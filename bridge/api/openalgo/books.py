"""An account's books as OpenAlgo shows them: what its broker has, joined with what we know of our own orders.

One call to the broker for each book (two for one that is empty), no query for a row. An order of ours is called by our
id, a stranger's by its broker's number. Rows are made a few at a time: a long book must not make an order wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from bridge.accounts.model import Account
from bridge.api.openalgo.figures import ZERO, Result, Valued, amount, local_time, own_currency, price
from bridge.api.openalgo.wire import plain_number
from bridge.api.ports import Ports
from bridge.brokers.base import (
    Broker,
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerState,
    BrokerTrade,
    LoginRequired,
    PracticeBroker,
    SymbolResult,
)
from bridge.domain.intent import OrderType, Product
from bridge.domain.lifecycle import TERMINAL, OrderState
from bridge.kit.clock import from_micros
from bridge.market.sessions import SEGMENT_OF_EXCHANGE
from bridge.orders.holdings import Ledger
from bridge.orders.records import OrderRecord

T = TypeVar("T")
Shown = dict[str, Any]

PIECE = 100  # rows made at a time
SETTLES_WITHIN_S = 0.5  # a program that has just traded asks what it holds now, not what it held

PRICETYPE = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_LIMIT: "SL",
    OrderType.STOP: "SL-M",
    OrderType.TRAILING_STOP: "SL-M",
}
_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_OPEN = frozenset({"open", "trigger pending"})
_AT_BROKER = {
    BrokerState.OPEN: "open",
    BrokerState.PARTIALLY_FILLED: "open",
    BrokerState.TRIGGER_PENDING: "trigger pending",
    BrokerState.FILLED: "complete",
    BrokerState.CANCELLED: "cancelled",
    BrokerState.EXPIRED: "cancelled",
    BrokerState.REJECTED: "rejected",
}
_BY_US = {
    OrderState.FILLED: "complete",
    OrderState.CANCELLED: "cancelled",
    OrderState.EXPIRED_AT_BROKER: "cancelled",
    OrderState.REJECTED: "rejected",
    OrderState.NOT_SENT: "rejected",
    OrderState.NOT_PLACED: "rejected",
}


class Books:
    """Reads them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def broker(self, account: Account) -> Broker:
        """The account's connection. Raises `LoginRequired` when its session is known to be over: its books may then be empty."""
        desk = self._ports.desk(account.id)
        if desk is not None and desk.book.login_lost:
            raise LoginRequired(account.name)
        return await self._ports.broker(account)

    async def _read(self, account: Account, book: Callable[[Broker], Awaitable[Sequence[T]]]) -> Sequence[T]:
        broker = await self.broker(account)
        rows = await book(broker)
        if not rows and not account.is_paper:
            await (
                broker.check_login()
            )  # some show everything empty once a session is over, and a bot would take that for flat
        return rows

    # -- orders -------------------------------------------------------------------------------------------------

    async def orders(self, account: Account) -> list[Shown]:
        """The broker's order book, then our orders of today that are not in it."""
        reports = await self._read(account, lambda broker: broker.order_book())
        ours = await self._ours(account)  # after the book: an order that came in between is shown as ours, not twice
        seen: set[str] = set()

        def at_broker(report: BrokerOrder) -> Shown:
            order = ours.find(report.broker_order_id, report.ref)
            if (
                order is None or order.id in seen
            ):  # a broker that cuts an order into slices tags each with our reference
                return self._reported(report, None)
            seen.add(order.id)
            return self._reported(report, order)

        rows = await _each(reports, at_broker)
        today = self._today()
        others = [
            order
            for order in list(ours.orders.values())
            if order.id not in seen and order.trading_date >= today.get(order.exchange, "")
        ]
        return rows + await _each(sorted(others, key=lambda order: order.queued_at), self._recorded)

    async def order(self, account: Account, order_id: str) -> tuple[Shown, OrderRecord | None] | None:
        """One order by our id or its broker's, and our record of it; None when this account has no such order.

        One that has ended is told from our tables, without asking the broker.
        """
        record = await self._record(account, order_id)
        if record is not None and record.state in TERMINAL:
            return self._recorded(record), record
        reports = await self._read(account, lambda broker: broker.order_book())
        ours = await self._ours(account)
        for report in reports:
            found = ours.find(report.broker_order_id, report.ref)
            if order_id in (report.broker_order_id, found.id if found else None):
                return self._reported(report, found), found
        record = record or ours.find(order_id, None)
        return (self._recorded(record), record) if record else None

    async def _ours(self, account: Account) -> Ledger:
        """Our orders of the day: the desk's where one works here, else from the tables, in one query."""
        desk = self._ports.desk(account.id)
        if desk is not None:
            return desk.ledger
        rows = await self._ports.reader.rows(
            "SELECT * FROM orders WHERE account_id = :account AND user_id = :user AND (trading_date >= :oldest"
            " OR state IN ('QUEUED', 'SENDING', 'UNKNOWN', 'PARKED', 'WORKING', 'PARTIALLY_FILLED'))",
            {"account": account.id, "user": account.user_id, "oldest": min(self._today().values())},
        )
        ledger = Ledger()
        await _each(rows, lambda row: ledger.load(OrderRecord.of(row)))
        return ledger

    async def _record(self, account: Account, order_id: str) -> OrderRecord | None:
        row = await self._ports.reader.row(
            "SELECT * FROM orders WHERE id = :id AND account_id = :account AND user_id = :user",
            {"id": order_id, "account": account.id, "user": account.user_id},
        )
        return OrderRecord.of(row) if row else None

    def _today(self) -> dict[str, str]:
        """The trading date of each exchange."""
        now = self._ports.clock.now()
        return {name: self._ports.calendar.trading_date(name, now).isoformat() for name in SEGMENT_OF_EXCHANGE}

    def _reported(self, report: BrokerOrder, order: OrderRecord | None) -> Shown:
        placed_at = report.placed_at or (from_micros(order.sent_at or order.queued_at) if order else None)
        order_id = order.id if order else report.broker_order_id
        return self._shown(report, order_id, _AT_BROKER[report.state], placed_at, self._strategy(order))

    def _recorded(self, order: OrderRecord) -> Shown:
        withdrawn = order.state is OrderState.NOT_SENT and order.code == "cancelled"
        status = "cancelled" if withdrawn else _BY_US.get(order.state, "open")
        placed_at = from_micros(order.sent_at or order.queued_at)
        return self._shown(order, order.id, status, placed_at, self._strategy(order))

    def _shown(
        self, order: BrokerOrder | OrderRecord, order_id: str, status: str, at: datetime | None, strategy: str
    ) -> Shown:
        return {
            "symbol": order.symbol,
            "exchange": order.exchange,
            "action": order.side.upper(),
            "quantity": plain_number(order.quantity),
            "price": price(order.price if order.order_type in _PRICED else None),
            "trigger_price": price(order.trigger_price),
            "pricetype": PRICETYPE[order.order_type],
            "product": str(order.product),
            "orderid": order_id,
            "order_status": status,
            "timestamp": local_time(at, order.exchange),
            "average_price": price(order.average_price),
            "filled_quantity": plain_number(order.filled),
            "pending_quantity": plain_number(order.quantity - order.filled) if status in _OPEN else 0,
            "rejection_reason": order.message or "" if status == "rejected" else "",
            "strategy": strategy,
        }

    def _strategy(self, order: OrderRecord | None) -> str:
        found = self._ports.directory.snapshot.strategies.get(order.strategy_id) if order else None
        return found.name if found else ""

    # -- trades, positions, holdings ----------------------------------------------------------------------------

    async def trades(self, account: Account) -> list[Shown]:
        """Every execution of the day."""
        trades = await self._read(account, lambda broker: broker.trades())
        ours = await self._ours(account)

        def shown(trade: BrokerTrade) -> Shown:
            order = ours.find(trade.broker_order_id, None)
            return {
                "symbol": trade.symbol,
                "exchange": trade.exchange,
                "product": str(trade.product),
                "action": trade.side.upper(),
                "quantity": plain_number(trade.quantity),
                "average_price": price(trade.price),
                "trade_value": amount(trade.price * trade.quantity),
                "orderid": order.id if order else trade.broker_order_id,
                "timestamp": local_time(trade.at, trade.exchange),
                "tradeid": trade.trade_id,
                "price": price(trade.price),
                "strategy": self._strategy(order),
            }

        return await _each(trades, shown)

    async def positions(self, account: Account) -> list[Valued]:
        """Net positions of the day."""
        positions = await self._read(account, lambda broker: broker.positions())
        return await _each(positions, lambda each: self._valued(account, each, each.product, each.realised))

    async def holdings(self, account: Account) -> list[Valued]:
        """Settled delivery stock."""
        holdings = await self._read(account, lambda broker: broker.holdings())
        return await _each(holdings, lambda each: self._valued(account, each, Product.CNC, ZERO))

    async def results(self, account: Account) -> list[Result]:
        """What the day brought in each instrument, over all products. Only practice money counts holdings and costs in."""
        held = await self.positions(account)
        if not account.is_paper:
            return _by_instrument(held)
        found = await cast(PracticeBroker, await self.broker(account)).results()
        held += await self.holdings(account)
        known = {(each.exchange, each.symbol): each for each in _by_instrument(held)}

        def told(result: SymbolResult) -> Result:
            open_now = known.get((result.exchange, result.symbol))
            return Result(
                symbol=result.symbol,
                exchange=result.exchange,
                product=open_now.product if open_now else "",
                quantity=open_now.quantity if open_now else ZERO,
                realised=result.realised,
                unrealised=result.unrealised,
                costs=result.costs,
                currency=result.currency,
            )

        return await _each(found, told)

    async def net(self, account: Account, exchange: str, symbol: str, product: str) -> Decimal:
        """Signed units of the whole account, whoever traded them."""
        positions = await self._read(account, lambda broker: broker.positions())
        wanted = (exchange, symbol, product)
        return sum((p.quantity for p in positions if (p.exchange, p.symbol, p.product) == wanted), ZERO)

    async def held(self, account: Account, strategy_id: str, exchange: str, symbol: str, product: str) -> Decimal:
        """Signed units that one strategy holds, with the fills of what is just being traded, if they are not long in coming."""
        if (desk := self._ports.desk(account.id)) is not None:
            await desk.settle((exchange, symbol, product, strategy_id), SETTLES_WITHIN_S)
        row = await self._ports.reader.row(
            "SELECT quantity FROM positions WHERE account_id = :account AND strategy_id = :strategy"
            " AND exchange = :exchange AND symbol = :symbol AND product = :product AND user_id = :user",
            {
                "account": account.id,
                "strategy": strategy_id,
                "exchange": exchange,
                "symbol": symbol,
                "product": product,
                "user": account.user_id,
            },
        )
        return Decimal(row["quantity"]) if row else ZERO

    def _valued(
        self, account: Account, item: BrokerPosition | BrokerHolding, product: Product, realised: Decimal
    ) -> Valued:
        market = self._ports.market
        instrument = market.instrument(item.exchange, item.symbol)
        # An invented price says nothing about real money: there, what the broker itself names counts.
        quote = market.quote(instrument) if instrument and (account.is_paper or not market.simulated) else None
        last = quote.last if quote else item.last_price
        unrealised = item.unrealised if isinstance(item, BrokerPosition) else ZERO
        return Valued(
            symbol=item.symbol,
            exchange=item.exchange,
            product=str(product),
            quantity=item.quantity,
            average=item.average_price,
            last=last,
            realised=realised,
            unrealised=unrealised if last is None else (last - item.average_price) * item.quantity,
            lot_size=instrument.lot_size if instrument else Decimal(1),
            currency=instrument.currency if instrument else own_currency(account),
        )


def _by_instrument(held: Sequence[Valued]) -> list[Result]:
    found: dict[tuple[str, str], list[Valued]] = {}
    for each in held:
        found.setdefault((each.exchange, each.symbol), []).append(each)
    return [
        Result(
            symbol=symbol,
            exchange=exchange,
            product=",".join(sorted({each.product for each in parts})),
            quantity=sum((each.quantity for each in parts), ZERO),
            realised=sum((each.realised for each in parts), ZERO),
            unrealised=sum((each.unrealised for each in parts), ZERO),
            costs=ZERO,
            currency=parts[0].currency,
        )
        for (exchange, symbol), parts in sorted(found.items())
    ]


async def _each(values: Sequence[Any], made: Callable[[Any], T]) -> list[T]:
    rows = []
    for start in range(0, len(values), PIECE):
        rows += [made(value) for value in values[start : start + PIECE]]
        await asyncio.sleep(0)
    return rows
