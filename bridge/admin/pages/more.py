"""More: the rest of the menu on a phone, who is signed in, and the way out."""

from __future__ import annotations

from starlette.responses import Response

from bridge.admin.visit import Entry, Route, Visit

MENU = Entry(label="More", path="/more", icon="menu", place=90, in_bar=True)


async def more(visit: Visit) -> Response:
    """The page."""
    return await visit.show("more")


async def sign_out(visit: Visit) -> Response:
    """Ends this session."""
    await visit.signin.close(visit.session.id_hash)
    return visit.go("/signin")


ROUTES = (Route("GET", "/more", more), Route("POST", "/signout", sign_out, viewers=True))
