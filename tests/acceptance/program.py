"""The product with people in it: `python -m tests.acceptance.program FOLDER PORT BROKER PLAN` serves until stopped.

It is `bridge up` on the machine's own clock with the simulated market, and every account is at the simulated broker. (The
program of the reliability tests has a clock that can be put wrong, and strategies of its own.)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from bridge.accounts.model import AccountSettings, Feed, Role, SourceSettings, StrategySettings
from bridge.app import Bridge
from bridge.cli.serve import run_async, server_config
from bridge.kit import logs
from bridge.kit.clock import Clock
from bridge.kit.settings import Settings
from tests.support.orphans import die_with_parent

USER, PASSWORD = "rehearsal", "rehearsal-only-password"
UNLIMITED: Mapping[str, Any] = {"orders_per_minute": None, "orders_per_day": None}


@dataclass(frozen=True, slots=True)
class Lane:
    """A strategy with an account of its own: what the settings of both say beyond the defaults."""

    account: Mapping[str, Any] = field(default_factory=dict)
    strategy: Mapping[str, Any] = field(default_factory=dict)


# Lanes by name; the name is also what the simulated broker calls the account.
Plan = Mapping[str, Lane]


@dataclass(frozen=True, slots=True)
class Furniture:
    """The webhook address of each lane, and a key for reading."""

    paths: Mapping[str, str]
    key: str


def text(plan: Plan) -> str:
    """For a command line."""
    return json.dumps({name: asdict(lane) for name, lane in plan.items()})


def plan_of(said: str) -> Plan:
    """From a command line."""
    return {name: Lane(**lane) for name, lane in json.loads(said).items()}


def build(folder: Path, clock: Clock | None = None, port: int = 0) -> Bridge:
    """The product over that folder."""
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'bridge.db'}",
        port=port,
        market="simulated",
        always_open=True,
    )
    return Bridge(settings, clock=clock)


async def furnish(house: Bridge, broker: str, plan: Plan) -> Furniture:
    """A user with these lanes."""
    user_id = await house.accounts.add_user(USER, PASSWORD, Role.OWNER)
    free = SourceSettings(rate_per_minute=10**9, burst=10**9)
    paths = {}
    for name, lane in plan.items():
        limits = AccountSettings.model_validate({**UNLIMITED, **lane.account})
        account_id = await house.accounts.add_account(
            user_id, name, "fakebroker", settings=limits, credentials={"token": name}, rest_url=broker
        )
        rules = {"accounts": [Feed(account_id=account_id)], "any_symbol": True, **UNLIMITED, **lane.strategy}
        strategy_id = await house.accounts.add_strategy(user_id, name, StrategySettings.model_validate(rules))
        paths[name] = (await house.accounts.add_source(user_id, strategy_id, name, free)).path
    key = await house.accounts.add_key(user_id, "read", ("read",))
    await house.directory.refresh()
    return Furniture(paths, key)


async def serve(house: Bridge, broker: str, plan: Plan) -> None:
    """Serve until stopped; `made.json` in the house's folder has the furniture."""
    made = await furnish(house, broker, plan)
    (house.settings.data_dir / "made.json").write_text(json.dumps(asdict(made)))
    await uvicorn.Server(server_config(house.asgi(), "127.0.0.1", house.settings.port)).serve()


if __name__ == "__main__":
    die_with_parent()
    _, folder, port, broker, plan = sys.argv
    house = build(Path(folder), port=int(port))
    logs.configure(house.settings)
    run_async(serve(house, broker, plan_of(plan)))
