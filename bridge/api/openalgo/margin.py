"""What orders would block, as their broker estimates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field

from bridge.api.openalgo.books import Books
from bridge.api.openalgo.figures import amount
from bridge.api.openalgo.orders import ORDER_TYPES, Terms
from bridge.api.openalgo.wire import Body, Call, Refused, Wire
from bridge.brokers.base import MarginBroker, OrderRequest, Rejected, Unsupported
from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderType, Product, Side
from bridge.kit.ids import new_ref


class Planned(Terms):
    """An order that might be placed."""

    pricetype: Literal["MARKET", "LIMIT", "SL", "SL-M"]
    product: Literal["MIS", "NRML", "CNC"]

    def request(self, instrument: Instrument) -> OrderRequest:
        """As its broker would get it."""
        kind = ORDER_TYPES[self.pricetype]
        return OrderRequest(
            ref=new_ref(),
            instrument=instrument,
            side=Side.BUY if self.action == "BUY" else Side.SELL,
            quantity=self.quantity,
            order_type=kind,
            product=Product(self.product),
            price=self.price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
            trigger_price=self.trigger_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        )


class Margin(Body):
    """Orders that would be placed together."""

    positions: list[Planned] = Field(min_length=1, max_length=50)


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    books = Books(wire.ports)

    def instrument(number: int, planned: Planned) -> Instrument:
        found = wire.ports.market.instrument(planned.exchange, planned.symbol)
        if found is None:
            said = f"there is no {planned.symbol} on {planned.exchange}"
            raise Refused(400, {"positions": {str(number): {"symbol": [said]}}})
        return found

    async def margin(call: Call, body: Margin) -> Mapping[str, Any]:
        """What these orders would block together if they were placed now. Nothing is placed."""
        account = wire.account(call)
        can = wire.ports.capabilities(account.broker)
        if can is None or not can.margin_estimate:
            raise Refused(501, f"Margin calculation is not supported for broker '{account.broker}' yet")
        requests = [each.request(instrument(number, each)) for number, each in enumerate(body.positions)]
        broker = cast(MarginBroker, await books.broker(account))
        try:
            found = await broker.margin(requests)
        except (Rejected, Unsupported) as problem:
            raise Refused(400, str(problem), reason=problem.code) from None
        data = {
            "total_margin_required": amount(found.total),
            "span_margin": amount(found.span),
            "exposure_margin": amount(found.exposure),
        }
        return wire.marked(call, {"data": data})

    wire.post("margin", Margin, margin)
