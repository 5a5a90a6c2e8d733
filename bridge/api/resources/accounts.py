"""Accounts: connections to brokers, without their credentials."""

# Annotations are not postponed here: FastAPI reads them, and they name this function's own dependencies.
import asyncio
from typing import Annotated

from fastapi import Depends

from bridge.accounts.model import Account as Found
from bridge.api.keys import Caller
from bridge.api.problems import Problem, not_found
from bridge.api.resources.base import Cursor, Limit, Resources
from bridge.api.shapes import Account, Funds, Page, Proof
from bridge.brokers.base import BrokerError, LoginRequired, Unavailable
from bridge.brokers.base import Funds as Money
from bridge.kit.database import Row

PATIENCE_S = 20.0


def add(resources: Resources) -> None:
    """The routes of this module."""
    router, queries, ports, door = resources.router, resources.queries, resources.ports, resources.door
    Reading = Annotated[Caller, Depends(door.asks_for("read"))]

    def own(caller: Caller, account_id: str) -> Found:
        found = ports.directory.snapshot.accounts.get(account_id)
        if found is None or found.user_id != caller.user.id:
            raise not_found("account")
        door.count(found)
        return found

    async def asked(account: Found) -> Money:
        async with asyncio.timeout(PATIENCE_S):
            broker = await ports.broker(account)
            await broker.check_login()
            return await broker.funds()

    @router.get("/accounts")
    async def accounts(caller: Reading, limit: Limit = 50, cursor: Cursor = None) -> Page[Account]:
        """Your accounts, newest first. They are made with `bridge account add`, never here."""
        rows, following = await queries.accounts(caller.user.id, limit, cursor)
        return Page(items=tuple(map(_shown, rows)), next_cursor=following)

    @router.get("/accounts/{account_id}")
    async def account(caller: Reading, account_id: str) -> Account:
        """One account."""
        row = await queries.account(caller.user.id, account_id)
        if row is None:
            raise not_found("account")
        return _shown(row)

    @router.get("/accounts/{account_id}/funds")
    async def funds(caller: Reading, account_id: str) -> Funds:
        """The money at the broker, as it says now."""
        try:
            return Funds.model_validate(await asked(own(caller, account_id)))
        except (BrokerError, TimeoutError) as problem:
            status = 409 if isinstance(problem, LoginRequired) else 502
            raise Problem(status, _code(problem), _sentence(problem)) from problem

    @router.post("/accounts/{account_id}/test")
    async def test(caller: Reading, account_id: str) -> Proof:
        """Ask the broker whether the login is good. Sends no order."""
        found = own(caller, account_id)
        try:
            money = await asked(found)
        except (BrokerError, TimeoutError) as problem:
            return Proof(account_id=found.id, ok=False, message=_sentence(problem))
        said = f"the login is good; {money.available:f} {money.currency} available, {money.used_margin:f} used"
        return Proof(account_id=found.id, ok=True, message=said)


def _shown(row: Row) -> Account:
    paper, credentials = row["broker"] == "paper", bool(row["credentials"])
    return Account.model_validate(row | {"paper": paper, "credentials": credentials})


def _code(problem: BrokerError | TimeoutError) -> str:
    return "login_required" if isinstance(problem, LoginRequired) else "broker_unavailable"


def _sentence(problem: BrokerError | TimeoutError) -> str:
    if isinstance(problem, LoginRequired):
        return f"the broker wants a login ({problem}): bridge account login"
    if isinstance(problem, (Unavailable, TimeoutError)):
        return f"the broker cannot be reached ({str(problem) or 'no answer'})"
    return f"the broker's answer was not understood: {problem}"
