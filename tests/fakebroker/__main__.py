"""`python -m tests.fakebroker --port 0 --ledger FILE --seed N`: one JSON line with the address when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import uvloop

from tests.fakebroker.pace import Pace
from tests.fakebroker.server import Server
from tests.support.orphans import die_with_parent


async def serve(said: argparse.Namespace) -> None:
    """Until SIGTERM or SIGINT."""
    server = Server(said.ledger, Pace(said.speed, said.origin), said.seed)
    server.control(json.loads(said.knobs))
    port = await server.listen(said.host, said.port)
    sys.stdout.write(json.dumps({"url": f"http://{said.host}:{port}"}) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await stop.wait()


def main() -> None:
    """Read the command line."""
    die_with_parent()
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakebroker", description="A broker that misbehaves on request"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0, help="divides every wait and speeds up the clock")
    parser.add_argument("--origin", type=float, help="what the broker's clock shows at the start, seconds since 1970")
    parser.add_argument("--knobs", default="{}", help="JSON, as for POST /control")
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
