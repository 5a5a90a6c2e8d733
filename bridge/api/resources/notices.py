"""Notices: what a person was told because of an event."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated

from fastapi import Depends

from bridge.api.keys import Caller
from bridge.api.resources.base import Cursor, Limit, Resources, Wanted, page
from bridge.api.shapes import Notice, Page


def add(resources: Resources) -> None:
    """The routes of this module."""
    Reading = Annotated[Caller, Depends(resources.door.asks_for("read"))]

    @resources.router.get("/notices")
    async def notices(
        caller: Reading,
        limit: Limit = 50,
        cursor: Cursor = None,
        kind: Wanted = None,
        severity: Wanted = None,
        alert_id: Wanted = None,
        order_id: Wanted = None,
    ) -> Page[Notice]:
        """What you were told, newest first."""
        wanted = {"kind": kind, "severity": severity, "alert_id": alert_id, "order_id": order_id}
        return page(Notice, await resources.queries.notices(caller.user.id, wanted, limit, cursor))
