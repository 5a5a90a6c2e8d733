"""How commands print what they found: lines for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import click

from bridge.kit.clock import from_micros

F = TypeVar("F", bound=Callable[..., Any])
Entry = Mapping[str, Any]


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def user_option(command: F) -> F:
    """`--user NAME`."""
    option = click.option("--user", "user_name", help="Whose; may be left out where there is only one user.")
    return option(command)


def as_json_text(value: Any) -> str:
    """One line of JSON, in ASCII, as it may be shown on a terminal; decimals as text."""
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def moment(stamp: int | None) -> str | None:
    """Microseconds since 1970 as ISO 8601, UTC."""
    return None if stamp is None else from_micros(stamp).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def listing(rows: Sequence[Entry], as_json: bool, empty: str) -> None:
    """Rows of the same members, as a table or one JSON array; `empty` is said when there are none."""
    if as_json:
        click.echo(as_json_text(list(rows)))
    elif not rows:
        click.echo(empty)
    else:
        _table(rows)


def _table(rows: Sequence[Entry]) -> None:
    names = list(rows[0])
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def printable(text: str) -> str:
    """The text without what would steer the terminal: much of what is shown was written by strangers."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(" ".join(str(value).split()))


def entry(found: Entry, as_json: bool) -> None:
    """One thing: a member a line, or one JSON object."""
    if as_json:
        click.echo(as_json_text(found))
        return
    width = max(map(len, found))
    for name, value in found.items():
        click.echo(f"{name.ljust(width)}  {_cell(value)}")
