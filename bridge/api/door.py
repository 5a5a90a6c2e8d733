"""Who is let in: a key in a header, with the scope the route asks for, not too often."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bridge.api.keys import PREFIX, Caller, Keys
from bridge.api.problems import Problem

PER_KEY = RateLimitItemPerMinute(600)
BAD_KEYS_PER_ADDRESS = RateLimitItemPerMinute(20)
_QUERY_NAMES = frozenset({"api_key", "apikey", "api-key", "x-api-key", "key", "token", "access_token", "authorization"})


class Door:
    """Makes the dependency that every route of the API has."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def asks_for(self, scope: str) -> Callable[[Request], Awaitable[Caller]]:
        """A dependency that gives the caller, or raises the `Problem`."""

        async def let_in(request: Request) -> Caller:
            _refuse_key_in_address(request)
            caller = await self._keys.caller(_key_of(request))
            if caller is None:
                # Only failures count here, so that nobody can lock out whoever shares an address (a proxy's, say).
                self._count(BAD_KEYS_PER_ADDRESS, "address", request.client.host if request.client else "")
                raise _unauthorised("the API key is not known, or no longer good")
            self._count(PER_KEY, "key", caller.key_id)
            if scope not in caller.scopes:
                raise Problem(403, "insufficient_scope", f"this key may not do that: it lacks the scope {scope}")
            return caller

        return let_in

    def _count(self, limit: RateLimitItem, kind: str, name: str) -> None:
        if self._limiter.hit(limit, kind, name):
            return
        wait = max(1, math.ceil(self._limiter.get_window_stats(limit, kind, name).reset_time - time.time()))
        raise Problem(429, "too_many_requests", f"at most {limit}; wait {wait} s", {"Retry-After": str(wait)})


def _refuse_key_in_address(request: Request) -> None:
    for name, value in request.query_params.multi_items():
        if name.lower() in _QUERY_NAMES or PREFIX in value:
            detail = "addresses are written to logs: send the key as “Authorization: Bearer …”, and revoke this one"
            raise Problem(400, "key_in_address", detail)


def _key_of(request: Request) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    if key := request.headers.get("x-api-key", "").strip():
        return key
    raise _unauthorised("send an API key: “Authorization: Bearer brk_…”, made with bridge key create")


def _unauthorised(detail: str) -> Problem:
    return Problem(401, "unauthorised", detail, {"WWW-Authenticate": 'Bearer realm="bridge"'})
