"""Figures as OpenAlgo writes them: prices and money as numbers or text, times by the exchange's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache

from bridge.accounts.model import Account
from bridge.market.sessions import IST, SEGMENT_OF_EXCHANGE, SEGMENTS

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A position or holding at its present price: signed units, money in `currency`."""

    symbol: str
    exchange: str
    product: str
    quantity: Decimal
    average: Decimal
    last: Decimal | None
    realised: Decimal
    unrealised: Decimal
    lot_size: Decimal
    currency: str

    @property
    def invested(self) -> Decimal:
        """What the open units were traded for."""
        return self.average * abs(self.quantity)

    @property
    def value(self) -> Decimal:
        """What the open units are worth; where nobody knows a price, what they were traded for."""
        return self.invested if self.last is None else self.last * abs(self.quantity)

    @property
    def percent(self) -> Decimal:
        """The open result in percent of what was invested."""
        return self.unrealised / self.invested * 100 if self.invested else ZERO

    @property
    def result(self) -> Decimal:
        """What the day has brought, closed and open."""
        return self.realised + self.unrealised


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a day brought in one instrument, over all products, in `currency`: `realised` is before `costs`."""

    symbol: str
    exchange: str
    product: str  # several in alphabetical order, with commas between
    quantity: Decimal
    realised: Decimal
    unrealised: Decimal
    costs: Decimal
    currency: str

    @property
    def result(self) -> Decimal:
        """What the day has brought, closed and open."""
        return self.realised + self.unrealised


def own_currency(account: Account) -> str:
    """What an account's money is counted in; sums leave out what is in any other."""
    return str(account.settings.broker.get("currency", "INR"))


def price(value: Decimal | None) -> float:
    """A price as JSON carries it; 0.0 for none."""
    return float(round(value or ZERO, 8))


def amount(value: Decimal) -> float:
    """Money as a number with two decimals."""
    return float(money(value))


def money(value: Decimal) -> str:
    """Money as text with two decimals, never `-0.00`."""
    return f"{round(value, 2) + ZERO:.2f}"


def local_time(moment: datetime | None, exchange: str) -> str:
    """`2026-11-20 11:30:00` by the exchange's clock; empty when nobody knows."""
    return f"{moment.astimezone(zone(exchange)):%Y-%m-%d %H:%M:%S}" if moment else ""


@cache
def zone(exchange: str) -> tzinfo:
    """Whose clock an exchange goes by."""
    segment = SEGMENT_OF_EXCHANGE.get(exchange)
    return SEGMENTS[segment].zone if segment else IST
