"""The real program under rehearsal: `python -m tests.reliability.program --data-dir D --port P --broker URL …`.

It serves HTTP like `bridge up`, on a clock that the rehearsal sets, with accounts at the simulated broker, and prints one
JSON line when it listens. BRIDGE_FAILPOINTS arms fail-points. With `--nursery` it serves nothing itself, but forks a
ready-made child for every line on its input (`{"argv", "env", "log"}`): a start without the second that imports take.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from bridge.accounts.model import AccountSettings, Feed, Role, SourceSettings, StrategySettings
from bridge.app import Bridge
from bridge.brokers import declaration
from bridge.cli.serve import server_config
from bridge.dialects import read
from bridge.kit import failpoints, logs
from bridge.kit.database import Transaction
from bridge.kit.settings import Settings
from bridge.market.calendar import ALWAYS_OPEN
from bridge.market.hand import HandMarket
from bridge.market.symbols import resolve
from tests.reliability.clock import Epoch, JumpClock
from tests.support.orphans import die_with_parent

SYMBOLS = ("SBIN", "INFY", "TCS", "ITC", "RELIANCE", "HDFCBANK", "ICICIBANK", "LT")  # those that have a price
ACCOUNTS = ("alpha", "beta")


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.program", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--broker", required=True, help="the simulated broker's address")
    parser.add_argument("--database", help="a database URL; SQLite in the data directory without it")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--epoch", help="JSON of `Epoch`: the rehearsal's clock; without it one begins now at --speed")
    parser.add_argument("--shift", type=Path, help="the file of a `Shift`: how wrong the wall clock is")
    parser.add_argument("--web", action="store_true", help="take alerts, send nothing")
    parser.add_argument("--dispatch", action="store_true", help="send, show no pages")
    parser.add_argument("--account-settings", default="{}", help="JSON: members of AccountSettings, for every account")
    parser.add_argument("--ready", type=Path, help="write the JSON line there instead of to the output")
    return parser.parse_args(words)


def assemble(said: argparse.Namespace) -> Bridge:
    """The product as `bridge up` builds it, but for clock, market and calendar."""
    epoch = Epoch.of(said.epoch) if said.epoch else Epoch.begin(said.speed)
    clock = JumpClock(epoch, said.shift)
    market = HandMarket(clock)
    for symbol in SYMBOLS:
        market.set_price(f"NSE:{symbol}", 100)
    settings = Settings(
        data_dir=said.data_dir,
        database_url=said.database,
        port=said.port,
        market="simulated",
        always_open=True,
        log_level="INFO",
    )
    logs.configure(settings)
    both = said.web == said.dispatch
    return Bridge(
        settings,
        web=both or said.web,
        dispatch=both or said.dispatch,
        clock=clock,
        market=market,
        calendar=ALWAYS_OPEN,
    )


async def furnish(house: Bridge, broker: str, account_settings: dict[str, Any]) -> dict[str, Any]:
    """Two accounts, strategies of every sort, each with a source; the addresses by the strategy's name."""
    user_id = await house.accounts.add_user("rehearsal", "rehearsal-only-password", Role.OWNER)
    free: dict[str, Any] = {"orders_per_minute": None, "orders_per_day": None}
    limits = AccountSettings.model_validate(free | account_settings)
    accounts = {
        name: await house.accounts.add_account(
            user_id, name, "fakebroker", settings=limits, credentials={"token": name}, rest_url=broker
        )
        for name in ACCOUNTS
    }
    paths = {
        name: (
            await house.accounts.add_source(
                user_id, strategy_id, name, SourceSettings(rate_per_minute=10**9, burst=10**9)
            )
        ).path
        for name, strategy_id in [
            (name, await house.accounts.add_strategy(user_id, name, rules)) for name, rules in strategies(accounts)
        ]
    }
    await house.directory.refresh()
    return {"accounts": accounts, "paths": paths, "user_id": user_id}


def strategies(accounts: dict[str, str]) -> list[tuple[str, StrategySettings]]:
    """`single` trades on alpha, `double` on both (twice as much on beta), `long` closes with its sells, `leg_…` are for baskets.

    `asked` sends nothing before a person says yes.
    """
    alpha, beta = (Feed(account_id=accounts[name]) for name in ACCOUNTS)
    free: dict[str, Any] = {"any_symbol": True, "exchange": "NSE", "orders_per_minute": None, "orders_per_day": None}
    twice = Feed(account_id=beta.account_id, multiplier="2")
    made = [
        ("single", StrategySettings(accounts=(alpha,), **free)),
        ("double", StrategySettings(accounts=(alpha, twice), **free)),
        ("long", StrategySettings(accounts=(beta,), direction="long", **free)),
        ("asked", StrategySettings(accounts=(alpha,), approval="all", approval_expires_s=200, **free)),
    ]
    policies: tuple[str, ...] = ("stop", "continue", "unwind")
    return [
        *made,
        *((f"legs_{policy}", StrategySettings(accounts=(alpha,), basket_policy=policy, **free)) for policy in policies),
    ]


async def serve(said: argparse.Namespace) -> None:
    """Serve until stopped. The first start furnishes; a later one may find the broker at another address."""
    house = assemble(said)
    made = said.data_dir / "made.json"
    if not made.exists():
        furniture = await furnish(house, said.broker, json.loads(said.account_settings))
        made.write_text(json.dumps(furniture))
    await house.writer.run(_Move(said.broker))
    house.directory.load()
    squaring, approving = _square_off_on_signal(house), _yes_on_signal(house)
    config = server_config(house.asgi(), "127.0.0.1", said.port)
    await _Server(config, said, json.loads(made.read_text())).serve()
    await asyncio.gather(*squaring, *approving)


class _Move:
    """The broker's address, which is another one in each rehearsal of a copied house."""

    def __init__(self, broker: str) -> None:
        self._broker = broker

    def __call__(self, tx: Transaction) -> None:
        moved = tx.execute("UPDATE accounts SET rest_url = :url WHERE rest_url <> :url", {"url": self._broker})
        if moved:
            tx.execute("UPDATE revision SET number = number + 1")


def _square_off_on_signal(house: Bridge) -> set[asyncio.Task[None]]:
    """SIGUSR1 is the scheduler's "it is time": every strategy's square-off job runs now."""
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    def now() -> None:
        for strategy_id in house.directory.snapshot.strategies:
            running.add(loop.create_task(house.square_off.close_strategy(strategy_id)))

    loop.add_signal_handler(signal.SIGUSR1, now)
    return running


def _yes_on_signal(house: Bridge) -> set[asyncio.Task[None]]:
    """SIGUSR2 is a person who says yes to the next that waits."""
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    async def say_yes() -> None:
        (person,) = house.directory.snapshot.users.values()
        for _ in range(100):
            if waiting := await house.approvals.waiting(person):
                await house.approvals.approve(waiting[0].intent.id, person)
                return
            await asyncio.sleep(0.02)

    loop.add_signal_handler(signal.SIGUSR2, lambda: running.add(loop.create_task(say_yes())))
    return running


class _Server(uvicorn.Server):
    """uvicorn, which says when it listens."""

    def __init__(self, config: uvicorn.Config, said: argparse.Namespace, made: dict[str, Any]) -> None:
        super().__init__(config)
        facts = {"pid": os.getpid(), "url": f"http://127.0.0.1:{said.port}", **made}
        self._line, self._file = json.dumps(facts) + "\n", said.ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._tell()

    def _tell(self) -> None:
        if self._file is None:
            sys.stdout.write(self._line)
            sys.stdout.flush()
            return
        part = self._file.with_suffix(".part")
        part.write_text(self._line)
        part.rename(self._file)


def nursery() -> None:
    """Fork a child for every line read; say `{"born": pid}` and, later, `{"dead": pid, "status": n}`."""
    die_with_parent()
    _warm_up()
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _grow_up(order)
        _say(born=pid)


def _warm_up() -> None:
    """What every child would otherwise do again."""
    read("application/json", json.dumps({"symbol": "SBIN", "action": "buy"}))
    declaration("fakebroker")
    resolve(HandMarket(), "RELIANCE", None, None, datetime.now(UTC), calendar=ALWAYS_OPEN)
    gc.collect()
    gc.freeze()


def _say(**facts: int) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")  # one write: the signal handler may say something in between


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(dead=pid, status=os.waitstatus_to_exitcode(status))


def _grow_up(order: dict[str, Any]) -> None:
    """In the child: become the program. Never returns."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.environ.update(order["env"])
    importlib.reload(failpoints)  # the names stay, what is armed is this child's
    status = 1
    try:
        main(order["argv"])
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main(words: list[str]) -> None:
    """Run the program."""
    uvloop.run(serve(arguments(words)))


if __name__ == "__main__":
    if "--nursery" in sys.argv:
        nursery()
    else:
        die_with_parent()
        main(sys.argv[1:])
