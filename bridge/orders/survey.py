"""Gathers the situation a candidate is checked in: memory reads only, so that an alert is answered in a millisecond."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog

from bridge.accounts.directory import Directory
from bridge.accounts.model import Source, Strategy
from bridge.brokers.base import Capabilities
from bridge.domain.instrument import Instrument
from bridge.domain.intent import InstrumentHint, OrderIntent, Product
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, Drift, micros
from bridge.kit.database import Reader, StorageUnavailable
from bridge.market.base import Market
from bridge.market.calendar import Calendar
from bridge.market.quantities import freeze_quantity
from bridge.market.rules import FreezeLimit
from bridge.market.symbols import resolve
from bridge.orders.allowances import Uses
from bridge.orders.bars import Bars
from bridge.orders.losses import Losses
from bridge.orders.records import NOT_ASKED, Approval
from bridge.orders.situation import Candidate, Session, Situation
from bridge.orders.sizing import Mapped

log = structlog.get_logger("bridge.survey")

REFRESH_S = 1.0
JUMP_TOLD_S = 2.0
JUMP_HELD_S = 30.0
HELD_FOR_S = 60.0  # after a jump, before entries are taken again
_MINUTE_S = 60.0
_CACHE_MAX = 5000


class Survey:
    """Answers what the checks ask, from memory."""

    def __init__(
        self,
        directory: Directory,
        reader: Reader,
        clock: Clock,
        market: Market,
        calendar: Calendar,
        capabilities: Callable[[str], Capabilities | None],
    ) -> None:
        self.directory = directory
        self.market = market
        self.calendar = calendar
        self.uses = Uses(clock)
        self.losses = Losses()
        self.bars = Bars()
        self._reader = reader
        self._clock = clock
        self._capabilities = capabilities
        self._resolved: dict[tuple[object, ...], Mapped | Refusal] = {}
        self._drift = Drift(clock)
        self._jumped_at: float | None = None
        self._sessions: dict[str, tuple[int, Session]] = {}
        self._days: dict[str, tuple[int, date]] = {}

    # -- instruments and time -----------------------------------------------------------------------------------

    def mapped(self, strategy: Strategy, intent: OrderIntent, now: datetime) -> Mapped | Refusal:
        """The instrument an intent means under that strategy's settings."""
        settings = strategy.settings
        written = (intent.symbol or "").upper()
        if not written and len(settings.symbols) == 1:
            written = next(iter(settings.symbols))
        # A square-off names the contract that is held, whatever the spelling means for new orders.
        line = None if intent.extras.get("square_off") else settings.symbols.get(written)
        if line is not None:
            instrument = self.market.instrument(line.exchange, line.symbol)
            if instrument is None:
                return Refusal(
                    "symbol_unknown",
                    f"{written} is mapped to {line.exchange}:{line.symbol}, which does not exist (any more).",
                )
            return Mapped(instrument, (f"{written} is mapped to {instrument.key}",), line.quantity, line.product)
        if not written and intent.instrument and intent.instrument.con_id:
            number = intent.instrument.con_id
            message = (
                f"The message names its contract by the number {number}. Map {number} to a symbol in the strategy."
            )
            return Refusal("contract_number_unknown", message)
        if not written and intent.instrument is None:
            return Refusal(
                "symbol_missing", "The message names no symbol, and the strategy does not say which one it trades."
            )
        names_a_place = intent.exchange or ":" in (intent.symbol or "")
        exchange = intent.exchange if names_a_place else settings.exchange
        return self._resolve(intent.symbol, exchange, intent.instrument, now)

    def _resolve(
        self, symbol: str | None, exchange: str | None, hint: InstrumentHint | None, now: datetime
    ) -> Mapped | Refusal:
        key = (symbol, exchange, hint, int(now.timestamp() // _MINUTE_S))
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) > _CACHE_MAX:
                self._resolved.clear()
            answer = resolve(self.market, symbol, exchange, hint, now, calendar=self.calendar)
            found = answer if isinstance(answer, Refusal) else Mapped(answer.instrument, answer.said)
            self._resolved[key] = found
        return found

    def session(self, instrument: Instrument, now: datetime) -> Session:
        """Whether the instrument's market takes orders. Sessions change on whole seconds, so one answer serves a second."""
        key, second = instrument.key, int(now.timestamp())
        known = self._sessions.get(key)
        if known is None or known[0] != second:
            is_open = self.calendar.is_open(instrument, now)
            known = second, Session(is_open, "" if is_open else self.calendar.sentence(instrument, now))
            self._sessions[key] = known
        return known[1]

    def session_refusal(self, instrument: Instrument) -> Refusal | None:
        """Why the instrument cannot be traded now, or None."""
        session = self.session(instrument, self._clock.now())
        return None if session.is_open else Refusal("market_closed", f"{session.sentence}.")

    def trading_date(self, instrument: Instrument) -> str:
        """The exchange's trading date, ISO."""
        return self._trading_day(instrument.exchange).isoformat()

    def _trading_day(self, exchange: str) -> date:
        now = self._clock.now()
        second, known = int(now.timestamp()), self._days.get(exchange)
        if known is None or known[0] != second:
            known = self._days[exchange] = second, self.calendar.trading_date(exchange, now)
        return known[1]

    def square_off_passed(self, instrument: Instrument, product: Product) -> str | None:
        """A sentence once intraday positions in the instrument are being closed for the day."""
        if product is not Product.MIS:
            return None
        now = self._clock.now()
        at = self.calendar.square_off_time(instrument, self._trading_day(instrument.exchange))
        if at is None or now < at:
            return None
        return f"Intraday positions in {instrument.symbol} are closed at {at:%H:%M}; new ones wait for the next day."

    def freeze(self, instrument: Instrument) -> FreezeLimit | None:
        """The largest single order today."""
        return freeze_quantity(instrument, self._trading_day(instrument.exchange))

    def day_is_over(self, exchange: str, symbol: str, queued_at: datetime) -> bool:
        """Whether the session in which an order was queued has closed."""
        instrument = self.market.instrument(exchange, symbol)
        if instrument is None:
            return False
        day = self.calendar.trading_date(exchange, queued_at)
        close = self.calendar.last_close(instrument, day)
        return close is not None and self._clock.now() > close

    # -- the situation ------------------------------------------------------------------------------------------

    def situation(
        self,
        candidate: Candidate,
        strategy: Strategy,
        account_id: str,
        source: Source | None,
        *,
        age_s: float | None = None,
        max_age_s: float | None = None,
        bar: datetime | None = None,
        unreadable_time: str | None = None,
        approval: Approval = NOT_ASKED,
    ) -> Situation:
        """Everything around one candidate, now."""
        snapshot, now = self.directory.snapshot, self._clock.now()
        account = snapshot.accounts.get(account_id)
        date = self.trading_date(candidate.instrument)
        scopes = {"user": strategy.user_id, "account": account_id, "strategy": strategy.id}
        return Situation(
            now=now,
            user=snapshot.users.get(strategy.user_id),
            account=account,
            strategy=strategy,
            source=source,
            stop=snapshot.stop(**scopes, source=source.id if source else ""),
            capabilities=self._capabilities(account.broker) if account else None,
            session=self.session(candidate.instrument, now),
            quote=self.market.quote(candidate.instrument),
            freeze=self.freeze(candidate.instrument),
            alert_age_s=age_s,
            unreadable_time=unreadable_time,
            clock_jumped=self.clock_jumped(),
            message_max_age_s=max_age_s,
            square_off_passed=self.square_off_passed(candidate.instrument, candidate.product),
            out_of_order=self.bars.too_late(
                strategy.id, candidate.instrument.key, bar, opens=not candidate.only_closes
            ),
            strategy_use=self.uses.of(strategy.id, date),
            account_use=self.uses.of(account_id, date),
            strategy_loss=self.losses.of(strategy.id),
            account_loss=self.losses.of(account_id),
            written=(candidate.intent.symbol or "").upper(),
            approval=approval,
        )

    def bare_situation(
        self,
        strategy: Strategy,
        account_id: str,
        source: Source,
        age_s: float | None,
        max_age_s: float | None,
        approval: Approval,
    ) -> Situation:
        """The situation of an intent that names no instrument."""
        snapshot = self.directory.snapshot
        account = snapshot.accounts.get(account_id)
        scopes = {"user": strategy.user_id, "account": account_id, "strategy": strategy.id, "source": source.id}
        return Situation(
            now=self._clock.now(),
            user=snapshot.users.get(strategy.user_id),
            account=account,
            strategy=strategy,
            source=source,
            stop=snapshot.stop(**scopes),
            capabilities=self._capabilities(account.broker) if account else None,
            session=Session(True, ""),
            quote=None,
            alert_age_s=age_s,
            message_max_age_s=max_age_s,
            approval=approval,
        )

    def count(self, candidate: Candidate, strategy_id: str, account_id: str, orders: int = 1) -> None:
        """These orders use up the allowances; exits use none."""
        if candidate.is_entry:
            date = self.trading_date(candidate.instrument)
            self.uses.add(strategy_id, date, orders)
            self.uses.add(account_id, date, orders)

    def take_back(self, candidate: Candidate, strategy_id: str, account_id: str, orders: int = 1) -> None:
        """Undo `count` for orders that were not kept after all."""
        if candidate.is_entry:
            date = self.trading_date(candidate.instrument)
            self.uses.take_back(strategy_id, date, orders)
            self.uses.take_back(account_id, date, orders)

    # -- memory -------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Counts and losses of the day, after a start."""
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        for scope in ("strategy_id", "account_id"):
            rows = self._reader.read(
                f"SELECT {scope} AS scope, trading_date, COUNT(*) AS n FROM orders"  # noqa: S608 - our names
                " WHERE reduces = 0 AND queued_at > :since GROUP BY 1, 2",
                {"since": micros(self._clock.now()) - 2 * 86_400_000_000},
            )
            for row in rows:
                self.uses.load(row["scope"], row["trading_date"], row["n"])
        self._read_bars()
        self._read_losses()

    def _read_bars(self) -> None:
        """As far back as an alert may be old."""
        strategies = [strategy.settings for strategy in self.directory.snapshot.strategies.values()]
        longest = max((max(s.entry_max_age_s, s.exit_max_age_s) for s in strategies), default=0)
        self.bars.load(self._reader, micros(self._clock.now() - timedelta(seconds=longest)))

    def _read_losses(self) -> None:
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        self.losses.read(self._reader, micros(midnight), self._last_price)

    def _last_price(self, exchange: str, symbol: str) -> Decimal | None:
        instrument = self.market.instrument(exchange, symbol)
        quote = self.market.quote(instrument) if instrument else None
        return quote.last if quote else None

    async def follow(self) -> None:
        """Keep losses fresh for ever: a database that is away is asked again."""
        told = False
        while True:
            self._watch_clock()
            try:
                await asyncio.to_thread(self._read_losses)
                told = False
            except StorageUnavailable as problem:
                if not told:  # once, not each second
                    log.error("losses not read", problem=str(problem))
                told = True
            await self._clock.sleep(REFRESH_S)

    def _watch_clock(self) -> None:
        jump = self._drift.jumped()
        if abs(jump) > JUMP_TOLD_S:
            log.error("the machine's clock was set", seconds=round(jump, 1))
        if abs(jump) > JUMP_HELD_S:
            self._jumped_at = self._clock.monotonic()

    def clock_jumped(self) -> bool:
        """The wall clock was moved a moment ago: nobody can say how old an alert is."""
        return self._jumped_at is not None and self._clock.monotonic() - self._jumped_at < HELD_FOR_S
