"""What an alert leads to: its intents and, where no position is needed, its orders, for every account of its strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.accounts.directory import Directory
from bridge.accounts.model import Feed
from bridge.brokers.base import Capabilities
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Product, Reading, TimeInForce
from bridge.domain.lifecycle import IntentState
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, micros
from bridge.kit.ids import new_id
from bridge.orders import asking, conditional
from bridge.orders.building import build
from bridge.orders.case import Case
from bridge.orders.checks import (
    APPROVAL_WANTED,
    CHECKS,
    Check,
    account_is_usable,
    alert_is_fresh,
    approval_is_given,
    owner_may_trade,
    strategy_is_on,
    trading_is_not_stopped,
)
from bridge.orders.figures import FIGURES
from bridge.orders.messages import asks_for_orders, asks_nobody
from bridge.orders.planning import Know, candidate
from bridge.orders.records import CLOSING, Approval, IntentRecord, Lane
from bridge.orders.situation import EXIT_INTENTS, WORKING_ORDER_INTENTS, Candidate, Situation, Standing
from bridge.orders.sizing import Mapped, Money
from bridge.orders.survey import Survey

FLAT = Standing(Decimal(0), certain=True)
EVERYTHING = Instrument(symbol="", exchange="", kind=InstrumentKind.EQUITY)

_Shown = tuple[Check, str, Callable[[Candidate, Situation], str] | None]


def _shown(checks: Sequence[Check]) -> tuple[_Shown, ...]:
    """Each check with its name for people, and what it shows when it passed."""
    return tuple((check, check.__name__.replace("_", " "), FIGURES.get(check)) for check in checks)


ALL_CHECKS = _shown(CHECKS)
CONDITIONAL_CHECKS = _shown(conditional.CONDITIONAL_CHECKS)
# What can be said of an intent over everything a strategy holds, before anybody knows what that is.
CHECKS_WITHOUT_INSTRUMENT = _shown(
    (trading_is_not_stopped, owner_may_trade, strategy_is_on, account_is_usable, alert_is_fresh, approval_is_given)
)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One line of an alert for one account."""

    feed: Feed
    number: int
    wish: OrderIntent
    basket: str | None


class Decider:
    """Decides about alerts in memory; nothing is kept or sent here, only allowances are counted."""

    def __init__(
        self,
        directory: Directory,
        survey: Survey,
        clock: Clock,
        capabilities: Callable[[str], Capabilities | None],
        standing: Callable[[str, Lane], Standing | None],
    ) -> None:
        self._directory = directory
        self._survey = survey
        self._clock = clock
        self._capabilities = capabilities
        self._standing = standing

    def decide(self, case: Case) -> Refusal | None:
        """Fill in the case's intents and orders; a refusal when none of them may go on."""
        if not asks_for_orders(case.reading):
            return None
        feeds = case.strategy.settings.accounts
        if not feeds:
            return Refusal("no_account", f"The strategy {case.strategy.name} feeds no account, so nothing can be sent.")
        if case.reading.kind is Kind.CONDITIONAL:
            for number, wish in enumerate(case.reading.orders, start=1):
                self._decide_conditional(case, _Leg(feeds[0], number * 100, wish, None))
            return _refusal_of(case)
        wishes = _wishes(case.reading)
        is_basket = len(wishes) > 1 and case.reading.kind is Kind.ORDER
        basket = case.strategy.settings.basket_policy if is_basket else None
        for feed in feeds:
            for number, wish in enumerate(wishes, start=1):
                self._decide_leg(case, _Leg(feed, number * 100, wish, basket))
            if basket in ("stop", "unwind"):
                self._all_or_none(case, feed)
                self._wait_together(case, feed)
        return _refusal_of(case)

    def keep(self, case: Case) -> None:
        """The case was committed: alerts that are older come too late."""
        for intent in case.intents:
            self._survey.bars.taken(intent)

    def give_back(self, case: Case) -> None:
        """The case was not kept: it uses up nothing."""
        self._uncount(case, case.counted)

    def _uncount(self, case: Case, counted: Sequence[tuple[Candidate, str, int]]) -> None:
        for decided, account_id, orders in counted:
            self._survey.take_back(decided, case.strategy.id, account_id, orders)

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
        self._drop_entries(case, feed)

    def _wait_together(self, case: Case, feed: Feed) -> None:
        """A basket with a leg that waits for a person is not begun either; one yes lets all of them go on."""
        legs = [intent for intent in case.intents if intent.account_id == feed.account_id and intent.opens]
        asked = next((leg for leg in legs if leg.state is IntentState.AWAITING_CONFIRM), None)
        if asked is None:
            return
        why = f"Another leg of the same basket waits. {asked.message}"
        ready = {leg.id for leg in legs if leg.state in (IntentState.PLANNED, IntentState.RECEIVED)}
        case.intents = [self._waiting(case, leg, why) if leg.id in ready else leg for leg in case.intents]
        self._drop_entries(case, feed)

    def _waiting(self, case: Case, intent: IntentRecord, why: str, decided: Candidate | None = None) -> IntentRecord:
        """The intent as a person is asked about it: as it was decided, or as its planned orders say."""
        orders = [order for order in case.orders if order.intent_id == intent.id]
        side = decided.side if decided else orders[0].side if orders else intent.wish.side
        planned = sum((order.quantity for order in orders), Decimal(0)) or None
        instrument = self._survey.market.instrument(intent.exchange, intent.symbol)
        quote = self._survey.market.quote(instrument) if instrument else None
        # What is sized here keeps the product it was sized for, whatever the strategy holds when somebody says yes.
        sized = bool(orders) or (decided is not None and decided.is_entry)
        return asking.waiting(
            replace(intent, wish=replace(intent.wish, product=intent.product)) if sized else intent,
            why,
            intent.created_at,
            price=quote.last if quote else None,
            side=side,
            quantity=decided.quantity if decided else planned,
        )

    def _drop_entries(self, case: Case, feed: Feed) -> None:
        # A leg that closes or cancels goes out whatever becomes of the others.
        case.orders = [order for order in case.orders if order.account_id != feed.account_id or order.reduces]
        dropped = [entry for entry in case.counted if entry[1] == feed.account_id and entry[0].is_entry]
        self._uncount(case, dropped)
        case.counted = [entry for entry in case.counted if entry not in dropped]

    # -- one leg ------------------------------------------------------------------------------------------------

    def _decide_leg(self, case: Case, leg: _Leg) -> None:
        made = self._candidate(case, leg)
        decided = made if isinstance(made, Candidate) else None
        refusal = self._check(case, leg, made) if isinstance(made, Candidate) else made
        asked = refusal if refusal and refusal.code == APPROVAL_WANTED else None
        refusal = _beyond_scan_cap(case, leg.number) if asked or refusal is None else refusal
        intent = self._intent(case, leg, decided, refusal)
        if asked and refusal is None and decided:
            may_close = _may_close(case, decided)
            intent = (
                replace(intent, state=IntentState.RECEIVED)
                if may_close
                else self._waiting(case, intent, asked.message, decided)
            )
        case.intents.append(intent)
        if intent.state is IntentState.PLANNED and decided:
            self._add_orders(case, intent, decided)

    def _decide_conditional(self, case: Case, leg: _Leg) -> None:
        """An instruction that a broker is to keep: checked at each of its prices. It leads to no order here."""
        terms = conditional.terms_of(leg.wish)
        if terms is None:
            raise ValueError("a conditional order that does not say what it waits for")
        # Sized as from flat: its quantity is its own, whatever is held now or when it fires.
        made = self._candidate(case, leg, lambda *_: FLAT)
        refusal = made if isinstance(made, Refusal) else None
        if isinstance(made, Candidate):
            lane = (made.instrument.exchange, made.instrument.symbol, str(made.product), case.strategy.id)
            made = conditional.as_way_out(made, self._standing(leg.feed.account_id, lane))
            for order in conditional.at_each_price(made, terms):
                refusal = refusal or self._check(case, leg, order, CONDITIONAL_CHECKS)
        decided = made if isinstance(made, Candidate) else None
        intent = self._intent(case, leg, decided, refusal)
        case.intents.append(
            replace(intent, wish=replace(intent.wish, quantity=decided.quantity)) if decided else intent
        )
        if decided and refusal is None and terms.changes is None and not case.arrival.dry_run:
            self._survey.count(decided, case.strategy.id, leg.feed.account_id)
            case.counted.append((decided, leg.feed.account_id, 1))

    def _candidate(self, case: Case, leg: _Leg, know: Know | None = None) -> Candidate | Refusal:
        """The leg mapped and, where that needs no position, sized; the time-line tells how."""
        wish, account_id = leg.wish, leg.feed.account_id
        if _is_over_everything(wish):
            return _everything(wish)
        mapped = self._survey.mapped(case.strategy, wish, case.arrival.received_at)
        if isinstance(mapped, Refusal):
            title = f"{wish.symbol or 'No symbol'}: not mapped"
            case.trace.add("mapped", title, mapped.message, account=account_id, ok=False)
            return mapped
        made = self._sized(case, leg, mapped, know)
        title = f"{wish.symbol or mapped.instrument.symbol} is {mapped.instrument.key}"
        said = "; ".join(mapped.said) or f"{mapped.instrument.key}, exactly as written"
        case.trace.add("mapped", title, said, account=account_id)
        if isinstance(made, Refusal):
            case.trace.add("sized", "Not sized", made.message, account=account_id, ok=False)
        else:
            case.trace.add("sized", "Sized", made.notes[-1] if made.notes else "", account=account_id)
        return made

    def _sized(self, case: Case, leg: _Leg, mapped: Mapped, known_already: Know | None) -> Candidate | Refusal:
        def know(instrument: Instrument, product: Product) -> Standing | None:
            lane = (instrument.exchange, instrument.symbol, str(product), case.strategy.id)
            known = self._standing(leg.feed.account_id, lane)
            # A dry run where nobody knows shows what would happen from flat.
            return FLAT if known is None and case.arrival.dry_run else known

        money = Money(self._survey.market.quote(mapped.instrument), None)  # funds are the desk's to know
        return candidate(leg.wish, mapped, case.strategy.settings, leg.feed, money, known_already or know)

    def _check(
        self, case: Case, leg: _Leg, decided: Candidate, checks: Sequence[_Shown] = ALL_CHECKS
    ) -> Refusal | None:
        situation = self._situation(case, leg, decided)
        said: list[dict[str, Any]] = []
        refusal = None
        for check, name, figures in CHECKS_WITHOUT_INSTRUMENT if decided.instrument is EVERYTHING else checks:
            refusal = check(decided, situation)
            if refusal and refusal.code == APPROVAL_WANTED:
                break  # neither passed nor failed
            detail = refusal.message if refusal else figures(decided, situation) if figures else ""
            said.append({"name": name, "ok": refusal is None, "detail": detail})
            if refusal:
                break
        if refusal and refusal.code == APPROVAL_WANTED:
            title, detail = "Approval needed", f"{refusal.message} Every other check passed"
            case.trace.add("checked", title, detail, account=leg.feed.account_id, checks=said)
            return refusal
        title = "Every check passed" if refusal is None else f"Refused: {refusal.message}"
        case.trace.add("checked", title, "", account=leg.feed.account_id, checks=said, ok=refusal is None)
        return refusal

    def _situation(self, case: Case, leg: _Leg, decided: Candidate) -> Situation:
        source, account_id, reading = case.arrival.source, leg.feed.account_id, case.reading
        max_age = float(reading.max_age_s) if reading.max_age_s is not None else None
        if decided.instrument is EVERYTHING:
            approval = _approval(case)
            return self._survey.bare_situation(case.strategy, account_id, source, case.age_s, max_age, approval)
        return self._survey.situation(
            decided,
            case.strategy,
            account_id,
            source,
            age_s=case.age_s,
            max_age_s=max_age,
            bar=case.bar,
            unreadable_time=reading.timestamp if case.bar is None else None,
            approval=_approval(case),
        )

    # -- rows ---------------------------------------------------------------------------------------------------

    def _intent(self, case: Case, leg: _Leg, decided: Candidate | None, refusal: Refusal | None) -> IntentRecord:
        wish, now, settings = leg.wish, case.arrival.received_at, case.strategy.settings
        delay = float(wish.delay_s or case.reading.delay_s or 0)
        left_to_open = _time_left(case, settings.entry_max_age_s) + delay
        may_exit = decided is not None and not decided.is_entry
        left = _time_left(case, settings.exit_max_age_s) + delay if may_exit else left_to_open
        planned = decided is not None and not decided.needs_position and not delay
        state = IntentState.REFUSED if refusal else IntentState.PLANNED if planned else IntentState.RECEIVED
        return IntentRecord(
            id=new_id("in"),
            alert_id=case.id,
            number=leg.number,
            user_id=case.strategy.user_id,
            strategy_id=case.strategy.id,
            account_id=leg.feed.account_id,
            state=state,
            wish=decided.intent if decided else wish,
            settings=settings,
            settings_text=case.strategy.settings_text,
            multiplier=leg.feed.multiplier,
            mapped_quantity=decided.mapped_quantity if decided else None,
            reduces=decided.only_closes if decided else wish.intent in CLOSING,
            bar=micros(case.bar) if case.bar else None,
            exchange=decided.instrument.exchange if decided else "",
            symbol=decided.instrument.symbol if decided else (wish.symbol or ""),
            product=decided.product if decided and decided.instrument is not EVERYTHING else None,
            basket=leg.basket,
            deadline=micros(now + timedelta(seconds=left)),
            opens_until=micros(now + timedelta(seconds=left_to_open)),
            not_before=micros(now + timedelta(seconds=delay)) if delay else 0,
            created_at=micros(now),
            code=refusal.code if refusal else None,
            message=refusal.message if refusal else None,
            approval=_approval(case),
        )

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


def _approval(case: Case) -> Approval:
    return Approval(forced=case.arrival.needs_approval, exempt=asks_nobody(case.reading))


def _may_close(case: Case, decided: Candidate) -> bool:
    """A plain order where nobody here knows what is held may be the way out, of which only entries are asked about: its
    desk knows, and asks."""
    about_all = case.arrival.needs_approval or case.strategy.settings.approval == "all"
    return not about_all and decided.intent.intent in (Intent.BUY, Intent.SELL) and not decided.opens_for_sure


def _wishes(reading: Reading) -> list[OrderIntent]:
    """The lines of an alert, each with what the alert as a whole says about it."""
    keyword = reading.keyword_action
    wishes = list(reading.orders)
    if reading.kind is Kind.SCAN and keyword:
        return [replace(wish, extras={**wish.extras, "keyword_action": keyword}) for wish in wishes]
    cancelled = {wish.symbol for wish in wishes if wish.intent is Intent.CANCEL_ORDERS and not wish.filter}
    # "Cancel, then place": the new order waits until the old ones are gone.
    return [replace(w, cancel_open_orders=True) if _replaces(w, cancelled) else w for w in wishes]


def _replaces(wish: OrderIntent, cancelled: set[str | None]) -> bool:
    return wish.symbol in cancelled and wish.intent is not Intent.CANCEL_ORDERS and wish.cancel_open_orders is None


def _refusal_of(case: Case) -> Refusal | None:
    """Why not one of the intents may go on: the first reason of a leg's own."""
    if not case.is_refused():
        return None
    own = (intent for intent in case.intents if intent.code != "basket_stopped")
    first = next(own, case.intents[0])
    return Refusal(first.code or "refused", first.message or "")


def _beyond_scan_cap(case: Case, number: int) -> Refusal | None:
    cap = case.strategy.settings.scan_symbols_max
    if case.reading.kind is not Kind.SCAN or number <= cap * 100:
        return None
    return Refusal("scan_cap", f"The scan has more than the {cap} symbols that the strategy takes from one alert.")


def _time_left(case: Case, limit: float) -> float:
    """Seconds until the alert is too old, by the strategy's limit and the message's own."""
    if case.reading.max_age_s is not None:
        limit = min(limit, float(case.reading.max_age_s))
    return max(limit - max(case.age_s or 0, 0), 0.0)


def _is_over_everything(wish: OrderIntent) -> bool:
    """Close or cancel without naming an instrument: all that the strategy has."""
    closes = wish.intent in EXIT_INTENTS or wish.intent is Intent.CANCEL_ORDERS
    return (
        wish.symbol is None
        and closes
        and (wish.scope in ("all", "bot", "strategy", "account") or wish.symbol_from is None)
    )


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
