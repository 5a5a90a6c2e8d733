"""The book of one strategy: holdings at today's prices, results, and the trades of a day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.api.ports import Ports
from bridge.api.queries import Queries
from bridge.api.resources.base import page, shaped
from bridge.api.shapes import Book, Held, Order, Result, Trade
from bridge.kit.clock import micros
from bridge.kit.database import Row

_INDIA = ZoneInfo("Asia/Kolkata")


@dataclass(slots=True)
class _Sums:
    realised: Decimal = Decimal(0)
    realised_today: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    unpriced: int = 0


async def book_of(
    ports: Ports, queries: Queries, user_id: str, strategy_id: str, day: date | None, limit: int, cursor: str | None
) -> Book:
    """The book of a strategy that belongs to that person. Prices, and so `unrealised`, are those of now, whatever the day."""
    now = ports.clock.now().astimezone(_INDIA)
    start = datetime.combine(day or now.date(), time(), _INDIA)
    today = datetime.combine(now.date(), time(), _INDIA)
    held = [_held(ports, row) for row in await queries.held_by(user_id, strategy_id)]
    closed = await queries.realised(user_id, strategy_id, micros(today), _day_after(today))
    trades = await queries.trades(user_id, strategy_id, micros(start), _day_after(start), limit, cursor)
    return Book(
        strategy_id=strategy_id,
        day=start.date(),
        simulated=ports.market.simulated,
        positions=tuple(held),
        results=_results(ports, held, closed),
        undecided=shaped(Order, await queries.undecided(user_id, strategy_id)),
        trades=page(Trade, trades),
    )


def _day_after(start: datetime) -> int:
    return micros(start + timedelta(days=1))


def _held(ports: Ports, row: Row) -> Held:
    instrument = ports.market.instrument(row["exchange"], row["symbol"])
    quote = ports.market.quote(instrument) if instrument else None
    quantity, average = Decimal(row["quantity"]), Decimal(row["average_price"])
    last = quote.last if quote else None
    unrealised = Decimal(0) if not quantity else None if last is None else (last - average) * quantity
    return Held.model_validate(row | {"last": last, "unrealised": unrealised, "currency": _currency(ports, row)})


def _currency(ports: Ports, row: Row) -> str:
    instrument = ports.market.instrument(row["exchange"], row["symbol"])
    return instrument.currency if instrument else "INR"


def _results(ports: Ports, held: list[Held], closed: list[Row]) -> tuple[Result, ...]:
    """One for each account and currency: different money is never summed."""
    sums: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
    for position in held:
        found = sums[position.account_id, position.currency]
        found.realised += position.realised
        found.unrealised += position.unrealised or 0
        found.unpriced += position.unrealised is None
    for row in closed:
        sums[row["account_id"], _currency(ports, row)].realised_today += Decimal(row["realised"])
    accounts = ports.directory.snapshot.accounts
    return tuple(
        Result(
            account_id=account_id,
            paper=account_id in accounts and accounts[account_id].is_paper,
            currency=currency,
            realised=found.realised,
            realised_today=found.realised_today,
            unrealised=found.unrealised,
            today=found.realised_today + found.unrealised,
            unpriced=found.unpriced,
        )
        for (account_id, currency), found in sorted(sums.items())
    )
