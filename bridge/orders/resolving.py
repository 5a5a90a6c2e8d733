"""Intents that depend on what the account holds or has working, resolved by its desk, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bridge.accounts.model import Feed
from bridge.domain.intent import Intent, OrderType, Product, QuantityType, Side
from bridge.domain.lifecycle import AT_BROKER, IntentState, OrderState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import micros
from bridge.kit.database import Transaction
from bridge.kit.ids import new_id
from bridge.orders import asking, journal, tables
from bridge.orders.building import build
from bridge.orders.checks import APPROVAL_WANTED
from bridge.orders.journal import Notice
from bridge.orders.operations import VISIBLE_WITHIN_S, Operations
from bridge.orders.planning import Step, against_position, candidate, priced
from bridge.orders.rechecks import recheck
from bridge.orders.records import IntentRecord, Lane, OrderRecord
from bridge.orders.situation import EXIT_INTENTS, Candidate
from bridge.orders.sizing import OF_FUNDS, Mapped, Money
from bridge.orders.working import WorkingOrders

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services


class Resolver:
    """Turns one account's waiting intents into orders."""

    def __init__(self, desk: AccountDesk, shared: Services) -> None:
        self._desk = desk
        self._shared = shared
        self._clock = shared.clock
        self.operations = Operations(desk, shared)
        self._working = WorkingOrders(desk, shared, self.operations)

    async def resolve(self, intent: IntentRecord) -> list[OrderRecord]:
        """The committed orders an intent leads to; none when it ended otherwise."""
        if intent.wish.intent is Intent.CANCEL_ORDERS:
            if not intent.wish.order_id:
                await self._overtake(intent)
            await self._end(intent, await self._working.cancel(intent))
            return []
        if not intent.symbol:
            await self._expand(intent)
            return []
        if intent.wish.intent is Intent.MODIFY_ORDER:
            await self._end(intent, await self._working.modify(intent))
            return []
        elsewhere = self._other_lanes(intent)
        if elsewhere:
            await self._move(intent, elsewhere)
            return []
        if intent.ends_all:
            await self._overtake(intent)
        if refusal := await self._desk.await_legs(intent) or await self._await_quiet_lane(intent):
            await self.refuse(intent, refusal)
            return []
        await self._await_funds(intent)
        return await self._plan(intent)

    async def _await_funds(self, intent: IntentRecord) -> None:
        """A share of the account's money cannot be counted before the first look at it."""
        while intent.wish.quantity_type in OF_FUNDS and self._desk.book.funds is None:
            if self._desk.gate.time_left(intent) <= 0:
                return
            await self._desk.change()

    async def _overtake(self, intent: IntentRecord) -> None:
        """Entries that still wait for their hour, asked for before this, would open again what it closes."""
        overtaken = Refusal("overtaken", "An exit came before the delay of this entry was over.")
        for delayed in self._desk.overtaken_by(intent):
            await self.refuse(delayed, overtaken)

    # -- waiting for the position to be certain -------------------------------------------------------------------

    async def _await_quiet_lane(self, intent: IntentRecord) -> Refusal | None:
        """Returns None when the position is proved: nothing of the lane is on its way or unknown."""
        lane = intent.lane
        ask_from: dict[str, float] = {}
        if intent.wish.extras.get("square_off"):
            await self._drop_entries(intent)
        while True:
            resting = self._in_the_way(intent)
            for order in resting:
                now = self._clock.monotonic()
                if not order.pending_op and now >= ask_from.get(order.id, now):
                    # A request may be lost or refused: it is made again once the book must have shown what came of it.
                    ask_from[order.id] = now + VISIBLE_WITHIN_S
                    await self.operations.cancel(order, "an exit of the whole position takes its resting orders along")
            if self._desk.gate.settled(lane) and not resting:
                return None
            if self._desk.gate.time_left(intent) <= 0:
                return Refusal(
                    "deadline_passed", "The orders before it did not settle in time, so the position was not certain."
                )
            if self._desk.ledger.is_uncertain(lane) and intent.state is not IntentState.HELD:
                intent = await self._hold(intent)
            await self._desk.change()

    def _in_the_way(self, intent: IntentRecord) -> list[OrderRecord]:
        """Resting orders that would undo what the intent does; to what takes the whole position at once, these are its exits."""
        resting = self._resting(intent.lane)
        if resting and self._must_ask(intent):
            return []  # a stop must not be taken back for what nobody may approve
        if intent.ends_all:
            return resting
        exits = [order for order in resting if order.reduces]
        return exits if exits and self._takes_everything(intent) else []

    def _must_ask(self, intent: IntentRecord) -> bool:
        found = self._decide(intent)
        return isinstance(found, Refusal) and found.code == APPROVAL_WANTED

    def _takes_everything(self, intent: IntentRecord) -> bool:
        """A market order as large as the position: once it is filled, a resting exit would open the other side."""
        held = self._desk.ledger.holding(intent.lane).quantity
        found = self._step(intent, held)
        if isinstance(found, Refusal):
            return False
        wish, step = found
        against = step.side.sign * held < 0
        return against and step.quantity >= abs(held) and wish.order_type is OrderType.MARKET

    def _resting(self, lane: Lane) -> list[OrderRecord]:
        """Orders that wait at the broker for their price."""
        return [
            o for o in self._desk.ledger.open_in(lane) if o.state in AT_BROKER and o.order_type is not OrderType.MARKET
        ]

    async def _drop_entries(self, intent: IntentRecord) -> None:
        """Entries that are still queued when the day ends would open again what the square-off closes."""
        for order in self._desk.ledger.open_in(intent.lane):
            if order.state is OrderState.QUEUED and not order.reduces:
                await self._desk.withdraw(
                    order, Refusal("after_square_off", "The position was being closed for the day.")
                )

    async def _hold(self, intent: IntentRecord) -> IntentRecord:
        why = "It waits until an earlier order of this strategy in this instrument is accounted for."
        at = micros(self._clock.now())
        moved = await self._shared.writer.run(
            lambda tx: journal.move_intent(tx, intent, IntentState.HELD, at, code="position_uncertain", message=why)
        )
        return moved or intent

    # -- planning -------------------------------------------------------------------------------------------------

    async def _plan(self, intent: IntentRecord) -> list[OrderRecord]:
        outcome = self._decide(intent)
        if isinstance(outcome, Refusal):
            await self.refuse(intent, outcome)
            return []
        wish, step = outcome
        now = micros(self._clock.now())
        orders = build(
            intent,
            wish,
            step.side,
            step.quantity,
            reduces=step.reduces,
            now=now,
            trading_date=self._shared.survey.trading_date(wish.instrument),
            freeze=self._shared.survey.freeze(wish.instrument),
            capabilities=self._desk.capabilities,
        )

        rest = self._rest_to_ask(intent, wish, step)

        def work(tx: Transaction) -> bool:
            moved = journal.move_intent(
                tx, self._current(tx, intent), IntentState.PLANNED, now, extra={"why": step.why}
            )
            if moved is None:
                return False
            journal.plan_orders(tx, orders, step.why)
            if rest:
                _store_question(tx, rest, now)
            return True

        # Counted before anything else can be checked: two intents at once must not both be the last of the day.
        used = wish, intent.strategy_id, intent.account_id, len(orders)
        self._shared.survey.count(*used)
        planned = False
        try:
            failpoints.reach("plan.before_commit")
            planned = await self._shared.writer.run(work)
            failpoints.reach("plan.committed")
        finally:
            if not planned:
                self._shared.survey.take_back(*used)
        return orders if planned else []

    def _current(self, tx: Transaction, intent: IntentRecord) -> IntentRecord:
        row = tx.row("SELECT state FROM intents WHERE id = :id", {"id": intent.id})
        state = IntentState(row["state"]) if row else intent.state
        waiting = (IntentState.RECEIVED, IntentState.HELD)
        return replace(intent, state=state) if state in waiting else replace(intent, state=IntentState.RECEIVED)

    def _decide(self, intent: IntentRecord) -> tuple[Candidate, Step] | Refusal:
        """The one order that brings the position where the intent wants it, checked; a refusal also when there is none."""
        held, leaving = self._free_position(intent)
        if intent.ends_all:  # its resting exits go first, or are gone
            held, leaving = self._desk.ledger.holding(intent.lane).quantity, Decimal(0)
        found = self._step(intent, held, leaving)
        return found if isinstance(found, Refusal) else self._checked(intent, *found, held)

    def _step(
        self, intent: IntentRecord, held: Decimal, leaving: Decimal = Decimal(0)
    ) -> tuple[Candidate, Step] | Refusal:
        """What the intent asks for when the strategy holds `held`, and `leaving` beside it is on its way out."""
        instrument = self._shared.market.instrument(intent.exchange, intent.symbol)
        if instrument is None:
            return Refusal("symbol_unknown", f"{intent.symbol} is not in the instrument master any more.")
        mapped = Mapped(instrument, quantity=intent.mapped_quantity, product=intent.product)
        money = Money(self._shared.market.quote(instrument), self._desk.book.funds)
        feed = Feed(account_id=intent.account_id, multiplier=intent.multiplier)
        wish = candidate(intent.wish, mapped, intent.settings, feed, money)
        if isinstance(wish, Refusal):
            return wish
        step = against_position(wish, held, intent.settings, feed, money, mapped, leaving)
        if step is None:
            return Refusal("nothing_to_do", _nothing(intent, held))
        return step if isinstance(step, Refusal) else (wish, step)

    def _free_position(self, intent: IntentRecord) -> tuple[Decimal, Decimal]:
        """What the strategy holds, less what its resting exits may still close; and those."""
        held = self._desk.ledger.holding(intent.lane).quantity
        resting = sum((o.rest for o in self._desk.ledger.open_in(intent.lane) if o.reduces), Decimal(0))
        leaving = min(resting, abs(held))
        left = abs(held) - leaving
        return (left if held > 0 else -left), leaving

    def _checked(
        self, intent: IntentRecord, wish: Candidate, step: Step, held: Decimal
    ) -> tuple[Candidate, Step] | Refusal:
        priced_wish = priced(wish, step.side, self._shared.market.quote(wish.instrument))
        if isinstance(priced_wish, Refusal):
            return priced_wish
        refusal = recheck(intent, _sized(priced_wish, step), self._shared)
        if refusal is None:
            return _sized(priced_wish, step), step
        closing = abs(held)
        if step.reduces or not (step.opens and closing and step.opens < step.quantity):
            return refusal
        # What opens beyond zero is refused; what closes must go out all the same.
        why = f"{step.why}; only the exit: {refusal.message}"
        asked = step.opens if refusal.code == APPROVAL_WANTED else Decimal(0)
        exit_only = replace(step, quantity=closing, reduces=True, opens=Decimal(0), why=why, asked=asked)
        closing_wish = _sized(priced_wish, exit_only)
        return recheck(intent, closing_wish, self._shared) or (closing_wish, exit_only)

    # -- a person's yes ---------------------------------------------------------------------------------------------

    async def _ask(self, intent: IntentRecord, why: str) -> None:
        """The intent ends, and the same wish waits for a person: under an id of its own, which no desk has taken yet."""
        found = self._step(intent, self._desk.ledger.holding(intent.lane).quantity)
        step = None if isinstance(found, Refusal) or intent.wish.intent is Intent.MODIFY_ORDER else found[1]
        question = self._question(
            intent, why, step.side if step else intent.wish.side, step.quantity if step else intent.wish.quantity
        )
        at = micros(self._clock.now())

        def work(tx: Transaction) -> None:
            said = "A person is asked first."
            current = self._current(tx, intent)
            if journal.move_intent(tx, current, IntentState.DONE, at, message=said, result="none"):
                _store_question(tx, question, at)

        await self._shared.writer.run(work)

    def _rest_to_ask(self, intent: IntentRecord, wish: Candidate, step: Step) -> IntentRecord | None:
        """The other side of zero, for which a person is asked while the exit goes out."""
        if not step.asked:
            return None
        plain = replace(
            intent.wish,
            intent=Intent(step.side.value),
            side=step.side,
            quantity=step.asked,
            quantity_type=QuantityType.UNITS,
            product=wish.product,
            target_position=None,
            position_after=None,
            close_opposite=None,
            cancel_open_orders=None,
        )
        opening = replace(intent, wish=plain, multiplier=Decimal(1), mapped_quantity=None)
        return self._question(opening, "It waits for your yes: the exit went out.", step.side, step.asked)

    def _question(self, intent: IntentRecord, why: str, side: Side | None, quantity: Decimal | None) -> IntentRecord:
        instrument = self._shared.market.instrument(intent.exchange, intent.symbol)
        quote = self._shared.market.quote(instrument) if instrument else None
        asked = replace(intent, id=new_id("in"), number=intent.number + 1)
        now, price = micros(self._clock.now()), quote.last if quote else None
        return asking.waiting(asked, why, now, price=price, side=side, quantity=quantity)

    # -- where the position is --------------------------------------------------------------------------------------

    def _other_lanes(self, intent: IntentRecord) -> list[str]:
        """Products in which the strategy holds the instrument, when the message names none and it holds nothing in the usual one."""
        if intent.wish.product is not None or self._desk.ledger.holding(intent.lane).quantity:
            return []
        held = self._desk.ledger.held.items()
        return sorted(
            lane[2]
            for lane, holding in held
            if holding.quantity and (lane[0], lane[1], lane[3]) == (intent.exchange, intent.symbol, intent.strategy_id)
        )

    async def _move(self, intent: IntentRecord, products: list[str]) -> None:
        """Go where the position is. An exit closes it wherever it is held; anything else must say which it means."""
        if len(products) == 1:
            self._desk.move(intent, replace(intent, product=Product(products[0])))
        elif intent.wish.intent in EXIT_INTENTS:
            lanes = [(intent.exchange, intent.symbol, product, intent.strategy_id) for product in products]
            await self._split(intent, lanes)
        else:
            named = " and ".join(products)
            message = f"{intent.symbol} is held as {named}. Say in the message which product is meant."
            await self.refuse(intent, Refusal("product_ambiguous", message))

    async def _expand(self, intent: IntentRecord) -> None:
        """An intent over everything the strategy (or, for its owner, the account) holds becomes one for each instrument."""
        lanes = {lane for lane, held in self._desk.ledger.held.items() if held.quantity}
        lanes |= {o.lane for o in self._desk.ledger.unsettled()}
        product = (intent.wish.filter or {}).get("product")
        whole = intent.wish.scope == "account"
        mine = (lane for lane in lanes if (whole or lane[3] == intent.strategy_id) and product in (None, lane[2]))
        await self._split(intent, sorted(mine))

    async def _split(self, intent: IntentRecord, lanes: Sequence[Lane]) -> None:
        """One intent becomes one for each lane."""
        now = micros(self._clock.now())
        children = [
            replace(
                intent,
                id=new_id("in"),
                number=intent.number + place,
                strategy_id=strategy_id,
                exchange=exchange,
                symbol=symbol,
                product=Product(product) if product else None,
                state=IntentState.RECEIVED,
                wish=replace(
                    intent.wish,
                    symbol=symbol,
                    exchange=exchange,
                    product=Product(product) if product else None,
                    scope="symbol",
                ),
            )
            for place, (exchange, symbol, product, strategy_id) in enumerate(lanes, start=1)
        ]

        def work(tx: Transaction) -> bool:
            said = f"{len(children)} positions" if children else "nothing is held or working"
            result = "full" if children else "none"
            current = self._current(tx, intent)
            moved = journal.move_intent(tx, current, IntentState.DONE, now, message=said, result=result)
            if moved is None:
                return False
            tx.insert_many(tables.intents, [child.row() for child in children])
            return True

        if await self._shared.writer.run(work):
            self._desk.offer(children)

    # -- ends -------------------------------------------------------------------------------------------------------

    async def _end(self, intent: IntentRecord, said: str | Refusal) -> None:
        """End an intent about working orders with what became of it."""
        if isinstance(said, Refusal):
            await self.refuse(intent, said)
            return
        at = micros(self._clock.now())
        await self._shared.writer.run(
            lambda tx: journal.move_intent(
                tx, self._current(tx, intent), IntentState.DONE, at, message=said, result="full"
            )
        )

    async def refuse(self, intent: IntentRecord, refusal: Refusal) -> None:
        """End an intent without an order, with its reason; or ask a person, when that is all that is missing."""
        if refusal.code == APPROVAL_WANTED:
            await self._ask(intent, refusal.message)
            return
        at = micros(self._clock.now())
        to = {"deadline_passed": IntentState.EXPIRED, "nothing_to_do": IntentState.DONE}.get(
            refusal.code, IntentState.REFUSED
        )
        quiet = refusal.code == "nothing_to_do"
        notice = None if quiet else Notice("intent_refused", "warning", refusal.message)
        await self._shared.writer.run(
            lambda tx: journal.move_intent(
                tx,
                self._current(tx, intent),
                to,
                at,
                code=refusal.code,
                message=refusal.message,
                result="none" if to is IntentState.DONE else None,
                provenance=Provenance.POLICY,
                notice=notice,
                extra={"numbers": dict(refusal.numbers)},
            )
        )


def _store_question(tx: Transaction, question: IntentRecord, at: int) -> None:
    tx.insert(tables.intents, question.row())
    asking.tell(tx, question, at)


def _sized(wish: Candidate, step: Step) -> Candidate:
    return replace(wish, quantity=step.quantity, reduces=step.reduces)


def _nothing(intent: IntentRecord, held: Decimal) -> str:
    wanted = intent.wish.target_position
    if wanted is not None and intent.opens:
        return f"The strategy holds {held.normalize():f} {intent.symbol} already; nothing had to be done."
    return f"The strategy holds no {intent.symbol} that this could close."
