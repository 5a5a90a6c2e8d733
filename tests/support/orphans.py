"""Processes that tests start do not outlive them, however the tests end."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """From now on Linux kills this process when the thread that started it ends: a SIGKILLed pytest cleans nothing up."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
