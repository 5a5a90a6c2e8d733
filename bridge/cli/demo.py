"""`bridge demo`: everything ready-made, offline, in a scratch directory."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn

from bridge.accounts.model import AccountSettings, Feed, KeySettings, Role, SourceSettings, StrategySettings
from bridge.cli.house import sentences
from bridge.cli.serve import end_quietly, run_async, server_config
from bridge.kit import logs
from bridge.kit.settings import Settings

if TYPE_CHECKING:
    from bridge.app import Bridge

USERNAME = "demo"
PORT = click.IntRange(1, 65535)
MESSAGE = {"ticker": "RELIANCE", "action": "buy", "quantity": 10}


@dataclass(frozen=True, slots=True)
class Made:
    """What the demo set up, as `--json` prints it."""

    base_url: str
    ws_url: str | None
    webhook_url: str
    api_key: str
    username: str
    password: str
    account_id: str
    strategy_id: str
    pid: int

    def line(self) -> str:
        """One JSON line."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


async def furnish(house: Bridge) -> Made:
    """A user, a paper account, a strategy, a webhook address and an API key."""
    accounts = house.accounts
    password = secrets.token_urlsafe(12)
    try:
        user_id = await accounts.add_user(USERNAME, password, Role.OWNER)
    except ValueError as problem:  # its secrets were shown once and cannot be shown again
        raise click.ClickException(f"{house.settings.data_dir} has a demo already: name another folder") from problem
    # The demo is for playing: a burst of tries must not meet a limit meant for real money.
    generous = AccountSettings(
        orders_per_second=None, orders_per_minute=None, orders_per_day=None, requests_per_second=None
    )
    account_id = await accounts.add_account(user_id, "Practice", "paper", settings=generous)
    settings = StrategySettings(
        accounts=(Feed(account_id=account_id),),
        any_symbol=True,
        scan_side="buy",
        attached_exits="note",
        orders_per_minute=None,
        orders_per_day=None,
    )
    strategy_id = await accounts.add_strategy(user_id, "Demo strategy", settings)
    source = await accounts.add_source(
        user_id, strategy_id, "Demo webhook", SourceSettings(rate_per_minute=6000, burst=1000)
    )
    scopes = ("read", "alerts:write", "orders:write", "orders:cancel")
    fast = KeySettings(orders_per_second=1000, requests_per_second=1000)
    api_key = await accounts.add_key(user_id, "Demo key", scopes, settings=fast)
    await house.directory.refresh()
    base_url = house.settings.base_url
    return Made(
        base_url=base_url,
        ws_url=None,  # the streaming proxy is not built yet
        webhook_url=base_url + source.path,
        api_key=api_key,
        username=USERNAME,
        password=password,
        account_id=account_id,
        strategy_id=strategy_id,
        pid=os.getpid(),
    )


def greeting(made: Made, data_dir: Path) -> str:
    """What a person reads, with commands to paste."""
    body = json.dumps(MESSAGE)
    return "\n".join(
        (
            "",
            f"Bridge is ready at {made.base_url}   (practice money, SIMULATED prices, nothing leaves this machine)",
            "",
            f"  Sign in     {made.base_url}/   as {made.username}, password {made.password}",
            f"  Account     {made.account_id}   (paper)",
            f"  Strategy    {made.strategy_id}",
            f"  Webhook     {made.webhook_url}",
            f"  API key     {made.api_key}",
            f"  Data        {data_dir}",
            "",
            "Send an alert, as TradingView would:",
            "",
            f"curl -X POST '{made.webhook_url}' -H 'Content-Type: application/json' -d '{body}'",
            "",
            "See its orders:",
            "",
            f"curl -H 'Authorization: Bearer {made.api_key}' '{made.base_url}/api/v1/orders'",
            "",
            "Stop with Ctrl-C.",
            "",
        )
    )


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True, help="HTTP port.")
@click.option("--ws-port", type=PORT, default=8765, show_default=True, help="Port kept for the streaming proxy.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where to keep the demo's data; a scratch directory by default."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line when ready, and nothing else on standard output."
)
def command(port: int, ws_port: int, data_dir: Path | None, as_json: bool) -> None:
    """Start a ready-made Bridge: user, paper account, strategy, webhook address and API key, offline."""
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as scratch:
        folder = data_dir or Path(scratch)
        settings = Settings(
            host="127.0.0.1",
            port=port,
            ws_port=ws_port,
            data_dir=folder,
            database_url=f"sqlite:///{folder / 'bridge.db'}",
            key_file=folder / "master.key",
            public_url=None,
            market="simulated",
            always_open=True,
            log_level="WARNING",
        )
        logs.configure(settings)
        end_quietly()
        run_async(_serve(settings, folder, as_json))


async def _serve(settings: Settings, folder: Path, as_json: bool) -> None:
    from bridge.app import Bridge

    with sentences():
        house = Bridge(settings)
        made = await furnish(house)
    server = uvicorn.Server(server_config(house.asgi(), settings.host, settings.port))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
        await asyncio.sleep(0.01)
    if server.started:
        click.echo(made.line() if as_json else greeting(made, folder))
    await serving
    if not server.started:
        raise click.ClickException(f"port {settings.port} is taken: choose another with --port")
