"""Orders: where they stand, and what a person may still do about them."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from bridge.api.keys import Caller
from bridge.api.problems import Problem, not_found
from bridge.api.resources.base import Cursor, Given, Limit, Resources, Wanted, page
from bridge.api.shapes import Answered, Order, OrderStory, Page
from bridge.domain.lifecycle import AT_BROKER, OrderState
from bridge.kit.database import Row
from bridge.orders.parked import candidates


class Decision(Given):
    """`broker_order_id`: the broker's order that is ours, one of the candidates; null: none of them, it was not placed."""

    broker_order_id: str | None = Field(max_length=80)


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door = resources.router, resources.queries, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]
    Cancelling = Annotated[Caller, Depends(door.asks_for("orders:cancel"))]
    Deciding = Annotated[Caller, Depends(door.asks_for("orders:write"))]

    async def own(caller: Caller, order_id: str) -> Row:
        row = await queries.order(caller.user.id, order_id)
        if row is None:
            raise not_found("order")
        resources.may_trade_on(caller, [row["account_id"]])
        return row

    @router.get("/orders")
    async def orders(
        caller: Reading,
        limit: Limit = 50,
        cursor: Cursor = None,
        state: OrderState | None = None,
        account_id: Wanted = None,
        strategy_id: Wanted = None,
        alert_id: Wanted = None,
    ) -> Page[Order]:
        """Orders, newest first."""
        wanted = {"state": state, "account_id": account_id, "strategy_id": strategy_id, "alert_id": alert_id}
        return page(Order, await queries.orders(caller.user.id, wanted, limit, cursor))

    @router.get("/orders/{order_id}")
    async def order(caller: Reading, order_id: str) -> OrderStory:
        """One order with its time-line."""
        row = await queries.order(caller.user.id, order_id)
        if row is None:
            raise not_found("order")
        events = await queries.events(caller.user.id, order_id=order_id)
        return OrderStory.model_validate(row | {"events": events})

    @router.delete("/orders/{order_id}", status_code=202)
    async def cancel(caller: Cancelling, order_id: str) -> Answered:
        """Ask for a cancel. The order is open, and can fill, until its broker says that it is not."""
        row = await own(caller, order_id)
        said = await ports.cancel(order_id, caller.user)
        state = OrderState(row["state"])
        if state not in AT_BROKER and state is not OrderState.QUEUED:
            raise Problem(409, "not_open", said)
        return Answered(message=said)

    @router.post("/orders/{order_id}/decide")
    async def decide(caller: Deciding, order_id: str, body: Decision) -> Answered:
        """Say which of the broker's orders a parked order is. Its candidates stand in its time-line."""
        row = await own(caller, order_id)
        if row["state"] != OrderState.PARKED:
            raise Problem(409, "not_parked", "only a parked order waits for a decision, and this one is not parked")
        events = await queries.events(caller.user.id, order_id=order_id)
        numbers = [str(found["broker_order_id"]) for found in candidates(events)]
        if body.broker_order_id not in (None, *numbers):
            detail = f"broker_order_id: it is none of the candidates; there is {', '.join(numbers) or 'none'}"
            raise Problem(400, "no_candidate", detail)
        return Answered(message=await ports.decide(order_id, caller.user, body.broker_order_id))
