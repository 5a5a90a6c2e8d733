"""Writes docs/commands.md, every command with its own help, from the commands themselves.

uv run scripts/commands_page.py             prints the page
uv run scripts/commands_page.py --write     writes it
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bridge.cli import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
OPENING = """# Commands

Each is called as `uv run bridge …`, and explains itself with `--help`. This page is made of those explanations.
"""


def commands(
    command: click.Command, path: tuple[str, ...] = ("bridge",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it, in the order of the alphabet."""
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], (*path, name))
    else:
        yield path, command


def help_text(path: tuple[str, ...], command: click.Command) -> str:
    """What `--help` prints, at a fixed width."""
    # A command remembers the first form of its help option that it was asked for: it gets the one that `bridge` gives it.
    context = click.Context(
        command,
        info_name=" ".join(path),
        max_content_width=100,
        terminal_width=100,
        help_option_names=main.context_settings["help_option_names"],
    )
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def page(group: click.Command = main) -> str:
    """The whole page."""
    sections = [
        f"## {' '.join(path)}\n\n```text\n{help_text(path, command)}\n```\n" for path, command in commands(group)
    ]
    return "\n".join([OPENING, *sections])


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
