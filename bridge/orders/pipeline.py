"""The whole journey of an alert, from its arrival to the answer; what happens at the broker follows in `desk.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from bridge.accounts.directory import Directory
from bridge.accounts.model import Feed, Source, Strategy
from bridge.brokers.base import Capabilities
from bridge.dialects import read
from bridge.dialects.base import Context
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Product, Reading, TimeInForce
from bridge.domain.lifecycle import IntentState
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Writer
from bridge.kit.ids import new_id
from bridge.kit.vault import Vault
from bridge.orders.accepting import Accept, Receipt, answer_for
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.building import build
from bridge.orders.checks import (
    CHECKS,
    FIGURES,
    account_is_usable,
    alert_is_fresh,
    owner_may_trade,
    strategy_is_on,
    trading_is_not_stopped,
)
from bridge.orders.journal import Claim
from bridge.orders.masking import mask
from bridge.orders.planning import candidate
from bridge.orders.records import CLOSING, IntentRecord, Lane, OrderRecord
from bridge.orders.situation import EXIT_INTENTS, WORKING_ORDER_INTENTS, Candidate, Situation, Standing
from bridge.orders.sizing import Money
from bridge.orders.survey import Survey
from bridge.orders.timing import age_of, bar_end
from bridge.orders.trace import Trace

NEVER_TRADES = frozenset({Kind.NOTIFY, Kind.QUERY, Kind.VARIABLE})
# Anyone may stop: a message with one of these switches its strategy off. Only a person switches it on again.
STOPPING = ("stop", "pause", "disable", "kill", "stopbuy", "stopentry")
NOTE = "Kept as a notice; it asks for no order."
DRY_NOTE = "The message says that it is a dry run: it was read and kept, and nothing was sent."
FLAT = Standing(Decimal(0), certain=True)
ID_MAX = 150
ID_KEPT = timedelta(days=7)
SCAN_KEPT = timedelta(minutes=10)
# TradingView sends an alert that met a 5xx again after 5 s, at most three times.
TRADINGVIEW_RESENDS_S = 20.0
# What can be said of an intent over everything a strategy holds, before anybody knows what that is.
CHECKS_WITHOUT_INSTRUMENT = (trading_is_not_stopped, owner_may_trade, strategy_is_on, account_is_usable, alert_is_fresh)
EVERYTHING = Instrument(symbol="", exchange="", kind=InstrumentKind.EQUITY)


@dataclass(slots=True)
class Case:
    """One alert on its way: what arrived, what it means, and what was decided so far."""

    id: str
    arrival: Arrival
    strategy: Strategy
    reading: Reading
    trace: Trace
    age_s: float | None = None
    bar: datetime | None = None
    intents: list[IntentRecord] = field(default_factory=list)
    orders: list[OrderRecord] = field(default_factory=list)
    counted: list[tuple[Candidate, str, int]] = field(default_factory=list)

    def is_refused(self) -> bool:
        """Whether there were intents and not one of them may go on."""
        return bool(self.intents) and all(intent.state is IntentState.REFUSED for intent in self.intents)


class Door(Protocol):
    """What the pipeline asks of the dispatcher."""

    def offer(self, account_id: str, work: Sequence[IntentRecord | OrderRecord]) -> None:
        """Work that was committed a moment ago."""

    def standing(self, account_id: str, lane: Lane) -> Standing | None:
        """What a strategy holds, as far as is known here."""

    def announce(self, orders: Sequence[OrderRecord], count: int) -> None:
        """Orders that are being committed (+1) or are handed over or given up (−1)."""


class Pipeline:
    """The one way in for everything that may trade."""

    def __init__(
        self,
        directory: Directory,
        survey: Survey,
        writer: Writer,
        vault: Vault,
        clock: Clock,
        capabilities: Callable[[str], Capabilities | None],
        door: Door,
    ) -> None:
        self._directory = directory
        self._survey = survey
        self._writer = writer
        self._vault = vault
        self._clock = clock
        self._capabilities = capabilities
        self._door = door

    def offer(self, account_id: str, work: Sequence[IntentRecord | OrderRecord]) -> None:
        """Hand on work that a person asked for and that is committed."""
        self._door.offer(account_id, work)

    async def submit(self, arrival: Arrival) -> Answer:
        """Read, decide, commit, answer, wake the dispatcher. Raises `StorageUnavailable` when nothing was kept."""
        failpoints.reach("accept.received")
        case = self._read(arrival)
        failpoints.reach("accept.read")
        refusal = self._refuse_message(case) or self._plan(case)
        failpoints.reach("accept.planned")
        receipt = self._receipt(case, refusal)
        if arrival.dry_run:
            return replace(receipt.answer, status=200)
        kept: Receipt | None = None
        self._door.announce(case.orders, 1)
        try:
            kept = await self._commit(case, receipt)
            if kept is receipt:
                self._hand_over(case)
        finally:
            self._door.announce(case.orders, -1)
            if kept is not receipt:
                self._uncount(case.strategy.id, case.counted)
        return kept.answer

    # -- reading ------------------------------------------------------------------------------------------------

    def _read(self, arrival: Arrival) -> Case:
        strategy = self._directory.snapshot.strategies[arrival.source.strategy_id]
        settings = strategy.settings
        trace = Trace(self._clock, arrival.started)
        trace.add("received", "Received", "; ".join((f"from {arrival.sender}", *arrival.proofs)), at=arrival.started)
        context = Context(trading_mode={"long": "LONG", "short": "SHORT"}.get(settings.direction))
        pinned = arrival.source.settings.dialect or settings.dialect
        reading = arrival.reading or read(arrival.content_type, arrival.body, context=context, pinned=pinned)
        trace.add("read", f"Read as {reading.dialect}", "; ".join(reading.because), repaired=reading.repaired)
        case = Case(new_id("al"), arrival, strategy, reading, trace)
        case.age_s = age_of(reading, arrival.received_at)
        case.bar = bar_end(reading)
        return case

    def _refuse_message(self, case: Case) -> Refusal | None:
        """What is wrong with the message itself, whatever account it was for."""
        reading, source = case.reading, case.arrival.source
        wanted = source.settings.body_secret_hash
        if wanted and not self._vault.matches(reading.secret or "", wanted):
            return Refusal("bad_body_secret", "The secret in the message is missing or wrong.")
        if reading.refusal:
            return reading.refusal
        if reading.kind is Kind.CONDITIONAL:
            return Refusal(
                "conditional_unsupported",
                "Conditional orders are not kept here; send the order when it is due.",
            )
        if reading.kind is Kind.CONTROL and not _may_steer(reading):
            message = f"“{reading.control}” is for a person to do: on the page, or with bridge strategy enable."
            return Refusal("control_unsupported", message)
        if reading.accounts:
            message = "The message names accounts with sizes of their own; the strategy's settings decide both."
            return Refusal("accounts_unsupported", message)
        if len({str(order.extras["bot"]) for order in reading.orders if "bot" in order.extras}) > 1:
            return Refusal(
                "several_bots", "The message is for several bots; give each a strategy and an address of its own."
            )
        return None

    # -- planning -----------------------------------------------------------------------------------------------

    def _plan(self, case: Case) -> Refusal | None:
        """Intents and, where no position is needed, orders for every account of the strategy."""
        if case.reading.kind in NEVER_TRADES or case.reading.dry_run or not case.reading.orders:
            return None
        feeds = case.strategy.settings.accounts
        if not feeds:
            return Refusal("no_account", f"The strategy {case.strategy.name} feeds no account, so nothing can be sent.")
        wishes = self._wishes(case)
        basket = case.strategy.settings.basket_policy if len(wishes) > 1 and case.reading.kind is Kind.ORDER else None
        for feed in feeds:
            for number, wish in enumerate(wishes, start=1):
                self._plan_one(case, feed, number * 100, wish, basket)
            if basket in ("stop", "unwind"):
                self._all_or_none(case, feed)
        return self._refusal_of(case)

    def _all_or_none(self, case: Case, feed: Feed) -> None:
        """A basket with a leg that is refused already is not begun."""
        legs = [intent for intent in case.intents if intent.account_id == feed.account_id]
        refused = next((leg for leg in legs if leg.state is IntentState.REFUSED), None)
        if refused is None:
            return
        why = f"Another leg of the same basket was refused: {refused.message}"
        case.intents = [
            replace(leg, state=IntentState.REFUSED, code="basket_stopped", message=why)
            if leg in legs and leg.state is not IntentState.REFUSED and leg.opens
            else leg
            for leg in case.intents
        ]
        # A leg that closes or cancels goes out whatever becomes of the others.
        case.orders = [order for order in case.orders if order.account_id != feed.account_id or order.reduces]
        dropped = [entry for entry in case.counted if entry[1] == feed.account_id and entry[0].is_entry]
        self._uncount(case.strategy.id, dropped)
        case.counted = [entry for entry in case.counted if entry not in dropped]

    def _wishes(self, case: Case) -> list[OrderIntent]:
        keyword = case.reading.keyword_action
        wishes = list(case.reading.orders)
        if case.reading.kind is Kind.SCAN and keyword:
            return [replace(wish, extras={**wish.extras, "keyword_action": keyword}) for wish in wishes]
        cancelled = {wish.symbol for wish in wishes if wish.intent is Intent.CANCEL_ORDERS and not wish.filter}
        # "Cancel, then place": the new order waits until the old ones are gone.
        return [replace(w, cancel_open_orders=True) if _replaces(w, cancelled) else w for w in wishes]

    def _refusal_of(self, case: Case) -> Refusal | None:
        if not case.is_refused():
            return None
        own = (intent for intent in case.intents if intent.code != "basket_stopped")
        first = next(own, case.intents[0])
        return Refusal(first.code or "refused", first.message or "")

    def _plan_one(self, case: Case, feed: Feed, number: int, wish: OrderIntent, basket: str | None) -> None:
        made = self._candidate(case, feed, wish)
        decided = made if isinstance(made, Candidate) else None
        refusal = self._check(case, feed, made) if isinstance(made, Candidate) else made
        refusal = refusal or _beyond_scan_cap(case, number)
        intent = self._intent(case, feed, number, wish, basket, decided, refusal)
        case.intents.append(intent)
        if refusal is None and decided and not decided.needs_position and not intent.not_before:
            self._add_orders(case, intent, decided)

    def _candidate(self, case: Case, feed: Feed, wish: OrderIntent) -> Candidate | Refusal:
        if _over_everything(wish):
            return _everything(wish)
        mapped = self._survey.mapped(case.strategy, wish, case.arrival.received_at)
        if isinstance(mapped, Refusal):
            case.trace.add(
                "mapped", f"{wish.symbol or 'No symbol'}: not mapped", mapped.message, account=feed.account_id, ok=False
            )
            return mapped
        money = Money(self._survey.market.quote(mapped.instrument), None)  # funds are the desk's to know

        def know(instrument: Instrument, product: Product) -> Standing | None:
            lane = (instrument.exchange, instrument.symbol, str(product), case.strategy.id)
            known = self._door.standing(feed.account_id, lane)
            # A dry run where nobody knows shows what would happen from flat.
            return FLAT if known is None and case.arrival.dry_run else known

        made = candidate(wish, mapped, case.strategy.settings, feed, money, know)
        said = "; ".join(mapped.said) or f"{mapped.instrument.key}, exactly as written"
        case.trace.add(
            "mapped",
            f"{wish.symbol or mapped.instrument.symbol} is {mapped.instrument.key}",
            said,
            account=feed.account_id,
        )
        if isinstance(made, Refusal):
            case.trace.add("sized", "Not sized", made.message, account=feed.account_id, ok=False)
        else:
            case.trace.add("sized", "Sized", made.notes[-1] if made.notes else "", account=feed.account_id)
        return made

    def _check(self, case: Case, feed: Feed, decided: Candidate) -> Refusal | None:
        situation = self._situation(case, feed, decided)
        checks = CHECKS_WITHOUT_INSTRUMENT if decided.instrument is EVERYTHING else CHECKS
        said: list[dict[str, Any]] = []
        refusal = None
        for check in checks:
            refusal = check(decided, situation)
            figures = FIGURES.get(check)
            detail = refusal.message if refusal else figures(decided, situation) if figures else ""
            said.append({"name": check.__name__.replace("_", " "), "ok": refusal is None, "detail": detail})
            if refusal:
                break
        title = "Every check passed" if refusal is None else f"Refused: {refusal.message}"
        case.trace.add("checked", title, "", account=feed.account_id, checks=said, ok=refusal is None)
        return refusal

    def _situation(self, case: Case, feed: Feed, decided: Candidate) -> Situation:
        source: Source = case.arrival.source
        max_age = float(case.reading.max_age_s) if case.reading.max_age_s is not None else None
        unreadable = case.reading.timestamp if case.bar is None else None
        if decided.instrument is EVERYTHING:
            return self._survey.bare_situation(case.strategy, feed.account_id, source, case.age_s, max_age)
        return self._survey.situation(
            decided,
            case.strategy,
            feed.account_id,
            source,
            age_s=case.age_s,
            max_age_s=max_age,
            bar=case.bar,
            unreadable_time=unreadable,
        )

    def _intent(
        self,
        case: Case,
        feed: Feed,
        number: int,
        wish: OrderIntent,
        basket: str | None,
        decided: Candidate | None,
        refusal: Refusal | None,
    ) -> IntentRecord:
        now = case.arrival.received_at
        settings = case.strategy.settings
        delay = float(wish.delay_s or case.reading.delay_s or 0)
        may_exit = decided is not None and not decided.is_entry
        left = self._time_left(case, settings.exit_max_age_s if may_exit else settings.entry_max_age_s) + delay
        left_to_open = self._time_left(case, settings.entry_max_age_s) + delay
        planned = decided is not None and not decided.needs_position and not delay
        state = IntentState.REFUSED if refusal else IntentState.PLANNED if planned else IntentState.RECEIVED
        return IntentRecord(
            id=new_id("in"),
            alert_id=case.id,
            number=number,
            user_id=case.strategy.user_id,
            strategy_id=case.strategy.id,
            account_id=feed.account_id,
            state=state,
            wish=decided.intent if decided else wish,
            settings=settings,
            settings_text=case.strategy.settings_text,
            multiplier=feed.multiplier,
            mapped_quantity=decided.mapped_quantity if decided else None,
            reduces=decided.only_closes if decided else wish.intent in CLOSING,
            bar=micros(case.bar) if case.bar else None,
            exchange=decided.instrument.exchange if decided else "",
            symbol=decided.instrument.symbol if decided else (wish.symbol or ""),
            product=decided.product if decided and decided.instrument is not EVERYTHING else None,
            basket=basket,
            deadline=micros(now + timedelta(seconds=left)),
            opens_until=micros(now + timedelta(seconds=left_to_open)),
            not_before=micros(now + timedelta(seconds=delay)) if delay else 0,
            created_at=micros(now),
            code=refusal.code if refusal else None,
            message=refusal.message if refusal else None,
        )

    def _time_left(self, case: Case, limit: float) -> float:
        """Seconds until the alert is too old, by the strategy's limit and the message's own."""
        if case.reading.max_age_s is not None:
            limit = min(limit, float(case.reading.max_age_s))
        return max(limit - max(case.age_s or 0, 0), 0.0)

    def _add_orders(self, case: Case, intent: IntentRecord, decided: Candidate) -> None:
        if decided.side is None or decided.quantity is None:
            raise ValueError(f"{decided.intent.intent} needs no position but has no side or size")
        account = self._directory.snapshot.accounts[intent.account_id]
        orders = build(
            intent,
            decided,
            decided.side,
            decided.quantity,
            reduces=decided.reduces,
            now=micros(self._clock.now()),
            trading_date=self._survey.trading_date(decided.instrument),
            freeze=self._survey.freeze(decided.instrument),
            capabilities=self._capabilities(account.broker),
        )
        case.orders.extend(orders)
        if not case.arrival.dry_run:
            # Counted before the commit is awaited: the next alert's checks must see this one.
            self._survey.count(decided, case.strategy.id, intent.account_id, len(orders))
            case.counted.append((decided, intent.account_id, len(orders)))

    # -- committing -----------------------------------------------------------------------------------------------

    def _receipt(self, case: Case, refusal: Refusal | None) -> Receipt:
        reading = case.reading
        noted = not refusal and not case.intents
        status = "refused" if refusal else "noted" if noted else "accepted"
        note = DRY_NOTE if reading.dry_run else NOTE
        answer = answer_for(case.id, status, refusal, case.intents, case.orders, note)
        if case.arrival.dry_run:
            answer = replace(
                answer, content={**answer.content, "trace": case.trace.steps, "reading": reading.to_json()}
            )
        return Receipt(status, refusal, answer)

    async def _commit(self, case: Case, receipt: Receipt) -> Receipt:
        arrival, reading = case.arrival, case.reading
        body_hash = hashlib.sha256(arrival.body.encode()).hexdigest()
        accept = Accept(
            alert={
                "id": case.id,
                "user_id": case.strategy.user_id,
                "source_id": arrival.source.id,
                "strategy_id": case.strategy.id,
                "received_at": micros(arrival.received_at),
                "content_type": arrival.content_type[:120],
                "body": mask(arrival.body, reading.secret, _licence(reading)),
                "body_hash": body_hash,
                "sender": arrival.sender[:64],
                "dialect": reading.dialect,
                "kind": str(reading.kind),
            },
            receipt=receipt,
            trace=case.trace,
            claim=self._claim(case, body_hash),
            switches_off=case.strategy.id if reading.control in STOPPING and not receipt.refusal else None,
            intents=case.intents,
            orders=case.orders,
        )
        failpoints.reach("accept.before_commit")
        kept = await self._writer.run(accept)
        failpoints.reach("accept.committed")
        return kept

    def _claim(self, case: Case, body_hash: str) -> Claim:
        """Under which name this alert may come only once: the sender's id, or the body inside a window."""
        arrival, reading, now = case.arrival, case.reading, case.arrival.received_at
        if arrival.replay_of:
            return Claim(f"replay:{case.id}", micros(now), strict=False)
        own_id = arrival.idempotency_key or reading.dedupe_value
        if own_id:
            name = own_id if len(own_id) <= ID_MAX else hashlib.sha256(own_id.encode()).hexdigest()
            return Claim(f"id:{name}", micros(now + ID_KEPT), strict=True)
        if reading.alert_time and reading.kind is Kind.SCAN:
            return Claim(f"scan:{now:%Y-%m-%d}:{body_hash}", micros(now + SCAN_KEPT), strict=False)
        window = case.strategy.settings.dedupe_window_s
        if arrival.source.settings.preset == "tradingview":
            window = max(window, TRADINGVIEW_RESENDS_S)
        return Claim(f"body:{body_hash}", micros(now + timedelta(seconds=window)), strict=False)

    def _uncount(self, strategy_id: str, counted: Sequence[tuple[Candidate, str, int]]) -> None:
        """What is not kept uses up nothing."""
        for decided, account_id, orders in counted:
            self._survey.take_back(decided, strategy_id, account_id, orders)

    def _hand_over(self, case: Case) -> None:
        for intent in case.intents:
            self._survey.taken(intent)
        for account_id, work in _by_account([*case.intents, *case.orders]).items():
            self.offer(account_id, work)


def _beyond_scan_cap(case: Case, number: int) -> Refusal | None:
    cap = case.strategy.settings.scan_symbols_max
    if case.reading.kind is not Kind.SCAN or number <= cap * 100:
        return None
    return Refusal("scan_cap", f"The scan has more than the {cap} symbols that the strategy takes from one alert.")


def _replaces(wish: OrderIntent, cancelled: set[str | None]) -> bool:
    return wish.symbol in cancelled and wish.intent is not Intent.CANCEL_ORDERS and wish.cancel_open_orders is None


def _may_steer(reading: Reading) -> bool:
    """A message may stop its strategy, close what it holds, or wait; nothing else."""
    closes = all(order.intent in EXIT_INTENTS for order in reading.orders)
    return closes and reading.control in (*STOPPING, "wait", None)


def _licence(reading: Reading) -> str | None:
    """Some dialects' first item is the sender's licence: as good as a password."""
    return reading.account if reading.dialect in ("pineconnector", "tradesgnl") else None


def _by_account(work: Iterable[IntentRecord | OrderRecord]) -> dict[str, list[IntentRecord | OrderRecord]]:
    found: dict[str, list[IntentRecord | OrderRecord]] = {}
    for item in work:
        if isinstance(item, OrderRecord) or item.state is IntentState.RECEIVED:
            found.setdefault(item.account_id, []).append(item)
    return found


def _over_everything(wish: OrderIntent) -> bool:
    """Close or cancel without naming an instrument: all that the strategy has."""
    closes = wish.intent in EXIT_INTENTS or wish.intent is Intent.CANCEL_ORDERS
    return wish.symbol is None and closes and (wish.scope in ("all", "bot", "strategy") or wish.symbol_from is None)


def _everything(wish: OrderIntent) -> Candidate:
    return Candidate(
        intent=wish,
        instrument=EVERYTHING,
        side=None,
        quantity=None,
        order_type=OrderType.MARKET,
        product=Product.MIS,
        time_in_force=TimeInForce.DAY,
        reduces=wish.intent not in WORKING_ORDER_INTENTS,
        needs_position=True,
        notes=("everything the strategy has at this account",),
    )
