from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.kit.settings import load
from tests.cli.terminal import Terminal


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """The commands, over a data directory of their own, with no settings from anywhere else."""
    terminal = Terminal(tmp_path / "var")
    monkeypatch.chdir(tmp_path)
    for name, value in {"DATA_DIR": str(terminal.folder), "MARKET": "simulated", "ALWAYS_OPEN": "true"}.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
    load.cache_clear()
    yield terminal
    load.cache_clear()


@pytest.fixture
def asha(bridge: Terminal) -> Terminal:
    """The commands, with one user."""
    bridge("user", "add", "asha", "--password-file", "-", said="correct horse battery staple\n")
    return bridge
