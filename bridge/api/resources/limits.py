"""Limits: everything that holds a person's trading back, in one place."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
from typing import Annotated

from fastapi import Depends
from pydantic import ConfigDict, ValidationError

from bridge.api.keys import Caller
from bridge.api.problems import Problem, misfit, not_found
from bridge.api.resources.base import Resources
from bridge.api.shapes import AccountLimits, Limits, LimitsOfAccount, LimitsOfStrategy, Stop, StrategyLimits


class ChangeAccount(AccountLimits):
    """The limits to change; those that are left out stay, null takes a limit away."""

    model_config = ConfigDict(extra="forbid")


class ChangeStrategy(StrategyLimits):
    """The limits to change; those that are left out stay, null takes a limit away."""

    model_config = ConfigDict(extra="forbid")


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, ports, door = resources.router, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]
    Changing = Annotated[Caller, Depends(door.asks_for("limits:write"))]

    def all_of(caller: Caller) -> Limits:
        snapshot, user_id = ports.directory.snapshot, caller.user.id
        accounts = sorted((a for a in snapshot.accounts.values() if a.user_id == user_id), key=lambda a: a.id)
        strategies = sorted((s for s in snapshot.strategies.values() if s.user_id == user_id), key=lambda s: s.id)
        sources = [s.id for s in snapshot.sources.values() if s.user_id == user_id]
        mine = {"", user_id, *(a.id for a in accounts), *(s.id for s in strategies), *sources}
        return Limits(
            accounts=tuple(
                LimitsOfAccount(account_id=a.id, name=a.name, limits=AccountLimits(**dict(a.settings)))
                for a in accounts
            ),
            strategies=tuple(
                LimitsOfStrategy(strategy_id=s.id, name=s.name, limits=StrategyLimits(**dict(s.settings)))
                for s in strategies
            ),
            stops=tuple(Stop.model_validate(stop) for key, stop in snapshot.stops.items() if key[1] in mine),
        )

    @router.get("/limits")
    async def limits(caller: Reading) -> Limits:
        """The limits of your accounts and strategies, and the kill switches that are on."""
        return all_of(caller)

    @router.patch("/limits/accounts/{account_id}")
    async def of_account(caller: Changing, account_id: str, body: ChangeAccount) -> LimitsOfAccount:
        """Change limits of an account. Its desk opens anew under them; nothing that was sent is touched."""
        try:
            changed = await ports.accounts.change_account(caller.user.id, account_id, **_given(body))
        except ValidationError as error:
            raise misfit(error) from None
        if changed is None:
            raise not_found("account")
        await ports.directory.refresh()
        return next(found for found in all_of(caller).accounts if found.account_id == account_id)

    @router.patch("/limits/strategies/{strategy_id}")
    async def of_strategy(caller: Changing, strategy_id: str, body: ChangeStrategy) -> LimitsOfStrategy:
        """Change limits of a strategy."""
        try:
            known = await ports.accounts.change_strategy(caller.user.id, strategy_id, changes=_given(body))
        except ValidationError as error:
            raise misfit(error) from None
        if not known:
            raise not_found("strategy")
        await ports.directory.refresh()
        return next(found for found in all_of(caller).strategies if found.strategy_id == strategy_id)


def _given(body: ChangeAccount | ChangeStrategy) -> dict[str, object]:
    changes = body.model_dump(mode="json", exclude_unset=True)
    if not changes:
        raise Problem(400, "bad_request", "say which limit to change")
    return changes
