"""The machine's own floor: servers that do nothing, a disk that only syncs, a socket that only echoes."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The least an ASGI server can be asked to do."""
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


def parsing() -> FastAPI:
    """A FastAPI endpoint that only parses the same JSON."""
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request) -> dict[str, str]:
        message = await request.json()
        return {"status": str(message["action"])}

    return app


def commit_ms(folder: Path, times: int = 300) -> float:
    """Median milliseconds of one SQLite commit with synchronous=FULL on this disk."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE floor (body TEXT)")
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        connection.execute("INSERT INTO floor VALUES (?)", ("x" * 300,))
        spent.append(time.perf_counter() - started)
    connection.close()
    return statistics.median(spent) * 1000


async def socket_ms(times: int = 500) -> float:
    """Median milliseconds of a round trip over a loopback socket inside one event loop."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(200):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        writer.write(b"x" * 160)
        await reader.read(200)
        spent.append(time.perf_counter() - started)
    writer.close()
    server.close()
    return statistics.median(spent) * 1000


if __name__ == "__main__":
    served = bare if sys.argv[1] == "bare" else parsing()
    uvicorn.run(served, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
