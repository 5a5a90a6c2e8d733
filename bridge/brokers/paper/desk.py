"""The books of one instrument and product, and what orders and executions do to them. Pure.

    available = capital + realised - costs - margin - blocked

`margin` is what open units hold, `blocked` what working orders would need beyond that if the worse side of them filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bridge.brokers.paper.money import ZERO, money, share
from bridge.brokers.paper.records import PaperHolding, PaperOrder, PaperPosition, PaperTrigger, Pocket
from bridge.brokers.paper.rules import Code
from bridge.domain.intent import Product, Side
from bridge.domain.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a working order or a trigger holds against its position; all that the others need to know of it."""

    id: str
    side: Side
    remaining: Decimal
    unit_margin: Decimal
    waits: bool = False  # a trigger's: it has margin kept for it, but no stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one order may touch. `claims` are those of the others that work on the same position."""

    pocket: Pocket
    position: PaperPosition
    holding: PaperHolding
    claims: tuple[Claim, ...] = ()

    def closable(self, side: Side) -> Decimal:
        """Units an order of that side can still take off the position, after the orders that already want to."""
        held = max(-side.sign * self.position.quantity, ZERO)
        if self.position.product is Product.CNC and side is Side.SELL:
            held += self.holding.quantity
        wanted = (each.remaining for each in self.claims if each.side is side and not each.waits)
        return max(held - sum(wanted, ZERO), ZERO)


def with_order(desk: Desk, order: PaperOrder | PaperTrigger) -> Desk:
    """The desk with an order added, or in place of its former self; a finished one leaves. Blocks or releases its margin."""
    others = tuple(each for each in desk.claims if each.id != order.id)
    own = Claim(
        id=order.id,
        side=order.side,
        remaining=order.remaining,
        unit_margin=order.unit_margin,
        waits=isinstance(order, PaperTrigger),
    )
    return _reblocked(replace(desk, claims=(*others, own) if order.working else others))


def executed(
    desk: Desk, side: Side, quantity: Decimal, price: Decimal, unit_margin: Decimal, costs: Decimal = ZERO
) -> Desk:
    """The desk after an execution. Opens, enlarges, reduces or turns the position; a delivery sale goes on into the holding."""
    held = min(max(-side.sign * desk.position.quantity, ZERO), quantity)
    from_holding = quantity - held if desk.position.product is Product.CNC and side is Side.SELL else ZERO
    opened = quantity - held - from_holding
    position = _reduced(desk.position, held, price)
    holding, gained = _delivered(desk.holding, from_holding, price)
    position = _enlarged(position, side.sign * opened, price, unit_margin)
    position = replace(position, realised=position.realised + gained)
    after = _moved(desk, replace(desk, position=position, holding=holding))
    return replace(after, pocket=replace(after.pocket, costs=after.pocket.costs + costs))


def _reduced(position: PaperPosition, quantity: Decimal, price: Decimal) -> PaperPosition:
    if not quantity:
        return position
    size = abs(position.quantity)
    direction = 1 if position.quantity > 0 else -1
    cost = share(position.cost, quantity, size)
    return replace(
        position,
        quantity=position.quantity - direction * quantity,
        cost=position.cost - cost,
        margin=position.margin - share(position.margin, quantity, size),
        realised=position.realised + direction * (money(quantity * price) - cost),
    )


def _enlarged(position: PaperPosition, signed: Decimal, price: Decimal, unit_margin: Decimal) -> PaperPosition:
    return replace(
        position,
        quantity=position.quantity + signed,
        cost=position.cost + money(abs(signed) * price),
        margin=position.margin + money(abs(signed) * unit_margin),
    )


def _delivered(holding: PaperHolding, quantity: Decimal, price: Decimal) -> tuple[PaperHolding, Decimal]:
    """The holding after a sale, and what the sale gained."""
    if not quantity:
        return holding, ZERO
    # Accepted sales never exceed what is held; a deeper one would be a fault of ours, not a market event.
    cost = share(holding.cost, quantity, holding.quantity)
    left = replace(holding, quantity=holding.quantity - quantity, cost=holding.cost - cost)
    return left, money(quantity * price) - cost


def blocked(position: PaperPosition, claims: Sequence[Claim]) -> Decimal:
    """Margin the working orders need beyond the position's own: of both sides the dearer, as only one can open in the end."""
    return max(_side_needs(position, claims, side) for side in Side)


def _side_needs(position: PaperPosition, claims: Sequence[Claim], side: Side) -> Decimal:
    if position.product is Product.CNC and side is Side.SELL:
        return ZERO  # sells what is there
    closing = max(-side.sign * position.quantity, ZERO)
    needed = ZERO
    mine = (each for each in claims if each.side is side)
    for claim in sorted(mine, key=lambda each: each.unit_margin):  # the cheapest close, so that the rest is never short
        opening = max(claim.remaining - closing, ZERO)
        closing = max(closing - claim.remaining, ZERO)
        needed += money(opening * claim.unit_margin)
    against = side.sign * position.quantity < 0
    return max(needed - position.margin, ZERO) if against else needed


def _reblocked(desk: Desk) -> Desk:
    return _moved(desk, replace(desk, position=replace(desk.position, blocked=blocked(desk.position, desk.claims))))


def _moved(before: Desk, after: Desk) -> Desk:
    """`after` with the pocket following what changed."""
    old, new, pocket = before.position, after.position, before.pocket
    pocket = replace(
        pocket,
        realised=pocket.realised + new.realised - old.realised,
        margin=pocket.margin + new.margin - old.margin + after.holding.cost - before.holding.cost,
        blocked=pocket.blocked + new.blocked - old.blocked,
    )
    return replace(after, pocket=pocket)


def stock_refusal(desk: Desk, order: PaperOrder) -> Refusal | None:
    """A delivery sale needs the stock, less what other orders already sell."""
    if order.product is not Product.CNC or order.side is not Side.SELL:
        return None
    there = desk.closable(Side.SELL)
    if order.remaining <= there:
        return None
    said = f"Insufficient holdings: {order.symbol} has {there:f} free to sell, the order sells {order.remaining:f}"
    return Refusal(Code.INSUFFICIENT_HOLDINGS.value, said, {"free": there, "quantity": order.remaining})


def square_off_refusal(desk: Desk, order: PaperOrder, squared_off: str | None) -> Refusal | None:
    """Once intraday positions are being closed for the day (`squared_off` says when), nothing intraday is opened any more."""
    if squared_off is None or order.product is not Product.MIS:
        return None
    # Whatever else would close it too: the one that closes must get through, the others are asked again when they would fill.
    if order.remaining <= -order.side.sign * desk.position.quantity:
        return None
    said = f"MIS orders cannot be placed after the square-off time ({squared_off}) unless they reduce a position"
    return Refusal(Code.AFTER_SQUARE_OFF.value, said)


def margin_refusal(before: Desk, order: PaperOrder | PaperTrigger, after: Desk) -> Refusal | None:
    """An order that opens anything must be paid for; one that only reduces needs nothing. `before` is without the order."""
    there = before.pocket.available
    if order.remaining <= before.closable(order.side) or after.pocket.available >= min(there, ZERO):
        return None
    needed = there - after.pocket.available
    said = f"Insufficient funds: required margin {order.currency} {needed:.2f}, available {order.currency} {there:.2f}"
    return Refusal(Code.INSUFFICIENT_MARGIN.value, said, {"required": needed, "available": there})
