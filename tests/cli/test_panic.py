"""The kill switch."""

from __future__ import annotations

import pytest

from bridge.accounts.directory import Directory, Snapshot
from bridge.kit import disk
from bridge.kit.clock import SystemClock
from bridge.kit.database import Reader, connect
from tests.cli.terminal import Terminal


def seen(terminal: Terminal) -> Snapshot:
    """What a server sees that follows the same database."""
    engine = connect(f"sqlite:///{terminal.database}")
    try:
        return Directory(Reader(engine), SystemClock()).load()
    finally:
        engine.dispose()


def test_everything_stops_without_a_question_or_a_server(asha: Terminal) -> None:
    shown = asha("panic", "--reason", "fat finger")

    stop = seen(asha).stop()
    assert stop is not None
    assert (stop.scope, stop.reason) == ("global", "fat finger")
    assert "command line" in stop.changed_by
    assert "already at a broker" in shown


def test_a_release_asks_first(asha: Terminal) -> None:
    asha("panic")

    asha("panic", "--release", said="n\n", fails=1)
    assert seen(asha).stop() is not None
    asha("panic", "--release", said="y\n")
    assert seen(asha).stop() is None


def test_each_scope_stops_its_own(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")
    strategy_id = asha.id("strategy", "add", "alpha", "--account", account_id)
    source_id = asha.id("source", "add", "tv", "--strategy", strategy_id)

    for scope, name in (("user", "asha"), ("account", account_id), ("strategy", strategy_id), ("source", source_id)):
        told = asha.json("panic", f"--{scope}", name)
        assert seen(asha).stops.keys() == {(scope, told["scope_id"])}
        asha("panic", f"--{scope}", name, "--release", "--yes")

    assert seen(asha).stops == {}


@pytest.mark.parametrize("scope", ["user", "account", "strategy", "source"])
def test_what_does_not_exist_is_not_stopped_silently(asha: Terminal, scope: str) -> None:
    assert "no " in asha("panic", f"--{scope}", "unknown", fails=1)
    assert seen(asha).stops == {}


def test_two_scopes_at_once_are_refused(asha: Terminal) -> None:
    asha("panic", "--user", "asha", "--account", "x", fails=2)

    assert seen(asha).stops == {}


def test_a_full_disk_keeps_nobody_from_stopping(asha: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk.Reserve, "free", lambda _: 0)

    asha("user", "password", "asha", "--password-file", "-", said="another horse battery\n", fails=1)
    asha("panic")

    assert seen(asha).stop() is not None
