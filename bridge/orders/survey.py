"""Gathers the situation a candidate is checked in: memory reads only, so that an alert is answered in a millisecond."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog

from bridge.accounts.directory import Directory
from bridge.accounts.model import Source, Strategy
from bridge.brokers.base import Capabilities
from bridge.domain.instrument import Instrument
from bridge.domain.intent import InstrumentHint, OrderIntent, Product
from bridge.domain.lifecycle import IntentState
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, Drift, from_micros, micros
from bridge.kit.database import Reader
from bridge.market.base import Market
from bridge.market.calendar import Calendar
from bridge.market.quantities import freeze_quantity
from bridge.market.rules import FreezeLimit
from bridge.market.symbols import resolve
from bridge.orders.records import IntentRecord
from bridge.orders.situation import Candidate, Session, Situation, Use
from bridge.orders.sizing import Mapped

log = structlog.get_logger("bridge.survey")

REFRESH_S = 1.0
JUMP_TOLD_S = 2.0
JUMP_HELD_S = 30.0
HELD_FOR_S = 60.0  # after a jump, before entries are taken again
LATE_FILLS = 500  # PostgreSQL hands out numbers before the commit: so many back, a lower one may still appear
_MINUTE_S = 60.0
_CACHE_MAX = 5000


class Uses:
    """Orders taken in the last minute and on this trading day, by strategy and by account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute: dict[str, deque[float]] = defaultdict(deque)
        self._day: dict[tuple[str, str], int] = defaultdict(int)

    def add(self, scope_id: str, trading_date: str, count: int = 1) -> None:
        """Count orders; called before anything else can be checked, so that two alerts at once cannot both be the last."""
        self._minute[scope_id].extend([self._clock.monotonic()] * count)
        self._day[scope_id, trading_date] += count

    def take_back(self, scope_id: str, trading_date: str, count: int = 1) -> None:
        """Orders that were counted but not kept."""
        recent = self._minute[scope_id]
        for _ in range(min(count, len(recent))):
            recent.pop()
        self._day[scope_id, trading_date] -= count

    def of(self, scope_id: str, trading_date: str) -> Use:
        """How much is used."""
        recent = self._minute[scope_id]
        horizon = self._clock.monotonic() - _MINUTE_S
        while recent and recent[0] < horizon:
            recent.popleft()
        return Use(len(recent), self._day[scope_id, trading_date])

    def load(self, scope_id: str, trading_date: str, today: int) -> None:
        """The day's count after a start."""
        self._day[scope_id, trading_date] = today


class Losses:
    """What strategies and accounts have lost today: realised by fills, plus what open positions are down now."""

    def __init__(self) -> None:
        self._realised: dict[str, Decimal] = defaultdict(Decimal)
        self._open: dict[str, Decimal] = {}
        self._day = 0
        self._counted: set[int] = set()

    def of(self, scope_id: str) -> Decimal:
        """Positive when money was lost."""
        return max(-(self._realised[scope_id] + self._open.get(scope_id, Decimal(0))), Decimal(0))

    def read(self, reader: Reader, day_start: int, value: Callable[[str, str], Decimal | None]) -> None:
        """Take in new fills and value the open positions."""
        if day_start != self._day:
            self._realised.clear()
            self._counted.clear()
            self._day = day_start
        seen_to = max(self._counted, default=0) - LATE_FILLS
        fills = reader.read(
            "SELECT id, strategy_id, account_id, realised FROM fills WHERE id > :seen_to AND at >= :start",
            {"seen_to": seen_to, "start": day_start},
        )
        for row in fills:
            if row["id"] in self._counted:
                continue
            self._counted.add(row["id"])
            for scope_id in (row["strategy_id"], row["account_id"]):
                self._realised[scope_id] += Decimal(row["realised"])
        self._counted = {number for number in self._counted if number > seen_to}
        self._open = self._open_profit(reader, value)

    def _open_profit(self, reader: Reader, value: Callable[[str, str], Decimal | None]) -> dict[str, Decimal]:
        profit: dict[str, Decimal] = defaultdict(Decimal)
        for row in reader.read("SELECT * FROM positions WHERE quantity <> '0'"):
            last = value(row["exchange"], row["symbol"])
            if last is None:
                continue
            gain = (last - Decimal(row["average_price"])) * Decimal(row["quantity"])
            profit[row["strategy_id"]] += gain
            profit[row["account_id"]] += gain
        return profit


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
        self._reader = reader
        self._clock = clock
        self._capabilities = capabilities
        self._resolved: dict[tuple[object, ...], Mapped | Refusal] = {}
        self._drift = Drift(clock)
        self._jumped_at: float | None = None
        self._sessions: dict[str, tuple[int, Session]] = {}
        self._days: dict[str, tuple[int, date]] = {}
        # by strategy and instrument: the newest bar of an alert that opened, and of one that closed
        self._opened_at: dict[tuple[str, str], int] = {}
        self._closed_at: dict[tuple[str, str], int] = {}

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

    # -- order of alerts ----------------------------------------------------------------------------------------

    def out_of_order(self, strategy_id: str, symbol: str, bar: datetime | None, *, opens: bool) -> str | None:
        """A sentence when an alert with a newer time was already taken for this strategy and symbol.

        An exit is only too late for what was opened after it; another exit does not outdate it.
        """
        if bar is None:
            return None
        newest = self._opened_at.get((strategy_id, symbol), 0)
        if opens:
            newest = max(newest, self._closed_at.get((strategy_id, symbol), 0))
        if micros(bar) >= newest:
            return None
        before = from_micros(newest)
        return f"A newer alert for {symbol} (of {before:%H:%M:%S}) was taken before this one of {bar:%H:%M:%S}."

    def taken(self, intent: IntentRecord) -> None:
        """An alert was accepted: what is older than its bar comes too late."""
        if intent.bar is not None and intent.symbol and intent.state is not IntentState.REFUSED:
            self._remember_bar(intent.strategy_id, intent.exchange, intent.symbol, intent.bar, opens=intent.opens)

    def _remember_bar(self, strategy_id: str, exchange: str, symbol: str, bar: int, *, opens: bool) -> None:
        marks, key = self._opened_at if opens else self._closed_at, (strategy_id, f"{exchange}:{symbol}")
        marks[key] = max(bar, marks.get(key, bar))

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
            out_of_order=self.out_of_order(strategy.id, candidate.instrument.key, bar, opens=not candidate.only_closes),
            strategy_use=self.uses.of(strategy.id, date),
            account_use=self.uses.of(account_id, date),
            strategy_loss=self.losses.of(strategy.id),
            account_loss=self.losses.of(account_id),
            written=(candidate.intent.symbol or "").upper(),
        )

    def bare_situation(
        self, strategy: Strategy, account_id: str, source: Source, age_s: float | None, max_age_s: float | None
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
        """The order of alerts survives a restart, as far back as an alert may be old."""
        strategies = [strategy.settings for strategy in self.directory.snapshot.strategies.values()]
        longest = max((max(s.entry_max_age_s, s.exit_max_age_s) for s in strategies), default=0)
        rows = self._reader.read(
            "SELECT strategy_id, exchange, symbol, plan FROM intents WHERE state IN"
            " ('RECEIVED', 'HELD', 'PLANNED', 'DONE', 'EXPIRED', 'CANCELLED') AND deadline > :since"
            """ AND symbol <> '' AND plan LIKE '%"bar"%'""",
            {"since": micros(self._clock.now() - timedelta(seconds=longest))},
        )
        for row in rows:
            plan = json.loads(row["plan"])
            opens = not plan["reduces"]
            self._remember_bar(row["strategy_id"], row["exchange"], row["symbol"], plan["bar"], opens=opens)

    def _read_losses(self) -> None:
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        self.losses.read(self._reader, micros(midnight), self._last_price)

    def _last_price(self, exchange: str, symbol: str) -> Decimal | None:
        instrument = self.market.instrument(exchange, symbol)
        quote = self.market.quote(instrument) if instrument else None
        return quote.last if quote else None

    async def follow(self) -> None:
        """Keep losses fresh for ever."""
        while True:
            self._watch_clock()
            await asyncio.to_thread(self._read_losses)
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
