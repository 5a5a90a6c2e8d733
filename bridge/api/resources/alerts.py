"""Alerts: what came in, what became of it, and sending it through again."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from fastapi.responses import JSONResponse
from pydantic import StrictBool

from bridge.api.door import needs
from bridge.api.keys import Caller
from bridge.api.problems import Problem, not_found
from bridge.api.resources.base import Cursor, Given, Limit, Resources, Wanted, page
from bridge.api.shapes import Alert, AlertStory, Page

OwnId = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=150,
        pattern=r"^[ -~]+$",
        description="Your own id of this wish: under the same one it comes true only once in seven days.",
    ),
]


class Replay(Given):
    """`live`: with real orders; without, nothing is stored or sent."""

    live: StrictBool = False


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door = resources.router, resources.queries, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]
    Sending = Annotated[Caller, Depends(door.asks_for("alerts:write"))]

    @router.get("/alerts")
    async def alerts(
        caller: Reading, limit: Limit = 50, cursor: Cursor = None, status: Wanted = None, strategy_id: Wanted = None
    ) -> Page[Alert]:
        """Alerts, newest first."""
        wanted = {"status": status, "strategy_id": strategy_id}
        return page(Alert, await queries.alerts(caller.user.id, wanted, limit, cursor))

    @router.get("/alerts/{alert_id}")
    async def alert(caller: Reading, alert_id: str) -> AlertStory:
        """One alert with its orders and its time-line."""
        row = await queries.alert(caller.user.id, alert_id)
        if row is None:
            raise not_found("alert")
        orders = await queries.orders_of(caller.user.id, alert_id)
        events = await queries.events(caller.user.id, alert_id=alert_id)
        return AlertStory.model_validate(row | {"orders": orders, "events": events})

    @router.post("/alerts/{alert_id}/replay", response_model=dict[str, Any])
    async def replay(caller: Sending, alert_id: str, body: Replay, own_id: OwnId = None) -> Response:
        """Send an alert through again under today's settings and at today's prices; the answer is that to an alert.

        With `live` its orders are real: that needs the scope `orders:write` too, and a key whose orders wait for nobody.
        """
        row = await queries.alert(caller.user.id, alert_id)
        if row is None:
            raise not_found("alert")
        if body.live:
            needs(caller, "orders:write")
            _may_be_live(resources, caller, row["source_id"])
        try:
            answer = await ports.replay(alert_id, caller.user, body.live, own_id if body.live else None)
        except LookupError:
            detail = "it came through no webhook address that is still there, so it cannot be sent through again"
            raise Problem(409, "no_source", detail) from None
        return JSONResponse(answer.content, answer.status)


def _may_be_live(resources: Resources, caller: Caller, source_id: str) -> None:
    """Raises the `Problem` when a replay would do what the caller's own orders could not."""
    snapshot = resources.ports.directory.snapshot
    source = snapshot.sources.get(source_id)
    strategy = snapshot.strategies.get(source.strategy_id) if source else None
    if strategy is not None:
        resources.may_act_alone(caller, [feed.account_id for feed in strategy.settings.accounts])
