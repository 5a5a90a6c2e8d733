"""How a server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli.bench import free_port

DEMO = "from bridge.cli import main; main(['demo', '--json', '--port', '{port}'])"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-c", DEMO.format(port=free_port())]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=-1, stderr=-1) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith(b"{")
        assert list(tmp_path.glob("bridge-demo-*"))

        demo.send_signal(ending)
        _, said = demo.communicate(timeout=30)

    assert (demo.returncode, said) == (128 + ending, b"")
    assert list(tmp_path.iterdir()) == []
