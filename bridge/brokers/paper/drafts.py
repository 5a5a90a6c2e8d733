"""From a request to an order: new, or in place of a working one. Pure."""

from __future__ import annotations

from dataclasses import replace

from bridge.brokers.base import OrderRequest
from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import STOPS, PaperOrder
from bridge.brokers.paper.rules import Ask, Code, assumed_price, is_countable, refusal, unit_margin
from bridge.brokers.paper.trading import Venue, working_state
from bridge.domain.intent import OrderType
from bridge.domain.refusal import Refusal
from bridge.kit.ids import new_id


def drafted(request: OrderRequest, venue: Venue) -> PaperOrder:
    """A new order as it reaches the exchange."""
    order = PaperOrder(
        id=new_id("pp"),
        ref=request.ref,
        exchange=request.instrument.exchange,
        symbol=request.instrument.symbol,
        currency=request.instrument.currency,
        product=request.product,
        side=request.side,
        quantity=request.quantity,
        order_type=request.order_type,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        protection=request.market_protection_percent,
        placed_at=venue.now,
        updated_at=venue.now,
    )
    return _priced(order, request, venue)


def changed(order: PaperOrder, request: OrderRequest, venue: Venue, closed: str | None) -> PaperOrder | Refusal:
    """A working order with a request's figures, or why that cannot be. A stop that fired stays fired."""
    asked = (request.instrument.exchange, request.instrument.symbol, request.side, request.product)
    if asked != (order.exchange, order.symbol, order.side, order.product):
        said = "A modification cannot change the instrument, the side or the product"
        return Refusal(Code.MODIFY_NOT_ALLOWED.value, said)
    if request.quantity <= order.filled:
        said = f"{order.filled:f} units are traded already; the quantity must be above that, was {request.quantity:f}"
        return Refusal(Code.MODIFY_NOT_ALLOWED.value, said)
    if no := refusal(Ask(_as_it_stands(order, request), venue.quote, venue.day, closed)):
        return no
    after = replace(
        order,
        quantity=request.quantity,
        order_type=request.order_type,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        protection=request.market_protection_percent,
        triggered=order.triggered and request.order_type in STOPS,
        resting_last=None,  # it comes to the market anew
        updated_at=venue.now,
    )
    return _priced(replace(after, state=working_state(after)), request, venue)


def _as_it_stands(order: PaperOrder, request: OrderRequest) -> OrderRequest:
    """A stop that fired is judged as the limit or market order that it became."""
    became = {OrderType.STOP_LIMIT: OrderType.LIMIT, OrderType.STOP: OrderType.MARKET}
    return (
        replace(request, order_type=became[request.order_type])
        if order.triggered and request.order_type in STOPS
        else request
    )


def _priced(order: PaperOrder, request: OrderRequest, venue: Venue) -> PaperOrder:
    price = assumed_price(request, venue.quote)
    if price is None or not is_countable(price):
        return order  # about to be refused for it
    unit = unit_margin(venue.settings, venue.instrument, order.product, order.side, price)
    return replace(order, unit_margin=max(unit, ZERO))
