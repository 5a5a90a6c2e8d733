"""Strategies: the rules for what sources send, and the book of what they hold and earned."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from datetime import date
from typing import Annotated

from fastapi import Depends, Query
from pydantic import StrictBool, ValidationError

from bridge.accounts.model import StrategySettings
from bridge.api.door import needs
from bridge.api.keys import Caller
from bridge.api.problems import Problem, misfit, not_found
from bridge.api.resources.base import Cursor, Given, Limit, Resources, Title, check_dialect, page
from bridge.api.resources.books import book_of
from bridge.api.shapes import Book, Page, Strategy, StrategyLimits
from bridge.market.venues import venue_of

Day = Annotated[
    date | None,
    Query(ge=date(1970, 1, 2), le=date(2999, 12, 31), description="A calendar day in India; today if none."),
]


# What asks a person first, and what holds a strategy back: changing rules is not yet a licence to take these away.
_APPROVAL = frozenset({"approval", "approval_above", "approval_expires_s", "approval_price_move_max_percent"})
_GUARDS = _APPROVAL | StrategyLimits.model_fields.keys()


class NewStrategy(Given):
    """Rules under a name. Settings that are left out have their defaults."""

    name: Title
    settings: StrategySettings = StrategySettings()
    enabled: StrictBool = True


class Change(Given):
    """What is to change. A member of `settings` that is given replaces what it was as a whole; the others stay."""

    settings: StrategySettings | None = None
    enabled: StrictBool | None = None


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door = resources.router, resources.queries, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]
    Changing = Annotated[Caller, Depends(door.asks_for("strategies:write"))]

    async def shown(caller: Caller, strategy_id: str) -> Strategy:
        row = await queries.strategy(caller.user.id, strategy_id)
        if row is None:
            raise not_found("strategy")
        return Strategy.model_validate(row)

    def check(caller: Caller, settings: StrategySettings) -> None:
        feeds = [feed.account_id for feed in settings.accounts]
        resources.own_accounts(caller, feeds)
        resources.may_trade_on(caller, feeds)
        if _GUARDS & settings.model_fields_set:
            needs(caller, "limits:write")
        if _APPROVAL & settings.model_fields_set:
            resources.may_act_alone(caller, feeds)
        check_dialect(settings.dialect)
        if settings.exchange is not None and venue_of(settings.exchange) is None:
            raise Problem(400, "bad_request", f"settings.exchange: there is no exchange {settings.exchange[:20]}")

    async def change(
        caller: Caller, strategy_id: str, settings: StrategySettings | None = None, enabled: bool | None = None
    ) -> Strategy:
        if settings is not None:
            check(caller, settings)
        members = settings.model_dump(mode="json", exclude_unset=True) if settings else {}
        try:
            known = await ports.accounts.change_strategy(caller.user.id, strategy_id, changes=members, enabled=enabled)
        except ValidationError as error:
            raise misfit(error) from None
        if not known:
            raise not_found("strategy")
        await ports.directory.refresh()
        return await shown(caller, strategy_id)

    @router.get("/strategies")
    async def strategies(caller: Reading, limit: Limit = 50, cursor: Cursor = None) -> Page[Strategy]:
        """Your strategies, newest first."""
        return page(Strategy, await queries.strategies(caller.user.id, limit, cursor))

    @router.post("/strategies", status_code=201)
    async def create(caller: Changing, body: NewStrategy) -> Strategy:
        """Make a strategy. It trades what its sources send, on its accounts, within its limits."""
        check(caller, body.settings)
        made = await ports.accounts.add_strategy(caller.user.id, body.name, body.settings, enabled=body.enabled)
        await ports.directory.refresh()
        return await shown(caller, made)

    @router.get("/strategies/{strategy_id}")
    async def strategy(caller: Reading, strategy_id: str) -> Strategy:
        """One strategy with all its settings."""
        return await shown(caller, strategy_id)

    @router.patch("/strategies/{strategy_id}")
    async def edit(caller: Changing, strategy_id: str, body: Change) -> Strategy:
        """Change settings or the switch. Orders that were planned keep the settings they were planned under."""
        return await change(caller, strategy_id, body.settings, body.enabled)

    @router.post("/strategies/{strategy_id}/enable")
    async def enable(caller: Changing, strategy_id: str) -> Strategy:
        """Let a strategy trade."""
        return await change(caller, strategy_id, enabled=True)

    @router.post("/strategies/{strategy_id}/disable")
    async def disable(caller: Changing, strategy_id: str) -> Strategy:
        """Keep a strategy from trading. What it holds stays."""
        return await change(caller, strategy_id, enabled=False)

    @router.get("/strategies/{strategy_id}/book")
    async def book(
        caller: Reading, strategy_id: str, day: Day = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Book:
        """What a strategy holds, what it earned, and what it traded on a day (today, when none is given)."""
        await shown(caller, strategy_id)
        return await book_of(ports, queries, caller.user.id, strategy_id, day, limit, cursor)
