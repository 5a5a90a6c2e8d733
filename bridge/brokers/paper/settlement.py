"""The turn of the day: orders expire, delivery arrives, expired contracts are settled, results become capital."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bridge.brokers.base import BrokerState
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.desk import executed
from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import PaperOrder, PaperPosition, PaperTrade, Pocket
from bridge.brokers.paper.tables import paper_holdings, paper_pockets, paper_positions
from bridge.brokers.paper.trading import Outcome
from bridge.brokers.paper.triggers import Triggers
from bridge.domain.instrument import Instrument, OptionRight, parse_symbol
from bridge.domain.intent import Product, Side, TimeInForce
from bridge.kit.database import Transaction
from bridge.kit.ids import new_id
from bridge.market.base import Market

Prices = Mapping[tuple[str, str], Decimal]  # (exchange, symbol) → settlement price


def expired(symbol: str, day: date) -> bool:
    """Whether a contract's last day is over."""
    parts = parse_symbol(symbol)
    return parts is not None and parts.expiry < day


def settlement_prices(positions: Iterable[PaperPosition], day: date, market: Market) -> Prices:
    """What expired contracts among the positions end at: their last price, else what the underlying makes them worth."""
    found: dict[tuple[str, str], Decimal] = {}
    for position in positions:
        if not position.quantity or not expired(position.symbol, day):
            continue
        price = _last(market, market.instrument(position.exchange, position.symbol))
        price = price if price is not None else _worth(position.symbol, market)
        if price is not None:
            found[position.exchange, position.symbol] = price
    return found


def _worth(symbol: str, market: Market) -> Decimal | None:
    """A future is worth its underlying, an option what exercising it gives."""
    parts = parse_symbol(symbol)
    spots = [each for each in market.find(parts.base) if not each.is_derivative] if parts else []
    price = next((price for each in spots if (price := _last(market, each)) is not None), None)
    if price is None or parts is None or parts.strike is None:
        return price
    gain = price - parts.strike if parts.right is OptionRight.CALL else parts.strike - price
    return max(gain, ZERO)


def _last(market: Market, instrument: Instrument | None) -> Decimal | None:
    quote = market.quote(instrument) if instrument else None
    return quote.last if quote else None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The work of turning a book to `day`. A book that is there already, or beyond, is left alone. `now` in microseconds."""

    book: Book
    day: date
    prices: Prices
    now: int

    def run(self, tx: Transaction) -> list[Outcome]:
        """Settle; the orders that expired."""
        self.book.lock(tx)
        if date.fromisoformat(self.book.trading_date(tx)) >= self.day:
            return []
        ended = [self._expire(tx, order) for order in self.book.working(tx) if self._is_over(order)]
        triggers = Triggers(self.book)
        for trigger in triggers.active(tx):
            if trigger.expires_at <= self.now:
                triggers.expire(tx, trigger, self.now)
        for position in self.book.positions(tx):
            if position.quantity and expired(position.symbol, self.day):
                self._close_contract(tx, position)
            elif position.product is Product.CNC and position.quantity > 0:
                self._deliver(tx, position)
        self._begin_day(tx)
        return ended

    def _is_over(self, order: PaperOrder) -> bool:
        return order.time_in_force is not TimeInForce.GTC or expired(order.symbol, self.day)

    def _expire(self, tx: Transaction, order: PaperOrder) -> Outcome:
        return self.book.end(tx, order, BrokerState.EXPIRED, "The order's validity is over", self.now)

    def _close_contract(self, tx: Transaction, position: PaperPosition) -> None:
        # Where nobody knows a price, the contract ends at what it was traded for: no result is better than an invented one.
        price = self.prices.get((position.exchange, position.symbol), position.average_price)
        side = Side.SELL if position.quantity > 0 else Side.BUY
        before = self.book.desk(tx, position)
        after = executed(before, side, abs(position.quantity), price, unit_margin=ZERO)
        trade = PaperTrade(
            id=new_id("pt"),
            order_id="",
            exchange=position.exchange,
            symbol=position.symbol,
            currency=position.currency,
            product=position.product,
            side=side,
            quantity=abs(position.quantity),
            price=price,
            costs=ZERO,
            at=self.now,
        )
        self.book.save_desk(tx, before, after)
        self.book.save_trades(tx, [trade])

    def _deliver(self, tx: Transaction, position: PaperPosition) -> None:
        """Bought stock arrives: the position becomes a holding at what it cost."""
        held = self.book.desk(tx, position).holding
        arrived = replace(held, quantity=held.quantity + position.quantity, cost=held.cost + position.cost)
        self.book.save(tx, paper_holdings, arrived)
        self.book.save(tx, paper_positions, replace(position, quantity=ZERO, cost=ZERO, margin=ZERO))

    def _begin_day(self, tx: Transaction) -> None:
        """Yesterday's results become capital; what is flat leaves; sums are taken anew."""
        for position in self.book.positions(tx):
            if position.quantity or position.blocked:
                self.book.save(tx, paper_positions, replace(position, realised=ZERO))
            else:
                self.book.forget(tx, paper_positions, position)
        for holding in self.book.holdings(tx):
            if not holding.quantity:
                self.book.forget(tx, paper_holdings, holding)
        for pocket in self.book.pockets(tx):
            self.book.save(tx, paper_pockets, self._opened(tx, pocket))
        self.book.set_trading_date(tx, self.day.isoformat())

    def _opened(self, tx: Transaction, pocket: Pocket) -> Pocket:
        positions = [each for each in self.book.positions(tx) if each.currency == pocket.currency]
        holdings = [each for each in self.book.holdings(tx) if each.currency == pocket.currency]
        return Pocket(
            currency=pocket.currency,
            opening=pocket.opening,
            capital=pocket.capital + pocket.realised - pocket.costs,
            margin=sum((each.margin for each in positions), ZERO) + sum((each.cost for each in holdings), ZERO),
            blocked=sum((each.blocked for each in positions), ZERO),
        )
