"""`bridge bench`: every budget of the design, measured here and now, beside what the machine itself can do."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import httpx
import psutil

from bridge.cli.benching import floor
from bridge.cli.benching.load import Client, Shot, burst, closed, percentile, steady
from bridge.cli.benching.stub import STRANGER

SYMBOLS = ("RELIANCE", "SBIN", "INFY", "TCS", "ITC", "HDFCBANK", "ICICIBANK", "LT")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `met` is None where the design sets no budget."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str) -> Iterator[psutil.Process]:
    """A Python module of this package in a process of its own, stopped at the end."""
    child = subprocess.Popen([sys.executable, "-m", *arguments])  # noqa: S603 - our own modules
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(20)


def answers(url: str, seconds: float = 30) -> float:
    """Wait until the address answers; how long that took."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        try:
            if httpx.get(url, timeout=1).status_code < 500:
                return time.perf_counter() - started
        except httpx.TransportError:
            time.sleep(0.01)  # a process says nowhere that it listens; as fine as the start it measures
    raise click.ClickException(f"{url} did not answer within {seconds:g} s")


def body(place: int, symbol: str | None = None) -> str:
    """An alert whose quantity is its number, so that its order can be recognised at the broker."""
    return json.dumps({"ticker": symbol or SYMBOLS[place % len(SYMBOLS)], "action": "buy", "quantity": place + 1})


class Bench:
    """Runs the measurements, one after another, against one house."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder = folder
        self.rows = rows
        self.figures: list[Figure] = []
        self.port = free_port()
        self.stub_port = free_port()
        self._next = 0

    def add(self, what: str, measured: str, budget: str = "", met: bool | None = None) -> None:
        """One more line, shown at once."""
        self.figures.append(Figure(what, measured, budget, met))
        mark = {True: "ok  ", False: "OVER", None: "    "}[met]
        click.echo(f"{mark} {what:<62} {measured:<34} {budget}", err=True)

    def bodies(self, count: int, symbol: str | None = None) -> list[str]:
        """Fresh alerts, never seen before."""
        first, self._next = self._next, self._next + count
        return [body(first + place, symbol) for place in range(count)]

    @property
    def client(self) -> Client:
        """Towards the webhook."""
        made = json.loads((self.folder / "made.json").read_text())
        return Client(self.port, made["path"])

    def house(self) -> Any:
        """The program, started."""
        stub = f"http://127.0.0.1:{self.stub_port}"
        return process("bridge.cli.benching.house", str(self.folder), str(self.port), stub)

    async def arrivals(self, expected: int, within_s: float = 30) -> dict[str, float]:
        """When each quantity reached the broker; waits until all have."""
        found: dict[str, float] = {}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.stub_port}") as stub:
            end = time.monotonic() + within_s
            while len(found) < expected and time.monotonic() < end:
                found |= dict((await stub.get("/arrivals")).json()["data"])
                await asyncio.sleep(0.02)
        return found

    # -- the floor --------------------------------------------------------------------------------------------------

    async def floor_of_machine(self) -> float:
        """Bare servers, disk and socket; the requests a second of the parsing endpoint."""
        self.add("floor: SQLite commit, synchronous=FULL", f"{floor.commit_ms(self.folder):.2f} ms p50")
        self.add("floor: loopback socket round trip", f"{await floor.socket_ms():.3f} ms p50")
        rate = 0.0
        for kind, name in (("bare", "bare ASGI server"), ("parsing", "FastAPI endpoint that only parses the JSON")):
            port = free_port()
            with process("bridge.cli.benching.floor", kind, str(port)):
                answers(f"http://127.0.0.1:{port}/hook")
                rate, shots = await self._rate(Client(port, "/hook"), 4000)
                self.add(
                    f"floor: {name}, 32 clients", f"{rate:,.0f}/s, p50 {percentile([s.ms for s in shots], 0.5):.1f} ms"
                )
        return rate

    async def _rate(self, client: Client, count: int) -> tuple[float, list[Shot]]:
        started = time.monotonic()
        shots = await closed(client, self.bodies(count), 32)
        return count / (time.monotonic() - started), shots

    # -- latency ------------------------------------------------------------------------------------------------------

    async def steady_acks(self, seconds: int) -> None:
        """Alerts at 100 a second."""
        shots = await steady(self.client, self.bodies(100 * seconds), 100)
        await self.arrivals(len(shots))
        p50, p99 = (percentile([s.ms for s in shots], share) for share in (0.5, 0.99))
        good = all(s.status == 202 for s in shots)
        self.add(
            "alert → durable answer, 100/s",
            f"p50 {p50:.2f} p99 {p99:.2f} ms",
            "p50 ≤ 2 p99 ≤ 10",
            good and p50 <= 2 and p99 <= 10,
        )

    async def first_bytes(self, count: int) -> None:
        """One alert at a time: from leaving the sender to arriving at the broker."""
        link, waits, replies = await self.client.open(), [], []
        for text in self.bodies(count):
            shot = await self.client.post(link, text)
            await asyncio.sleep(0.05)  # asking after it at once would take the processor from what is measured
            quantity = str(json.loads(text)["quantity"])
            arrived = (await self.arrivals(1)).get(quantity)
            waits.append((arrived - shot.left) * 1000 if arrived else float("inf"))
            replies.append(shot.ms)
        p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
        self.add(
            "alert → first byte at the broker, idle",
            f"p50 {p50:.2f} p99 {p99:.2f} ms",
            "p50 ≤ 4 p99 ≤ 15",
            p50 <= 4 and p99 <= 15,
        )

    # -- the API, one client ------------------------------------------------------------------------------------------

    async def api_orders(self, count: int) -> None:
        """Orders through the API, each answered when the broker has; what the broker itself takes is measured beside it."""
        broker = Client(self.stub_port, "/orders")
        own = percentile(await self._in_turn(broker, [json.dumps(STRANGER)] * count), 0.5)
        for path, more in (("placeorder", {}), ("placesmartorder", {"position_size": None})):
            bodies = [json.dumps(self._api_order(place, **more)) for place in range(count)]
            times = await self._in_turn(Client(self.port, f"/api/v1/{path}"), bodies)
            p50, p99 = percentile(times, 0.5) - own, percentile(times, 0.99) - own
            self.add(
                f"/api/v1/{path} → reply, less the broker's {own:.2f} ms",
                f"p50 {p50:.2f} p99 {p99:.2f} ms",
                "p50 ≤ 4 p99 ≤ 15" if path == "placeorder" else "",
                p50 <= 4 and p99 <= 15 if path == "placeorder" else None,
            )
        await self.arrivals(1)  # what came meanwhile is not to be counted later

    async def api_reads(self, count: int, when: str) -> None:
        """What programs ask again and again."""
        for path, more in (("quotes", {"symbol": "RELIANCE", "exchange": "NSE"}), ("orderbook", {})):
            body = json.dumps({"apikey": self._api_key, **more})
            times = await self._in_turn(Client(self.port, f"/api/v1/{path}"), [body] * count)
            p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
            self.add(f"/api/v1/{path} → reply, {when}", f"p50 {p50:.2f} p99 {p99:.2f} ms")

    async def long_book(self) -> None:
        """From now on the broker's book is long."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.stub_port}") as stub:
            (await stub.get("/long-book", timeout=30)).raise_for_status()

    def _api_order(self, place: int, **more: Any) -> dict[str, Any]:
        """An order as a client sends it; a smart one brings its position one unit further each time."""
        symbol = SYMBOLS[place % len(SYMBOLS)]
        terms = {"strategy": "Bench API", "symbol": symbol, "exchange": "NSE", "action": "BUY", "quantity": "1"}
        if "position_size" in more:
            more = {"position_size": str(place // len(SYMBOLS) + 1), "strategy": "Bench smart"}
        return {"apikey": self._api_key, **terms, **more}

    async def _in_turn(self, client: Client, bodies: list[str]) -> list[float]:
        """Milliseconds of each request, one after another on one connection."""
        link = await client.open()
        shots = [await client.post(link, text) for text in bodies]
        if bad := [shot.status for shot in shots if shot.status != 200]:
            raise click.ClickException(f"{len(bad)} of {len(shots)} were not answered 200 but {bad[0]}")
        return [shot.ms for shot in shots]

    @property
    def _api_key(self) -> str:
        return str(json.loads((self.folder / "made.json").read_text())["api_key"])

    # -- throughput ---------------------------------------------------------------------------------------------------

    async def orders_through(self, server: psutil.Process, count: int) -> None:
        """32 clients, as fast as answers come; until the last order is at the broker."""
        before, started = sum(server.cpu_times()[:2]), time.monotonic()
        shots = await closed(self.client, self.bodies(count), 32)
        arrived = await self.arrivals(count, 60)
        rate = count / (max(arrived.values()) - started) if len(arrived) == count else 0.0
        await asyncio.sleep(1)
        cpu = (sum(server.cpu_times()[:2]) - before) / count * 1000
        lost = sum(s.status != 202 for s in shots) + count - len(arrived)
        self.add(
            "orders through to a stub broker, 32 clients",
            f"{rate:,.0f}/s, {lost} lost",
            "≥ 700/s",
            rate >= 700 and not lost,
        )
        self.add("CPU per order, alert to recorded outcome", f"{cpu:.2f} ms", "≤ 1.5 ms", cpu <= 1.5)

    async def accepts(self, parsing_rate: float, count: int) -> None:
        """Durable accepts alone: alerts that are kept and answered but ask for no order."""
        first, self._next = self._next, self._next + count
        bodies = [json.dumps({"text": f"price of RELIANCE crossed, message {first + n}"}) for n in range(count)]
        started = time.monotonic()
        shots = await closed(self.client, bodies, 32)
        rate = len(shots) / (time.monotonic() - started)
        good = all(s.status == 202 for s in shots)
        ratio = parsing_rate / rate
        self.add(
            "sustained durable accepts, 32 clients",
            f"{rate:,.0f}/s, 1/{ratio:.1f} of FastAPI",
            "≥ 1,500/s and ≥ 1/3",
            good and rate >= 1500 and ratio <= 3,
        )

    async def small_burst(self) -> None:
        """100 alerts at once; when the last of their orders is at the broker."""
        shots = await burst(self.client, self.bodies(100))
        arrived = await self.arrivals(100)
        last = max(arrived.values()) - min(s.left for s in shots)
        self.add(
            "burst of 100: last order at the broker", f"{last:.3f} s", "≤ 0.5 s", len(arrived) == 100 and last <= 0.5
        )

    async def large_burst(self) -> None:
        """1,000 alerts within a second."""
        shots = await burst(self.client, self.bodies(1000))
        slowest = max(s.ms for s in shots) / 1000
        accepted = sum(s.status == 202 for s in shots)
        arrived = await self.arrivals(accepted, 60)
        lost = accepted - len(arrived)
        self.add(
            "burst of 1,000: slowest answer",
            f"{slowest:.2f} s, {accepted} taken, {lost} lost",
            "< 2.5 s, 0 lost",
            slowest < 2.5 and not lost,
        )

    # -- size ---------------------------------------------------------------------------------------------------------

    async def pages(self) -> float:
        """Median milliseconds of the newest page of orders."""
        made = json.loads((self.folder / "made.json").read_text())
        client = Client(self.port, "/api/v1/orders", f"Authorization: Bearer {made['api_key']}\r\n")
        link = await client.open()
        shots = [await client.get(link) for _ in range(40)]
        if any(shot.status != 200 for shot in shots):
            raise click.ClickException("the page of orders did not answer 200")
        return percentile([shot.ms for shot in shots], 0.5)

    def fill_journal(self) -> None:
        """A million rows of history, as copies of what the run itself has written."""
        with sqlite3.connect(self.folder / "bridge.db") as connection:
            alerts = connection.execute("SELECT COUNT(*) FROM alerts").fetchone()[0]
            copies = max(self.rows // 5 // alerts, 1)
            for table, key in (("alerts", "id"), ("orders", "id"), ("events", "seq")):
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                for copy in range(copies):
                    chosen = ", ".join(_copied(column, key, copy) for column in columns if column != "seq")
                    names = ", ".join(column for column in columns if column != "seq")
                    limit = f"LIMIT {alerts}" if table != "events" else f"LIMIT {alerts * 3}"
                    source = f"SELECT {chosen} FROM (SELECT * FROM {table} ORDER BY {key} {limit})"  # noqa: S608
                    connection.execute(f"INSERT INTO {table} ({names}) {source}")

    def journal_rows(self) -> int:
        """Rows of the journal now."""
        with sqlite3.connect(self.folder / "bridge.db") as connection:
            sql = "SELECT (SELECT COUNT(*) FROM alerts) + (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM events)"
            return int(connection.execute(sql).fetchone()[0])


def _copied(column: str, key: str, copy: int) -> str:
    """Ids get a suffix, times lie in the past, everything else is as it was."""
    if column in (key, "ref", "broker_order_id"):
        return f"{column} || 'c{copy}'"
    return f"{column} - {(copy + 1) * 86_400_000_000}" if column in ("received_at", "queued_at", "at") else column


async def measure(bench: Bench, quick: bool) -> None:
    """The whole run."""
    share = 10 if quick else 1
    parsing_rate = await bench.floor_of_machine()
    with ExitStack() as stack:
        stack.enter_context(process("bridge.cli.benching.stub", str(bench.stub_port)))
        answers(f"http://127.0.0.1:{bench.stub_port}/funds")
        with bench.house():
            answers(f"http://127.0.0.1:{bench.port}/health/ready")  # the first start makes tables, keys and caches
        with bench.house() as server:
            seconds = answers(f"http://127.0.0.1:{bench.port}/health/ready")
            bench.add("start to first answer", f"{seconds:.2f} s", "≤ 2.5 s", seconds <= 2.5)
            idle = server.memory_info().rss / 1e6
            bench.add("memory, everything running, idle", f"{idle:.0f} MB", "≤ 180 MB", idle <= 180)
            await closed(bench.client, bench.bodies(200), 4)
            await bench.arrivals(200)
            await bench.steady_acks(20 // share)
            await bench.first_bytes(300 // share)
            await bench.api_orders(300 // share)
            await bench.api_reads(100 // share, "a short book")
            await bench.orders_through(server, 5000 // share)
            await bench.api_reads(100 // share, "a book of 2,000 rows")
            await bench.accepts(parsing_rate, 10_000 // share)
            await bench.small_burst()
            await bench.large_burst()
            await bench.long_book()
            await bench.api_reads(100 // share, "a book of 10,000 rows")
            small, rows_before = await bench.pages(), bench.journal_rows()
        bench.fill_journal()
        with bench.house() as server:
            answers(f"http://127.0.0.1:{bench.port}/health/ready")
            large, rows = await bench.pages(), bench.journal_rows()
            grown = server.memory_info().rss / 1e6
            bench.add(
                f"memory after {rows:,} journal rows",
                f"{grown:.0f} MB, +{grown - idle:.0f}",
                "+ 50 MB",
                grown - idle <= 50,
            )
            bench.add(
                f"page of orders, {rows_before:,} → {rows:,} rows",
                f"{small:.1f} → {large:.1f} ms",
                "flat",
                large <= 2 * small + 2,
            )


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Journal rows for the size figures.")
@click.option("--quick", is_flag=True, help="A tenth of the load and of the rows: a look, not a measurement.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(rows: int, quick: bool, as_json: bool) -> None:
    """Measure every budget of the design beside the machine's own floor. Takes about three minutes; loopback only."""
    with tempfile.TemporaryDirectory(prefix="bridge-bench-") as scratch:
        bench = Bench(Path(scratch), rows // 10 if quick else rows)
        asyncio.run(measure(bench, quick))
    if as_json:
        click.echo(json.dumps([asdict(figure) for figure in bench.figures]))
    else:
        click.echo("\n| what | measured | budget | |\n|---|---|---|---|")
        for figure in bench.figures:
            mark = {True: "met", False: "**not met**", None: ""}[figure.met]
            click.echo(f"| {figure.what} | {figure.measured} | {figure.budget} | {mark} |")
    if any(figure.met is False for figure in bench.figures):
        sys.exit(1)
