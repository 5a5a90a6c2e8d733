"""Processes that tests start do not outlive them, however the tests end: a SIGKILLed pytest tidies nothing up.

As a program, `orphans.py PARENT COMMAND…`, it becomes a command that cannot ask for this itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """From now on Linux kills this process when the thread that started it ends; that outlasts an `exec`."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def bound(command: Sequence[str]) -> list[str]:
    """The command line under which this process starts that program (named by its path) so that it dies with it."""
    return [sys.executable, __file__, str(os.getpid()), *command]


if __name__ == "__main__":
    die_with_parent()
    _, parent, *command = sys.argv
    if os.getppid() == int(parent):  # else it died before anybody could ask to die with it
        os.execv(command[0], command)
