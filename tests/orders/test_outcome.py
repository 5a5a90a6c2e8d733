"""One try to send, and the class of what came of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bridge.brokers.base import (
    Broker,
    BrokerError,
    LoginRequired,
    OrderRequest,
    OutcomeUnknown,
    Placed,
    Rejected,
    Unavailable,
    Unsupported,
)
from bridge.domain.intent import OrderType, Product, Side
from bridge.domain.lifecycle import Local
from bridge.orders.outcome import Outcome, Result, of_error, place
from tests.support.house import INFY

REQUEST = OrderRequest(
    ref="ABCDEFGHIJ",
    instrument=INFY,
    side=Side.BUY,
    quantity=Decimal(10),
    order_type=OrderType.MARKET,
    product=Product.MIS,
)


class Answers:
    """A broker that gives one answer, and counts."""

    def __init__(self, answer: Placed | BaseException) -> None:
        self._answer = answer
        self.requests: list[OrderRequest] = []

    async def place(self, request: OrderRequest) -> Placed:
        self.requests.append(request)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


async def outcome_of(answer: Placed | BaseException, sends: int = 1) -> Result:
    broker = Answers(answer)
    found = await place(cast(Broker, broker), REQUEST, sends)
    assert broker.requests == [REQUEST]  # once, whatever came of it
    return found


async def test_an_order_with_a_number_is_accepted() -> None:
    assert await outcome_of(Placed(broker_order_id="B1", reply="{}")) == Result(
        Outcome.ACCEPTED, Local.ACCEPTED, "B1", reply="{}"
    )


async def test_a_success_without_a_number_proves_nothing() -> None:
    assert await outcome_of(Placed(broker_order_id="", reply='{"status": "ok"}')) == Result(
        Outcome.UNKNOWN, Local.UNCLEAR, message="the broker gave no order id", reply='{"status": "ok"}'
    )


async def test_a_listed_refusal_is_final_and_keeps_the_brokers_words() -> None:
    no = Rejected("margin exceeds", code="MARGIN", reply='{"code": "MARGIN"}')

    assert await outcome_of(no) == Result(
        Outcome.REFUSED, Local.REFUSED, None, "MARGIN", "margin exceeds", '{"code": "MARGIN"}'
    )


async def test_a_lost_login_refuses_the_order_under_one_name_for_all_brokers() -> None:
    no = LoginRequired("token expired", code="TokenException", reply="{}")

    assert await outcome_of(no) == Result(Outcome.REFUSED, Local.REFUSED, None, "login_required", "token expired", "{}")


@pytest.mark.parametrize(
    ("sends", "evidence"), [(1, Local.NO_BYTES), (2, Local.NO_BYTES_AGAIN), (3, Local.NO_BYTES_AGAIN)]
)
async def test_a_refused_connection_may_be_tried_once_more(sends: int, evidence: Local) -> None:
    found = await outcome_of(Unavailable("connection refused", code="ECONNREFUSED"), sends)

    assert found == Result(Outcome.NOT_SENT, evidence, None, "ECONNREFUSED", "connection refused", "")


async def test_what_the_adapter_cannot_say_is_not_tried_again() -> None:
    assert await outcome_of(Unsupported("no words for it")) == Result(
        Outcome.NOT_SENT, Local.NO_BYTES_AGAIN, None, "", "no words for it", ""
    )


class NewWord(BrokerError):
    """A sixth word that somebody may add one day."""


@pytest.mark.parametrize(
    ("problem", "code", "reply"),
    [
        (OutcomeUnknown("read timeout", code="timeout", reply="<html>"), "timeout", "<html>"),
        (BrokerError("?", code="x", reply="?"), "x", "?"),
        (NewWord("read timeout", reply="{"), "", "{"),
        (KeyError("order_id"), "KeyError", ""),
        (TimeoutError("late"), "TimeoutError", ""),
        (ValueError("10 is not 1O"), "ValueError", ""),
    ],
)
async def test_everything_else_is_unknown(problem: Exception, code: str, reply: str) -> None:
    for sends in (1, 2):
        found = await outcome_of(problem, sends)
        assert found == Result(Outcome.UNKNOWN, Local.UNCLEAR, None, code, str(problem), reply)


async def test_a_slip_in_the_adapter_is_logged_with_its_traceback_and_a_brokers_error_is_not() -> None:
    slip = KeyError("order_id")
    with capture_logs() as logged:
        await outcome_of(slip)
        await outcome_of(OutcomeUnknown("read timeout"))

    assert logged == [{"event": "the broker's adapter broke", "log_level": "error", "exc_info": slip}]


async def test_a_cancelled_task_leaves_the_attempt_to_recovery() -> None:

    with pytest.raises(asyncio.CancelledError):
        await outcome_of(asyncio.CancelledError())


def test_a_failed_cancel_is_classed_like_a_failed_order() -> None:
    problems: list[tuple[Any, Outcome]] = [
        (Rejected("too late"), Outcome.REFUSED),
        (Unavailable("refused"), Outcome.NOT_SENT),
        (OutcomeUnknown("timeout"), Outcome.UNKNOWN),
    ]
    for problem, outcome in problems:
        assert of_error(problem, sends=1).outcome is outcome
