"""A whole rehearsal: the simulated broker, the program in as many processes as wanted, and the ledgers of all."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.kit.database import Reader, connect
from tests.fakebroker.client import ROOT, FakeBrokerProcess
from tests.reliability.clock import Epoch
from tests.reliability.judge import JUDGES, Finding, Judge, Verdict, assert_clean, ghost, wrong
from tests.reliability.ledgers import Journal, Ledgers, Row
from tests.reliability.sender import Sender

START_WITHIN_S = 30.0
DIE_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02


class Nursery:
    """The process that forks programs; it knows when each of them died and how."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.reliability.program", "--nursery"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )
        self._dead: dict[int, int] = {}
        self._born: list[int] = []
        self._changed = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            with self._changed:
                if "born" in said:
                    self._born.append(said["born"])
                else:
                    self._dead[said["dead"]] = said["status"]
                self._changed.notify_all()

    def bear(self, argv: list[str], env: dict[str, str], log: Path) -> int:
        """A new program; its process id."""
        assert self._process.stdin is not None
        with self._changed:
            self._process.stdin.write(json.dumps({"argv": argv, "env": env, "log": str(log)}) + "\n")
            self._process.stdin.flush()
            if not self._changed.wait_for(lambda: bool(self._born), START_WITHIN_S):
                raise RuntimeError("the nursery does not answer")
            pid = self._born.pop()
            return pid

    def status(self, pid: int) -> int | None:
        """How a program ended; None while it lives."""
        with self._changed:
            return self._dead.get(pid)

    def wait(self, pid: int, seconds: float = DIE_WITHIN_S) -> int | None:
        """Wait for its end."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._dead, seconds)
            return self._dead.get(pid)

    def close(self) -> None:
        """End it, and with it whatever it still has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._listener.join(timeout=10)
        self._process.stdout.close()


@dataclass
class Program:
    """One process of the product."""

    nursery: Nursery
    pid: int
    url: str
    ready: Path
    log: Path
    made: Row = field(default_factory=dict)

    @property
    def status(self) -> int | None:
        """How it ended; None while it lives."""
        return self.nursery.status(self.pid)

    def is_up(self) -> bool:
        """Whether it listens, or did before it died."""
        if not self.made and self.ready.exists():
            self.made = json.loads(self.ready.read_text())
        return bool(self.made)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; a dead one does not mind."""
        if self.status is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def square_off(self) -> None:
        """Its scheduler's clock has struck."""
        self.signal(signal.SIGUSR1)

    def say_yes(self) -> None:
        """A person approves what waits."""
        self.signal(signal.SIGUSR2)

    def kill(self) -> int | None:
        """SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        return self.nursery.wait(self.pid)

    def stop(self) -> int | None:
        """SIGTERM, as an operator would, and wait for the end."""
        self.signal(signal.SIGTERM)
        return self.nursery.wait(self.pid)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Rig:
    """Everything of one rehearsal, in one folder. Close it, whatever happened."""

    folder: Path
    nursery: Nursery
    speed: float
    seed: int
    template: Path | None = None
    database: str | None = None
    knobs: dict[str, Any] = field(default_factory=dict)
    home: Path = field(default=Path())
    figures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = self.folder / "home" if self.home == Path() else self.home
        if self.template and self.database is None:
            shutil.copytree(self.template, self.home)
        else:
            self.home.mkdir(parents=True)
        self.epoch = Epoch.begin(self.speed)
        ledger = self.folder / "broker.jsonl"
        self.broker = FakeBrokerProcess(ledger, seed=self.seed, speed=self.speed, **self.knobs).start()
        self.broker.set(now=self.epoch.now())
        self.port = free_port()
        self.programs: list[Program] = []
        self.engine = connect(self.database or f"sqlite:///{self.home / 'bridge.db'}")
        self.reader = Reader(self.engine)
        self.made: Row = {}
        self.senders: list[Sender] = []

    # -- processes ------------------------------------------------------------------------------------------------

    def spawn(self, *options: str, failpoints: str = "", port: int | None = None) -> Program:
        """Start the program and return at once."""
        number = len(self.programs)
        ready, log = self.folder / f"ready-{number}.json", self.folder / f"program-{number}.log"
        port = port or self.port
        argv = ["--data-dir", str(self.home), "--port", str(port), "--broker", self.broker.url]
        argv += ["--epoch", self.epoch.text(), "--ready", str(ready), *options]
        argv += ["--database", self.database] if self.database else []
        env = {"BRIDGE_FAILPOINTS": failpoints, "BRIDGE_LOG_FORMAT": "json"}
        pid = self.nursery.bear(argv, env, log)
        program = Program(self.nursery, pid, f"http://127.0.0.1:{port}", ready, log)
        self.programs.append(program)
        return program

    async def start(self, *options: str, failpoints: str = "", port: int | None = None) -> Program:
        """Start the program and wait until it listens."""
        program = self.spawn(*options, failpoints=failpoints, port=port)
        await self.until_born(program)
        assert program.is_up(), f"the program ended with {program.status}: {self.said(program)}"
        self.made = program.made
        return program

    async def dispatcher(self) -> Program:
        """One more process that only sends. On a busy machine its peers may find one too slow to live; then another."""
        while True:
            program = self.spawn("--dispatch", port=free_port())
            await self.until_born(program)
            if program.status is None:
                return program
            assert program.status == -signal.SIGKILL, f"a dispatcher ended with {program.status}: {self.said(program)}"

    def sender(self, **more: Any) -> Sender:
        """Somebody who sends to this program, or to the one that will listen at its place."""
        made = Sender(f"http://127.0.0.1:{self.port}", self.made["paths"], self.epoch, **more)
        self.senders.append(made)
        return made

    def said(self, program: Program, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(program.log.read_text(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """End every process."""
        for program in self.programs:
            program.kill()
        self.broker.stop()
        self.engine.dispose()

    # -- waiting --------------------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool], real_s: float, what: str) -> None:
        """Wait for a condition; fail when it does not come true in time."""
        deadline = time.monotonic() + real_s
        while not holds():
            assert time.monotonic() < deadline, f"seed {self.seed}: waited {real_s:g} s in vain for {what}"
            await asyncio.sleep(LOOK_EVERY_S)

    async def until_born(self, program: Program) -> None:
        """Wait until a program listens or has ended."""
        await self.until(lambda: program.is_up() or program.status is not None, START_WITHIN_S, "a program to listen")

    async def holder(self, account: str) -> Program:
        """The process that sends for an account of the rehearsal."""

        def found() -> Program | None:
            sql = "SELECT holder FROM leases WHERE account_id = :id"
            rows = self.reader.read(sql, {"id": self.made["accounts"][account]})
            pid = json.loads(rows[0]["holder"])[1] if rows else 0
            return next((each for each in self.programs if each.pid == pid and each.status is None), None)

        await self.until(lambda: found() is not None, 20, f"somebody to send for {account}")
        program = found()
        assert program is not None
        return program

    async def until_rest(self, scaled_s: float = 900.0, least_real_s: float = 20.0) -> Ledgers:
        """The ledgers when nothing is on its way any more; if it never rests, as they stand, for the judge to say why."""
        deadline = time.monotonic() + max(self.epoch.real(scaled_s), least_real_s)
        while time.monotonic() < deadline:
            if (found := self._at_rest()) is not None:
                return found
            await asyncio.sleep(LOOK_EVERY_S)
        return self.ledgers()

    def _at_rest(self) -> Ledgers | None:
        """Nothing queued, sent, unknown or waiting, nothing held back by the broker, and every order as the broker has it."""
        busy = self.reader.read(
            "SELECT 1 AS one FROM orders WHERE state IN ('QUEUED', 'SENDING', 'UNKNOWN') UNION ALL"
            " SELECT 1 FROM intents WHERE state IN ('RECEIVED', 'HELD', 'AWAITING_CONFIRM') LIMIT 1"
        )
        if busy:
            return None
        ledgers = self.ledgers()
        held_back = {row["n"] for row in ledgers.broker if row["event"] == "fault" and row["name"] == "late_accept"}
        taken = {row["n"] for row in ledgers.broker if row["event"] == "accepted"}
        return None if held_back - taken or _differences(ledgers) else ledgers

    async def next_day(self) -> None:
        """Everybody sleeps until the same time tomorrow; the program is started again in the morning."""
        await asyncio.to_thread(self.programs[-1].stop)
        self.epoch = dataclasses.replace(self.epoch, wall=self.epoch.wall + 86_400)
        self.broker.set(now=self.epoch.now())
        await self.start()

    # -- ledgers --------------------------------------------------------------------------------------------------

    def ledgers(self) -> Ledgers:
        """All three, now."""
        accounts = {account_id: name for name, account_id in self.made["accounts"].items()}
        sent = [alert for sender in self.senders for alert in sender.sent]
        return Ledgers(sent, Journal.read(self.reader), self.broker.ledger(), accounts, self.speed)

    async def conclude(self, *, judges: Sequence[Judge] = JUDGES, rest_s: float = 900.0, note: str = "") -> Ledgers:
        """Wait for rest, let the judges look, and keep the figures; fails with all that was found."""
        ledgers = await self.until_rest(rest_s)
        verdict = assert_clean(ledgers, f"{self.seed} {note}".strip(), judges)
        self.figures.append(self._figures(ledgers, verdict))
        return ledgers

    def _figures(self, ledgers: Ledgers, verdict: Verdict) -> str:
        taken = sum(alert.taken is not None for alert in ledgers.sent)
        lives = Counter("killed" if each.status == -signal.SIGKILL else "lived" for each in self.programs)
        states = Counter(" ".join(filter(None, (row["state"], _why(row)))) for row in ledgers.journal.orders)
        return (
            f"speed {self.speed:g}, {len(ledgers.sent)} alerts, {taken} taken, {lives['killed']} of {len(self.programs)}"
            f" processes killed, orders {dict(states)}; {verdict.summary}"
        )


def _why(order: Row) -> str | None:
    return str(order["code"]) if order["state"] == "NOT_SENT" else None


def _differences(ledgers: Ledgers) -> list[Finding]:
    return [*ghost(ledgers), *wrong(ledgers)]
