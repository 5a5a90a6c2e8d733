"""One try to send, and the class of what came of it: NOT_SENT, ACCEPTED, REFUSED or UNKNOWN.

UNKNOWN is everything that is not proved to be one of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import structlog

from bridge.brokers.base import (
    Broker,
    BrokerError,
    LoginRequired,
    OrderRequest,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    Unsupported,
)
from bridge.domain.lifecycle import Local

log = structlog.get_logger("bridge.outcome")

LOGIN_LOST = "login_required"
SENDS_MAX = 2  # a connection that fails twice before the first byte ends the order


class Outcome(StrEnum):
    """What is known after an attempt was closed."""

    NOT_SENT = "NOT_SENT"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome and the evidence it gives the lifecycle. `reply` is the broker's raw answer, masked."""

    outcome: Outcome
    evidence: Local
    broker_order_id: str | None = None
    code: str = ""
    message: str = ""
    reply: str = ""


CLASSES: tuple[tuple[type[BrokerError], Outcome], ...] = (
    (Unavailable, Outcome.NOT_SENT),
    (Unsupported, Outcome.NOT_SENT),
    (Rejected, Outcome.REFUSED),
    (LoginRequired, Outcome.REFUSED),
    (OutcomeUnknown, Outcome.UNKNOWN),
)


async def place(broker: Broker, request: OrderRequest, sends: int) -> Result:
    """Send the order once. `sends` counts this try; a cancelled task leaves the attempt open for recovery."""
    try:
        placed = await broker.place(request)
    except Exception as problem:  # noqa: BLE001 - whatever broke, bytes may have left: unknown, never an escape
        return of_error(problem, sends)
    if not placed.broker_order_id:
        return Result(Outcome.UNKNOWN, Local.UNCLEAR, message="the broker gave no order id", reply=placed.reply)
    return Result(Outcome.ACCEPTED, Local.ACCEPTED, placed.broker_order_id, reply=placed.reply)


def of_error(problem: Exception, sends: int) -> Result:
    """The class of a failed attempt. What is none of the port's errors is a slip in the adapter, and logged as one."""
    if not isinstance(problem, BrokerError):
        log.error("the broker's adapter broke", exc_info=problem)
    outcome = next((found for kind, found in CLASSES if isinstance(problem, kind)), Outcome.UNKNOWN)
    code = problem.code if isinstance(problem, BrokerError) else type(problem).__name__
    reply = problem.reply if isinstance(problem, BrokerError) else ""
    if outcome is Outcome.NOT_SENT:
        again = isinstance(problem, Unavailable) and sends < SENDS_MAX
        evidence = Local.NO_BYTES if again else Local.NO_BYTES_AGAIN
    else:
        evidence = Local.REFUSED if outcome is Outcome.REFUSED else Local.UNCLEAR
    return Result(
        outcome, evidence, None, LOGIN_LOST if isinstance(problem, LoginRequired) else code, str(problem), reply
    )
