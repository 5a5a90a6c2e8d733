"""`bridge approval`: what waits for a person's yes, and the answer to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from bridge.accounts.model import User
from bridge.cli.house import opened
from bridge.cli.output import json_option, listing, moment, printable, user_option
from bridge.kit import logs

if TYPE_CHECKING:
    from bridge.orders.approvals import Approvals

T = TypeVar("T")


@click.group()
def group() -> None:
    """What waits for a person's yes, because its strategy or its key asks first."""


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List what waits, the soonest end first."""
    from bridge.orders.asking import describe_wish

    found = _asked(user_name, lambda approvals, person: approvals.waiting(person))
    rows = [
        {
            "id": each.intent.id,
            "what": describe_wish(each.intent),
            "account": each.intent.account_id,
            "why": each.intent.message,
            "since": moment(each.intent.created_at),
            "expires": moment(each.intent.deadline),
            "price_then": each.intent.approval.price,
            "price_now": each.price_now,
        }
        for each in found
    ]
    listing(rows, as_json, "Nothing waits.")


@group.command()
@click.argument("intent_id")
@user_option
def approve(intent_id: str, user_name: str | None) -> None:
    """Say yes: it is checked once more, and a running server sends it.

    Nothing is sent when it has expired or its price has moved too far. The legs of a basket are approved together.
    """
    click.echo(printable(_asked(user_name, lambda approvals, person: approvals.approve(intent_id, person))))


@group.command()
@click.argument("intent_id")
@user_option
@click.option("--reason", default="", help="Why not; kept with it.")
def refuse(intent_id: str, user_name: str | None, reason: str) -> None:
    """Say no: it ends without an order."""
    click.echo(printable(_asked(user_name, lambda approvals, person: approvals.refuse(intent_id, person, reason))))


def _asked(user_name: str | None, act: Callable[[Approvals, User], Awaitable[T]]) -> T:
    """What came of it, in a product that serves nobody: the prices that a yes is held against are the product's own."""
    with opened() as house:
        person, settings = house.person(user_name), house.settings
    logs.configure(settings.model_copy(update={"log_level": "WARNING"}))

    async def run() -> T:
        from bridge.app import Bridge  # the whole product: only these commands need it

        bridge = Bridge(settings, web=False, dispatch=False)
        try:
            await bridge.start()
            return await act(bridge.approvals, person)
        except (LookupError, PermissionError) as problem:
            raise click.ClickException(str(problem)) from problem
        finally:
            await bridge.stop()

    return asyncio.run(run())
