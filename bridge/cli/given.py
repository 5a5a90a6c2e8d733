"""What people give commands besides words: settings as JSON files, secrets by prompt or file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

import click
from pydantic import BaseModel, ValidationError

from bridge.market.sessions import SEGMENT_OF_EXCHANGE
from bridge.market.venues import nearest_venues, venue_of

M = TypeVar("M", bound=BaseModel)
_NAME_MAX = 100  # what the tables have room for


def json_file(path: Path | None) -> dict[str, Any]:
    """The JSON object in a file; an empty one without a file."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise click.ClickException(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise click.ClickException(f"{path}: {problem}") from problem
    if not isinstance(found, dict):
        raise click.ClickException(f"{path}: expected a JSON object")
    return found


def settings(
    model: type[M], from_file: Mapping[str, Any], from_options: Mapping[str, Any], *, within: str | None = None
) -> M:
    """Settings of a file, with options that were given on top; what is wrong, member by member. `within` names the
    member that they are the content of."""
    given = {name: value for name, value in from_options.items() if value not in (None, ())}
    above = (within,) if within else ()
    try:
        return model.model_validate({**from_file, **given})
    except ValidationError as problem:
        wrong = "; ".join(f"{'.'.join(map(str, (*above, *e['loc'])))}: {e['msg']}" for e in problem.errors())
        raise click.ClickException(wrong) from problem


def first_line(file: TextIO) -> str:
    """The first line of a file that holds a secret."""
    try:
        return file.readline().rstrip("\r\n")
    except UnicodeDecodeError as problem:
        raise click.ClickException(f"{file.name} is no text") from problem


def credentials(needs: Sequence[str], path: Path | None) -> dict[str, str]:
    """What a broker needs to let somebody in, from a JSON file or asked for one by one; never shown."""
    if path is None:
        return {name: str(click.prompt(_spoken(name), hide_input=True)) for name in needs}
    found = json_file(path)
    if missing := [name for name in needs if not found.get(name)]:
        raise click.ClickException(f"{path}: {', '.join(missing)} is missing")
    return {str(name): str(value) for name, value in found.items()}


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def name(_context: click.Context, argument: click.Parameter, value: str) -> str:
    """A callback for names that people give to things."""
    if not (value.strip() == value and value.isprintable() and 1 <= len(value) <= _NAME_MAX):
        raise click.BadParameter(f"a name has 1 to {_NAME_MAX} visible characters", param=argument)
    return value


def dialect(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A callback for options that take a dialect."""
    from bridge.dialects import discover  # all of them: only who names one needs it

    if value is not None and value not in (known := [each.name for each in discover()]):
        near = get_close_matches(value, known, n=3) or sorted(known)
        raise click.BadParameter(f"no dialect is called {value}; there is {', '.join(near)}", param=option)
    return value


def exchange(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A callback for options that take an exchange."""
    if value is not None and venue_of(value) is None:
        near = nearest_venues(value) or list(SEGMENT_OF_EXCHANGE)
        raise click.BadParameter(f"no exchange is called {value}; there is {', '.join(near)}", param=option)
    return value


def url(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A callback for options that take an address of a host."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or parts.query or parts.username:
        raise click.BadParameter("expected an address like https://host/path, without a name or a query", param=option)
    return value


def networks(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """A callback for options that take addresses or networks."""
    for value in values:
        try:
            ip_network(value, strict=False)
        except ValueError as problem:
            raise click.BadParameter(str(problem), param=option) from problem
    return values
