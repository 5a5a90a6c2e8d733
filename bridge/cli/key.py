"""`bridge key`: API keys."""

from __future__ import annotations

import click

from bridge.api.keys import SCOPES
from bridge.cli import given
from bridge.cli.house import opened
from bridge.cli.output import entry, json_option, listing, moment, user_option


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
@json_option
def create(name: str, user_name: str | None, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a key and show it, this once."""
    with opened() as house:
        person = house.person(user_name)
        key = house.do(house.accounts.add_key(person.id, name, tuple(dict.fromkeys(scopes)), days=days))
        if as_json:
            entry({"id": key.split("_")[1], "key": key}, as_json)
            return
        click.echo(key)
        click.echo("This is the only time it is shown. Send it as “Authorization: Bearer …”, never in an address.")


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's keys, without their secrets."""
    with opened() as house:
        rows = house.reader.read(
            "SELECT id, name, scopes, created_at, expires_at, revoked_at FROM api_keys WHERE user_id = :user"
            " ORDER BY created_at",
            {"user": house.person(user_name).id},
        )
        keys = [row | {name: moment(row[name]) for name in row if name.endswith("_at")} for row in rows]
        listing(keys, as_json, "No keys yet: bridge key create NAME")


@group.command()
@click.argument("key_id")
@user_option
def revoke(key_id: str, user_name: str | None) -> None:
    """End a key. Running servers refuse it within a second."""
    with opened() as house:
        if not house.do(house.accounts.revoke_key(house.person(user_name).id, key_id)):
            raise click.ClickException(f"no key {key_id} that is still good; see bridge key list")
        click.echo(f"Key {key_id} is revoked.")
