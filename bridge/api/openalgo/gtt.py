"""Orders that a broker places when a price is reached (GTT).

One is asked for as an order is: an alert, checked and on disk before the broker hears of it. From then on the broker acts
on its own, and nothing is checked here again; a kill switch withdraws what still waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from bridge.accounts.model import Account
from bridge.api.openalgo.books import PRICETYPE, Books
from bridge.api.openalgo.figures import amount, local_time, price, zone
from bridge.api.openalgo.orders import FORBIDDEN, Desk
from bridge.api.openalgo.wire import Body, Call, Name, NotNegative, Positive, Refused, Upper, Wire, misfit, plain_number
from bridge.api.ports import Ports
from bridge.brokers.base import Trigger, TriggerBroker, TriggerKind, TriggerLeg, TriggerState
from bridge.domain.intent import Kind, OrderType, Product, Side
from bridge.orders.conditional import Terms, wish_of
from bridge.orders.desk import AccountDesk
from bridge.orders.outcome import Outcome
from bridge.orders.sending import LeaseLost
from bridge.orders.triggers import Answer

_TYPES = {TriggerKind.SINGLE: "single", TriggerKind.OCO: "two-leg"}
_UNCLEAR = (
    "Nobody knows yet whether the broker did that. It is not asked twice; look at gttorderbook, and do not ask again."
)


def _moment(value: Any) -> Any:
    """A day (all of it) or a moment; without a zone it is the exchange's, which is not known yet."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("expected a date or a time as YYYY-MM-DD HH:MM:SS")
    try:
        if len(value.strip()) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(value.strip()) + timedelta(days=1), time(0))
        return datetime.fromisoformat(value.strip())
    except (ValueError, OverflowError):
        raise ValueError("expected a date or a time as YYYY-MM-DD HH:MM:SS") from None


Moment = Annotated[
    datetime | None, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["2026-11-20 15:30:00"]})
]


class PlaceGtt(Body):
    """A standing instruction: one price that is waited for (SINGLE), or two of which the first that is reached ends the other."""

    strategy: Name
    trigger_type: Literal["SINGLE", "OCO"]
    exchange: Upper
    symbol: Upper
    action: Literal["BUY", "SELL"]
    product: Literal["CNC", "NRML"]
    quantity: Positive
    pricetype: Literal["LIMIT", "MARKET"] = "LIMIT"
    price: NotNegative = Decimal(0)
    triggerprice_sl: NotNegative = Decimal(0)
    triggerprice_tg: NotNegative = Decimal(0)
    stoploss: NotNegative | None = None
    target: NotNegative | None = None
    expires_at: Moment = None

    @model_validator(mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        """Words in any case, as OpenAlgo takes them; what has no value is not there."""
        if not isinstance(given, Mapping):
            return given
        words = ("trigger_type", "action", "pricetype", "product")
        said = {**given, **{name: given[name].strip().upper() for name in words if isinstance(given.get(name), str)}}
        return {name: value for name, value in said.items() if value is not None}

    @model_validator(mode="after")
    def _triggers_fit(self) -> PlaceGtt:
        below, above = self.triggerprice_sl, self.triggerprice_tg
        if self.trigger_type == "SINGLE":
            if bool(below) == bool(above):
                raise misfit("triggerprice_sl", "SINGLE needs one trigger above 0: triggerprice_sl or triggerprice_tg")
            self._priced("price", self.price)
            return self
        for name in ("triggerprice_sl", "triggerprice_tg"):
            if not getattr(self, name):
                raise misfit(name, f"OCO needs a {name} above 0")
        if below >= above:
            raise misfit("triggerprice_sl", "triggerprice_sl must be below triggerprice_tg")
        self._priced("stoploss", self.stoploss)
        self._priced("target", self.target)
        return self

    def _priced(self, name: str, value: Decimal | None) -> None:
        if self.pricetype == "LIMIT" and not value:
            raise misfit(name, f"a LIMIT order needs a {name} above 0")

    @property
    def side(self) -> Side:
        """Which way its order trades."""
        return Side.BUY if self.action == "BUY" else Side.SELL

    def terms(self, changes: str | None = None) -> Terms:
        """What it waits for."""
        if self.trigger_type == "SINGLE":
            legs = [self._leg(self.triggerprice_sl or self.triggerprice_tg, self.price)]
        else:
            legs = [self._leg(self.triggerprice_sl, self.stoploss), self._leg(self.triggerprice_tg, self.target)]
        until = self.expires_at
        if until is not None and until.tzinfo is None:
            until = until.replace(tzinfo=zone(self.exchange))
        return Terms(legs=tuple(legs), expires_at=until, changes=changes)

    def _leg(self, trigger: Decimal, limit: Decimal | None) -> TriggerLeg:
        if self.pricetype == "MARKET":
            return TriggerLeg(trigger_price=trigger, order_type=OrderType.MARKET)
        return TriggerLeg(trigger_price=trigger, order_type=OrderType.LIMIT, price=limit)


class ModifyGtt(PlaceGtt):
    """All of an instruction anew; instrument, action and trigger type stay as they were."""

    trigger_id: Name


class CancelGtt(Body):
    """One instruction."""

    strategy: Name
    trigger_id: Name


class GttOrderBook(Body):
    """Which instructions to show."""

    status: Literal["all", "active", "triggered", "cancelled", "expired"] = "all"


class Gtt:
    """The way from a request to the account's desk, which alone asks the broker."""

    def __init__(self, wire: Wire, orders: Desk) -> None:
        self.wire = wire
        self.ports: Ports = wire.ports
        self.books = Books(wire.ports)
        self.orders = orders

    def account(self, call: Call) -> Account:
        """The key's account. Raises `Refused` when its broker keeps no such instructions."""
        account = self.wire.account(call)
        can = self.ports.capabilities(account.broker)
        if can is None or not can.gtt:
            raise Refused(501, f"GTT orders are not supported for broker '{account.broker}' yet")
        return account

    def desk(self, call: Call) -> tuple[Account, AccountDesk]:
        """The account and who may act for it. Raises `Refused` where a person is to be asked first, or nobody acts here."""
        account = self.account(call)
        if call.caller.settings.order_mode == "semi_auto":
            raise Refused(
                403,
                "This API key asks a person before it trades, and a GTT order acts when nobody can be asked:"
                " a key in semi_auto mode can neither place, change nor cancel one.",
            )
        desk = self.ports.desk(account.id)
        if desk is None:
            said = f"{account.name} is served by another process, or not yet: GTT orders are placed where it is served."
            raise Refused(503, said, headers={"Retry-After": "1"})
        if desk.book.login_lost:
            raise Refused(403, f"The broker login of {account.name} is over: log in to the broker again.")
        return account, desk

    async def leave(self, call: Call, endpoint: str, strategy: str, body: PlaceGtt, changes: str | None = None) -> str:
        """Have the instruction checked, kept on disk and given to the broker; the trigger's id."""
        _, desk = self.desk(call)
        wish = wish_of(
            symbol=body.symbol,
            exchange=body.exchange,
            side=body.side,
            quantity=body.quantity,
            product=Product(body.product),
            terms=body.terms(changes),
        )
        placed = await self.orders.submit(call, endpoint, strategy, [wish], Kind.CONDITIONAL)
        user = call.caller.user
        try:
            answer = await desk.triggers.place(
                placed.intents[0].id, user.id, f"{user.name}, with the key {call.caller.name}"
            )
        except LeaseLost:
            said = "Another process has taken this account over in this moment; the GTT order was not placed."
            raise Refused(503, said, headers={"Retry-After": "1"}, alert_id=placed.alert_id) from None
        return self.done(answer, alert_id=placed.alert_id)

    def done(self, answer: Answer, **more: Any) -> str:
        """The id of a trigger with which that was done which was asked. Raises `Refused` when it was not."""
        if answer.outcome is Outcome.ACCEPTED:
            return answer.trigger_id
        if answer.outcome is Outcome.UNKNOWN:
            raise Refused(502, f"{_UNCLEAR} ({answer.message})", **more)
        raise Refused(403 if answer.code in FORBIDDEN else 400, answer.message, reason=answer.code, **more)

    async def active(self, desk: AccountDesk, trigger_id: str) -> Trigger:
        """One that still waits. Raises `Refused`."""
        kept = await cast(TriggerBroker, desk.broker).triggers()
        found = next((each for each in kept if each.trigger_id == trigger_id), None)
        if found is None:
            raise Refused(404, f"GTT order {trigger_id} not found.")
        if found.state is not TriggerState.ACTIVE:
            raise Refused(400, f"GTT order {trigger_id} can be changed no more: it is {found.state.value}.")
        return found

    async def strategies(self, account: Account, kept: Sequence[Trigger]) -> dict[str, str]:
        """By the triggers' references: the name of the strategy that asked for each."""
        refs = {f"r{number}": each.ref for number, each in enumerate(kept) if each.ref}
        if not refs:
            return {}
        named = ", ".join(f":{name}" for name in refs)
        rows = await self.ports.reader.rows(
            "SELECT id, strategy_id FROM intents WHERE account_id = :account AND user_id = :user"  # noqa: S608 - our names
            f" AND id IN ({named})",
            {"account": account.id, "user": account.user_id, **refs},
        )
        known = self.ports.directory.snapshot.strategies
        return {row["id"]: known[row["strategy_id"]].name for row in rows if row["strategy_id"] in known}


def add(wire: Wire, desk: Desk) -> None:
    """The endpoints of this module."""
    gtt = Gtt(wire, desk)

    async def placegttorder(call: Call, body: PlaceGtt) -> Mapping[str, Any]:
        """Leave a standing instruction with the broker.

        It passes every check that an order at its prices would meet. When its price is reached the broker places the order
        on its own: limits and hours are not checked again then. A kill switch withdraws it; switching a strategy off does not.
        """
        return wire.marked(call, {"trigger_id": await gtt.leave(call, "placegttorder", body.strategy, body)})

    async def modifygttorder(call: Call, body: ModifyGtt) -> Mapping[str, Any]:
        """Replace prices, quantity, product and expiry of one that still waits. It stays with the strategy that placed it."""
        account, desk = gtt.desk(call)
        kept = await gtt.active(desk, body.trigger_id)
        asked = (body.exchange, body.symbol, body.side, body.terms().kind)
        if asked != (kept.exchange, kept.symbol, kept.side, kept.kind):
            raise Refused(400, "Symbol, exchange, action and trigger_type of a GTT order cannot be changed.")
        strategy = (await gtt.strategies(account, [kept])).get(kept.ref or "", body.strategy)
        changed = await gtt.leave(call, "modifygttorder", strategy, body, changes=body.trigger_id)
        return wire.marked(call, {"trigger_id": changed})

    async def cancelgttorder(call: Call, body: CancelGtt) -> Mapping[str, Any]:
        """Withdraw one that still waits."""
        _, desk = gtt.desk(call)
        kept = await gtt.active(desk, body.trigger_id)
        user = call.caller.user
        try:
            answer = await desk.triggers.cancel(kept, f"{user.name}, with the key {call.caller.name}", "asked for")
        except LeaseLost:
            said = "Another process has taken this account over in this moment; nothing was cancelled."
            raise Refused(503, said, headers={"Retry-After": "1"}) from None
        return wire.marked(call, {"trigger_id": gtt.done(answer)})

    async def gttorderbook(call: Call, body: GttOrderBook) -> Mapping[str, Any]:
        """Instructions that wait, and those that ended in the last days."""
        account = gtt.account(call)
        kept = await cast(TriggerBroker, await gtt.books.broker(account)).triggers()
        wanted = [each for each in kept if body.status in ("all", each.state.value)]
        strategies = await gtt.strategies(account, wanted)
        return wire.marked(call, {"data": [_row(each, strategies.get(each.ref or "", "")) for each in wanted]})

    wire.post("placegttorder", PlaceGtt, placegttorder, scope="orders:write", pace="orders", fault="text")
    wire.post("modifygttorder", ModifyGtt, modifygttorder, scope="orders:write", pace="orders", fault="text")
    wire.post("cancelgttorder", CancelGtt, cancelgttorder, scope="orders:cancel", pace="orders", fault="text")
    wire.post("gttorderbook", GttOrderBook, gttorderbook)


def _row(kept: Trigger, strategy: str) -> dict[str, Any]:
    return {
        "trigger_id": kept.trigger_id,
        "trigger_type": _TYPES[kept.kind],
        "status": kept.state.value,
        "symbol": kept.symbol,
        "exchange": kept.exchange,
        "trigger_prices": [price(leg.trigger_price) for leg in kept.legs],
        "last_price": price(kept.last_price),
        "legs": [
            {
                "action": kept.side.upper(),
                "quantity": plain_number(kept.quantity),
                "price": price(leg.price),
                "pricetype": PRICETYPE[leg.order_type],
                "product": str(kept.product),
            }
            for leg in kept.legs
        ],
        "created_at": local_time(kept.created_at, kept.exchange),
        "updated_at": local_time(kept.updated_at, kept.exchange),
        "expires_at": local_time(kept.expires_at, kept.exchange),
        "strategy": strategy,
        "margin_blocked": amount(kept.blocked),
    }
