"""Several orders in one request: one alert with a leg for each, every leg with an outcome of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from bridge.api.openalgo.orders import Desk, Terms, Traded
from bridge.api.openalgo.wire import Body, Call, Name, Wire

LARGEST = 100


class BasketOrder(Body):
    """Orders of one strategy."""

    strategy: Name
    orders: Annotated[tuple[Terms, ...], Field(min_length=1, max_length=LARGEST)]


def buys_first(legs: tuple[Traded, ...]) -> list[int]:
    """The places of the legs in the order in which they go into the alert: decision 0012 says what that keeps."""
    return sorted(range(len(legs)), key=lambda place: legs[place].action == "SELL")


def add(wire: Wire, desk: Desk) -> None:
    """The endpoints of this module."""

    async def basketorder(call: Call, body: BasketOrder) -> Mapping[str, Any]:
        """Place up to 100 orders. Each stands for itself and is answered for itself, in the order of the request.

        A sell that opens a position is sent when every buy of the basket has been answered; a sell that closes waits for none.
        """
        order = buys_first(body.orders)
        placed = await desk.place(call, "basketorder", body.strategy, [body.orders[place].wish() for place in order])
        results = [
            {
                "symbol": leg.symbol,
                "exchange": leg.exchange,
                "product": leg.product,
                **desk.leg(placed, order.index(place) + 1),
            }
            for place, leg in enumerate(body.orders)
        ]
        return desk.legs(call, placed, results)

    wire.post("basketorder", BasketOrder, basketorder, scope="orders:write", fault="text")
