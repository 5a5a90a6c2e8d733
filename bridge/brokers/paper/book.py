"""The persisted books of one paper account: every function is one transaction's work, and the rows are the only truth.

What an order does is worked out inside the transaction, from rows read in it: orders that come together share a commit,
and a process that died, or a second one, finds and leaves equal books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from bridge.brokers.base import BrokerState
from bridge.brokers.paper.desk import Claim, Desk, square_off_refusal, with_order
from bridge.brokers.paper.records import (
    AnyRecord,
    PaperHolding,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Pocket,
    Record,
    Traded,
    from_row,
    to_row,
)
from bridge.brokers.paper.rules import Code
from bridge.brokers.paper.settings import PaperSettings
from bridge.brokers.paper.statements import (
    CANCEL_TRIGGERS,
    CLAIMS,
    FORGET_ALL,
    FORGET_OVER,
    OF_ACCOUNT,
    OF_KEY,
    OF_PRODUCT,
    TRIGGER_CLAIMS,
    UPDATE_ORDER,
    WORKING_SQL,
    delete_sql,
    insert_missing_sql,
    select_sql,
    upsert_sql,
)
from bridge.brokers.paper.tables import (
    paper_accounts,
    paper_holdings,
    paper_orders,
    paper_pockets,
    paper_positions,
    paper_trades,
)
from bridge.brokers.paper.trading import Outcome, Venue, accepted, carried_out
from bridge.domain.intent import Side
from bridge.domain.refusal import Refusal
from bridge.kit.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Book:
    """One account's books."""

    account_id: str
    user_id: str
    settings: PaperSettings

    def open(self, tx: Transaction, trading_date: str) -> None:
        """Write the account's first rows, if they are missing."""
        row = self.mine(user_id=self.user_id, trading_date=trading_date)
        tx.execute(insert_missing_sql(paper_accounts, tuple(row)), row)
        self.lock(tx)
        self.save(tx, paper_pockets, self.pocket(tx, self.settings.currency))

    def lock(self, tx: Transaction) -> None:
        """Let no other process into this account until the commit."""
        tx.execute("UPDATE paper_accounts SET version = version + 1 WHERE account_id = :account_id", self.mine())

    # What orders do

    def place(self, tx: Transaction, order: PaperOrder, venue: Venue, refused: Refusal | None) -> Outcome | None:
        """Write a new order with everything it does at once, or its rejection. `None`: its ref was here before."""
        self.lock(tx)
        if tx.row(
            "SELECT id FROM paper_orders WHERE account_id = :account_id AND ref = :ref", self.mine(ref=order.ref)
        ):
            return None
        return self.enter(tx, order, venue, refused)

    def enter(self, tx: Transaction, order: PaperOrder, venue: Venue, refused: Refusal | None) -> Outcome:
        """The same for an order whose account is locked and whose ref is new."""
        desk = self.desk(tx, order)
        result = refused or accepted(desk, order, venue)
        if isinstance(result, Refusal):
            rejected = replace(order, state=BrokerState.REJECTED, code=result.code, message=result.message)
            tx.insert(paper_orders, self.owned(rejected))
            return Outcome(rejected)
        outcome, after = result
        tx.insert(paper_orders, self.owned(outcome.order))
        self.save_desk(tx, desk, after)
        self.save_trades(tx, outcome.trades)
        return outcome

    def modify(
        self, tx: Transaction, order_id: str, change: Callable[[PaperOrder], PaperOrder | Refusal], venue: Venue
    ) -> Outcome | Refusal:
        """Replace a working order by `change(order)` and match it anew; a refusal leaves it as it was."""
        order = self._working_order(tx, order_id)
        if isinstance(order, Refusal):
            return order
        changed = change(order)
        if isinstance(changed, Refusal):
            return changed
        desk = self.desk(tx, order)
        result = accepted(desk, changed, venue)
        if isinstance(result, Refusal):
            return result
        outcome, after = result
        self._save_outcome(tx, desk, after, outcome)
        return outcome

    def cancel(self, tx: Transaction, order_id: str, now: int) -> Outcome | Refusal:
        """End a working order and release its margin."""
        order = self._working_order(tx, order_id)
        if isinstance(order, Refusal):
            return order
        return self.end(tx, order, BrokerState.CANCELLED, "Cancelled by the user", now)

    def match(self, tx: Transaction, order_id: str, venue: Venue) -> Outcome | Refusal:
        """Let a quote act on a working order; a refusal when it is over."""
        order = self._working_order(tx, order_id)
        if isinstance(order, Refusal):
            return order
        desk = self.desk(tx, order)
        if too_late := square_off_refusal(desk, order, venue.squared_off):
            return self.end(tx, order, BrokerState.CANCELLED, too_late.message, venue.now)
        outcome, after = carried_out(desk, order, venue)
        if outcome.order != order:
            self._save_outcome(tx, desk, after, outcome)
        return outcome

    def end(self, tx: Transaction, order: PaperOrder, state: BrokerState, message: str, now: int) -> Outcome:
        """Take a working order out of the market."""
        desk = self.desk(tx, order)
        outcome = Outcome(replace(order, state=state, message=message, updated_at=now))
        self._save_outcome(tx, desk, with_order(desk, outcome.order), outcome)
        return outcome

    def reset(self, tx: Transaction, now: int) -> list[Outcome]:
        """Empty the books and begin anew, once more; the orders and triggers that ended by it stay, so that their end is seen."""
        self.lock(tx)
        for statement in FORGET_OVER:
            tx.execute(statement, self.mine())
        said = "The account was reset"
        ended = [self.end(tx, order, BrokerState.CANCELLED, said, now) for order in self.working(tx)]
        tx.execute(CANCEL_TRIGGERS, self.mine(message=said, now=now))
        for statement in FORGET_ALL:
            tx.execute(statement, self.mine())
        sql = "UPDATE paper_accounts SET resets = resets + 1, reset_at = :now WHERE account_id = :account_id"
        tx.execute(sql, self.mine(now=now))
        self.save(tx, paper_pockets, self.pocket(tx, self.settings.currency))
        return ended

    def _working_order(self, tx: Transaction, order_id: str) -> PaperOrder | Refusal:
        self.lock(tx)
        row = tx.row("SELECT * FROM paper_orders WHERE account_id = :account_id AND id = :id", self.mine(id=order_id))
        if row is None:
            return Refusal(Code.ORDER_NOT_FOUND.value, f"There is no order {order_id}")
        order = from_row(PaperOrder, row)
        if not order.working:
            said = f"Order {order_id} cannot be changed or cancelled: it is {order.state.value}"
            return Refusal(Code.ORDER_NOT_WORKING.value, said)
        return order

    # Rows

    def desk(self, tx: Transaction, of: Traded) -> Desk:
        """What one order or position touches: the claims without `of` itself, the sums as saved, which count it."""
        key = self.mine(exchange=of.exchange, symbol=of.symbol, product=of.product.value)
        position = tx.row(select_sql(paper_positions, OF_PRODUCT), key)
        holding = tx.row(select_sql(paper_holdings, OF_KEY), key)
        return Desk(
            pocket=self.pocket(tx, of.currency),
            position=from_row(PaperPosition, position) if position else PaperPosition.none(of),
            holding=from_row(PaperHolding, holding) if holding else PaperHolding.none(of),
            claims=tuple(self._claims(tx, key | {"id": "" if isinstance(of, PaperPosition) else of.id})),
        )

    def _claims(self, tx: Transaction, key: Row) -> Iterator[Claim]:
        yield from (_claim(row) for row in tx.rows(CLAIMS, key))
        if self.settings.block_trigger_margin:
            yield from (_claim(row | {"filled": "0"}, waits=True) for row in tx.rows(TRIGGER_CLAIMS, key))

    def pocket(self, tx: Transaction, currency: str) -> Pocket:
        """The money of one currency; opened when it is first needed."""
        sql = "SELECT * FROM paper_pockets WHERE account_id = :account_id AND currency = :currency"
        if row := tx.row(sql, self.mine(currency=currency)):
            return from_row(Pocket, row)
        capital = self.settings.capital if currency == self.settings.currency else self.settings.other_capital
        return Pocket(currency=currency, capital=capital, opening=capital)

    def working(self, tx: Transaction) -> list[PaperOrder]:
        """Orders that can still fill, oldest first."""
        sql = select_sql(paper_orders, f"{OF_ACCOUNT} AND {WORKING_SQL}", order="seq")
        return [from_row(PaperOrder, row) for row in tx.rows(sql, self.mine())]

    def positions(self, tx: Transaction) -> list[PaperPosition]:
        """Every position row."""
        return self.every(tx, paper_positions, PaperPosition)

    def holdings(self, tx: Transaction) -> list[PaperHolding]:
        """Every holding row."""
        return self.every(tx, paper_holdings, PaperHolding)

    def pockets(self, tx: Transaction) -> list[Pocket]:
        """Every pocket."""
        return self.every(tx, paper_pockets, Pocket)

    def every(self, tx: Transaction, table: sa.Table, kind: type[Record], where: str = OF_ACCOUNT) -> list[Record]:
        """The account's rows of a table."""
        return [from_row(kind, row) for row in tx.rows(select_sql(table, where), self.mine())]

    def trading_date(self, tx: Transaction) -> str:
        """The day the books stand at."""
        row = tx.row("SELECT trading_date FROM paper_accounts WHERE account_id = :account_id", self.mine())
        assert row is not None, f"paper account {self.account_id} was never opened"  # noqa: S101 - the adapter opens first
        return str(row["trading_date"])

    def set_trading_date(self, tx: Transaction, day: str) -> None:
        """Turn the books to a day."""
        sql = "UPDATE paper_accounts SET trading_date = :day WHERE account_id = :account_id"
        tx.execute(sql, self.mine(day=day))

    def save(self, tx: Transaction, table: sa.Table, record: PaperPosition | PaperHolding | Pocket) -> None:
        """Write a row, or write it over."""
        row = self.owned(record)
        tx.execute(upsert_sql(table, tuple(row)), row)

    def forget(self, tx: Transaction, table: sa.Table, record: PaperPosition | PaperHolding) -> None:
        """Take a row away."""
        tx.execute(delete_sql(table), self.owned(record))

    def save_desk(self, tx: Transaction, before: Desk, after: Desk) -> None:
        """Write what changed."""
        if after.position != before.position:
            self.save(tx, paper_positions, after.position)
        if after.holding != before.holding:
            self.save(tx, paper_holdings, after.holding)
        if after.pocket != before.pocket:
            self.save(tx, paper_pockets, after.pocket)

    def save_trades(self, tx: Transaction, trades: Sequence[PaperTrade]) -> None:
        """Write executions."""
        tx.insert_many(paper_trades, [self.owned(trade) for trade in trades])

    def _save_outcome(self, tx: Transaction, before: Desk, after: Desk, outcome: Outcome) -> None:
        tx.execute(UPDATE_ORDER, self.owned(outcome.order))
        self.save_desk(tx, before, after)
        self.save_trades(tx, outcome.trades)

    def owned(self, record: AnyRecord) -> Row:
        """A record's row, with whose it is."""
        return to_row(record) | self.mine(user_id=self.user_id)

    def mine(self, **more: object) -> Row:
        """Parameters that keep a statement to this account."""
        return {"account_id": self.account_id, **more}


def _claim(row: Row, *, waits: bool = False) -> Claim:
    return Claim(
        id=row["id"],
        side=Side(row["side"]),
        remaining=Decimal(row["quantity"]) - Decimal(row["filled"]),
        unit_margin=Decimal(row["unit_margin"]),
        waits=waits,
    )
