"""Every command explains itself, and the documents say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bridge.cli import main
from scripts.commands_page import PAGE, commands

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {" ".join(path): command for path, command in commands(main)}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_says_what_it_does_and_what_its_options_mean(words: str) -> None:
    command = COMMANDS[words]
    options = [option for option in command.params if isinstance(option, click.Option)]

    assert command.help
    assert [option.name for option in options if not option.help] == []


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    # In a process of its own: a command keeps the help option of whoever called it first, and other tests call it too.
    page = subprocess.run([sys.executable, "-m", "scripts.commands_page"], cwd=ROOT, capture_output=True, check=True)

    assert PAGE.read_text(encoding="utf-8") == page.stdout.decode("utf-8"), (
        "run: uv run scripts/commands_page.py --write"
    )


def test_readme_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"(?:`|uv run )bridge ([a-z]+)", README))

    assert named <= {words.split()[1] for words in COMMANDS}
