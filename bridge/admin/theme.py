"""Day or night: a person's choice, kept in their browser; without one, the system's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

_COOKIE = "bridge_theme"
_A_YEAR_S = 365 * 86_400

# What a form says, and what the style calls it.
THEMES = {"": "", "day": "daylight", "night": "night"}


def chosen(request: Request) -> str:
    """`day` or `night`; empty when it is left to the system."""
    said = request.cookies.get(_COOKIE, "")
    return said if said in THEMES else ""


def choose(response: Response, choice: str, *, secure: bool) -> None:
    """Keep that choice; the empty one gives it back to the system."""
    if choice:
        response.set_cookie(
            _COOKIE, choice, max_age=_A_YEAR_S, httponly=True, samesite="strict", secure=secure, path="/"
        )
    else:
        response.delete_cookie(_COOKIE, path="/", httponly=True, samesite="strict", secure=secure)
