"""What `bridge doctor` finds, and says about it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import doctor
from bridge.kit import disk
from tests.cli.terminal import Terminal


def found(terminal: Terminal, state: str, *, fails: int = 0) -> dict[str, str]:
    """What was found in that state: what was looked at → what it says."""
    shown: list[dict[str, Any]] = terminal.json("doctor", fails=fails)
    return {each["checked"]: each["message"] for each in shown if each["state"] == state}


def test_a_fresh_installation_has_no_problem_and_is_left_as_it_is(bridge: Terminal) -> None:
    assert found(bridge, "problem") == {}
    assert not bridge.folder.exists()


def test_a_working_installation_has_no_problem(asha: Terminal) -> None:
    asha("account", "add", "practice", "--broker", "paper")

    assert found(asha, "problem") == {}
    assert {"disk", "key file", "database"} <= found(asha, "ok").keys()


def test_a_setting_that_makes_no_sense_is_the_only_thing_said(
    bridge: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_PORT", "eight thousand")

    assert "BRIDGE_PORT" in found(bridge, "problem", fails=1)["configuration"]


def test_listening_to_the_world_without_tls_is_a_problem(bridge: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HOST", "0.0.0.0")

    assert "TLS proxy" in found(bridge, "problem", fails=1)["configuration"]


def test_a_key_file_that_others_can_read_is_a_problem(asha: Terminal) -> None:
    (asha.folder / "master.key").chmod(0o644)

    assert "chmod 600" in found(asha, "problem", fails=1)["key file"]


def test_a_lost_key_file_is_a_problem_and_is_not_made_anew(asha: Terminal) -> None:
    (asha.folder / "master.key").unlink()

    assert "put your copy of it back" in found(asha, "problem", fails=1)["key file"]
    assert not (asha.folder / "master.key").exists()


def test_an_old_schema_is_a_problem(asha: Terminal) -> None:
    asha.rows("UPDATE alembic_version SET version_num = '0001'")

    assert "bridge db upgrade" in found(asha, "problem", fails=1)["database"]


def test_a_damaged_database_is_a_problem(asha: Terminal) -> None:
    asha.database.write_bytes(b"garbage")

    assert "bridge db restore" in found(asha, "problem", fails=1)["database"]


def test_a_database_that_is_away_is_a_problem(bridge: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql://bridge:hunter2@127.0.0.1:1/bridge")

    problem = found(bridge, "problem", fails=1)["database"]

    assert "does not answer" in problem
    assert "hunter2" not in problem


def test_a_disk_without_room_is_a_problem(asha: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk.Reserve, "free", lambda _: 3 * 2**20)

    assert "only 3 MB left" in found(asha, "problem", fails=1)["disk"]


def test_a_clock_that_was_set_back_is_a_problem(asha: Terminal) -> None:
    ahead = int((time.time() + 3600) * 1_000_000)
    columns = "at, user_id, type, provenance, payload"
    asha.rows(f"INSERT INTO events ({columns}) VALUES (?, 'us_1', 'alert.noted', 'policy', '{{}}')", ahead)

    assert "the clock was set back" in found(asha, "problem", fails=1)["clock"]


def test_a_clock_that_nobody_keeps_in_step_is_a_note(bridge: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_kernel_says_unsynchronised", lambda: True)

    assert "time service" in found(bridge, "note")["clock"]


def test_a_missing_browser_is_a_note(bridge: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)

    assert "install chromium" in found(bridge, "note")["chrome"]


def test_a_broker_that_cannot_be_reached_is_a_problem_unless_nobody_is_to_ask(asha: Terminal) -> None:
    asha("account", "add", "live", "--broker", "fakebroker", "--rest", "http://127.0.0.1:1", said="token\n")

    assert "cannot be reached" in found(asha, "problem", fails=1)["account live"]
    assert "account live" not in asha("doctor", "--offline")
