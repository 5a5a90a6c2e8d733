"""What a killed test leaves behind: nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import subprocess, sys
from tests.support.orphans import bound

child = subprocess.Popen(bound([sys.executable, "-c", "import signal; signal.pause()"]))
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_bound_command_is_killed_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        orphan = psutil.Process(int(starter.stdout.readline()))
        starter.kill()

    _, alive = psutil.wait_procs([orphan], timeout=10)
    assert [each.status() for each in alive] in ([], [psutil.STATUS_ZOMBIE])
