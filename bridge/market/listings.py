"""What the bundled list knows of each name: reference price, tick, how it moves, what is written on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from bridge.domain.instrument import InstrumentKind
from bridge.market.bundled import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A name that has a price of its own. `volatility` is a year's standard deviation, for simulated prices only."""

    symbol: str
    exchange: str
    kind: InstrumentKind
    name: str
    price: Decimal
    tick: Decimal
    currency: str = "INR"
    lot: Decimal = Decimal(1)
    volatility: float = 0.28

    @property
    def key(self) -> str:
        """`EXCHANGE:SYMBOL`."""
        return f"{self.exchange}:{self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlying:
    """What dated contracts are written on. `strikes` are listed on each side of the reference price.

    `spot` is the key of the listing that prices it; commodities and currencies have one that is not traded itself.
    """

    symbol: str
    exchange: str
    spot: str
    name: str
    currency: str
    future_tick: Decimal
    option_tick: Decimal
    strike_step: Decimal | None
    strikes: int
    futures: int


@cache
def listings() -> Mapping[str, Listing]:
    """Every listing by key. Those of exchange `REFERENCE` only price contracts; they are not instruments."""
    found = [*_indian_equities(), *_us_equities(), *_indices(), *_spot(), *_references()]
    return {listing.key: listing for listing in found}


@cache
def underlyings() -> Mapping[tuple[str, str], Underlying]:
    """Every underlying by derivatives exchange and name."""
    found = [*(_underlying(row) for row in rows("underlyings")), *(_stock(row) for row in _fno_rows())]
    return {(u.exchange, u.symbol): u for u in found}


@cache
def fno_stocks() -> frozenset[str]:
    """Stocks with derivatives, which close by auction."""
    return frozenset(row["symbol"] for row in _fno_rows())


def _fno_rows() -> list[Mapping[str, str]]:
    return [row for row in rows("equities_in") if row["lot"] != "0"]


def _indian_equities() -> list[Listing]:
    return [
        Listing(
            symbol=row["symbol"],
            exchange=exchange,
            kind=InstrumentKind.EQUITY,
            name=row["name"],
            price=Decimal(row["price"]),
            tick=Decimal(row["tick"]),
        )
        for row in rows("equities_in")
        for exchange in ("NSE", "BSE")
    ]


def _us_equities() -> list[Listing]:
    return [
        Listing(
            symbol=row["symbol"],
            exchange=row["exchange"],
            kind=InstrumentKind.EQUITY,
            name=row["name"],
            price=Decimal(row["price"]),
            tick=Decimal("0.01"),
            currency="USD",
        )
        for row in rows("equities_us")
    ]


def _indices() -> list[Listing]:
    return [
        Listing(
            symbol=row["symbol"],
            exchange=row["exchange"],
            kind=InstrumentKind.INDEX,
            name=row["name"],
            price=Decimal(row["price"]),
            tick=Decimal("0.05"),
            volatility=float(row["volatility"]),
        )
        for row in rows("indices")
    ]


def _spot() -> list[Listing]:
    return [
        Listing(
            symbol=row["symbol"],
            exchange=row["exchange"],
            kind=InstrumentKind.CRYPTO if row["exchange"] == "CRYPTO" else InstrumentKind.FOREX,
            name=row["name"],
            price=Decimal(row["price"]),
            tick=Decimal(row["tick"]),
            currency=row["currency"],
            lot=Decimal(row["lot"]),
            volatility=float(row["volatility"]),
        )
        for row in rows("spot")
    ]


def _references() -> list[Listing]:
    return [
        Listing(
            symbol=f"{row['exchange']}.{row['symbol']}",
            exchange="REFERENCE",
            kind=InstrumentKind.INDEX,
            name=row["name"],
            price=Decimal(row["price"]),
            tick=Decimal(row["future_tick"]),
            currency=row["currency"],
            volatility=float(row["volatility"]),
        )
        for row in rows("underlyings")
        if row["price"]
    ]


def _underlying(row: Mapping[str, str]) -> Underlying:
    spot = (
        f"{row['spot_exchange']}:{row['symbol']}"
        if row["spot_exchange"]
        else f"REFERENCE:{row['exchange']}.{row['symbol']}"
    )
    return Underlying(
        symbol=row["symbol"],
        exchange=row["exchange"],
        spot=spot,
        name=row["name"],
        currency=row["currency"],
        future_tick=Decimal(row["future_tick"]),
        option_tick=Decimal(row["option_tick"] or row["future_tick"]),
        strike_step=Decimal(row["strike_step"]) if row["strike_step"] else None,
        strikes=int(row["strikes"]),
        futures=int(row["futures"]),
    )


_STRIKE_STEPS = ((50, "1"), (250, "2.5"), (500, "5"), (1000, "10"), (2500, "20"), (5000, "50"))


def _stock(row: Mapping[str, str]) -> Underlying:
    step = next((step for limit, step in _STRIKE_STEPS if float(row["price"]) < limit), "100")
    return Underlying(
        symbol=row["symbol"],
        exchange="NFO",
        spot=f"NSE:{row['symbol']}",
        name=row["name"],
        currency="INR",
        future_tick=Decimal(row["tick"]),
        option_tick=Decimal("0.05"),
        strike_step=Decimal(step),
        strikes=16,
        futures=3,
    )
