"""`bridge up`, `web` and `dispatch`: the server, whole or in parts."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import click
import uvicorn

from bridge.cli.house import sentences, settings_of_this_process
from bridge.kit import logs


def run(*, web: bool, dispatch: bool, bind: bool = True) -> None:
    """Serve until stopped."""
    settings = settings_of_this_process()
    from bridge.app import Bridge  # imported late: `--help` must not build the product

    with sentences():
        logs.configure(settings)
        house = Bridge(settings, web=web, dispatch=dispatch)
    port = settings.port if bind else 0
    server = uvicorn.Server(server_config(house.asgi(), settings.host, port))
    end_quietly()
    server.run()
    sys.exit(0 if server.started else 3)


def run_async(work: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` on the loop that uvicorn would choose (uvloop where there is one)."""
    with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
        runner.run(work)


def end_quietly() -> None:
    """Leave by the door when asked to end: uvicorn stops in good order, then raises the signal again, and the ways it has
    by default kill the process, so that nothing is tidied up, or print a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def server_config(app: object, host: str, port: int) -> uvicorn.Config:
    """uvicorn as measured best: uvloop, httptools, no access log (it would print secrets)."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI function; uvicorn's own alias is narrower
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=10,
    )


@click.command()
def up() -> None:
    """Run everything in one process: webhooks, pages, API and the dispatcher."""
    run(web=True, dispatch=True)


@click.command()
def web() -> None:
    """Run webhooks, pages and API only; another process dispatches."""
    run(web=True, dispatch=False)


@click.command()
def dispatch() -> None:
    """Run a dispatcher only: it sends what other processes have taken. Listens nowhere but for its health, on a free port."""
    run(web=False, dispatch=True, bind=False)
