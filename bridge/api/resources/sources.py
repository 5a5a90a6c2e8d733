"""Sources: webhook addresses. An address is shown once, when it is made or gets a new secret."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
import json
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import Field

from bridge.accounts.model import SourceSettings
from bridge.api.keys import Caller
from bridge.api.problems import not_found
from bridge.api.resources.base import (
    Cursor,
    Given,
    Limit,
    Resources,
    Senders,
    Title,
    Wanted,
    check_dialect,
)
from bridge.api.shapes import NewSource, Page, Source
from bridge.kit.database import Row


class Gate(Given):
    """Who may send and how fast: the settings without the secrets, which are made with `bridge source`."""

    preset: Literal["any", "tradingview", "chartink"] = "any"
    allowed_senders: Senders = ()
    rate_per_minute: int = Field(60, ge=1)
    burst: int = Field(30, ge=1)
    dialect: str | None = None


class NewAddress(Given):
    """An address whose alerts the strategy reads."""

    name: Title
    strategy_id: str = Field(max_length=40)
    settings: Gate = Gate()


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door = resources.router, resources.queries, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]
    Changing = Annotated[Caller, Depends(door.asks_for("sources:write"))]
    # Who has an address can send alerts: a key may not make what does more than itself.
    Giving = Annotated[Caller, Depends(door.asks_for("sources:write", "alerts:write", "orders:write"))]

    async def own(caller: Caller, source_id: str) -> Row:
        row = await queries.source(caller.user.id, source_id)
        if row is None:
            raise not_found("source")
        return _shown(row)

    def may_feed(caller: Caller, strategy_id: str) -> None:
        strategy = ports.directory.snapshot.strategies.get(strategy_id)
        if strategy is None or strategy.user_id != caller.user.id:
            raise not_found("strategy")
        resources.may_act_alone(caller, [feed.account_id for feed in strategy.settings.accounts])

    async def switched(caller: Caller, source_id: str, *, disabled: bool) -> Source:
        if not await ports.accounts.switch_source(caller.user.id, source_id, disabled=disabled):
            raise not_found("source")
        await ports.directory.refresh()
        return Source.model_validate(await own(caller, source_id))

    async def with_address(caller: Caller, source_id: str, secret: str) -> NewSource:
        await ports.directory.refresh()
        row = await own(caller, source_id)
        address = f"{ports.base_url}/hook/{row['public_id']}/{secret}"
        return NewSource.model_validate(row | {"webhook_url": address})

    @router.get("/sources")
    async def sources(
        caller: Reading, limit: Limit = 50, cursor: Cursor = None, strategy_id: Wanted = None
    ) -> Page[Source]:
        """Your webhook addresses, newest first, without their secrets."""
        rows, following = await queries.sources(caller.user.id, {"strategy_id": strategy_id}, limit, cursor)
        return Page(items=tuple(Source.model_validate(_shown(row)) for row in rows), next_cursor=following)

    @router.post("/sources", status_code=201)
    async def create(caller: Giving, body: NewAddress) -> NewSource:
        """Make a webhook address for a strategy. The address is shown this once: whoever has it can trade the strategy."""
        check_dialect(body.settings.dialect)
        may_feed(caller, body.strategy_id)
        settings = SourceSettings(**body.settings.model_dump())
        made = await ports.accounts.add_source(caller.user.id, body.strategy_id, body.name, settings)
        return await with_address(caller, made.source_id, made.secret)

    @router.get("/sources/{source_id}")
    async def source(caller: Reading, source_id: str) -> Source:
        """One webhook address, without its secret."""
        return Source.model_validate(await own(caller, source_id))

    @router.post("/sources/{source_id}/rotate")
    async def rotate(caller: Giving, source_id: str) -> NewSource:
        """Give an address a new secret and show it, this once. The old one works for 24 hours more."""
        may_feed(caller, (await own(caller, source_id))["strategy_id"])
        secret = await ports.accounts.rotate_source(caller.user.id, source_id)
        if secret is None:
            raise not_found("source")
        return await with_address(caller, source_id, secret)

    @router.post("/sources/{source_id}/disable")
    async def disable(caller: Changing, source_id: str) -> Source:
        """Take nothing more from an address: its senders are told that there is no such address."""
        return await switched(caller, source_id, disabled=True)

    @router.post("/sources/{source_id}/enable")
    async def enable(caller: Changing, source_id: str) -> Source:
        """Take alerts from an address again."""
        return await switched(caller, source_id, disabled=False)


def _shown(row: Row) -> Row:
    """The row with its settings as they may be seen: whether there are secrets, not which."""
    settings = SourceSettings.model_validate(json.loads(row["settings"]))
    proofs = {"signed": settings.signing_secret is not None, "body_secret": settings.body_secret_hash is not None}
    return row | {"settings": settings.model_dump() | proofs}
