"""Keys: a person's API keys. What a key makes or changes can never do more than itself."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import Field, StrictBool

from bridge.accounts.model import KeySettings
from bridge.api.keys import SCOPES, Caller
from bridge.api.problems import Problem, not_found
from bridge.api.resources.base import Cursor, Given, Limit, Resources, Senders, Title, page
from bridge.api.shapes import Key, NewKey, Page
from bridge.kit.clock import from_micros, micros
from bridge.kit.database import Row

_DAY_MICROS = 86_400 * 1_000_000


class Members(Given):
    """What a key may do beyond its scopes; what is left out has its default, or stays."""

    account_id: str | None = Field(None, max_length=40)
    paper_account_id: str | None = Field(None, max_length=40)
    analyze: StrictBool = False
    order_mode: Literal["auto", "semi_auto"] = "auto"
    allowed_senders: Senders = ()
    orders_per_second: int = Field(10, ge=1, le=1000)
    requests_per_second: int = Field(50, ge=1, le=1000)


class NewOne(Given):
    """A key under a name. `days`: how long it is good; no longer than the key that makes it, which is the default."""

    name: Title
    scopes: tuple[Literal[SCOPES], ...] = Field(("read",), min_length=1)  # type: ignore[valid-type]  # it is a tuple of words
    days: int | None = Field(None, ge=1, le=3650)
    settings: Members = Members()


class Change(Given):
    """What is to change; members of `settings` that are left out stay."""

    settings: Members


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door, keys = (
        resources.router,
        resources.queries,
        resources.ports,
        resources.door,
        resources.keys,
    )
    Managing = Annotated[Caller, Depends(door.asks_for("keys:write"))]

    async def own(caller: Caller, key_id: str) -> Row:
        row = await queries.key(caller.user.id, key_id)
        if row is None:
            raise not_found("key")
        return row

    def check_accounts(caller: Caller, members: Members) -> None:
        named = [members.account_id, members.paper_account_id]
        resources.own_accounts(caller, [account_id for account_id in named if account_id])
        paper = members.paper_account_id
        if paper and not ports.directory.snapshot.accounts[paper].is_paper:
            raise Problem(400, "bad_request", f"settings.paper_account_id: {paper} is no paper account")

    @router.get("/keys")
    async def all_keys(caller: Managing, limit: Limit = 50, cursor: Cursor = None) -> Page[Key]:
        """Your keys with their last use, newest first, without their secrets."""
        return page(Key, await queries.keys(caller.user.id, limit, cursor))

    @router.post("/keys", status_code=201)
    async def create(caller: Managing, body: NewOne) -> NewKey:
        """Make a key and show it, this once."""
        check_accounts(caller, body.settings)
        settings = KeySettings(**body.settings.model_dump())
        scopes = tuple(dict.fromkeys(body.scopes))
        _no_more_than(caller, scopes, settings)
        days = _days(caller, body.days, micros(ports.clock.now()))
        key = await ports.accounts.add_key(caller.user.id, body.name, scopes, days=days, settings=settings)
        return NewKey.model_validate(await own(caller, key.split("_")[1]) | {"key": key})

    @router.get("/keys/{key_id}")
    async def one(caller: Managing, key_id: str) -> Key:
        """One key, without its secret."""
        return Key.model_validate(await own(caller, key_id))

    @router.patch("/keys/{key_id}")
    async def edit(caller: Managing, key_id: str, body: Change) -> Key:
        """Change what a key may do beyond its scopes. Running servers follow within a second."""
        row = await own(caller, key_id)
        check_accounts(caller, body.settings)
        changes = body.settings.model_dump(exclude_unset=True)
        _no_more_than(caller, row["scopes"].split(), _changed(row, changes))
        await ports.accounts.change_key(caller.user.id, key_id, **changes)
        keys.forget(key_id)
        return Key.model_validate(await own(caller, key_id))

    @router.delete("/keys/{key_id}")
    async def revoke(caller: Managing, key_id: str) -> Key:
        """End a key. Running servers refuse it within a second; a key may end itself, and any other of its person."""
        await own(caller, key_id)
        await ports.accounts.revoke_key(caller.user.id, key_id)
        keys.forget(key_id)
        return Key.model_validate(await own(caller, key_id))


def _changed(row: Row, changes: Mapping[str, Any]) -> KeySettings:
    return KeySettings.model_validate_json(row["settings"]).model_copy(update=dict(changes))


def _days(caller: Caller, wanted: int | None, now: int) -> int:
    """How many days a new key is good: it must not outlive the one that makes it."""
    left = None if caller.expires_at is None else (caller.expires_at - now) // _DAY_MICROS
    if wanted is None:
        wanted = 90 if left is None else min(90, left)
    if left is not None and not 1 <= wanted <= left:
        until = f"{from_micros(caller.expires_at or 0):%Y-%m-%d %H:%M} UTC"
        raise Problem(403, "more_than_itself", f"days: the new key would outlive this one, which ends {until}")
    return wanted


def _no_more_than(caller: Caller, scopes: tuple[str, ...] | list[str], settings: KeySettings) -> None:
    """Raises the `Problem` when a key of those scopes and settings could do what the caller's cannot."""
    own = caller.settings
    senders_fit = not own.allowed_senders or (
        bool(settings.allowed_senders)
        and all(_inside(wanted, own.allowed_senders) for wanted in settings.allowed_senders)
    )
    wider = {
        f"the scope {' and '.join(sorted(set(scopes) - caller.scopes))}": not caller.scopes.issuperset(scopes),
        "another account": own.account_id is not None and settings.account_id != own.account_id,
        "another paper account": own.paper_account_id not in (None, settings.paper_account_id),
        "real money": own.analyze and not settings.analyze,
        "orders without approval": own.order_mode == "semi_auto" and settings.order_mode == "auto",
        "other addresses": not senders_fit,
        "more orders a second": settings.orders_per_second > own.orders_per_second,
        "more requests a second": settings.requests_per_second > own.requests_per_second,
    }
    if found := [what for what, is_wider in wider.items() if is_wider]:
        raise Problem(403, "more_than_itself", f"a key makes none that may do more than itself: {', '.join(found)}")


def _inside(wanted: str, allowed: tuple[str, ...]) -> bool:
    return any(_covers(each, wanted) for each in allowed)


def _covers(wide: str, narrow: str) -> bool:
    outer, inner = ip_network(wide.strip(), strict=False), ip_network(narrow.strip(), strict=False)
    if outer.version != inner.version:
        return False
    return inner.subnet_of(outer)  # type: ignore[arg-type]  # both are of one version
