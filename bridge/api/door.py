"""Who is let in: a key in a header, with the scope the route asks for, not too often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from limits import RateLimitItemPerMinute

from bridge.accounts.model import Account
from bridge.api.keys import PREFIX, Caller, Keys
from bridge.api.problems import Problem
from bridge.api.rates import Rates

PER_KEY = RateLimitItemPerMinute(600)
BAD_KEYS_PER_ADDRESS = RateLimitItemPerMinute(20)
_QUERY_NAMES = frozenset({"api_key", "apikey", "api-key", "x-api-key", "key", "token", "access_token", "authorization"})


class Door:
    """Makes the dependency that every route of the API has."""

    def __init__(self, keys: Keys, rates: Rates) -> None:
        self._keys = keys
        self._rates = rates

    def asks_for(self, *scopes: str) -> Callable[[Request], Awaitable[Caller]]:
        """A dependency that gives a caller whose key has all of those scopes, or raises the `Problem`."""

        async def let_in(request: Request) -> Caller:
            caller = await self._caller(request)
            needs(caller, *scopes)
            self._keys.note_use(caller)
            return caller

        return let_in

    async def _caller(self, request: Request) -> Caller:
        _refuse_key_in_address(request)
        sender = self._keys.sender(request)
        caller = await self._keys.caller(_key_of(request))
        if caller is None or not caller.may_come_from(sender):
            # Only failures count here, so that nobody can lock out whoever shares an address (a proxy's, say).
            _slow_down(self._rates.hit(BAD_KEYS_PER_ADDRESS, "bad keys", str(sender)), BAD_KEYS_PER_ADDRESS)
            if caller is None:
                raise _unauthorised("the API key is not known, or no longer good")
            raise Problem(403, "sender_not_allowed", f"this key may not be used from {sender}")
        _slow_down(self._rates.hit(PER_KEY, "key", caller.key_id), PER_KEY)
        return caller

    def count(self, account: Account) -> None:
        """One request that asks an account's broker; raises the `Problem` when there were too many."""
        _slow_down(self._rates.hit_account(account), "what the account's limits say")


def needs(caller: Caller, *scopes: str) -> None:
    """Raises the `Problem` when the caller's key lacks one of those scopes."""
    if said := caller.lack(*scopes):
        raise Problem(403, "insufficient_scope", said)


def _slow_down(wait: int | None, limit: object) -> None:
    if wait is not None:
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
