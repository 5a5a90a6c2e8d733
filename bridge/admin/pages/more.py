"""More: the rest of the menu on a phone, day or night, who is signed in, and the way out."""

from __future__ import annotations

from starlette.responses import Response

from bridge.admin import theme
from bridge.admin.door import local_path
from bridge.admin.visit import Entry, NotFound, Route, Visit, is_secure

MENU = Entry(label="More", path="/more", icon="menu", place=90, in_bar=True)


async def more(visit: Visit) -> Response:
    """The page."""
    return await visit.show("more")


async def sign_out(visit: Visit) -> Response:
    """Ends this session."""
    await visit.signin.close(visit.session.id_hash)
    return visit.go("/signin")


async def choose_theme(visit: Visit) -> Response:
    """Day, night, or as the system has it; then back to where the button was."""
    choice = visit.form.get("theme", "")
    if choice not in theme.THEMES:
        raise NotFound
    response = visit.go(local_path(visit.form.get("back", "/")))
    theme.choose(response, choice, secure=is_secure(visit.ports.settings))
    return response


ROUTES = (
    Route("GET", "/more", more),
    Route("POST", "/theme", choose_theme, viewers=True),
    Route("POST", "/signout", sign_out, viewers=True),
)
