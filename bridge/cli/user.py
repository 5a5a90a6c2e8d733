"""`bridge user`: people."""

from __future__ import annotations

from typing import TextIO

import click

from bridge.accounts.model import Role
from bridge.cli import given
from bridge.cli.house import House, opened
from bridge.cli.output import entry, json_option, listing, moment

PASSWORD_MIN, PASSWORD_MAX = 12, 128


@click.group()
def group() -> None:
    """People who sign in, with what they may do."""


_PASSWORD_FILE = click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="Read the password from a file's first line; - is standard input.",
)


@group.command()
@click.argument("name", callback=given.name)
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    help="The first user is owner, others trader by default.",
)
@_PASSWORD_FILE
@json_option
def add(name: str, role: str | None, password_file: TextIO | None, as_json: bool) -> None:
    """Add a person. Asks for the password."""
    with opened() as house:
        chosen = Role(role) if role else Role.TRADER if house.directory.snapshot.users else Role.OWNER
        password = _password(password_file)
        try:
            user_id = house.do(house.accounts.add_user(name, password, chosen))
        except ValueError as problem:
            raise click.ClickException(str(problem)) from problem
        entry({"id": user_id, "name": name, "role": chosen.value}, as_json)


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all people."""
    with opened() as house:
        rows = house.reader.read("SELECT id, name, role, disabled, created_at FROM users ORDER BY created_at")
        people = [row | {"disabled": bool(row["disabled"]), "created_at": moment(row["created_at"])} for row in rows]
        listing(people, as_json, "Nobody yet: bridge user add NAME")


@group.command()
@click.argument("name")
@_PASSWORD_FILE
def password(name: str, password_file: TextIO | None) -> None:
    """Give a person a new password; every session of theirs ends."""
    with opened() as house:
        person = house.person(name)
        house.do(house.accounts.set_password(person.id, _password(password_file)))
        click.echo(f"{person.name} has a new password and must sign in again.")


@group.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def disable(name: str, yes: bool) -> None:
    """Take a person's sign-in, sessions and trading away."""
    with opened() as house:
        person = house.person(name)
        if not _another_owner(house, person.id):
            raise click.ClickException(f"{person.name} is the last owner; make another one first")
        if not yes:
            click.confirm(f"Disable {person.name}? Alerts to their sources will be refused", abort=True)
        house.do(house.accounts.disable_user(person.id))
        click.echo(f"{person.name} is disabled.")


def _another_owner(house: House, user_id: str) -> bool:
    people = house.directory.snapshot.users.values()
    return any(user.role is Role.OWNER and not user.disabled and user.id != user_id for user in people)


def _password(file: TextIO | None) -> str:
    """From the file, or asked for twice; never an argument, which other people of the machine could read."""
    word = given.first_line(file) if file else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not PASSWORD_MIN <= len(word) <= PASSWORD_MAX:
        raise click.ClickException(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters, this one {len(word)}")
    return str(word)
