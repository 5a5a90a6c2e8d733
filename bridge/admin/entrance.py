"""Signing in: the only form that people without a session can send."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bridge.accounts.signin import Denied
from bridge.admin import theme
from bridge.admin.door import Door, local_path
from bridge.admin.visit import address_of


class Entrance:
    """A visitor gets a random cookie, and the form a proof of it, so that nobody can sign others in behind their back."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._cookie = "__Host-bridge-visitor" if door.secure else "bridge_visitor"

    async def ask(self, request: Request) -> Response:
        """The form."""
        forward = local_path(request.query_params.get("next", "/"))
        if await self._door.session(request):
            return RedirectResponse(forward, 303)
        said = "Your session ended. Nothing was done; sign in and try again." if "ended" in request.query_params else ""
        return self._form(request, forward, said=said)

    async def let_in(self, request: Request) -> Response:
        """Name and password, right or wrong."""
        form = await self._door.posted(request)
        visitor = request.cookies.get(self._cookie, "")
        self._door.check_form(form, self._door.signin.csrf(visitor) if visitor else secrets.token_hex())
        forward, name = local_path(form.get("next", "/")), form.get("name", "").strip()
        before = await self._door.session(request)
        opened = await self._door.signin.open(name, form.get("password", ""), address_of(request))
        if isinstance(opened, Denied):
            return self._form(request, forward, name=name, error=_denied(opened))
        if before:
            await self._door.signin.close(before.id_hash)
        response = RedirectResponse(forward, 303)
        self._keep(response, self._door.cookie, opened)
        response.delete_cookie(self._cookie, path="/", secure=self._door.secure, httponly=True, samesite="strict")
        return response

    def _form(self, request: Request, forward: str, *, name: str = "", error: str = "", said: str = "") -> Response:
        visitor = request.cookies.get(self._cookie) or secrets.token_urlsafe(32)
        csrf = self._door.signin.csrf(visitor)
        values = {"csrf": csrf, "next": forward, "name": name, "error": error, "said": said}
        values["theme"] = theme.chosen(request)
        response = HTMLResponse(self._door.templates.render("signin.html", values), 401 if error else 200)
        self._keep(response, self._cookie, visitor)
        return response

    def _keep(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, httponly=True, samesite="strict", secure=self._door.secure, path="/")


def _denied(denied: Denied) -> str:
    wait = f" The next try is looked at in {denied.wait_s} s." if denied.wait_s else ""
    return f"Name and password do not belong together.{wait}"
