"""`bridge strategy`: rules for what sources send."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from bridge.accounts.model import Strategy, StrategySettings
from bridge.cli import given
from bridge.cli.house import House, opened
from bridge.cli.output import entry, json_option, listing, user_option
from bridge.domain.intent import OrderType, Product, QuantityType


@click.group()
def group() -> None:
    """Rules for what sources send: direction, symbols, sizes, limits, and the accounts they trade on."""


@group.command()
@click.argument("name", callback=given.name)
@user_option
@click.option(
    "--account", "accounts", multiple=True, metavar="ID[*MULTIPLIER]",
    help="An account to trade on, with what its quantities are multiplied by; may be given several times.",
)  # fmt: skip
@click.option("--direction", type=click.Choice(["both", "long", "short"]), help="Sides that may be entered.")
@click.option("--any-symbol", is_flag=True, default=None, help="Take every instrument, not only those of the settings.")
@click.option("--exchange", callback=given.exchange, help="Where to look for a symbol that names no exchange.")
@click.option("--quantity", help="How much, when the alert does not say.")
@click.option("--quantity-type", type=click.Choice([kind.value for kind in QuantityType]), help="What that counts.")
@click.option(
    "--order-type", type=click.Choice([kind.value for kind in OrderType]), help="When the alert does not say."
)
@click.option("--product", type=click.Choice([kind.value for kind in Product]), help="When the alert does not say.")
@click.option("--approval", type=click.Choice(["off", "entries", "all"]), help="What waits until a person says yes.")
@click.option("--approval-above", metavar="MONEY", help="Entries worth as much wait although --approval is off.")
@click.option("--dialect", callback=given.dialect, help="Read alerts in this dialect instead of detecting it.")
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path),
    help="A JSON file with any of the settings that `strategy show` prints.",
)  # fmt: skip
@click.option("--disabled", is_flag=True, help="Add it without letting it trade.")
@json_option
def add(
    name: str,
    user_name: str | None,
    accounts: tuple[str, ...],
    settings_file: Path | None,
    disabled: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Add a strategy. It trades what its sources send, on its accounts, within its limits."""
    feeds = tuple(_feed(text) for text in accounts)
    settings = given.settings(StrategySettings, given.json_file(settings_file), {"accounts": feeds, **options})
    with opened() as house:
        person = house.person(user_name)
        _must_own(house, person.id, settings)
        strategy_id = house.do(house.accounts.add_strategy(person.id, name, settings, enabled=not disabled))
        entry({"id": strategy_id, "name": name, "enabled": not disabled}, as_json)


def _feed(text: str) -> dict[str, Any]:
    account_id, _, multiplier = text.partition("*")
    try:
        return {"account_id": account_id, "multiplier": Decimal(multiplier or 1)}
    except InvalidOperation as problem:
        raise click.ClickException(f"{text}: {multiplier} is not a number") from problem


def _must_own(house: House, user_id: str, settings: StrategySettings) -> None:
    """Nobody's strategy may name another's account."""
    house.must_own_accounts(user_id, [feed.account_id for feed in settings.accounts])


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's strategies."""
    with opened() as house:
        rows = [
            {
                "id": found.id,
                "name": found.name,
                "enabled": found.enabled,
                "direction": found.settings.direction,
                "accounts": " ".join(feed.account_id for feed in found.settings.accounts),
            }
            for found in house.owned(house.directory.snapshot.strategies, user_name)
        ]
        listing(rows, as_json, "No strategies yet: bridge strategy add NAME --account ID")


@group.command()
@click.argument("strategy_id")
@user_option
@json_option
def show(strategy_id: str, user_name: str | None, as_json: bool) -> None:
    """Show a strategy with all its settings."""
    with opened() as house:
        found = _strategy(house, strategy_id, user_name)
        settings = json.loads(found.settings.model_dump_json())
        head = {"id": found.id, "name": found.name, "enabled": found.enabled}
        if as_json:
            entry({**head, "settings": settings}, as_json)
            return
        entry(head, as_json)
        click.echo(json.dumps(settings, indent=2, ensure_ascii=False))


@group.command()
@click.argument("strategy_id")
@user_option
def enable(strategy_id: str, user_name: str | None) -> None:
    """Let a strategy trade."""
    _switch(strategy_id, user_name, enabled=True)


@group.command()
@click.argument("strategy_id")
@user_option
def disable(strategy_id: str, user_name: str | None) -> None:
    """Keep a strategy from trading. What it holds stays."""
    _switch(strategy_id, user_name, enabled=False)


def _switch(strategy_id: str, user_name: str | None, *, enabled: bool) -> None:
    with opened() as house:
        found = _strategy(house, strategy_id, user_name)
        house.do(house.accounts.change_strategy(found.user_id, found.id, enabled=enabled))
        click.echo(f"{found.name} is {'enabled' if enabled else 'disabled'}.")


def _strategy(house: House, strategy_id: str, user_name: str | None) -> Strategy:
    return house.own("strategy", house.directory.snapshot.strategies, strategy_id, user_name)
