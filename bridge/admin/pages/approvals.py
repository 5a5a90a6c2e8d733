"""Approvals: say yes or no in time."""

from __future__ import annotations

from starlette.responses import Response

from bridge.admin.asks import ask_cards
from bridge.admin.door import local_path
from bridge.admin.visit import Entry, NotFound, Route, Visit

MENU = Entry(label="Approvals", path="/approvals", icon="stamp", place=35, group="Today", counts="waiting")


async def approvals(visit: Visit) -> Response:
    """What waits, the soonest end first."""
    return await visit.show("approvals", cards=await ask_cards(visit))


async def approve(visit: Visit) -> Response:
    """Yes: it is checked once more, and goes out."""
    return visit.go(_back(visit), await visit.ports.approve(await _own(visit), visit.user))


async def refuse(visit: Visit) -> Response:
    """No: it ends without an order."""
    reason = visit.form.get("reason", "")
    return visit.go(_back(visit), await visit.ports.refuse(await _own(visit), visit.user, reason))


def _back(visit: Visit) -> str:
    return local_path(visit.form.get("back", "/approvals"))


async def _own(visit: Visit) -> str:
    row = await visit.queries.intent(visit.user.id, visit.part("intent_id"))
    if row is None:
        raise NotFound
    return str(row["id"])


ROUTES = (
    Route("GET", "/approvals", approvals),
    Route("POST", "/approvals/{intent_id}/approve", approve),
    Route("POST", "/approvals/{intent_id}/refuse", refuse),
)
