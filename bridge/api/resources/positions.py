"""Positions: what strategies hold."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated

from fastapi import Depends

from bridge.api.keys import Caller
from bridge.api.resources.base import Cursor, Limit, Resources, page
from bridge.api.shapes import Page, Position


def add(resources: Resources) -> None:
    """The routes of this module."""
    Reading = Annotated[Caller, Depends(resources.door.asks_for("read"))]

    @resources.router.get("/positions")
    async def positions(
        caller: Reading, limit: Limit = 50, cursor: Cursor = None, flat: bool = False
    ) -> Page[Position]:
        """What strategies hold. With `flat`, also what they held and closed."""
        return page(Position, await resources.queries.positions(caller.user.id, flat, limit, cursor))
