"""The routes: who asks, one question, one shape."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependency.
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query

from bridge.api import openalgo
from bridge.api.door import Door
from bridge.api.keys import Caller, Keys
from bridge.api.ports import Ports
from bridge.api.problems import ProblemRoute, not_found
from bridge.api.queries import Queries
from bridge.api.shapes import Alert, AlertStory, Event, Order, OrderStory, Page, Position
from bridge.domain.lifecycle import OrderState
from bridge.kit.database import Row

S = TypeVar("S", Alert, Order, Position, Event)

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
Wanted = Annotated[str | None, Query(max_length=40, description="Only those.")]


def create(ports: Ports) -> APIRouter:
    """The API's router: our own resources, and the endpoints that OpenAlgo's clients call."""
    keys = Keys(ports.reader, ports.vault, ports.clock, ports.directory, ports.accounts)
    router = APIRouter()
    router.include_router(_resources(ports, keys))
    router.include_router(openalgo.create(ports, keys))
    return router


def _resources(ports: Ports, keys: Keys) -> APIRouter:
    """Our own resources. Every route asks for a key with the scope `read`, and shows what belongs to its person."""
    door, queries = Door(keys), Queries(ports.reader)
    router = APIRouter(prefix="/api/v1", route_class=ProblemRoute, tags=["api"])
    Asking = Annotated[Caller, Depends(door.asks_for("read"))]

    @router.get("/alerts")
    async def alerts(
        caller: Asking, limit: Limit = 50, cursor: Cursor = None, status: Wanted = None, strategy_id: Wanted = None
    ) -> Page[Alert]:
        """Alerts, newest first."""
        wanted = {"status": status, "strategy_id": strategy_id}
        rows, following = await queries.alerts(caller.user.id, wanted, limit, cursor)
        return Page(items=_shaped(Alert, rows), next_cursor=following)

    @router.get("/alerts/{alert_id}")
    async def alert(caller: Asking, alert_id: str) -> AlertStory:
        """One alert with its orders and its time-line."""
        row = await queries.alert(caller.user.id, alert_id)
        if row is None:
            raise not_found("alert")
        orders = await queries.orders_of(caller.user.id, alert_id)
        events = await queries.events(caller.user.id, alert_id=alert_id)
        return AlertStory.model_validate(row | {"orders": orders, "events": events})

    @router.get("/orders")
    async def orders(
        caller: Asking,
        limit: Limit = 50,
        cursor: Cursor = None,
        state: OrderState | None = None,
        account_id: Wanted = None,
        strategy_id: Wanted = None,
        alert_id: Wanted = None,
    ) -> Page[Order]:
        """Orders, newest first."""
        wanted = {"state": state, "account_id": account_id, "strategy_id": strategy_id, "alert_id": alert_id}
        rows, following = await queries.orders(caller.user.id, wanted, limit, cursor)
        return Page(items=_shaped(Order, rows), next_cursor=following)

    @router.get("/orders/{order_id}")
    async def order(caller: Asking, order_id: str) -> OrderStory:
        """One order with its time-line."""
        row = await queries.order(caller.user.id, order_id)
        if row is None:
            raise not_found("order")
        events = await queries.events(caller.user.id, order_id=order_id)
        return OrderStory.model_validate(row | {"events": events})

    @router.get("/positions")
    async def positions(caller: Asking, limit: Limit = 50, cursor: Cursor = None, flat: bool = False) -> Page[Position]:
        """What strategies hold. With `flat`, also what they held and closed."""
        rows, following = await queries.positions(caller.user.id, flat, limit, cursor)
        return Page(items=_shaped(Position, rows), next_cursor=following)

    return router


def _shaped(shape: type[S], rows: list[Row]) -> tuple[S, ...]:
    return tuple(shape.model_validate(row) for row in rows)
