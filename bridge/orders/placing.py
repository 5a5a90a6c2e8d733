"""Ask for orders and wait until each has an answer: what a caller wants who must be told what became of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.domain.intent import OrderIntent
from bridge.domain.lifecycle import IntentState, OrderState
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock
from bridge.kit.database import Reader, Row
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.holdings import Ledger
from bridge.orders.records import OrderRecord, wish_of

ANSWER_WITHIN_S = 10.0
_LOOK_S = (0.002, 0.1)  # between two looks at the tables: at first, and at most
_ON_THE_WAY = frozenset({OrderState.QUEUED, OrderState.SENDING})
_UNDECIDED = frozenset({IntentState.RECEIVED, IntentState.HELD})


class Desk(Protocol):
    """What is asked of an account's desk in this process."""

    ledger: Ledger

    async def change(self, seconds: float) -> None:
        """Wait until something changed, but not longer."""


@dataclass(frozen=True, slots=True)
class IntentEnd:
    """Where one leg of an alert stands: its line number, state, why it led to nothing, if it did, and what it had asked for."""

    id: str
    number: int
    state: IntentState
    code: str | None
    message: str | None
    symbol: str
    exchange: str
    wish: OrderIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of an alert's orders so far. `refusal` when none of it may go on; `answered` when nothing is on its way."""

    alert_id: str
    refusal: Refusal | None
    conflict: bool  # its id belongs to an alert with another content
    intents: Sequence[IntentEnd] = ()
    orders: Sequence[OrderRecord] = ()
    answered: bool = True


class Placing:
    """The pipeline for callers who wait. Nothing is decided here."""

    def __init__(
        self,
        submit: Callable[[Arrival], Any],
        reader: Reader,
        clock: Clock,
        desk: Callable[[str], Desk | None],
    ) -> None:
        self._submit = submit
        self._reader = reader
        self._clock = clock
        self._desk = desk

    async def place(self, arrival: Arrival, account_id: str, within_s: float = ANSWER_WITHIN_S) -> Placed:
        """Hand an alert for one account to the pipeline and wait, at most `within_s`, until its broker has answered.

        An alert that was taken before gives what became of it then. Raises `StorageUnavailable` when nothing was kept.
        """
        answer: Answer = await self._submit(arrival)
        content, alert_id = answer.content, answer.content["alert_id"]
        if content["status"] == "refused":
            refusal = Refusal(content["code"], content["message"])
            legs = await self._intents(alert_id)
            return Placed(alert_id=alert_id, refusal=refusal, conflict=answer.status == 409, intents=legs)
        return await self._answered(alert_id, account_id, content, within_s)

    async def _answered(self, alert_id: str, account_id: str, content: Mapping[str, Any], within_s: float) -> Placed:
        until = self._clock.monotonic() + within_s
        lines = content["orders"]
        if lines and content["status"] == "accepted" and all(line["order_id"] for line in lines):
            # Planned at once and ours to send: memory knows how they stand, and no table is asked.
            orders = await self._settled(account_id, [line["order_id"] for line in lines], until)
            if orders is not None and not content.get("refused"):
                return Placed(
                    alert_id=alert_id, refusal=None, conflict=False, orders=orders, answered=_answered(orders)
                )
        return await self._from_tables(alert_id, account_id, until)

    async def _settled(self, account_id: str, order_ids: Sequence[str], until: float) -> list[OrderRecord] | None:
        """The orders once their broker has answered, or as they stand when the time is over; None: not known here."""
        while True:
            desk = self._desk(account_id)
            if desk is None or not all(order_id in desk.ledger.orders for order_id in order_ids):
                return None
            orders = [desk.ledger.orders[order_id] for order_id in order_ids]
            left = until - self._clock.monotonic()
            if _answered(orders) or left <= 0:
                return orders
            await desk.change(min(left, 1.0))

    async def _from_tables(self, alert_id: str, account_id: str, until: float) -> Placed:
        pause, longest = _LOOK_S
        while True:
            intents = await self._intents(alert_id)
            orders = [OrderRecord.of(row) for row in await self._reader.rows(_ORDERS, {"alert": alert_id})]
            answered = _answered(orders) and not any(intent.state in _UNDECIDED for intent in intents)
            left = until - self._clock.monotonic()
            if answered or left <= 0:
                return Placed(
                    alert_id=alert_id, refusal=None, conflict=False, intents=intents, orders=orders, answered=answered
                )
            desk = self._desk(account_id)
            await (desk.change(min(pause, left)) if desk else self._clock.sleep(min(pause, left)))
            pause = min(pause * 2, longest)

    async def _intents(self, alert_id: str) -> list[IntentEnd]:
        return [_end(row) for row in await self._reader.rows(_INTENTS, {"alert": alert_id})]

    async def watch(
        self, account_id: str, order_ids: Collection[str], done: Callable[[OrderRecord], bool], within_s: float
    ) -> Mapping[str, OrderRecord]:
        """Those orders of the account by id, once each is `done` or the time is over; what the account has not is left out."""
        until = self._clock.monotonic() + within_s
        pause, longest = _LOOK_S
        while True:
            orders = await self._orders(account_id, order_ids)
            left = until - self._clock.monotonic()
            if left <= 0 or all(map(done, orders.values())):
                return orders
            desk = self._desk(account_id)
            await (desk.change(min(pause, left)) if desk else self._clock.sleep(min(pause, left)))
            pause = min(pause * 2, longest)

    async def _orders(self, account_id: str, order_ids: Collection[str]) -> dict[str, OrderRecord]:
        found: dict[str, OrderRecord] = {}
        wanted = list(order_ids)
        for start in range(0, len(wanted), _AT_ONCE):
            ids = {f"id{n}": order_id for n, order_id in enumerate(wanted[start : start + _AT_ONCE])}
            names = ", ".join(f":{name}" for name in ids)
            sql = f"SELECT * FROM orders WHERE account_id = :account AND id IN ({names})"  # noqa: S608 - our names
            rows = await self._reader.rows(sql, {"account": account_id, **ids})
            found |= {row["id"]: OrderRecord.of(row) for row in rows}
        return found


_AT_ONCE = 200
_INTENTS = (
    "SELECT id, number, state, code, message, symbol, exchange, payload FROM intents"
    " WHERE alert_id = :alert ORDER BY number"
)
_ORDERS = "SELECT * FROM orders WHERE alert_id = :alert ORDER BY leg"


def _answered(orders: Sequence[OrderRecord]) -> bool:
    return not any(order.state in _ON_THE_WAY for order in orders)


def _end(row: Row) -> IntentEnd:
    same = {name: row[name] for name in ("id", "number", "code", "message", "symbol", "exchange")}
    return IntentEnd(**same, state=IntentState(row["state"]), wish=wish_of(row))
