"""The house, opened for one short command: settings, database, keys, and who is meant."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import click
from pydantic import ValidationError
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from bridge.accounts.directory import Directory
from bridge.accounts.model import User
from bridge.accounts.service import Accounts
from bridge.kit import schema
from bridge.kit.clock import Clock, SystemClock
from bridge.kit.database import Reader, StorageUnavailable, Writer, connect
from bridge.kit.disk import Reserve
from bridge.kit.settings import Settings, load
from bridge.kit.vault import KeyFileProblem, Vault

T = TypeVar("T")


class Owned(Protocol):
    """A thing of somebody's, such as an account."""

    @property
    def id(self) -> str: ...

    @property
    def user_id(self) -> str: ...


Thing = TypeVar("Thing", bound=Owned)

# With files and databases, what an operator can put right; anything else is a fault of ours and shows its traceback.
PROBLEMS = (StorageUnavailable, KeyFileProblem, schema.SchemaTooNew)


@dataclass(frozen=True, slots=True)
class House:
    """What short commands work with. The directory is loaded."""

    settings: Settings
    engine: Engine
    writer: Writer
    reader: Reader
    vault: Vault
    clock: Clock
    accounts: Accounts
    directory: Directory

    def person(self, name: str | None) -> User:
        """The user of that name; without a name the only one there is."""
        people = self.directory.snapshot.users.values()
        found = [user for user in people if name in (None, user.name, user.id)]
        if len(found) == 1:
            return found[0]
        if not people:
            raise click.ClickException("there is no user yet: bridge user add NAME")
        known = ", ".join(sorted(user.name for user in people))
        raise click.ClickException(f"{'say which --user' if name is None else f'no user {name}'}: there is {known}")

    def owned(self, known: Mapping[str, Thing], user_name: str | None) -> list[Thing]:
        """What of these belongs to that person (`person`)."""
        person = self.person(user_name)
        return [each for each in known.values() if each.user_id == person.id]

    def own(self, word: str, known: Mapping[str, Thing], wanted: str, user_name: str | None) -> Thing:
        """The one of these with that id, if it belongs to that person; `word` is what commands call such a thing."""
        for each in self.owned(known, user_name):
            if each.id == wanted:
                return each
        raise click.ClickException(f"no {word} {wanted}; see bridge {word} list")

    def must_own_accounts(self, user_id: str, account_ids: Iterable[str]) -> None:
        """Raises what to say when one of these is no account of that person."""
        if strangers := self.directory.snapshot.strange_accounts(user_id, account_ids):
            own = sorted(found.id for found in self.owned(self.directory.snapshot.accounts, user_id))
            raise click.ClickException(f"no account {', '.join(strangers)}; there is {', '.join(own) or 'none'}")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one piece of asynchronous work to its end, then read the settings again."""
        result = asyncio.run(work)
        self.directory.load()
        return result


@contextmanager
def connected() -> Iterator[tuple[Settings, Engine]]:
    """Settings and database as they are. Operators' problems become one line."""
    with sentences():
        settings = settings_of_this_process()
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = connect(settings.database)
        try:
            yield settings, engine
        finally:
            engine.dispose()


@contextmanager
def opened() -> Iterator[House]:
    """The house of this installation, its database upgraded if need be."""
    with connected() as (settings, engine):
        schema.upgrade(engine)
        with _furnished(settings, engine) as house:
            yield house


@contextmanager
def _furnished(settings: Settings, engine: Engine) -> Iterator[House]:
    vault, clock, reader = Vault.open(settings.keys), SystemClock(), Reader(engine)
    directory = Directory(reader, clock)
    directory.load()
    # The reserve, so that a full disk keeps nobody from stopping.
    writer = Writer(engine, reserve=Reserve(settings.data_dir) if engine.dialect.name == "sqlite" else None)
    try:
        yield House(settings, engine, writer, reader, vault, clock, Accounts(writer, vault, clock), directory)
    finally:
        writer.close()


@contextmanager
def sentences() -> Iterator[None]:
    """Turns what an operator can put right into one line and exit status 1."""
    try:
        yield
    except DBAPIError as problem:
        raise click.ClickException(database_sentence(problem)) from problem
    except OSError as problem:
        raise click.ClickException(file_sentence(problem)) from problem
    except PROBLEMS as problem:
        raise click.ClickException(str(problem)) from problem


def file_sentence(problem: OSError) -> str:
    """Which file, and what is the matter with it."""
    return f"{problem.filename}: {problem.strerror}" if problem.filename and problem.strerror else str(problem)


def database_sentence(problem: DBAPIError) -> str:
    """What is the matter with a database, and what to do."""
    said = str(problem.orig)
    if "malformed" in said or "not a database" in said:
        return f"the database is damaged ({said}): bridge db restore a backup"
    return f"the database does not answer: {said}"


def settings_of_this_process() -> Settings:
    """The settings; what is wrong with them, setting by setting."""
    try:
        return load()
    except ValidationError as problem:
        wrong = "; ".join(
            f"BRIDGE_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in problem.errors()
        )
        raise click.ClickException(wrong) from problem
    except OSError as problem:  # a file that a BRIDGE_…_FILE names
        raise click.ClickException(file_sentence(problem)) from problem


def operator() -> str:
    """Who sits at this command line, for the record."""
    try:
        return f"{getpass.getuser()} at the command line"
    except (KeyError, OSError):  # a container's number without a name
        return "the command line"
