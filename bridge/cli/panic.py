"""`bridge panic`: the kill switch. Writes to the database itself, so that it works whether or not a server runs."""

from __future__ import annotations

import click

from bridge.cli.house import House, opened, operator
from bridge.cli.output import entry, json_option

EVERYTHING = ("global", "")


@click.command()
@click.option("--user", "user", help="Only this person's trading: name or id.")
@click.option("--account", "account", help="Only this broker account: id.")
@click.option("--strategy", "strategy", help="Only this strategy: id.")
@click.option("--source", "source", help="Only this source: id.")
@click.option("--release", is_flag=True, help="Let it trade again. Asks first.")
@click.option("--reason", default="", help="Why; shown to everyone who wonders.")
@click.option("--yes", is_flag=True, help="Do not ask before a release.")
@json_option
def command(
    user: str | None,
    account: str | None,
    strategy: str | None,
    source: str | None,
    release: bool,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Stop all trading at once, or let it go on.

    Without a scope everything stops. Nothing new is sent; orders that are already at a broker stay there, cancel those on
    the orders page or at the broker. GTT orders that still wait are withdrawn by the server within seconds, if it runs.
    Works with and without a running server.
    """
    chosen = {"user": user, "account": account, "strategy": strategy, "source": source}
    wanted = [(scope, name) for scope, name in chosen.items() if name is not None]
    if len(wanted) > 1:
        raise click.UsageError("say one of --user, --account, --strategy, --source, or none of them for everything")
    with opened() as house:
        scope, scope_id = _found(house, *wanted[0]) if wanted else EVERYTHING
        if release and not yes:
            click.confirm(f"Let {_spoken(scope, scope_id)} trade again?", abort=True)
        house.do(house.accounts.throw_switch(scope, scope_id, stopped=not release, reason=reason, by=operator()))
        _tell(scope, scope_id, release, as_json)


def _found(house: House, scope: str, name: str) -> tuple[str, str]:
    if scope == "user":
        return scope, house.person(name).id
    snapshot = house.directory.snapshot
    known = {"account": snapshot.accounts, "strategy": snapshot.strategies, "source": snapshot.sources}[scope]
    if name not in known:
        raise click.ClickException(f"no {scope} {name}; there is {', '.join(known) or 'none'}")
    return scope, name


def _spoken(scope: str, scope_id: str) -> str:
    return "everything" if scope == "global" else f"{scope} {scope_id}"


def _tell(scope: str, scope_id: str, release: bool, as_json: bool) -> None:
    if as_json:
        entry({"scope": scope, "scope_id": scope_id, "stopped": not release}, as_json)
    elif release:
        click.echo(f"Let go: {_spoken(scope, scope_id)} may trade.")
    else:
        click.echo(f"Stopped: {_spoken(scope, scope_id)}. Orders that are already at a broker stay there.")
