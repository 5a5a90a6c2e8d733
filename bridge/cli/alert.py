"""`bridge alert`: what came in, what became of it, and sending it through again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from bridge.accounts.model import User
from bridge.api.queries import Queries
from bridge.api.shapes import Alert, AlertStory
from bridge.cli.house import House, opened
from bridge.cli.output import as_json_text, json_option, listing, printable, user_option
from bridge.kit import logs
from bridge.kit.settings import Settings

if TYPE_CHECKING:
    from bridge.orders.arrival import Answer


@click.group()
def group() -> None:
    """What came in, and what became of it."""


@group.command("list")
@user_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@click.option(
    "--status", type=click.Choice(["accepted", "refused", "duplicate", "noted"]), help="Only those that ended so."
)
@json_option
def list_(user_name: str | None, limit: int, status: str | None, as_json: bool) -> None:
    """List a person's alerts, newest first."""
    with opened() as house:
        asked = Queries(house.reader).alerts(house.person(user_name).id, {"status": status}, limit, None)
        rows, _ = house.do(asked)
        alerts = [Alert.model_validate(row).model_dump(mode="json") for row in rows]
        shown = ("id", "received_at", "dialect", "kind", "status", "code", "message")
        listing(
            alerts if as_json else [{name: each[name] for name in shown} for each in alerts], as_json, "No alerts yet."
        )


@group.command()
@click.argument("alert_id")
@user_option
@json_option
def show(alert_id: str, user_name: str | None, as_json: bool) -> None:
    """Show an alert with its orders and everything that happened to it."""
    with opened() as house:
        story = house.do(_story(house, house.person(user_name), alert_id))
        if as_json:
            click.echo(as_json_text(story.model_dump(mode="json")))
        else:
            _print(_told(story))


async def _story(house: House, person: User, alert_id: str) -> AlertStory:
    queries = Queries(house.reader)
    row = await queries.alert(person.id, alert_id)
    if row is None:
        raise click.ClickException(f"no alert {alert_id}; see bridge alert list")
    orders = await queries.orders_of(person.id, alert_id)
    events = await queries.events(person.id, alert_id=alert_id)
    return AlertStory.model_validate(row | {"orders": orders, "events": events})


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(printable(line))


def _told(story: AlertStory) -> Iterator[str]:
    yield f"{story.id}  {story.status}" + (f" ({story.code}): {story.message}" if story.code else "")
    yield f"received {story.received_at:%Y-%m-%d %H:%M:%S} UTC from {story.sender}, read as {story.dialect}"
    yield f"  {story.body}"
    yield from _steps(story.trace)
    for order in story.orders:
        price = f" at {order.price:f}" if order.price is not None else ""
        yield (
            f"order {order.id}: {order.side} {order.quantity:f} {order.exchange}:{order.symbol} {order.order_type}{price}"
            f", {order.state}, {order.filled:f} filled"
        )
    for event in story.events:
        yield f"{event.at:%H:%M:%S.%f}  {event.type}  ({event.provenance})  {event.order_id or ''}".rstrip()


def _steps(trace: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in trace:
        yield f"{step['ms']:>9} ms  {step['title']}" + (f": {step['detail']}" if step.get("detail") else "")
        for check in step.get("checks") or ():
            yield f"{'':14}{'passed' if check.get('ok') else 'FAILED'}  {check.get('name')}  {check.get('detail') or ''}".rstrip()


@group.command()
@click.argument("alert_id")
@user_option
@click.option("--dry-run", is_flag=True, help="Only show what would become of it: nothing is stored or sent.")
@click.option("--yes", is_flag=True, help="Do not ask before orders are made.")
@json_option
def replay(alert_id: str, user_name: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Send an alert through again, under today's settings and at today's prices.

    Without --dry-run its orders are real. A running server sends them; if none comes in time, they expire.
    """
    with opened() as house:
        person, settings = house.person(user_name), house.settings
    if not (dry_run or yes):
        click.confirm(f"Send {alert_id} through again, with real orders?", abort=True)
    logs.configure(settings.model_copy(update={"log_level": "WARNING"}))
    answer = asyncio.run(_replayed(settings, alert_id, person, live=not dry_run))
    content = dict(answer.content)
    if as_json:
        click.echo(as_json_text(content))
    else:
        _print(_answered(content))
    if content["status"] == "refused":
        raise click.exceptions.Exit(1)


async def _replayed(settings: Settings, alert_id: str, person: User, *, live: bool) -> Answer:
    from bridge.app import Bridge  # the whole product: only this command needs it

    bridge = Bridge(settings, web=False, dispatch=False)
    try:
        await bridge.start()
        return await bridge.control.replay(alert_id, person, live)
    except LookupError as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        await bridge.stop()


def _answered(content: Mapping[str, Any]) -> Iterator[str]:
    yield f"{content['status']}" + (f" ({content['code']}): {content['message']}" if content.get("code") else "")
    trace = content.get("trace")
    yield from (
        _steps(trace) if isinstance(trace, list) else (f"its time-line: bridge alert show {content['alert_id']}",)
    )
    for order in content.get("orders") or ():
        yield f"{order['side']} {order['quantity']} {order['symbol']} at {order['account']}"
