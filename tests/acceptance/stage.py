"""The program and the simulated broker, each in a process of its own, and what both wrote down.

`python -m tests.acceptance.stage …` is the program of the reliability tests; see there for its arguments.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from fastapi import APIRouter

from bridge import api
from bridge.cli.bench import answers, free_port
from tests.fakebroker.client import ROOT, FakeBrokerProcess
from tests.fakebroker.ledger import Row
from tests.reliability import program
from tests.reliability.clock import Epoch

# Accounts without any limit: what is measured is the house.
FREE = {"orders_per_second": None, "in_flight_max": 64, "broker": {"orders_per_second": None}}
READY_S = 60


class Stage:
    """A house whose clock is the machine's, with its accounts `alpha` and `beta` at a simulated broker."""

    def __init__(self, folder: Path, account_settings: dict[str, Any]) -> None:
        self.folder = folder
        self.port = free_port()
        # Without pages in between: how fast a simulated book can be read is not what is measured here.
        self.broker = FakeBrokerProcess(folder / "broker-ledger.jsonl", page_size=5_000)
        self._account_settings = json.dumps(account_settings)
        self._log = folder / "house.log"
        self._child: subprocess.Popen[bytes] | None = None
        self.made: dict[str, Any] = {}

    def __enter__(self) -> Stage:
        self.broker.start()
        clock = Epoch(1.0, time.time(), time.monotonic())
        words = ["--data-dir", str(self.folder / "house"), "--port", str(self.port), "--broker", self.broker.url]
        words += ["--epoch", clock.text(), "--account-settings", self._account_settings]
        words += ["--ready", str(self.folder / "ready.json")]
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "tests.acceptance.stage", *words]
            self._child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        answers(f"http://127.0.0.1:{self.port}/health/ready", READY_S)
        self.made = json.loads((self.folder / "ready.json").read_text())
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(30)
        self.broker.stop()

    @property
    def process(self) -> psutil.Process:
        """The house."""
        assert self._child is not None
        return psutil.Process(self._child.pid)

    def is_alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self._child is not None and self._child.poll() is None

    def path(self, strategy: str) -> str:
        """The webhook address of a strategy."""
        return str(self.made["paths"][strategy])

    def rows(self, sql: str, *arguments: object) -> list[Row]:
        """What the house has in its database."""
        with closing(sqlite3.connect(self.folder / "house" / "bridge.db", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, arguments)]

    def complaints(self) -> list[str]:
        """What the house logged as an error, and tracebacks that went past the log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level": "error"' in line or '"critical"' in line or "Traceback" in line]

    def wait_until(self, what: str, sql: str, seconds: float) -> None:
        """Wait until the query counts nothing any more."""
        until = time.monotonic() + seconds
        while left := self.rows(sql)[0]["n"]:
            assert time.monotonic() < until, f"{left} {what} after {seconds:g} s"
            time.sleep(0.05)


if __name__ == "__main__":
    if not hasattr(api, "create"):
        # The JSON API is being built; the rest of the site is tested without it.
        setattr(api, "create", lambda *_: APIRouter())  # noqa: B010 - mypy knows that it is not there
    program.main(sys.argv[1:])
