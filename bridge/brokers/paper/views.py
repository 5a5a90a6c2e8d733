"""What the books show a reader, in the words of the port. Reads stand beside the writer and see only what is committed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bridge.brokers.base import (
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerTrade,
    Funds,
    SymbolResult,
    Trigger,
    TriggerKind,
    Unavailable,
)
from bridge.brokers.paper.money import ZERO, money, plain
from bridge.brokers.paper.records import (
    PaperHolding,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    PaperTrigger,
    Pocket,
    from_row,
)
from bridge.brokers.paper.statements import ACTIVE_SQL, OF_ACCOUNT, WORKING_SQL, select_sql
from bridge.brokers.paper.tables import (
    paper_accounts,
    paper_holdings,
    paper_orders,
    paper_pockets,
    paper_positions,
    paper_trades,
    paper_triggers,
)
from bridge.kit.clock import from_micros, micros
from bridge.kit.database import Reader, Row
from bridge.market.base import Market

T = TypeVar("T")

YIELD_EVERY = 100  # rows


@dataclass(frozen=True, slots=True)
class Views:
    """The reading side of one account."""

    account_id: str
    reader: Reader
    market: Market

    async def orders(self, since: datetime) -> Sequence[BrokerOrder]:
        """Orders that still work or changed since then, in the order they came."""
        sql = select_sql(paper_orders, f"{OF_ACCOUNT} AND ({WORKING_SQL} OR updated_at >= :since)", order="seq")
        return await _each(await self._rows(sql, since=micros(since)), lambda row: _order(from_row(PaperOrder, row)))

    async def trades(self, since: datetime) -> Sequence[BrokerTrade]:
        """Executions since then, oldest first."""
        sql = select_sql(paper_trades, f"{OF_ACCOUNT} AND at >= :since", order="seq")
        return await _each(await self._rows(sql, since=micros(since)), lambda row: _trade(from_row(PaperTrade, row)))

    async def triggers(self, since: datetime) -> Sequence[Trigger]:
        """Those that are active or ended since then, in the order they came."""
        sql = select_sql(paper_triggers, f"{OF_ACCOUNT} AND ({ACTIVE_SQL} OR updated_at >= :since)", order="seq")
        return await _each(
            await self._rows(sql, since=micros(since)), lambda row: _trigger(from_row(PaperTrigger, row))
        )

    async def positions(self) -> Sequence[BrokerPosition]:
        """Open positions, and flat ones that made or lost money today."""
        rows = [from_row(PaperPosition, row) for row in await self._rows(_ALL_POSITIONS)]
        return [self._position(each) for each in rows if each.quantity or each.realised]

    async def holdings(self) -> Sequence[BrokerHolding]:
        """Delivered stock."""
        rows = [from_row(PaperHolding, row) for row in await self._rows(_ALL_HOLDINGS)]
        return [self._holding(each) for each in rows if each.quantity]

    async def funds(self, currency: str) -> Funds:
        """The money of one currency; `available + used_margin = capital + realised`, where realised is after costs."""
        sql = select_sql(paper_pockets, f"{OF_ACCOUNT} AND currency = :currency")
        found = await self._rows(sql, currency=currency)
        if not found:
            raise Unavailable(f"The paper account has no {currency} pocket yet")
        pocket = from_row(Pocket, found[0])
        return Funds(
            available=plain(pocket.available),
            used_margin=plain(pocket.margin + pocket.blocked),
            realised=plain(pocket.realised - pocket.costs),
            unrealised=plain(await self._unrealised(currency)),
            currency=currency,
            capital=plain(pocket.capital),
            began_with=plain(pocket.opening),
            **await self._resets(),
        )

    async def _resets(self) -> Row:
        (account,) = await self._rows(select_sql(paper_accounts, columns="resets, reset_at"))
        at = account["reset_at"]
        return {"resets": account["resets"], "reset_at": None if at is None else from_micros(at)}

    async def results(self, since: datetime) -> Sequence[SymbolResult]:
        """What each instrument brought since then, by its key; `since` is the start of the books' day."""
        costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        sql = select_sql(paper_trades, f"{OF_ACCOUNT} AND at >= :since")
        for trade in await _each(await self._rows(sql, since=micros(since)), lambda row: from_row(PaperTrade, row)):
            costs[trade.exchange, trade.symbol] += trade.costs
        found: dict[tuple[str, str], SymbolResult] = {}
        for item in await self._held():
            key = item.exchange, item.symbol
            before = found.get(key) or SymbolResult(
                exchange=item.exchange,
                symbol=item.symbol,
                currency=item.currency,
                realised=ZERO,
                unrealised=ZERO,
                costs=plain(costs[key]),
            )
            realised = item.realised if isinstance(item, PaperPosition) else ZERO
            found[key] = replace(
                before,
                realised=plain(before.realised + realised),
                unrealised=plain(before.unrealised + self._gain(item)),
            )
        return [found[key] for key in sorted(found)]

    async def _unrealised(self, currency: str) -> Decimal:
        return sum((self._gain(each) for each in await self._held() if each.currency == currency), ZERO)

    async def _held(self) -> Sequence[PaperPosition | PaperHolding]:
        positions = [from_row(PaperPosition, row) for row in await self._rows(_ALL_POSITIONS)]
        return [*positions, *(from_row(PaperHolding, row) for row in await self._rows(_ALL_HOLDINGS))]

    def _gain(self, item: PaperPosition | PaperHolding) -> Decimal:
        """What closing at the last price would bring beyond the cost; nothing where there is no price."""
        last = self._last(item)
        if last is None or not item.quantity:
            return ZERO
        return money(item.quantity * last) - (item.cost if item.quantity > 0 else -item.cost)

    def _last(self, item: PaperPosition | PaperHolding) -> Decimal | None:
        instrument = self.market.instrument(item.exchange, item.symbol)
        quote = self.market.quote(instrument) if instrument else None
        return quote.last if quote else None

    def _position(self, position: PaperPosition) -> BrokerPosition:
        return BrokerPosition(
            symbol=position.symbol,
            exchange=position.exchange,
            product=position.product,
            quantity=plain(position.quantity),
            average_price=plain(money(position.average_price)),
            last_price=self._last(position),
            realised=plain(position.realised),
            unrealised=plain(self._gain(position)),
        )

    def _holding(self, holding: PaperHolding) -> BrokerHolding:
        return BrokerHolding(
            symbol=holding.symbol,
            exchange=holding.exchange,
            quantity=plain(holding.quantity),
            average_price=plain(money(holding.cost / holding.quantity)),
            last_price=self._last(holding),
        )

    async def _rows(self, sql: str, **row: Any) -> Sequence[Row]:
        try:
            return await self.reader.rows(sql, {"account_id": self.account_id, **row})
        except SQLAlchemyError as problem:
            raise Unavailable(f"The paper books cannot be read: {problem}") from problem


_ALL_POSITIONS = select_sql(paper_positions, order="exchange, symbol, product")
_ALL_HOLDINGS = select_sql(paper_holdings, order="exchange, symbol")


async def _each(rows: Sequence[Row], made: Callable[[Row], T]) -> list[T]:
    values = []
    for place, row in enumerate(rows, start=1):
        values.append(made(row))
        if place % YIELD_EVERY == 0:
            await asyncio.sleep(0)  # a long book must not make an alert wait
    return values


def _order(order: PaperOrder) -> BrokerOrder:
    average = order.average_price
    return BrokerOrder(
        broker_order_id=order.id,
        ref=order.ref,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=plain(order.quantity),
        filled=plain(order.filled),
        state=order.state,
        order_type=order.order_type,
        product=order.product,
        price=order.price,
        trigger_price=order.trigger_price,
        average_price=None if average is None else plain(money(average)),
        placed_at=from_micros(order.placed_at),
        message=order.message or "",
    )


def _trigger(trigger: PaperTrigger) -> Trigger:
    legs = trigger.legs
    return Trigger(
        trigger_id=trigger.id,
        ref=trigger.ref,
        symbol=trigger.symbol,
        exchange=trigger.exchange,
        side=trigger.side,
        quantity=plain(trigger.quantity),
        product=trigger.product,
        kind=TriggerKind.SINGLE if len(legs) == 1 else TriggerKind.OCO,
        state=trigger.state,
        legs=legs,
        last_price=trigger.last_price,
        created_at=from_micros(trigger.placed_at),
        updated_at=from_micros(trigger.updated_at),
        expires_at=from_micros(trigger.expires_at),
        order_id=trigger.order_id,
        blocked=plain(money(trigger.quantity * trigger.unit_margin)) if trigger.working else ZERO,
        message=trigger.message or "",
    )


def _trade(trade: PaperTrade) -> BrokerTrade:
    return BrokerTrade(
        trade_id=trade.id,
        broker_order_id=trade.order_id,
        symbol=trade.symbol,
        exchange=trade.exchange,
        side=trade.side,
        product=trade.product,
        quantity=plain(trade.quantity),
        price=trade.price,
        at=from_micros(trade.at),
    )
