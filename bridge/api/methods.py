"""Who asks with a method that an address does not have is told all that it has: each method is a route of its own here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def others(*routers: APIRouter) -> APIRouter:
    """Routes for the methods that an address of these routers does not have, where it has several that it does have."""
    served: defaultdict[str, list[str]] = defaultdict(list)
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                served[route.path] += sorted(route.methods or ())
    found = APIRouter()
    for path, methods in served.items():
        if len(methods) > 1:
            missing = [method for method in _METHODS if method not in methods]
            found.add_route(path, _turning_away(methods), methods=missing, include_in_schema=False)
    return found


def _turning_away(methods: Sequence[str]) -> Callable[[Request], Awaitable[Response]]:
    async def turn_away(_: Request) -> Response:
        raise HTTPException(405, headers={"Allow": ", ".join(methods)})

    return turn_away
