"""One sentence for the next page, in a sealed cookie, so that no address can put words on a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from bridge.kit.vault import KeyFileProblem, Vault

_COOKIE = "bridge_said"
_LONGEST = 600


def write(response: Response, said: str, vault: Vault, *, secure: bool) -> None:
    """Say it on the next page."""
    sealed = vault.seal(said[:_LONGEST], _COOKIE)
    response.set_cookie(_COOKIE, sealed, max_age=60, httponly=True, samesite="strict", secure=secure, path="/")


def read(request: Request, vault: Vault) -> str:
    """What the page before wanted said, or nothing."""
    sealed = request.cookies.get(_COOKIE, "")
    try:
        return vault.unseal(sealed, _COOKIE) if sealed else ""
    except KeyFileProblem:
        return ""


def clear(request: Request, response: Response) -> None:
    """Say it only once."""
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, path="/", httponly=True, samesite="strict")
