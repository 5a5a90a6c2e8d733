"""What orders would block, worked out by placing them on desks that nobody saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bridge.brokers.base import MarginEstimate, OrderRequest
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.desk import Desk
from bridge.brokers.paper.drafts import drafted
from bridge.brokers.paper.money import ZERO, money, plain
from bridge.brokers.paper.records import PaperOrder
from bridge.brokers.paper.rules import assumed_price, unit_exposure
from bridge.brokers.paper.trading import Venue, carried_out
from bridge.kit.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What a desk needs more than before."""

    total: Decimal = ZERO
    exposure: Decimal = ZERO
    derivative: Decimal = ZERO


@dataclass(slots=True)
class Estimate:
    """Orders of one currency, in the order in which they would be placed."""

    book: Book
    asked: Sequence[tuple[OrderRequest, Venue]]
    _desks: dict[tuple[str, ...], Desk] = field(default_factory=dict)
    _needs: dict[tuple[str, ...], _Need] = field(default_factory=dict)

    def run(self, tx: Transaction) -> MarginEstimate:
        """The sum; what closes a position needs nothing, and what it gives back is not counted against the others."""
        self._desks, self._needs = {}, {}
        for request, venue in self.asked:
            self._place(tx, request, venue)
        needs = [need for need in self._needs.values() if need.total > 0]
        exposure = sum((need.exposure for need in needs), ZERO)
        return MarginEstimate(
            total=plain(sum((need.total for need in needs), ZERO)),
            span=plain(sum((need.derivative for need in needs), ZERO) - exposure),
            exposure=plain(exposure),
            currency=self.asked[0][0].instrument.currency if self.asked else self.book.settings.currency,
        )

    def _place(self, tx: Transaction, request: OrderRequest, venue: Venue) -> None:
        order = drafted(request, venue)
        key = (order.exchange, order.symbol, order.product.value)
        before = self._desks.get(key) or self.book.desk(tx, order)
        _, after = carried_out(before, order, venue)
        more = _held(after) - _held(before)
        so_far = self._needs.get(key, _Need())
        part = _exposure_part(order, request, venue)
        self._desks[key] = after
        self._needs[key] = _Need(
            total=so_far.total + more,
            exposure=so_far.exposure + (ZERO if part is None else money(more * part)),
            derivative=so_far.derivative + (ZERO if part is None else more),
        )


def _held(desk: Desk) -> Decimal:
    return desk.position.margin + desk.position.blocked + desk.holding.cost


def _exposure_part(order: PaperOrder, request: OrderRequest, venue: Venue) -> Decimal | None:
    """Of one unit's margin, the share that is exposure, between 0 and 1; `None` for what has none."""
    price = assumed_price(request, venue.quote)
    exposure = None if price is None else unit_exposure(venue.settings, request.instrument, request.side, price)
    if exposure is None:
        return None
    return min(exposure / order.unit_margin, Decimal(1)) if order.unit_margin else ZERO
