"""Order rows from what was decided."""

from __future__ import annotations

from decimal import Decimal

from bridge.brokers.base import Capabilities
from bridge.domain.intent import OrderType, Side
from bridge.domain.lifecycle import OrderState
from bridge.kit.ids import new_id, new_ref
from bridge.market.rules import FreezeLimit
from bridge.orders.planning import slices
from bridge.orders.records import IntentRecord, OrderRecord
from bridge.orders.situation import Candidate
from bridge.orders.sizing import step_of

# Indian exchanges refuse bare market orders from algorithms; the adapter sends this much protection with them.
PROTECTION_PERCENT = Decimal(2)


def protection(order_type: OrderType, capabilities: Capabilities | None) -> Decimal | None:
    """Percent of the price that a bare market or stop order may slip at a broker that wants a bound; None: none is sent."""
    protected = capabilities is not None and capabilities.market_orders_need_protection
    return PROTECTION_PERCENT if protected and order_type in (OrderType.MARKET, OrderType.STOP) else None


def build(
    intent: IntentRecord,
    wish: Candidate,
    side: Side,
    quantity: Decimal,
    *,
    reduces: bool,
    now: int,
    trading_date: str,
    freeze: FreezeLimit | None,
    capabilities: Capabilities | None,
) -> list[OrderRecord]:
    """The orders of one decided quantity: one, or the slices that the freeze quantity or the message asks for."""
    may_slice = freeze is not None and (freeze.may_slice or reduces)
    limits = (freeze.quantity if freeze and may_slice else None, intent.wish.split_size)
    limit = min((found for found in limits if found), default=None)
    pieces = slices(quantity, limit, step_of(wish.instrument))
    return [
        OrderRecord(
            id=new_id("or"),
            ref=new_ref(),
            trading_date=trading_date,
            user_id=intent.user_id,
            account_id=intent.account_id,
            strategy_id=intent.strategy_id,
            intent_id=intent.id,
            alert_id=intent.alert_id,
            leg=intent.number * 100 + piece,
            exchange=wish.instrument.exchange,
            symbol=wish.instrument.symbol,
            product=wish.product,
            side=side,
            quantity=size,
            order_type=wish.order_type,
            price=wish.price,
            trigger_price=wish.trigger_price,
            time_in_force=wish.time_in_force,
            protection=protection(wish.order_type, capabilities),
            reduces=reduces,
            basket=intent.basket,
            state=OrderState.QUEUED,
            code=None,
            message=None,
            fence=0,
            sends=0,
            deadline=intent.deadline if reduces else min(intent.deadline, intent.opens_until),
            filled=Decimal(0),
            average_price=None,
            pending_op=None,
            broker_order_id=None,
            queued_at=now,
            sent_at=None,
            updated_at=now,
            closed_at=None,
        )
        for piece, size in enumerate(pieces)
    ]
