"""The program under measurement: `bridge up` with an account at the stub broker, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn

from bridge.accounts.model import AccountSettings, Feed, KeySettings, Role, SourceSettings, StrategySettings
from bridge.app import Bridge
from bridge.cli.serve import run_async, server_config
from bridge.kit import logs
from bridge.kit.settings import Settings


async def furnish(house: Bridge, broker_url: str) -> dict[str, str]:
    """A user whose strategy trades at the stub broker without any limit."""
    accounts = house.accounts
    user_id = await accounts.add_user("bench", "bench-only-password", Role.OWNER)
    free = AccountSettings(
        orders_per_second=None,
        orders_per_minute=None,
        orders_per_day=None,
        requests_per_second=None,
        in_flight_max=64,
        broker={"orders_per_second": None},
    )
    account_id = await accounts.add_account(
        user_id, "Stub", "fakebroker", settings=free, credentials={"token": "bench"}, rest_url=broker_url
    )
    settings = StrategySettings(
        accounts=(Feed(account_id=account_id),), any_symbol=True, orders_per_minute=None, orders_per_day=None
    )
    strategy_id = await accounts.add_strategy(user_id, "Bench", settings)
    limits = SourceSettings(rate_per_minute=10_000_000, burst=10_000_000)
    source = await accounts.add_source(user_id, strategy_id, "Bench", limits)
    fast = KeySettings(account_id=account_id, orders_per_second=1000, requests_per_second=1000)
    api_key = await accounts.add_key(user_id, "Bench", ("read", "orders:write"), settings=fast)
    await house.directory.refresh()
    return {"path": source.path, "api_key": api_key, "user_id": user_id, "strategy_id": strategy_id}


async def serve(folder: Path, port: int, broker_url: str) -> None:
    """Serve until stopped; the first start furnishes, later ones find everything there."""
    database = f"sqlite:///{folder / 'bridge.db'}"
    settings = Settings(
        data_dir=folder, database_url=database, port=port, market="simulated", always_open=True, log_level="WARNING"
    )
    logs.configure(settings)
    house = Bridge(settings)
    made = folder / "made.json"
    if not made.exists():
        made.write_text(json.dumps(await furnish(house, broker_url)))
    await uvicorn.Server(server_config(house.asgi(), "127.0.0.1", port)).serve()


if __name__ == "__main__":
    run_async(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
