"""The simulated broker for tests: start it, break it, kill it, read its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.fakebroker.book import Book
from tests.fakebroker.ledger import Row, read

ROOT = Path(__file__).resolve().parents[2]


class FakeBrokerProcess:
    """One broker process; `restart` and `kill` keep ledger and port."""

    def __init__(self, ledger: Path, *, seed: int = 1, speed: float = 1.0, port: int = 0, **knobs: Any) -> None:
        self.ledger_path, self._seed, self._speed, self._port, self._knobs = ledger, seed, speed, port, knobs
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> FakeBrokerProcess:
        """Run it and wait until it listens."""
        options: dict[str, Any] = {"port": self._port, "ledger": self.ledger_path, "seed": self._seed}
        options |= {"speed": self._speed, "knobs": json.dumps(self._knobs)}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "tests.fakebroker", *words]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulated broker did not start: exit {self._process.wait()}")
        self.url = json.loads(line)["url"]
        self._port = int(self.url.rsplit(":", 1)[1])
        return self

    def stop(self) -> None:
        """End it politely."""
        self._end("terminate")

    def kill(self) -> None:
        """SIGKILL."""
        self._end("kill")

    def restart(self, how: str = "kill") -> None:
        """A second life on the same ledger and port; knobs set since the start are kept."""
        self._end(how)
        self.start()

    def _end(self, how: str) -> None:
        if self._process is None:
            return
        getattr(self._process, how)()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def set(self, **knobs: Any) -> Row:
        """Turn knobs at run time; returns all their values."""
        momentary = ("now", "refuse_connections_for_s", "session_expires_in_s")
        self._knobs |= {name: value for name, value in knobs.items() if name not in momentary}
        return self._call("POST", "/control", knobs)

    def act(self, do: str, **said: Any) -> str:
        """A deed of the market or a stranger (`fill`, `cancel`, `reject`, `expire`, `place`); returns the order id."""
        return str(self._call("POST", "/act", {"do": do, **said})["order_id"])

    def book(self, account: str) -> list[Row]:
        """The account's whole order book from the ledger's point of view: no lag, tags shown, nothing hidden."""
        return [order.row() for order in Book(self.ledger()).of(account)]

    def ledger(self, *events: str) -> list[Row]:
        """Ledger rows, all or those of the named events."""
        return [row for row in read(self.ledger_path) if not events or row["event"] in events]

    def sent(self, tag: str | None = None) -> list[Row]:
        """Order placements that arrived, all or those of one tag."""
        posts = [row for row in self.ledger("request") if row["method"] == "POST"]
        return [row for row in posts if tag is None or (row["body"] or {}).get("tag") == tag]

    def _call(self, method: str, path: str, body: Any) -> Row:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return dict(json.loads(reply.read())["data"])
        except urllib.error.HTTPError as refused:
            with refused:
                raise ValueError(json.loads(refused.read())["message"]) from None
