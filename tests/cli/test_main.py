"""The table of commands."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from bridge.cli import COMMANDS, main
from tests.cli.terminal import Terminal

HEAVY = ("alembic", "cryptography", "fastapi", "httpx", "pydantic", "sqlalchemy", "uvicorn")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_table_is_there(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")

    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert main.get_command(click.Context(main), name) is not None


def test_help_lists_every_command_and_loads_none(bridge: Terminal) -> None:
    shown = bridge("--help")
    program = (
        "import sys; from bridge.cli import main; main(['--help'], standalone_mode=False);"
        f"sys.exit(any(name in sys.modules for name in {HEAVY}))"
    )

    assert all(name in shown and summary in shown for name, (_, summary) in COMMANDS.items())
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_a_command_that_does_not_exist_fails(bridge: Terminal) -> None:
    assert "No such command" in bridge("fly", fails=2)


@pytest.mark.parametrize("words", [("user", "list"), ("up",), ("dispatch",)])
@pytest.mark.parametrize(
    ("setting", "value"), [("BRIDGE_PORT", "eight thousand"), ("BRIDGE_DATABASE_URL_FILE", "/not/there")]
)
def test_a_setting_that_makes_no_sense_is_named(
    bridge: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], setting: str, value: str
) -> None:
    monkeypatch.setenv(setting, value)

    shown = bridge(*words, fails=1)

    assert shown.startswith("Error: ")
    assert value in shown or setting in shown


def test_a_server_that_cannot_start_says_why_in_one_line(bridge: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.folder.mkdir()
    (bridge.folder / "master.key").write_text("nothing")

    assert "Error: " in bridge("up", fails=1)


def test_a_second_demo_does_not_start_in_the_folder_of_the_first(asha: Terminal) -> None:
    asha.rows("UPDATE users SET name = 'demo'")

    assert "has a demo already" in asha("demo", "--data-dir", str(asha.folder), fails=1)


def test_alerts_that_are_no_text_are_said_to_be_none(bridge: Terminal, tmp_path: Path) -> None:
    (file := tmp_path / "alerts").write_bytes(b"\xff\xfe")

    assert "no UTF-8 text" in bridge("translate", "--jsonl", str(file), fails=1)


def test_a_database_that_is_away_is_one_line_without_the_password(
    bridge: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql://bridge:hunter2@127.0.0.1:1/bridge")

    shown = bridge("user", "list", fails=1)

    assert "the database does not answer" in shown
    assert "hunter2" not in shown
