"""`bridge account`: connections to brokers."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.accounts.model import Account, AccountSettings
from bridge.brokers import declarations
from bridge.brokers.base import BrokerDeclaration, BrokerError
from bridge.cli import given
from bridge.cli.broker_calls import Proof, begin_anew, prove
from bridge.cli.house import House, opened, operator
from bridge.cli.output import entry, json_option, listing, user_option


@click.group()
def group() -> None:
    """Connections to brokers, paper included."""


_CREDENTIALS = click.option(
    "--credentials-file",
    type=click.Path(path_type=Path),
    help="A JSON file with what the broker needs; without it, each is asked for. Never an argument: others could read it.",
)


@group.command()
@click.argument("name", callback=given.name)
@user_option
@click.option("--broker", required=True, help="One of `bridge account brokers`.")
@click.option("--rest", "rest_url", callback=given.url, help="Another address of the broker's REST API.")
@click.option("--stream", "stream_url", callback=given.url, help="Another address of the broker's stream.")
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="A JSON file with the account's limits."
)
@_CREDENTIALS
@json_option
def add(
    name: str,
    user_name: str | None,
    broker: str,
    rest_url: str | None,
    stream_url: str | None,
    settings_file: Path | None,
    credentials_file: Path | None,
    as_json: bool,
) -> None:
    """Add an account at a broker. Asks for what the broker needs to let Bridge in."""
    card = _card(broker)
    settings = given.settings(AccountSettings, given.json_file(settings_file), {})
    if card.settings is not None:
        given.settings(card.settings, settings.broker, {}, within="broker")
    with opened() as house:
        person = house.person(user_name)
        adding = house.accounts.add_account(
            person.id,
            name,
            broker,
            settings=settings,
            credentials=given.credentials(card.needs, credentials_file),
            rest_url=rest_url,
            stream_url=stream_url,
        )
        entry({"id": house.do(adding), "name": name, "broker": broker}, as_json)


@group.command("list")
@user_option
@json_option
def list_(user_name: str | None, as_json: bool) -> None:
    """List a person's accounts, without their credentials."""
    with opened() as house:
        rows = [
            {
                "id": found.id,
                "name": found.name,
                "broker": found.broker,
                "paper": found.is_paper,
                "credentials": bool(found.sealed_credentials),
                "rest_url": found.rest_url,
                "stream_url": found.stream_url,
                "disabled": found.disabled,
            }
            for found in house.owned(house.directory.snapshot.accounts, user_name)
        ]
        listing(rows, as_json, "No accounts yet: bridge account add NAME --broker paper")


@group.command()
@json_option
def brokers(as_json: bool) -> None:
    """List the brokers there are, and what each can do."""
    rows = [
        {
            "broker": name,
            "title": card.title,
            "exchanges": " ".join(sorted(card.capabilities.exchanges)),
            "products": " ".join(sorted(card.capabilities.products)),
            "order_types": " ".join(sorted(card.capabilities.order_types)),
            "needs": " ".join(card.needs),
        }
        for name, card in declarations().items()
    ]
    listing(rows, as_json, "No brokers.")


@group.command()
@click.argument("account_id")
@user_option
@_CREDENTIALS
def login(account_id: str, user_name: str | None, credentials_file: Path | None) -> None:
    """Give an account new credentials and try them. A running server takes them at once."""
    with opened() as house:
        account = _account(house, account_id, user_name)
        credentials = given.credentials(_card(account.broker).needs, credentials_file)
        house.do(house.accounts.set_credentials(account.user_id, account.id, credentials))
        _say(prove(house, house.directory.snapshot.accounts[account.id]), as_json=False)


@group.command()
@click.argument("account_id")
@user_option
@json_option
def test(account_id: str, user_name: str | None, as_json: bool) -> None:
    """Ask the broker whether the login is good and what money there is. Sends no order."""
    with opened() as house:
        _say(prove(house, _account(house, account_id, user_name)), as_json)


@group.command()
@click.argument("account_id")
@user_option
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
def reset(account_id: str, user_name: str | None, yes: bool, as_json: bool) -> None:
    """Begin anew with practice money: the capital of the settings, no positions, no holdings, no GTT orders.

    What strategies hold at the account is emptied with it. Orders, fills and the journal stay. Only while no server runs,
    and while no order of the account is open or of unknown outcome.
    """
    with opened() as house:
        account = _account(house, account_id, user_name)
        if not account.is_paper:
            raise click.ClickException(f"{account.name} is no practice money; only a paper account begins anew")
        if not yes:
            click.confirm(f"Empty the practice account {account.name}?", abort=True)
        try:
            problem = begin_anew(house, account, operator())
        except BrokerError as lost:
            raise click.ClickException(f"the practice books could not be emptied ({lost}): do it again") from lost
        if problem:
            raise click.ClickException(problem)
        entry({"account_id": account.id, "name": account.name, "reset": True}, as_json)


def _say(proof: Proof, as_json: bool) -> None:
    """The proof; exit status 1 when it failed."""
    entry({"account_id": proof.account_id, "ok": proof.ok, "message": proof.message}, as_json)
    if not proof.ok:
        raise click.exceptions.Exit(1)


def _card(broker: str) -> BrokerDeclaration:
    try:
        return declarations()[broker]
    except KeyError as problem:
        raise click.ClickException(str(problem.args[0])) from problem


def _account(house: House, account_id: str, user_name: str | None) -> Account:
    return house.own("account", house.directory.snapshot.accounts, account_id, user_name)
