"""Intraday positions are closed before the market does: jobs derived from stored settings, never stored themselves.

A run is an alert like any other, with the strategy and the trading date as its id; however many jobs, processes or
restarts ask for it, the journal takes it once, and the account's desk closes what the book then shows and no more.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bridge.accounts.model import Source, Strategy
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, Kind, OrderIntent, Product, Reading
from bridge.kit import failpoints
from bridge.kit.clock import Clock
from bridge.kit.database import Reader, StorageUnavailable
from bridge.orders.arrival import Arrival
from bridge.orders.messages import SQUARE_OFF
from bridge.orders.pipeline import Pipeline
from bridge.orders.survey import Survey

log = structlog.get_logger("bridge.squareoff")

LOOK_EVERY_S = 20


class SquareOff:
    """Schedules and runs the day's square-offs for every strategy."""

    def __init__(self, pipeline: Pipeline, survey: Survey, reader: Reader, clock: Clock) -> None:
        self._pipeline = pipeline
        self._survey = survey
        self._reader = reader
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._revision = -1
        self._answered: dict[tuple[str, str], tuple[date, str]] = {}  # by strategy and job: the last day's answer

    def start(self) -> None:
        """Begin; jobs follow the settings from now on."""
        self._scheduler.add_job(
            self.look, IntervalTrigger(seconds=LOOK_EVERY_S), id="look", coalesce=True, max_instances=1
        )
        self._derive()
        self._scheduler.start()

    def stop(self) -> None:
        """End."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _derive(self) -> None:
        """One job for each strategy that names a square-off time."""
        snapshot = self._survey.directory.snapshot
        if snapshot.revision == self._revision:
            return
        self._revision = snapshot.revision
        for job in self._scheduler.get_jobs():
            if job.id != "look":
                job.remove()
        for strategy in snapshot.strategies.values():
            window = strategy.settings.window
            if window.square_off is not None:
                at = window.square_off
                trigger = CronTrigger(hour=at.hour, minute=at.minute, second=at.second, timezone=window.zone)
                self._scheduler.add_job(
                    self.close_strategy, trigger, [strategy.id], id=strategy.id, misfire_grace_time=300
                )

    async def look(self) -> None:
        """Follow changed settings; close what the exchange's own time has come for, and what a strategy's job has missed."""
        self._derive()
        for strategy, instrument in await self._tradable_now():
            if self._own_time_passed(strategy):
                await self.close_strategy(strategy.id)
            if self._survey.square_off_passed(instrument, Product.MIS):
                day = self._survey.calendar.trading_date(instrument.exchange, self._clock.now())
                await self._run(strategy, f"exchange {instrument.key}", day, instrument)

    async def _tradable_now(self) -> list[tuple[Strategy, Instrument]]:
        """What strategies hold for the day in markets that are open."""
        rows = await self._reader.rows(
            "SELECT DISTINCT strategy_id, exchange, symbol FROM positions WHERE product = 'MIS' AND quantity <> '0'"
        )
        strategies, now = self._survey.directory.snapshot.strategies, self._clock.now()
        held = (
            (strategies.get(row["strategy_id"]), self._survey.market.instrument(row["exchange"], row["symbol"]))
            for row in rows
        )
        return [
            (strategy, instrument)
            for strategy, instrument in held
            if strategy and instrument and self._survey.calendar.is_open(instrument, now)
        ]

    def _own_time_passed(self, strategy: Strategy) -> bool:
        at = strategy.settings.window.square_off
        return at is not None and self._local(strategy).time() >= at

    def _local(self, strategy: Strategy) -> datetime:
        return self._clock.now().astimezone(ZoneInfo(strategy.settings.window.zone))

    async def close_strategy(self, strategy_id: str) -> None:
        """Close everything intraday that a strategy holds, once a day."""
        strategy = self._survey.directory.snapshot.strategies.get(strategy_id)
        if strategy is not None:
            await self._run(strategy, "strategy", self._local(strategy).date(), None)

    async def _run(self, strategy: Strategy, job: str, day: date, instrument: Instrument | None) -> None:
        """One square-off, taken once a day; one that was refused is put again when it would be taken, and told no second time."""
        failpoints.reach("squareoff.planned")
        answered_on, status = self._answered.get((strategy.id, job), (None, ""))
        again = answered_on == day
        if again and status != "refused":
            return
        arrival = self._arrival(strategy, job, day, instrument, self._clock.now())
        try:
            if again and await self._would_be_refused(arrival):
                return
            answer = await self._pipeline.submit(arrival)
        except StorageUnavailable as problem:
            log.warning("square-off not stored, tried again", strategy=strategy.id, problem=str(problem))
            return
        self._answered[strategy.id, job] = day, answer.content["status"]
        log.info("square-off", strategy=strategy.id, job=job, status=answer.content["status"])

    async def _would_be_refused(self, arrival: Arrival) -> bool:
        rehearsed = await self._pipeline.submit(replace(arrival, dry_run=True))
        return bool(rehearsed.content["status"] == "refused")

    def _arrival(
        self, strategy: Strategy, job: str, day: date, instrument: Instrument | None, now: datetime
    ) -> Arrival:
        wish = OrderIntent(
            intent=Intent.FLATTEN,
            symbol=instrument.symbol if instrument else None,
            exchange=instrument.exchange if instrument else None,
            product=Product.MIS,
            scope="symbol" if instrument else "strategy",
            filter={"product": "MIS"},
            extras={"square_off": True},
        )
        because = (f"the square-off of {day.isoformat()} ({job})",)
        source = Source(
            id=f"squareoff:{strategy.id}"[:32],
            public_id="",
            user_id=strategy.user_id,
            strategy_id=strategy.id,
            name="Square-off",
            secret_hash="",
        )
        return Arrival(
            source=source,
            content_type="application/json",
            body=json.dumps({"square_off": day.isoformat(), "job": job}),
            sender="square-off",
            received_at=now,
            started=self._clock.monotonic(),
            idempotency_key=f"{job}:{day.isoformat()}",
            reading=Reading(dialect=SQUARE_OFF, kind=Kind.FLATTEN, orders=(wish,), because=because),
        )
