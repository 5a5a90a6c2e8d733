"""`bridge source`: webhook addresses."""

from __future__ import annotations

from typing import get_args

import click

from bridge.accounts.model import SourceSettings
from bridge.cli import given
from bridge.cli.house import House, opened
from bridge.cli.output import entry, json_option, listing, user_option

_PRESETS = get_args(SourceSettings.model_fields["preset"].annotation)


@click.group()
def group() -> None:
    """Webhook addresses: where alerts come in for a strategy."""


@group.command()
@click.argument("name")
@user_option
@click.option("--strategy", "strategy_id", required=True, help="The strategy that reads what comes in: its id.")
@click.option("--preset", type=click.Choice(_PRESETS), help="Who sends: sets allowed addresses and rates.")
@click.option(
    "--allow", "allowed_senders", multiple=True, callback=given.networks, metavar="ADDRESS",
    help="An address or network that may send, besides the preset's; may be given several times.",
)  # fmt: skip
@click.option("--rate-per-minute", type=click.IntRange(1), help="Alerts a minute before it says: too fast.")
@click.option("--burst", type=click.IntRange(1), help="Alerts at once before it says: too fast.")
@click.option("--dialect", help="Read alerts in this dialect instead of detecting it.")
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
        strategy = house.directory.snapshot.strategies.get(strategy_id)
        if strategy is None or strategy.user_id != person.id:
            raise click.ClickException(f"no strategy {strategy_id}; see bridge strategy list")
        new = house.do(house.accounts.add_source(person.id, strategy_id, name, settings))
        _show(house, new.source_id, new.path, as_json)


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's webhook addresses, without their secrets."""
    with opened() as house:
        person = house.person(user_name)
        rows = [
            {
                "id": found.id,
                "name": found.name,
                "strategy_id": found.strategy_id,
                "address": f"{house.settings.base_url}/hook/{found.public_id}/…",
                "preset": found.settings.preset,
                "disabled": found.disabled,
            }
            for found in house.directory.snapshot.sources.values()
            if found.user_id == person.id
        ]
        listing(rows, as_json, "No sources yet: bridge source add NAME --strategy ID")


@group.command()
@click.argument("source_id")
@user_option
@json_option
def rotate(source_id: str, user_name: str | None, as_json: bool) -> None:
    """Give a webhook address a new secret and show it, this once. The old one works for 24 hours more."""
    with opened() as house:
        secret = house.do(house.accounts.rotate_source(house.person(user_name).id, source_id))
        if secret is None:
            raise click.ClickException(f"no source {source_id}; see bridge source list")
        public_id = house.directory.snapshot.sources[source_id].public_id
        _show(house, source_id, f"/hook/{public_id}/{secret}", as_json)


def _show(house: House, source_id: str, path: str, as_json: bool) -> None:
    address = house.settings.base_url + path
    if as_json:
        entry({"id": source_id, "webhook_url": address}, as_json)
        return
    click.echo(address)
    click.echo(
        f"Source {source_id}. This is the only time the address is shown: whoever has it can trade your strategy."
    )
