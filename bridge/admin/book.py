"""From positions' rows to lines and totals: what is held, what it earns now, what nobody knows yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge.admin import figures
from bridge.admin.names import Names
from bridge.kit.database import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLine:
    """One holding of one strategy at one account. `opened` and `realised` are None where no figure can be given."""

    account: str
    paper: bool
    strategy: str
    symbol: str
    exchange: str
    product: str
    net: str
    lots: str
    side: str
    average: str
    last: str
    opened: Decimal | None
    realised: Decimal
    currency: str
    age: str
    simulated: bool
    uncertain: str

    @property
    def opened_words(self) -> str:
        """The open result with its sign."""
        if self.opened is None:
            return "not known" if self.uncertain else "no price"
        return figures.money(self.opened, self.currency, signed=True)

    @property
    def realised_words(self) -> str:
        """The realised result with its sign."""
        return figures.money(self.realised, self.currency, signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Results of one kind of money: live or paper, one currency. `unpriced` positions are left out of `opened`."""

    paper: bool
    currency: str
    opened: Decimal
    realised: Decimal
    positions: int
    unpriced: int
    uncertain: int

    @property
    def opened_words(self) -> str:
        """The open result with its sign."""
        return figures.money(self.opened, self.currency, signed=True)

    @property
    def realised_words(self) -> str:
        """The realised result with its sign."""
        return figures.money(self.realised, self.currency, signed=True)

    @property
    def left_out(self) -> str:
        """What the total leaves out, in words."""
        parts = [figures.counted(self.unpriced, "position") + " without a price"] if self.unpriced else []
        if self.uncertain:
            parts.append(figures.counted(self.uncertain, "undecided order"))
        return f"{' and '.join(parts)} left out" if parts else ""


def position_line(row: Row, uncertain: Sequence[Row], names: Names, now: int) -> PositionLine:
    """The line of one row of `positions`; `uncertain` are the undecided orders of the same holding."""
    account = names.account(row["account_id"])
    instrument = names.instrument(row["exchange"], row["symbol"])
    quote = names.market.quote(instrument) if instrument else None
    net, average = Decimal(row["quantity"]), Decimal(row["average_price"])
    indian = names.indian(row["exchange"], row["symbol"])

    def price(value: Decimal) -> str:
        return names.price(row["exchange"], row["symbol"], value)

    return PositionLine(
        account=account.name,
        paper=account.is_paper,
        strategy=names.strategy(row["strategy_id"]),
        symbol=row["symbol"],
        exchange=row["exchange"],
        product=row["product"],
        net=figures.signed_quantity(net, indian=indian),
        lots=lots_words(net, instrument.lot_size if instrument else Decimal(1)),
        side="long" if net > 0 else "short" if net < 0 else "flat",
        average=price(average) if net else "",
        last=price(quote.last) if quote else "",
        opened=opened(net, average, quote.last if quote else None, certain=not uncertain),
        realised=Decimal(row["realised"]),
        currency=instrument.currency if instrument else "INR",
        age=figures.age(row["updated_at"], now),
        simulated=quote.simulated if quote else False,
        uncertain=uncertain_words(net, uncertain, indian=indian),
    )


def opened(net: Decimal, average: Decimal, last: Decimal | None, *, certain: bool) -> Decimal | None:
    """What closing now would earn, before costs; None where it cannot be known."""
    if not net:
        return Decimal(0) if certain else None
    return None if last is None else (last - average) * net


def lots_words(net: Decimal, lot_size: Decimal) -> str:
    """`2 lots`; nothing where a lot is one unit, or where lots are only a custom (currencies trade in units)."""
    if lot_size <= 1 or not net or net % lot_size:
        return ""
    lots = abs(net) / lot_size
    return f"{figures.quantity(lots)} {'lot' if lots == 1 else 'lots'}"


def uncertain_words(net: Decimal, orders: Sequence[Row], *, indian: bool = True) -> str:
    """`0 or +65` while an order is undecided: what is recorded, and what is true if the order filled. Several make a range."""
    changes = [
        (Decimal(row["quantity"]) - Decimal(row["filled"])) * (1 if str(row["side"]).lower() == "buy" else -1)
        for row in orders
    ]

    def said(quantity: Decimal) -> str:
        return figures.signed_quantity(quantity, indian=indian)

    if len(changes) == 1:
        return f"{said(net)} or {said(net + changes[0])}"
    low = net + sum((change for change in changes if change < 0), Decimal(0))
    high = net + sum((change for change in changes if change > 0), Decimal(0))
    return f"{said(low)} to {said(high)}" if changes else ""


def position_lines(rows: Sequence[Row], uncertain: Sequence[Row], names: Names, now: int) -> list[PositionLine]:
    """Every holding, also those of which only an undecided order tells."""
    undecided: dict[tuple[str, ...], list[Row]] = {}
    for order in uncertain:
        undecided.setdefault(_key(order), []).append(order)
    known = {_key(row) for row in rows}
    missing = [_flat(orders[0]) for key, orders in undecided.items() if key not in known]
    return [position_line(row, undecided.get(_key(row), ()), names, now) for row in [*rows, *missing]]


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("account_id", "strategy_id", "exchange", "symbol", "product"))


def _flat(order: Row) -> Row:
    return {**order, "quantity": "0", "average_price": "0", "realised": "0"}


def totals(lines: Sequence[PositionLine]) -> list[Total]:
    """Live before paper, per currency; never summed together."""
    kinds = sorted({(line.paper, line.currency) for line in lines})
    return [
        _total(paper, currency, [x for x in lines if (x.paper, x.currency) == (paper, currency)])
        for paper, currency in kinds
    ]


def _total(paper: bool, currency: str, lines: Sequence[PositionLine]) -> Total:
    return Total(
        paper=paper,
        currency=currency,
        opened=sum((line.opened for line in lines if line.opened is not None), Decimal(0)),
        realised=sum((line.realised for line in lines), Decimal(0)),
        positions=sum(line.side != "flat" for line in lines),
        unpriced=sum(line.opened is None and not line.uncertain for line in lines),
        uncertain=sum(bool(line.uncertain) for line in lines),
    )
