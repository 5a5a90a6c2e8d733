"""The paper broker: an ordinary broker whose exchange is a quote and whose back office is our own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

from bridge.brokers.base import (
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerState,
    BrokerTrade,
    Connection,
    Funds,
    MarginEstimate,
    OrderRequest,
    OutcomeUnknown,
    Placed,
    Rejected,
    SymbolResult,
    Trigger,
    TriggerRequest,
    Unavailable,
    Unsupported,
)
from bridge.brokers.paper.book import Book
from bridge.brokers.paper.capabilities import CAPABILITIES
from bridge.brokers.paper.drafts import changed, drafted
from bridge.brokers.paper.engine import Engine, Result
from bridge.brokers.paper.rules import Ask, Code, refusal
from bridge.brokers.paper.settings import PaperSettings
from bridge.brokers.paper.trading import Outcome, Venue
from bridge.brokers.paper.triggers import Sprung, leg_order
from bridge.brokers.paper.views import Views
from bridge.domain.intent import OrderType
from bridge.domain.refusal import Refusal
from bridge.kit.database import Locked, StorageUnavailable, Transaction, dumps

_SHOWN_AFTER_ITS_END = timedelta(days=7)


class PaperBroker:
    """One paper account. Needs the services `writer`, `reader`, `market`, `clock`; takes `calendar` and `on_update(account_id)`."""

    capabilities = CAPABILITIES

    def __init__(self, connection: Connection) -> None:
        self.settings = PaperSettings.model_validate(dict(connection.settings))
        book = Book(connection.account_id, connection.user_id, self.settings)
        self._engine = Engine(book, connection.services)
        self._views = Views(connection.account_id, connection.services["reader"], self._engine.market)

    async def place(self, request: OrderRequest) -> Placed:
        """Take an order: accepted, its margin blocked and, where it meets the market, filled, in one commit."""
        _sayable(request)
        with _nothing_sent():
            await self._engine.ready()
        closed = self._engine.why_closed(request.instrument)

        def work(tx: Transaction, venue: Venue) -> Outcome | None:
            refused = refusal(Ask(request, venue.quote, venue.day, closed))
            return self._engine.book.place(tx, drafted(request, venue), venue, refused)

        with _outcome_unknown():
            result = await self._engine.transact(request.instrument, request.side, work)
        if not isinstance(result, Outcome):
            raise _rejected(Refusal(Code.DUPLICATE_REF.value, f"An order tagged {request.ref} was placed before"))
        order = result.order
        if order.state is BrokerState.REJECTED:
            raise _rejected(Refusal(order.code or "", order.message or ""))
        return Placed(broker_order_id=order.id, reply=dumps({"order_id": order.id, "status": order.state.value}))

    async def modify(self, broker_order_id: str, request: OrderRequest) -> None:
        """Replace quantity, prices and type of a working order; it comes to the market anew."""
        _sayable(request)
        with _nothing_sent():
            await self._engine.ready()
        closed = self._engine.why_closed(request.instrument)

        def work(tx: Transaction, venue: Venue) -> Outcome | Refusal:
            return self._engine.book.modify(
                tx, broker_order_id, lambda order: changed(order, request, venue, closed), venue
            )

        with _outcome_unknown():
            result = await self._engine.transact(request.instrument, request.side, work)
        if isinstance(result, Refusal):
            raise _rejected(result)

    async def cancel(self, broker_order_id: str) -> None:
        """End a working order and release its margin."""
        with _nothing_sent():
            await self._engine.ready()
        with _outcome_unknown():
            result = await self._engine.cancel(broker_order_id)
        if isinstance(result, Refusal):
            raise _rejected(result)

    async def margin(self, requests: Sequence[OrderRequest]) -> MarginEstimate:
        """What these orders would block if they were placed now, whether or not the money is there."""
        await self._readable()
        if len({each.instrument.currency for each in requests}) > 1:
            raise Unsupported("Margins of several currencies cannot be added up")
        for each in requests:
            _sayable(each)
            venue = self._engine.venue(each.instrument, each.side)
            if refused := refusal(Ask(each, venue.quote, venue.day)):
                raise _rejected(refused)
        with _nothing_sent():
            return await self._engine.estimate(requests)

    async def place_trigger(self, request: TriggerRequest) -> str:
        """Keep a standing instruction; its id. It may be placed while the market is closed."""
        return await self._on_trigger(request, lambda tx, venue: self._engine.triggers.place(tx, request, venue))

    async def modify_trigger(self, trigger_id: str, request: TriggerRequest) -> None:
        """Replace an active one; instrument, side and kind stay."""
        await self._on_trigger(request, lambda tx, venue: self._engine.triggers.modify(tx, trigger_id, request, venue))

    async def _on_trigger(self, request: TriggerRequest, work: Callable[[Transaction, Venue], Sprung | Refusal]) -> str:
        for number, leg in enumerate(request.legs, start=1):
            if leg.order_type not in (OrderType.LIMIT, OrderType.MARKET):
                raise Unsupported(f"Leg {number} of a GTT is a limit or a market order, not {leg.order_type.value}")
            _sayable(leg_order(request, leg, request.ref))
        with _nothing_sent():
            await self._engine.ready()
        with _outcome_unknown():
            result = await self._engine.transact(request.instrument, request.side, work)
        return _kept(result)

    async def cancel_trigger(self, trigger_id: str) -> None:
        """End an active one."""
        with _nothing_sent():
            await self._engine.ready()
        with _outcome_unknown():
            _kept(await self._engine.cancel_trigger(trigger_id))

    async def triggers(self) -> Sequence[Trigger]:
        """Those that are active, and those that ended in the last week."""
        await self._readable()
        return await self._views.triggers(self._engine.clock.now() - _SHOWN_AFTER_ITS_END)

    async def order_book(self) -> Sequence[BrokerOrder]:
        """Every order of the day, and older ones that still work."""
        await self._readable()
        return await self._views.orders(self._engine.start_of_day())

    async def trades(self) -> Sequence[BrokerTrade]:
        """Every execution of the day."""
        await self._readable()
        return await self._views.trades(self._engine.start_of_day())

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions of the day, each in its instrument's currency."""
        await self._readable()
        return await self._views.positions()

    async def holdings(self) -> Sequence[BrokerHolding]:
        """Delivered stock."""
        await self._readable()
        return await self._views.holdings()

    async def funds(self, currency: str | None = None) -> Funds:
        """The money of the account's own currency, or of another one it trades in; never a sum of several."""
        await self._readable()
        return await self._views.funds(currency or self.settings.currency)

    async def results(self) -> Sequence[SymbolResult]:
        """Today's result of every instrument that was traded or is held, each in its own currency."""
        await self._readable()
        return await self._views.results(self._engine.start_of_day())

    async def reset(self) -> None:
        """Begin anew with the capital of the settings: what works is cancelled, all else is taken out of the books."""
        with _nothing_sent():
            await self._engine.ready()
        with _outcome_unknown():
            await self._engine.reset()

    async def check_login(self) -> None:
        """There is nobody to log in; the books must be readable."""
        await self.funds()

    async def warm(self) -> None:
        """Open the books and watch the working orders."""
        await self._readable()
        self.start()

    def start(self) -> None:
        """Match working orders in the background. Happens by itself with the first order that rests."""
        self._engine.start()

    async def match_now(self) -> int:
        """Let the present quotes act on every working order, without waiting for the watch; how many changed."""
        return await self._engine.match_now()

    async def settle(self, day: date) -> None:
        """Turn the books to `day`: orders expire, deliveries arrive. Happens by itself with the first call of a day."""
        await self._engine.ready()
        await self._engine.settle(day)

    async def close(self) -> None:
        """Stop watching."""
        await self._engine.close()

    async def _readable(self) -> None:
        with _nothing_sent():
            await self._engine.ready()


def _sayable(request: OrderRequest) -> None:
    """Raises `Unsupported` for words this broker does not have."""
    if request.order_type not in CAPABILITIES.order_types:
        raise Unsupported(f"Paper has no {request.order_type.value} orders")
    if request.time_in_force not in CAPABILITIES.time_in_force:
        raise Unsupported(f"Paper has no validity {request.time_in_force.value}")
    if request.instrument.exchange not in CAPABILITIES.exchanges:
        raise Unsupported(f"Paper does not trade on {request.instrument.exchange}")


def _kept(result: Result) -> str:
    """The id of the trigger that was acted on."""
    if isinstance(result, Sprung):
        return result.trigger.id
    assert isinstance(result, Refusal)  # noqa: S101 - a trigger's work gives nothing else
    raise _rejected(result)


def _rejected(refused: Refusal) -> Rejected:
    reply = dumps({"status": "error", "code": refused.code, "message": refused.message})
    return Rejected(refused.message, code=refused.code, reply=reply)


@contextmanager
def _nothing_sent() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable as problem:
        raise Unavailable(f"The paper books cannot be opened: {problem}") from problem


@contextmanager
def _outcome_unknown() -> Iterator[None]:
    # A commit that fails may, on a server, still have happened: the book will tell. Behind a lock nothing happened.
    try:
        yield
    except Locked as problem:
        raise Unavailable(f"The paper books are held by another program: {problem}") from problem
    except StorageUnavailable as problem:
        raise OutcomeUnknown(f"The paper books did not answer: {problem}") from problem
