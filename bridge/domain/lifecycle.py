"""States of orders and intents, and the only ways between them.

Two kinds of evidence move an order. What we know by ourselves (`Local`) follows a table; what the broker shows
(`after_broker`) follows three rules: the filled quantity never falls, a full fill ends everything, and an end that the
broker reported is left only for another broker report.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class OrderState(StrEnum):
    """Where one order stands."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    PARKED = "PARKED"
    WORKING = "WORKING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED_AT_BROKER = "EXPIRED_AT_BROKER"
    NOT_SENT = "NOT_SENT"
    NOT_PLACED = "NOT_PLACED"


class IntentState(StrEnum):
    """Where one intent stands."""

    RECEIVED = "RECEIVED"
    AWAITING_CONFIRM = "AWAITING_CONFIRM"
    HELD = "HELD"
    PLANNED = "PLANNED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DONE = "DONE"


class Provenance(StrEnum):
    """What an event rests on."""

    BROKER_REPLY = "broker_reply"
    BOOK = "book"
    STREAM = "stream"
    LOCAL_PROOF = "local_proof"
    POLICY = "policy"
    PERSON = "person"


class Local(StrEnum):
    """What this side of the wire knows by itself."""

    WITHDRAWN = "withdrawn"  # deadline, cancel, kill switch or cap, before any byte
    ATTEMPT_OPENED = "attempt_opened"  # committed: the next thing is the first byte
    NO_BYTES = "no_bytes"  # proved not sent, may be tried again
    NO_BYTES_AGAIN = "no_bytes_again"  # proved not sent, and tried often enough
    ACCEPTED = "accepted"  # the reply carried a broker order id
    REFUSED = "refused"  # a code on the adapter's tested refusal list
    UNCLEAR = "unclear"  # anything else, or the owner is gone
    ABSENCE_PROVED = "absence_proved"
    UNRESOLVED = "unresolved"  # several candidates, unreadable, or ten minutes
    DISMISSED = "dismissed"  # a person says it never reached the broker
    LINKED = "linked"  # a person says which order of the broker's it is


FINAL_AT_BROKER = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED_AT_BROKER}
)
ENDED_HERE = frozenset({OrderState.NOT_SENT, OrderState.NOT_PLACED})
TERMINAL = FINAL_AT_BROKER | ENDED_HERE
UNCERTAIN = frozenset({OrderState.UNKNOWN, OrderState.PARKED})
AT_BROKER = frozenset({OrderState.WORKING, OrderState.PARTIALLY_FILLED})

MOVES: dict[tuple[OrderState, Local], OrderState] = {
    (OrderState.QUEUED, Local.WITHDRAWN): OrderState.NOT_SENT,
    (OrderState.QUEUED, Local.ATTEMPT_OPENED): OrderState.SENDING,
    (OrderState.SENDING, Local.NO_BYTES): OrderState.QUEUED,
    (OrderState.SENDING, Local.NO_BYTES_AGAIN): OrderState.NOT_SENT,
    (OrderState.SENDING, Local.ACCEPTED): OrderState.WORKING,
    (OrderState.SENDING, Local.REFUSED): OrderState.REJECTED,
    (OrderState.SENDING, Local.UNCLEAR): OrderState.UNKNOWN,
    (OrderState.UNKNOWN, Local.ABSENCE_PROVED): OrderState.NOT_PLACED,
    (OrderState.PARKED, Local.ABSENCE_PROVED): OrderState.NOT_PLACED,
    (OrderState.UNKNOWN, Local.UNRESOLVED): OrderState.PARKED,
    (OrderState.UNKNOWN, Local.DISMISSED): OrderState.NOT_PLACED,
    (OrderState.PARKED, Local.DISMISSED): OrderState.NOT_PLACED,
    (OrderState.UNKNOWN, Local.LINKED): OrderState.WORKING,
    (OrderState.PARKED, Local.LINKED): OrderState.WORKING,
}


class IllegalMove(Exception):
    """That evidence says nothing about an order in that state."""


def after(state: OrderState, evidence: Local) -> OrderState:
    """The state that our own evidence leads to; raises `IllegalMove` when the table has no such way."""
    try:
        return MOVES[state, evidence]
    except KeyError:
        raise IllegalMove(f"{evidence.value} cannot move an order that is {state.value}") from None


# When reports of two different ends meet, in whatever order, the same one must win.
_END_RANK = {OrderState.REJECTED: 1, OrderState.EXPIRED_AT_BROKER: 2, OrderState.CANCELLED: 3}


@dataclass(frozen=True, slots=True)
class Standing:
    """What an order's row says that broker evidence may change. `known_at_broker`: a broker order id is linked."""

    state: OrderState
    quantity: Decimal
    filled: Decimal
    known_at_broker: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What broker evidence makes of an order. `late`: it contradicts what we had concluded, which is an alarm."""

    state: OrderState
    filled: Decimal
    late: bool


def after_broker(standing: Standing, seen: OrderState, filled: Decimal) -> Change:
    """The order after its broker reported it as `seen` with `filled` cumulative units.

    `seen` is WORKING, PARTIALLY_FILLED or one of `FINAL_AT_BROKER`. An order that is SENDING is its sender's:
    raises `IllegalMove`.
    """
    if standing.state is OrderState.SENDING:
        raise IllegalMove("the reply of an order that is being sent is still out")
    settled = standing.state in FINAL_AT_BROKER and standing.known_at_broker
    # A refusal by reply has no broker order id; if the order then shows up, the broker's book is right.
    late = (
        standing.state in ENDED_HERE
        or standing.state is OrderState.QUEUED
        or (standing.state is OrderState.REJECTED and not standing.known_at_broker)
    )
    total = max(standing.filled, min(filled, standing.quantity))
    if seen is OrderState.FILLED or 0 < standing.quantity <= total:
        return Change(OrderState.FILLED, standing.quantity, late)
    ends = {seen} | ({standing.state} if settled else set())
    if ends & _END_RANK.keys():
        return Change(max(ends & _END_RANK.keys(), key=_END_RANK.__getitem__), total, late)
    return Change(OrderState.PARTIALLY_FILLED if total > 0 else OrderState.WORKING, total, late)


def intent_result(states: list[OrderState], filled: list[Decimal], quantities: list[Decimal]) -> str | None:
    """`full`, `partial` or `none` once every order of an intent is terminal, else None."""
    if any(state not in TERMINAL for state in states):
        return None
    if all(done >= wanted for done, wanted in zip(filled, quantities, strict=True)):
        return "full"
    return "partial" if any(done > 0 for done in filled) else "none"
