"""Builds everything and holds it together; the only module that knows all the others."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Coroutine
from functools import cache
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge import admin, api
from bridge.accounts.directory import Directory
from bridge.accounts.model import Account
from bridge.accounts.service import Accounts
from bridge.api.problems import Problem
from bridge.brokers import declaration, names
from bridge.brokers.base import Broker, Capabilities, Connection
from bridge.dialects import read
from bridge.kit import schema
from bridge.kit.clock import Clock, SystemClock
from bridge.kit.database import Reader, Writer, connect
from bridge.kit.disk import Reserve
from bridge.kit.settings import Settings
from bridge.kit.vault import Vault
from bridge.market.base import Market
from bridge.market.calendar import ALWAYS_OPEN, CALENDAR, Calendar
from bridge.market.none import NoPrices
from bridge.market.simulated import SimulatedMarket
from bridge.market.symbols import resolve
from bridge.orders import metrics
from bridge.orders.approvals import Approvals
from bridge.orders.connections import Connections
from bridge.orders.control import Control
from bridge.orders.desk import AccountDesk, Services
from bridge.orders.dispatcher import Dispatcher
from bridge.orders.lease import Holder, Leases
from bridge.orders.pipeline import Pipeline
from bridge.orders.placing import Placing
from bridge.orders.squareoff import SquareOff
from bridge.orders.survey import Survey
from bridge.webhooks import description
from bridge.webhooks.receive import Hook
from bridge.webhooks.refusals import Refusals

log = structlog.get_logger("bridge")

HOOK = "/hook/"


def calendar_of(settings: Settings) -> Calendar:
    """The installation's trading hours."""
    return ALWAYS_OPEN if settings.always_open else CALENDAR


def market_of(settings: Settings, clock: Clock, calendar: Calendar) -> Market:
    """The installation's source of prices."""
    if settings.market == "simulated":
        return SimulatedMarket(clock, seed=settings.market_seed, calendar=calendar)
    return NoPrices(clock)


def connect_broker(account: Account, accounts: Accounts, **services: Any) -> Broker:
    """An account's broker. `services` is what one that lives in this process needs: see `Connection`."""
    connection = Connection(
        account_id=account.id,
        user_id=account.user_id,
        settings=account.settings.broker,
        credentials=accounts.credentials(account.id, account.sealed_credentials),
        rest_url=account.rest_url,
        stream_url=account.stream_url,
        services=services,
    )
    return declaration(account.broker).connect(connection)


class Bridge:
    """One process of the product. `web` takes alerts and shows pages, `dispatch` sends orders; most run both."""

    def __init__(
        self,
        settings: Settings,
        *,
        web: bool = True,
        dispatch: bool = True,
        clock: Clock | None = None,
        market: Market | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.engine = connect(settings.database)
        schema.upgrade(self.engine)
        self.reader = Reader(self.engine)
        nobody_yet = not self.reader.read("SELECT id FROM users LIMIT 1")
        self.vault = Vault.open(settings.keys, first_start=nobody_yet)
        self.writer = Writer(self.engine, reserve=self._reserve())
        self.accounts = Accounts(self.writer, self.vault, self.clock)
        self.directory = Directory(self.reader, self.clock)
        self.directory.load()
        self.calendar = calendar or calendar_of(settings)
        self.market = market or market_of(settings, self.clock, self.calendar)
        self.survey = Survey(self.directory, self.reader, self.clock, self.market, self.calendar, capabilities_of)
        services = Services(
            self.writer, self.reader, self.clock, self.market, self.directory, self.survey, Holder.me().text()
        )
        self.dispatcher = Dispatcher(services, Leases(self.writer, self.reader, self.clock), self._connect)
        self.pipeline = Pipeline(
            self.directory,
            self.survey,
            self.writer,
            self.vault,
            self.clock,
            capabilities_of,
            self.dispatcher,
        )
        self.control = Control(self.directory, self.accounts, self.pipeline, self.writer, self.reader, self.clock)
        self.placing = Placing(self.pipeline.submit, self.reader, self.clock, self._desk)
        self.connections = Connections(self._desk, self._connect)
        self.approvals = Approvals(self.pipeline, self.survey, self.writer, self.reader, self.clock)
        self.square_off = SquareOff(self.pipeline, self.survey, self.reader, self.clock)
        self.refusals = Refusals(self.clock)
        self._web = web
        self._dispatch = dispatch
        self._tasks: set[asyncio.Task[None]] = set()

    def _reserve(self) -> Reserve | None:
        """Only a database in our own folder can be saved by freeing our own file."""
        return Reserve(self.settings.data_dir) if self.engine.dialect.name == "sqlite" else None

    async def _connect(self, account: Account) -> tuple[Broker, Capabilities]:
        broker = connect_broker(
            account,
            self.accounts,
            writer=self.writer,
            reader=self.reader,
            market=self.market,
            clock=self.clock,
            calendar=self.calendar,
            on_update=self._broker_says,
        )
        self._spawn(broker.warm())
        return broker, getattr(broker, "capabilities", declaration(account.broker).capabilities)

    def _desk(self, account_id: str) -> AccountDesk | None:
        return self.dispatcher.desks.get(account_id)

    def _broker_says(self, account_id: str) -> None:
        desk = self._desk(account_id)
        if desk is not None:
            desk.book.read_now()

    # -- life -----------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_report)
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)

    async def start(self) -> None:
        """Begin to work: settings followed, leases taken, what was left behind recovered."""
        await self.directory.refresh()
        await self.survey.load()
        await asyncio.to_thread(self._warm_up)
        self._spawn(self.directory.follow())
        self._spawn(self.survey.follow())
        if self._dispatch:
            await self.dispatcher.start()
            self._spawn(self.dispatcher.run())
            self.square_off.start()

    def _warm_up(self) -> None:
        """What the first alert would otherwise wait for: dialects imported, instruments listed."""
        read("application/json", "{}")
        resolve(self.market, "RELIANCE", None, None, self.clock.now(), calendar=self.calendar)
        lines = [line for s in self.directory.snapshot.strategies.values() for line in s.settings.symbols.values()]
        names = {("NSE", "RELIANCE"), *((line.exchange, line.symbol) for line in lines)}
        held = self.reader.read("SELECT DISTINCT exchange, symbol FROM positions WHERE quantity <> '0'")
        for exchange, symbol in names | {(row["exchange"], row["symbol"]) for row in held}:
            if instrument := self.market.instrument(exchange, symbol):
                self.market.quote(instrument)

    async def stop(self) -> None:
        """Stop in good order: nothing new is sent, what is out is accounted for, leases go back."""
        self.square_off.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.dispatcher.stop()
        await self.connections.close()
        await asyncio.to_thread(self.writer.close)
        self.engine.dispose()

    # -- HTTP -----------------------------------------------------------------------------------------------------

    def asgi(self) -> ASGIApp:
        """The web application: the webhook route first, as a plain ASGI function (decision 0002), then everything else."""
        hook = Hook(
            self.directory,
            self.vault,
            self.clock,
            self.pipeline.submit,
            trusted_proxies=self.settings.trusted_proxies,
            max_in_flight=self.settings.max_in_flight,
            refusals=self.refusals,
        )
        site = self._site()

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            to_hook = scope["type"] == "http" and scope["path"].startswith(HOOK)
            await (hook if to_hook else site)(scope, receive, send)

        return door

    def _site(self) -> FastAPI:
        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            await self.start()
            gc.freeze()  # what is here now stays: the collector need not look at it again
            yield
            await self.stop()

        site = FastAPI(title="Bridge", docs_url="/docs", redoc_url=None, lifespan=lifespan)
        site.add_exception_handler(HTTPException, _not_a_page)
        site.add_api_route("/health/live", self.live, methods=["GET"], include_in_schema=False)
        site.add_api_route("/health/ready", self.ready, methods=["GET"], include_in_schema=False)
        site.add_api_route("/metrics", self.metrics, methods=["GET"], include_in_schema=False)
        if self._web:
            for router in api.create(self._api_ports()):
                site.include_router(router)
            site.include_router(admin.create(self._ports()))
            _describe(site)
        return site

    def _ports(self) -> admin.Ports:
        return admin.Ports(
            reader=self.reader,
            writer=self.writer,
            directory=self.directory,
            accounts=self.accounts,
            vault=self.vault,
            clock=self.clock,
            settings=self.settings,
            market=self.market,
            calendar=self.calendar,
            replay=self.control.replay,
            cancel=self.control.cancel,
            decide=self.control.decide,
            panic=self.control.panic,
            waiting=self.approvals.waiting,
            approve=self.approvals.approve,
            refuse=self.approvals.refuse,
            turned_away=self.refusals.lines,
        )

    def _api_ports(self) -> api.Ports:
        return api.Ports(
            reader=self.reader,
            writer=self.writer,
            vault=self.vault,
            clock=self.clock,
            directory=self.directory,
            accounts=self.accounts,
            market=self.market,
            calendar=self.calendar,
            place=self.placing.place,
            watch=self.placing.watch,
            desk=self._desk,
            broker=self.connections.of,
            capabilities=capabilities_of,
            replay=self.control.replay,
            cancel=self.control.cancel,
            decide=self.control.decide,
            panic=self.control.panic,
            base_url=self.settings.base_url,
            trusted_proxies=self.settings.trusted_proxies,
        )

    async def live(self) -> Response:
        """The process answers."""
        return PlainTextResponse("live\n")

    async def metrics(self) -> Response:
        """Prometheus text."""
        metrics.WRITER_BACKLOG.set(self.writer.backlog)
        metrics.DESKS.set(len(self.dispatcher.desks))
        metrics.UNSETTLED.clear()
        for desk in self.dispatcher.desks.values():
            for order in desk.ledger.unsettled():
                metrics.UNSETTLED.labels(desk.account.id, order.state).inc()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def ready(self) -> Response:
        """The database answers and has the schema this version needs."""
        try:
            good = await asyncio.to_thread(schema.is_current, self.engine)
        except Exception as problem:  # noqa: BLE001 - any way in which a database can be away means: not ready
            log.warning("not ready", problem=type(problem).__name__)
            good = False
        return JSONResponse({"status": "ready" if good else "not ready"}, 200 if good else 503)


def _describe(site: FastAPI) -> None:
    described = site.openapi

    def whole() -> dict[str, Any]:
        schema = described()
        api.complete(schema)
        schema["paths"].setdefault(description.PATH, description.path_item())
        return schema

    site.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


async def _not_a_page(request: Request, problem: Exception) -> Response:
    """An address that nobody serves: problem details for programs, a line for people."""
    if not isinstance(problem, HTTPException):
        raise problem
    if request.url.path.startswith("/api/"):
        said = "there is no such address or method"
        return Problem(problem.status_code, "not_found", said, problem.headers).response()
    return PlainTextResponse(f"{problem.detail}\n", problem.status_code, headers=problem.headers)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()):
        log.error("background task ended", problem=repr(problem))


@cache
def capabilities_of(broker: str) -> Capabilities | None:
    """What a broker can do; None when no broker has that name."""
    return declaration(broker).capabilities if broker in names() else None
