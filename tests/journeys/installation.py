"""An installation as its owner has it: a folder, a database, the `bridge` command and the services it starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.bench import free_port
from bridge.kit.database import Reader, Row, connect
from bridge.kit.settings import load
from tests.journeys.waiting import until
from tests.support.orphans import bound

BRIDGE = str(Path(sysconfig.get_path("scripts")) / "bridge")
PASSWORD = "correct horse battery staple"
ENDS_WITHIN_S = 30.0
COMPLAINTS = ('"level": "error"', '"level": "critical"', "Traceback")


class Service:
    """A `bridge …` that keeps running, or another `program` that stands for it."""

    def __init__(
        self,
        words: tuple[str, ...],
        folder: Path,
        environment: Mapping[str, str],
        name: str,
        program: Sequence[str] = (BRIDGE,),
    ) -> None:
        self.output, self.log = folder / f"{name}.out", folder / f"{name}.log"
        with self.output.open("wb") as output, self.log.open("wb") as log:
            command = bound([*program, *words])
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=log
            )
        self.pid = self.process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`: not a line of it runs any more."""
        self.process.kill()
        self.process.wait(ENDS_WITHIN_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and wait until it has."""
        self.tell(how)
        self.process.wait(ENDS_WITHIN_S)


class Installation:
    """One `BRIDGE_DATA_DIR` with the simulated market, always open. Leaving the context ends what was started."""

    def __init__(self, folder: Path, database_url: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.services: list[Service] = []
        self.http = httpx.Client(base_url=self.url, timeout=10)
        self._engine = connect(database_url)
        self._reader = Reader(self._engine)
        own = {"DATA_DIR": str(folder), "DATABASE_URL": database_url, "PORT": str(self.port), "LOG_FORMAT": "json"}
        play = {"MARKET": "simulated", "ALWAYS_OPEN": "true"}
        self.settings = {f"BRIDGE_{name}": value for name, value in (own | play).items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        self.environment = inherited | self.settings

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.services:
            service.kill()
        self._engine.dispose()
        self.http.close()

    # -- commands -------------------------------------------------------------------------------------------------

    def run(self, *words: str, said: str = "") -> str:
        """One command, to its end; what it printed."""
        command = [BRIDGE, *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, input=said, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def make(self, *words: str, said: str = "") -> dict[str, Any]:
        """What one command made, from its `--json`."""
        made: dict[str, Any] = json.loads(self.run(*words, "--json", said=said))
        return made

    def make_here(self, *words: str, said: str = "") -> dict[str, Any]:
        """`make` in this process: for what a journey is not about, without the second that a start takes."""
        load.cache_clear()
        with chdir(self.folder):
            done = CliRunner(env=self.settings).invoke(main, [*words, "--json"], input=said, catch_exceptions=False)
        load.cache_clear()
        assert done.exit_code == 0, done.output
        made: dict[str, Any] = json.loads(done.output.splitlines()[-1])
        return made

    def furnish(self, **account: Any) -> str:
        """A user, a paper account with those limits and a strategy without any; the webhook's address."""
        limits = self._file("account.json", account)
        rules = self._file(
            "strategy.json", {"any_symbol": True, "exchange": "NSE", "orders_per_minute": None, "orders_per_day": None}
        )
        self.make_here("user", "add", "asha", "--password-file", "-", said=f"{PASSWORD}\n")
        feeds = self.make_here("account", "add", "Practice", "--broker", "paper", "--settings", limits)["id"]
        strategy = self.make_here("strategy", "add", "Trend", "--account", feeds, "--settings", rules)["id"]
        fast = ("--rate-per-minute", "100000", "--burst", "100000")
        return str(self.make_here("source", "add", "Sheet", "--strategy", strategy, *fast)["webhook_url"])

    def _file(self, name: str, content: Mapping[str, Any]) -> str:
        (self.folder / name).write_text(json.dumps(content))
        return name

    # -- services -------------------------------------------------------------------------------------------------

    def start(self, *words: str, program: Sequence[str] = (BRIDGE,)) -> Service:
        """A service that listens at `url`, or dispatches."""
        service = Service(words, self.folder, self.environment, f"{len(self.services)}-{words[0]}", program)
        self.services.append(service)
        if words[0] == "dispatch":
            until(lambda: self.dispatches(service), "the dispatcher to serve the account")
        else:
            until(lambda: self._is_ready(service), f"`bridge {words[0]}` to be ready")
        return service

    def _is_ready(self, service: Service) -> bool:
        assert service.is_alive(), service.log.read_text()
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def dispatches(self, service: Service) -> bool:
        """Whether that process sends for the account."""
        assert service.is_alive(), service.log.read_text()
        return any(json.loads(row["holder"])[1] == service.pid for row in self.rows("SELECT holder FROM leases"))

    def complaints(self) -> list[str]:
        """What services logged as an error, and tracebacks that went past the log."""
        lines = [line for service in self.services for line in service.log.read_text().splitlines()]
        return [line for line in lines if any(sign in line for sign in COMPLAINTS)]

    # -- the database -----------------------------------------------------------------------------------------------

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """What is written down."""
        return self._reader.read(sql, values)

    def count(self, sql: str) -> int:
        """How many rows a query has."""
        return len(self.rows(sql))
