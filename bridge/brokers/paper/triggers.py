"""Standing instructions (GTT): what is refused, how one is kept, and what one does when its price comes.

A trigger fires at most once: the order it places and its own end are one commit, with the account locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.brokers.base import OrderRequest, TriggerKind, TriggerLeg, TriggerRequest, TriggerState
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.desk import Desk, margin_refusal, with_order
from bridge.brokers.paper.drafts import drafted
from bridge.brokers.paper.money import ZERO
from bridge.brokers.paper.records import PaperTrigger, from_row
from bridge.brokers.paper.rules import (
    Ask,
    Code,
    figures_are_countable,
    prices_are_given,
    prices_fit_the_tick,
    refusal,
    unit_margin,
)
from bridge.brokers.paper.statements import ACTIVE_SQL, OF_ACCOUNT, UPDATE_TRIGGER
from bridge.brokers.paper.tables import paper_triggers
from bridge.brokers.paper.trading import Outcome, Venue
from bridge.domain.intent import OrderType, Product
from bridge.domain.refusal import Refusal
from bridge.kit.clock import from_micros, micros
from bridge.kit.database import Transaction
from bridge.kit.ids import new_id
from bridge.market.base import Quote

STANDS_AT_MOST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Sprung:
    """A trigger after a transaction, with what its order did if it fired in it."""

    trigger: PaperTrigger
    outcome: Outcome | None = None


def leg_order(trigger: TriggerRequest, leg: TriggerLeg, ref: str) -> OrderRequest:
    """The order that a leg places."""
    return OrderRequest(
        ref=ref,
        instrument=trigger.instrument,
        side=trigger.side,
        quantity=trigger.quantity,
        order_type=leg.order_type,
        product=trigger.product,
        price=leg.price,
    )


def trigger_refusal(request: TriggerRequest, venue: Venue) -> Refusal | None:
    """Why a standing instruction is not taken. The market may be closed; stock is asked for when it fires."""
    if request.product is Product.MIS:
        said = f"MIS is not allowed for GTT orders ({request.instrument.key}); use CNC or NRML"
        return Refusal(Code.PRODUCT_NOT_ALLOWED.value, said)
    return next((found for found in _refusals(request, venue) if found), None)


def _refusals(request: TriggerRequest, venue: Venue) -> Iterator[Refusal | None]:
    if len(request.legs) not in (1, 2):
        yield Refusal(Code.TRIGGER_LEGS.value, f"A GTT has one leg or two, this has {len(request.legs)}")
    for leg in request.legs:
        waiting = replace(
            leg_order(request, leg, request.ref), order_type=OrderType.STOP, trigger_price=leg.trigger_price
        )
        figures = (figures_are_countable, prices_are_given, prices_fit_the_tick)
        yield refusal(Ask(waiting, venue.quote, venue.day), figures)
        yield refusal(Ask(leg_order(request, leg, request.ref), venue.quote, venue.day))
    yield _prices_refusal(request, venue.quote)
    yield _expiry_refusal(request, venue)


def _prices_refusal(request: TriggerRequest, quote: Quote | None) -> Refusal | None:
    """From where the price stands, each leg must lie ahead of it; of two, one on either side."""
    if quote is None:
        said = f"There is no price for {request.instrument.key} to compare the trigger with"
        return Refusal(Code.NO_QUOTE.value, said)
    prices = sorted(leg.trigger_price for leg in request.legs)
    if request.kind is TriggerKind.OCO and not prices[0] < quote.last < prices[-1]:
        said = f"The last traded price {quote.last:f} must lie between the triggers {prices[0]:f} and {prices[-1]:f}"
        return Refusal(Code.TRIGGER_PASSED.value, said)
    if quote.last in prices:
        said = f"Trigger price {quote.last:f} cannot be the last traded price"
        return Refusal(Code.TRIGGER_PASSED.value, said)
    return None


def _expiry_refusal(request: TriggerRequest, venue: Venue) -> Refusal | None:
    until = request.expires_at
    now = from_micros(venue.now)
    if until is None or now < until <= now + STANDS_AT_MOST:
        return None
    said = f"A GTT stands for {STANDS_AT_MOST.days} days at most and must expire after now, not {until:%Y-%m-%d %H:%M}"
    return Refusal(Code.TRIGGER_EXPIRY.value, said)


def drafted_trigger(request: TriggerRequest, venue: Venue) -> PaperTrigger:
    """What is kept of a request that was not refused."""
    assert venue.quote is not None  # noqa: S101 - else it was refused
    trigger = PaperTrigger(
        id=new_id("pg"),
        ref=request.ref,
        exchange=request.instrument.exchange,
        symbol=request.instrument.symbol,
        currency=request.instrument.currency,
        product=request.product,
        side=request.side,
        quantity=request.quantity,
        last_price=venue.quote.last,
        unit_margin=_unit_margin(request, venue),
        placed_at=venue.now,
        updated_at=venue.now,
        expires_at=micros(_expiry(request, venue)),
    )
    for leg in request.legs:
        if leg.trigger_price < venue.quote.last:
            trigger = replace(trigger, below=leg.trigger_price, below_type=leg.order_type, below_limit=leg.price)
        else:
            trigger = replace(trigger, above=leg.trigger_price, above_type=leg.order_type, above_limit=leg.price)
    return trigger


def _unit_margin(request: TriggerRequest, venue: Venue) -> Decimal:
    """Of the dearer leg: only one can fire."""
    if not venue.settings.block_trigger_margin:
        return ZERO
    prices = (leg.price if leg.price is not None else leg.trigger_price for leg in request.legs)
    return max(
        unit_margin(venue.settings, request.instrument, request.product, request.side, price) for price in prices
    )


def _expiry(request: TriggerRequest, venue: Venue) -> datetime:
    """As asked, else after a year; a contract's ends with its last day."""
    until = request.expires_at or from_micros(venue.now) + STANDS_AT_MOST
    last_day = request.instrument.expiry
    if last_day is None:
        return until
    return min(until, datetime.combine(last_day + timedelta(days=1), time(0), ZoneInfo(venue.settings.zone)))


@dataclass(frozen=True, slots=True)
class Triggers:
    """The trigger book of one account: every function is one transaction's work."""

    book: Book

    def place(self, tx: Transaction, request: TriggerRequest, venue: Venue) -> Sprung | Refusal:
        """Keep a new one."""
        self.book.lock(tx)
        known = "SELECT id FROM paper_triggers WHERE account_id = :account_id AND ref = :ref"
        if tx.row(known, self.book.mine(ref=request.ref)):
            return Refusal(Code.DUPLICATE_REF.value, f"A GTT tagged {request.ref} was placed before")
        if refused := trigger_refusal(request, venue):
            return refused
        trigger = drafted_trigger(request, venue)
        desk = self.book.desk(tx, trigger)
        after = self._with(desk, trigger)
        if isinstance(after, Refusal):
            return after
        self.book.save_desk(tx, desk, after)
        tx.insert(paper_triggers, self.book.owned(trigger))
        return Sprung(trigger)

    def modify(self, tx: Transaction, trigger_id: str, request: TriggerRequest, venue: Venue) -> Sprung | Refusal:
        """Replace an active one; a refusal leaves it as it was."""
        old = self._active(tx, trigger_id)
        if isinstance(old, Refusal):
            return old
        if refused := _other_thing(old, request) or trigger_refusal(request, venue):
            return refused
        new = replace(drafted_trigger(request, venue), id=old.id, ref=old.ref, placed_at=old.placed_at)
        before = self.book.desk(tx, old)
        freed = self._without(before, old)
        # Another product is another position, of the same money.
        desk = freed if new.product is old.product else replace(self.book.desk(tx, new), pocket=freed.pocket)
        after = self._with(desk, new)
        if isinstance(after, Refusal):
            return after
        self.book.save_desk(tx, before, freed)
        self.book.save_desk(tx, desk, after)
        tx.execute(UPDATE_TRIGGER, self.book.owned(new))
        return Sprung(new)

    def cancel(self, tx: Transaction, trigger_id: str, now: int) -> Sprung | Refusal:
        """End an active one."""
        trigger = self._active(tx, trigger_id)
        if isinstance(trigger, Refusal):
            return trigger
        return self._end(tx, trigger, TriggerState.CANCELLED, "Cancelled by the user", now)

    def look(self, tx: Transaction, trigger_id: str, venue: Venue) -> Sprung | Refusal:
        """Let a quote act on an active one: it expires, fires or goes on waiting."""
        trigger = self._active(tx, trigger_id)
        if isinstance(trigger, Refusal):
            return trigger
        if venue.now >= trigger.expires_at:
            return self.expire(tx, trigger, venue.now)
        leg = trigger.reached(venue.quote.last) if venue.quote else None
        return self._fire(tx, trigger, leg, venue) if leg else Sprung(trigger)

    def _fire(self, tx: Transaction, trigger: PaperTrigger, leg: TriggerLeg, venue: Venue) -> Sprung:
        """The leg becomes an order of its own, good or rejected; the other leg ends with it."""
        # Ended first: its order must not find the trigger's own margin in its way.
        ended = self._end(tx, trigger, TriggerState.TRIGGERED, f"Reached {leg.trigger_price:f}", venue.now).trigger
        asked = TriggerRequest(
            ref=trigger.ref,
            instrument=venue.instrument,
            side=trigger.side,
            quantity=trigger.quantity,
            product=trigger.product,
            legs=trigger.legs,
        )
        request = leg_order(asked, leg, ref=trigger.id)
        refused = refusal(Ask(request, venue.quote, venue.day))
        outcome = self.book.enter(tx, drafted(request, venue), venue, refused)
        fired = replace(ended, order_id=outcome.order.id, message=outcome.order.message or ended.message)
        tx.execute(UPDATE_TRIGGER, self.book.owned(fired))
        return Sprung(fired, outcome)

    def expire(self, tx: Transaction, trigger: PaperTrigger, now: int) -> Sprung:
        """End one whose time is over."""
        return self._end(tx, trigger, TriggerState.EXPIRED, "The GTT's validity is over", now)

    def active(self, tx: Transaction) -> list[PaperTrigger]:
        """Those that can still fire."""
        return self.book.every(tx, paper_triggers, PaperTrigger, f"{OF_ACCOUNT} AND {ACTIVE_SQL}")

    def _active(self, tx: Transaction, trigger_id: str) -> PaperTrigger | Refusal:
        self.book.lock(tx)
        sql = "SELECT * FROM paper_triggers WHERE account_id = :account_id AND id = :id"
        row = tx.row(sql, self.book.mine(id=trigger_id))
        if row is None:
            return Refusal(Code.TRIGGER_NOT_FOUND.value, f"There is no GTT {trigger_id}")
        trigger = from_row(PaperTrigger, row)
        if not trigger.working:
            said = f"GTT {trigger_id} cannot be changed or cancelled: it is {trigger.state.value}"
            return Refusal(Code.TRIGGER_NOT_ACTIVE.value, said)
        return trigger

    def _end(self, tx: Transaction, trigger: PaperTrigger, state: TriggerState, message: str, now: int) -> Sprung:
        self._release(tx, trigger)
        ended = replace(trigger, state=state, message=message, updated_at=now)
        tx.execute(UPDATE_TRIGGER, self.book.owned(ended))
        return Sprung(ended)

    def _with(self, desk: Desk, trigger: PaperTrigger) -> Desk | Refusal:
        """The desk with its margin blocked, where triggers block any; `desk` is without it."""
        if not self.book.settings.block_trigger_margin:
            return desk
        after = with_order(desk, trigger)
        return margin_refusal(desk, trigger, after) or after

    def _release(self, tx: Transaction, trigger: PaperTrigger) -> None:
        before = self.book.desk(tx, trigger)
        self.book.save_desk(tx, before, self._without(before, trigger))

    def _without(self, desk: Desk, trigger: PaperTrigger) -> Desk:
        if not self.book.settings.block_trigger_margin:
            return desk
        return with_order(desk, replace(trigger, state=TriggerState.CANCELLED))


def _other_thing(old: PaperTrigger, request: TriggerRequest) -> Refusal | None:
    asked = (request.instrument.exchange, request.instrument.symbol, request.side, len(request.legs))
    if asked == (old.exchange, old.symbol, old.side, len(old.legs)):
        return None
    said = "A modification cannot change the instrument, the side or the kind of a GTT"
    return Refusal(Code.MODIFY_NOT_ALLOWED.value, said)
