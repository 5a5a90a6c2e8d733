"""What the resources share: the router, the ports, what pages are asked for, and what a request may name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from bridge.api.door import Door
from bridge.api.keys import Caller, Keys
from bridge.api.ports import Ports
from bridge.api.problems import Problem, ProblemRoute
from bridge.api.queries import Queries
from bridge.api.shapes import Page, Shape
from bridge.dialects import discover
from bridge.kit.addresses import Networks
from bridge.kit.database import Row

S = TypeVar("S", bound=Shape)

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
Wanted = Annotated[str | None, Query(max_length=40, description="Only those.")]


class Given(BaseModel):
    """The body of a request. A member that is not known is refused: whoever sent it meant something by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _visible(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("expected visible characters, with nothing before and after them")
    return text


def _senders(texts: tuple[str, ...]) -> tuple[str, ...]:
    if any(not text.strip() for text in texts):
        raise ValueError("expected an address or network, not nothing")
    Networks.parse(texts)
    return texts


Title = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_visible)]
Reason = Annotated[str, StringConstraints(max_length=200)]
Senders = Annotated[tuple[str, ...], AfterValidator(_senders)]


@dataclass(frozen=True, slots=True)
class Resources:
    """What every resource works with, and the router it adds its routes to."""

    ports: Ports
    keys: Keys
    door: Door
    queries: Queries
    router: APIRouter = field(
        default_factory=lambda: APIRouter(prefix="/api/v1", route_class=ProblemRoute, tags=["api"])
    )

    def own_accounts(self, caller: Caller, account_ids: Iterable[str]) -> None:
        """Raises the `Problem` when one of these is no account of the caller's."""
        snapshot = self.ports.directory.snapshot
        if strangers := snapshot.strange_accounts(caller.user.id, account_ids):
            raise Problem(404, "not_found", f"you have no account {', '.join(strangers)}")

    def may_trade_on(self, caller: Caller, account_ids: Iterable[str]) -> None:
        """Raises the `Problem` when the caller's key is kept from one of these accounts."""
        accounts = self.ports.directory.snapshot.accounts
        for account_id in account_ids:
            account = accounts.get(account_id)
            if account is None or not caller.trades_on(account):
                raise Problem(403, "not_this_account", f"this key does not trade on the account {account_id}")

    def may_act_alone(self, caller: Caller, account_ids: Iterable[str]) -> None:
        """As `may_trade_on`, for what trades on without this key: it also needs one whose orders wait for nobody."""
        if caller.settings.order_mode != "auto":
            raise Problem(403, "needs_approval", "orders of this key wait for a person; what it asks for would not")
        self.may_trade_on(caller, account_ids)


def check_dialect(name: str | None) -> None:
    """Raises the `Problem` when no dialect has that name."""
    if name is not None and name not in {each.name for each in discover()}:
        raise Problem(400, "bad_request", f"settings.dialect: there is no dialect {name[:40]}")


def shaped(shape: type[S], rows: Sequence[Row]) -> tuple[S, ...]:
    """Rows as they are shown."""
    return tuple(shape.model_validate(row) for row in rows)


def page(shape: type[S], found: tuple[Sequence[Row], str | None]) -> Page[S]:
    """A page of rows as it is shown."""
    rows, following = found
    return Page(items=shaped(shape, rows), next_cursor=following)
