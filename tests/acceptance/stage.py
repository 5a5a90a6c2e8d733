"""The program and the simulated broker, each in a process of its own, and what both wrote down."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from bridge.cli.bench import answers, free_port
from bridge.cli.benching.load import Client
from tests.acceptance.program import Furniture, Lane, Plan, text
from tests.fakebroker.client import ROOT, FakeBrokerProcess
from tests.fakebroker.ledger import Row

# An account without any limit: what is measured is the house.
FREE = Lane({"orders_per_second": None, "in_flight_max": 64, "broker": {"orders_per_second": None}})
READY_S = 60


class Stage:
    """A furnished house at a simulated broker."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.port = free_port()
        # Without pages in between: how fast a simulated book can be read is not what is measured here.
        self.broker = FakeBrokerProcess(folder / "broker-ledger.jsonl", page_size=5_000)
        self._house, self._log, self._plan = folder / "house", folder / "house.log", plan
        self._child: subprocess.Popen[bytes] | None = None
        self.made = Furniture({}, "")

    def __enter__(self) -> Stage:
        self.broker.start()
        words = [str(self._house), str(self.port), self.broker.url, text(self._plan)]
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "tests.acceptance.program", *words]
            self._child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        answers(f"http://127.0.0.1:{self.port}/health/ready", READY_S)
        self.made = Furniture(**json.loads((self._house / "made.json").read_text()))
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(30)
        self.broker.stop()

    def client(self, lane: str) -> Client:
        """Towards the webhook of a lane."""
        return Client(self.port, self.made.paths[lane])

    @property
    def process(self) -> psutil.Process:
        """The house."""
        assert self._child is not None
        return psutil.Process(self._child.pid)

    def is_alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self._child is not None and self._child.poll() is None

    def rows(self, sql: str) -> list[Row]:
        """What the house has in its database."""
        with closing(sqlite3.connect(self._house / "bridge.db", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def complaints(self) -> list[str]:
        """What the house logged as an error, and tracebacks that went past the log."""
        signs = ('"level": "error"', '"level": "critical"', "Traceback")
        return [
            line for line in self._log.read_text(errors="replace").splitlines() if any(sign in line for sign in signs)
        ]

    def wait_until_none(self, what: str, sql: str, seconds: float) -> None:
        """Wait until the query counts nothing any more."""
        until = time.monotonic() + seconds
        while left := self.rows(sql)[0]["n"]:
            assert time.monotonic() < until, f"{left} {what} after {seconds:g} s"
            time.sleep(0.1)
