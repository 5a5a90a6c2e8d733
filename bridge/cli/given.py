"""What people give commands besides words: settings as JSON files, secrets by prompt or file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def json_file(path: Path | None) -> dict[str, Any]:
    """The JSON object in a file; an empty one without a file."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise click.ClickException(f"{path}: {problem}") from problem
    if not isinstance(found, dict):
        raise click.ClickException(f"{path}: expected a JSON object")
    return found


def settings(model: type[M], from_file: Mapping[str, Any], from_options: Mapping[str, Any]) -> M:
    """Settings of a file, with options that were given on top; what is wrong, member by member."""
    given = {name: value for name, value in from_options.items() if value not in (None, ())}
    try:
        return model.model_validate({**from_file, **given})
    except ValidationError as problem:
        wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors())
        raise click.ClickException(wrong) from problem


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
