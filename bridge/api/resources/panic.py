"""Panic: the kill switches."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import StrictBool

from bridge.accounts.model import Role
from bridge.api.door import needs
from bridge.api.keys import Caller
from bridge.api.problems import Problem, not_found
from bridge.api.resources.base import Given, Reason, Resources
from bridge.api.shapes import Shape

TRADING = frozenset({"orders:write", "orders:cancel"})


class Throw(Given):
    """`scope_id`: the id of the account, strategy or source; it may be left out for `global` and for yourself (`user`)."""

    scope: Literal["global", "user", "account", "strategy", "source"]
    scope_id: str = ""
    stopped: StrictBool
    reason: Reason = ""


class Switch(Shape):
    """How the switch stands now."""

    scope: str
    scope_id: str
    stopped: bool
    reason: str


def add(resources: Resources) -> None:
    """The routes of this module."""
    Asking = Annotated[Caller, Depends(resources.door.asks_for())]

    @resources.router.post("/panic")
    async def panic(caller: Asking, body: Throw) -> Switch:
        """Stop everything of a scope, or let it go on.

        Every key that may send or cancel orders may stop; letting go needs the scope `panic:release`. Nothing new is sent
        while a switch is on; orders that are at a broker stay there.
        """
        if not body.stopped:
            needs(caller, "panic:release")
        elif not TRADING & caller.scopes:
            needs(caller, "orders:cancel")
        if body.scope == "global" and caller.user.role is not Role.OWNER:
            raise Problem(403, "owner_only", "only the owner stops everybody; stop yourself with the scope user")
        scope_id = (body.scope_id or caller.user.id) if body.scope == "user" else body.scope_id
        if body.scope == "global" and scope_id:
            raise Problem(400, "bad_request", "scope_id: global has none")
        by_whom = f"by {caller.user.name} with the key {caller.name}"
        reason = body.reason.strip() or f"{'stopped' if body.stopped else 'started again'} {by_whom}"
        try:
            await resources.ports.panic(body.scope, scope_id, body.stopped, reason, caller.user)
        except LookupError:
            raise not_found(body.scope) from None
        return Switch(scope=body.scope, scope_id=scope_id, stopped=body.stopped, reason=reason)
