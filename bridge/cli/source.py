"""`bridge source`: webhook addresses."""

from __future__ import annotations

from typing import TextIO, get_args

import click

from bridge.accounts.model import Source, SourceSettings
from bridge.cli import given
from bridge.cli.house import House, opened
from bridge.cli.output import Entry, entry, json_option, listing, user_option

_PRESETS = get_args(SourceSettings.model_fields["preset"].annotation)


@click.group()
def group() -> None:
    """Webhook addresses: where alerts come in for a strategy."""


@group.command()
@click.argument("name", callback=given.name)
@user_option
@click.option("--strategy", "strategy_id", required=True, help="The strategy that reads what comes in: its id.")
@click.option("--preset", type=click.Choice(_PRESETS), help="Who sends: sets allowed addresses and rates.")
@click.option(
    "--allow", "allowed_senders", multiple=True, callback=given.networks, metavar="ADDRESS",
    help="An address or network that may send, besides the preset's; may be given several times.",
)  # fmt: skip
@click.option("--rate-per-minute", type=click.IntRange(1), help="Alerts a minute before it says: too fast.")
@click.option("--burst", type=click.IntRange(1), help="Alerts at once before it says: too fast.")
@click.option("--dialect", callback=given.dialect, help="Read alerts in this dialect instead of detecting it.")
@json_option
def add(
    name: str,
    user_name: str | None,
    strategy_id: str,
    preset: str | None,
    allowed_senders: tuple[str, ...],
    rate_per_minute: int | None,
    burst: int | None,
    dialect: str | None,
    as_json: bool,
) -> None:
    """Add a webhook address and show it, this once."""
    options = {
        "preset": preset,
        "allowed_senders": allowed_senders,
        "rate_per_minute": rate_per_minute,
        "burst": burst,
        "dialect": dialect,
    }
    settings = given.settings(SourceSettings, {}, options)
    with opened() as house:
        person = house.person(user_name)
        house.own("strategy", house.directory.snapshot.strategies, strategy_id, user_name)
        new = house.do(house.accounts.add_source(person.id, strategy_id, name, settings))
        _show(house, new.source_id, new.path, as_json)


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's webhook addresses, without their secrets."""
    with opened() as house:
        rows = [
            {
                "id": found.id,
                "name": found.name,
                "strategy_id": found.strategy_id,
                "address": f"{house.settings.base_url}/hook/{found.public_id}/…",
                "preset": found.settings.preset,
                "signed": found.settings.signing_secret is not None,
                "body_secret": found.settings.body_secret_hash is not None,
                "disabled": found.disabled,
            }
            for found in house.owned(house.directory.snapshot.sources, user_name)
        ]
        listing(rows, as_json, "No sources yet: bridge source add NAME --strategy ID")


@group.command()
@click.argument("source_id")
@user_option
@json_option
def rotate(source_id: str, user_name: str | None, as_json: bool) -> None:
    """Give a webhook address a new secret and show it, this once. The old one works for 24 hours more."""
    with opened() as house:
        source = _source(house, source_id, user_name)
        secret = house.do(house.accounts.rotate_source(source.user_id, source.id))
        _show(house, source_id, f"/hook/{source.public_id}/{secret}", as_json)


@group.command()
@click.argument("source_id")
@user_option
@click.option("--off", is_flag=True, help="Take unsigned alerts again.")
@json_option
def signing(source_id: str, user_name: str | None, off: bool, as_json: bool) -> None:
    """Take only alerts that are signed, with a new key that is shown this once. A key before it ends at once.

    For senders that can sign as Standard Webhooks does (headers webhook-id, webhook-timestamp, webhook-signature).
    """
    with opened() as house:
        source = _source(house, source_id, user_name)
        if off:
            house.do(house.accounts.drop_source_secret(source.user_id, source.id, "signing_secret"))
            entry({"id": source.id, "signed": False}, as_json)
            return
        key = house.do(house.accounts.set_signing_secret(source.user_id, source.id))
        _show_secret({"id": source.id, "signing_secret": key}, as_json)


@group.command("body-secret")
@click.argument("source_id")
@user_option
@click.option("--off", is_flag=True, help="Take alerts without a secret in them again.")
@click.option(
    "--file", "file", type=click.File("r", encoding="utf-8"),
    help="Take the first line of a file instead of a new random one; - is standard input.",
)  # fmt: skip
@json_option
def body_secret(source_id: str, user_name: str | None, off: bool, file: TextIO | None, as_json: bool) -> None:
    """Take only alerts that hold a secret in their text, and show it, this once. One before it ends at once."""
    with opened() as house:
        source = _source(house, source_id, user_name)
        if off:
            house.do(house.accounts.drop_source_secret(source.user_id, source.id, "body_secret_hash"))
            entry({"id": source.id, "body_secret": False}, as_json)
            return
        chosen = given.first_line(file) if file else None
        try:
            secret = house.do(house.accounts.set_body_secret(source.user_id, source.id, chosen))
        except ValueError as problem:
            raise click.ClickException(str(problem)) from problem
        if file:
            entry({"id": source.id, "body_secret": True}, as_json)
        else:
            _show_secret({"id": source.id, "body_secret": secret}, as_json)


def _source(house: House, source_id: str, user_name: str | None) -> Source:
    return house.own("source", house.directory.snapshot.sources, source_id, user_name)


def _show_secret(made: Entry, as_json: bool) -> None:
    entry(made, as_json)
    if not as_json:
        click.echo("This is the only time it is shown. From now on alerts without it are refused.")


def _show(house: House, source_id: str, path: str, as_json: bool) -> None:
    address = house.settings.base_url + path
    if as_json:
        entry({"id": source_id, "webhook_url": address}, as_json)
        return
    click.echo(address)
    click.echo(
        f"Source {source_id}. This is the only time the address is shown: whoever has it can trade your strategy."
    )
