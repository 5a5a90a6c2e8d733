"""`bridge key`: API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bridge.accounts.model import KeySettings
from bridge.api.keys import SCOPES
from bridge.api.queries import Queries
from bridge.api.shapes import Key
from bridge.cli import given
from bridge.cli.house import House, opened
from bridge.cli.output import entry, json_option, listing, user_option

F = TypeVar("F", bound=Callable[..., Any])


def _settings_options(command: F) -> F:
    """What a key may do beyond its scopes."""
    options = (
        click.option("--account", "account_id", metavar="ID", help="The account its orders go to."),
        click.option(
            "--paper-account", "paper_account_id", metavar="ID",
            help="The paper account its orders go to while it analyses.",
        ),
        click.option(
            "--order-mode", type=click.Choice(["auto", "semi_auto"]),
            help="semi_auto: its orders wait until a person approves them.",
        ),
        click.option(
            "--from", "allowed_senders", multiple=True, callback=given.networks, metavar="ADDRESS",
            help="An address or network that may use it; may be given several times. Without any: from anywhere.",
        ),
        click.option(
            "--rate", "requests_per_second", type=click.IntRange(1, 1000), help="Requests a second before it says: too fast."
        ),
        click.option(
            "--order-rate", "orders_per_second", type=click.IntRange(1, 1000),
            help="Requests for orders a second before it says: too fast.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def group() -> None:
    """Keys for programs that ask the API."""


@group.command()
@click.argument("name", callback=given.name)
@user_option
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=("read",), show_default=True,
    help="What the key may do; may be given several times.",
)  # fmt: skip
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it is good.")
@_settings_options
@json_option
def create(name: str, user_name: str | None, scopes: tuple[str, ...], days: int, as_json: bool, **options: Any) -> None:
    """Make a key and show it, this once."""
    with opened() as house:
        person = house.person(user_name)
        settings = given.settings(KeySettings, {}, options)
        _must_own(house, person.id, options)
        scopes = tuple(dict.fromkeys(scopes))
        key = house.do(house.accounts.add_key(person.id, name, scopes, days=days, settings=settings))
        if as_json:
            entry({"id": key.split("_")[1], "key": key}, as_json)
            return
        click.echo(key)
        click.echo("This is the only time it is shown. Send it as “Authorization: Bearer …”, never in an address.")


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's keys with their last use, without their secrets."""
    with opened() as house:
        rows, _ = house.do(Queries(house.reader).keys(house.person(user_name).id, 1000, None))
        keys = [_line(Key.model_validate(row)) for row in reversed(rows)]
        listing(keys, as_json, "No keys yet: bridge key create NAME")


def _line(key: Key) -> dict[str, Any]:
    dumped = key.model_dump(mode="json", exclude={"settings"})
    return dumped | {"scopes": " ".join(key.scopes)} | _shown(key.settings)


def _shown(settings: KeySettings) -> dict[str, Any]:
    return {
        "account": settings.account_id,
        "paper_account": settings.paper_account_id,
        "analyze": settings.analyze,
        "order_mode": settings.order_mode,
        "from": " ".join(settings.allowed_senders) or "anywhere",
        "rate": settings.requests_per_second,
        "order_rate": settings.orders_per_second,
    }


@group.command()
@click.argument("key_id")
@user_option
@_settings_options
@click.option("--from-anywhere", is_flag=True, help="Drop its list of addresses.")
@json_option
def change(key_id: str, user_name: str | None, from_anywhere: bool, as_json: bool, **options: Any) -> None:
    """Change what a key may do beyond its scopes; what is not given stays. Running servers follow within a second."""
    changes = {name: value for name, value in options.items() if value not in (None, ())}
    if from_anywhere and "allowed_senders" in changes:
        raise click.UsageError("say either --from or --from-anywhere")
    if from_anywhere:
        changes["allowed_senders"] = ()
    if not changes:
        raise click.UsageError("say what to change; see --help")
    with opened() as house:
        person = house.person(user_name)
        _must_own(house, person.id, changes)
        settings = house.do(house.accounts.change_key(person.id, key_id, **changes))
        if settings is None:
            raise click.ClickException(f"no key {key_id}; see bridge key list")
        entry({"id": key_id, **_shown(settings)}, as_json)


def _must_own(house: House, user_id: str, options: dict[str, Any]) -> None:
    named = [options.get("account_id"), options.get("paper_account_id")]
    house.must_own_accounts(user_id, [account_id for account_id in named if account_id])
    paper = options.get("paper_account_id")
    if paper and not house.directory.snapshot.accounts[paper].is_paper:
        raise click.ClickException(f"{paper} is no paper account")


@group.command()
@click.argument("key_id")
@user_option
def revoke(key_id: str, user_name: str | None) -> None:
    """End a key. Running servers refuse it within a second."""
    with opened() as house:
        if not house.do(house.accounts.revoke_key(house.person(user_name).id, key_id)):
            raise click.ClickException(f"no key {key_id} that is still good; see bridge key list")
        click.echo(f"Key {key_id} is revoked.")
