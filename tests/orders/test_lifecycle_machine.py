"""Acceptance A3: the lifecycle under everything that may happen at once, judged after every step.

`uv run pytest tests/orders/test_lifecycle_machine.py --reliability=pr` runs 200 stories of 50 steps. A story that fails is printed
as the steps to it, with the blob that repeats it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.accounts.model import AccountSettings
from bridge.brokers.base import BrokerState, OutcomeUnknown
from bridge.domain.intent import Intent, OrderIntent, OrderType
from bridge.domain.lifecycle import UNCERTAIN
from bridge.kit.database import StorageUnavailable
from bridge.kit.failpoints import POINTS
from bridge.orders.arrival import Arrival
from tests.support.brokers import EVERYTHING, Act, How
from tests.support.house import ANN, House, wish
from tests.support.life import Killed
from tests.support.oracle import Oracle

T = TypeVar("T")

SYMBOLS = st.sampled_from(["INFY", "SBIN"])
SIDES = st.sampled_from([Intent.BUY, Intent.SELL])
SIDES_AND_OUT = [Intent.BUY, Intent.SELL, Intent.EXIT]
SIZES = st.sampled_from([5, 10])
PAUSES = st.sampled_from([0.0, 0.2, 2.0, 12.0])
SPANS = st.sampled_from([1.0, 4.0, 40.0, 70.0, 200.0, 650.0])
PLACING = st.one_of(st.just(How.ACCEPT), st.sampled_from([how for how in How if how is not How.IGNORED]))
ACTS = st.builds(Act, PLACING, st.sampled_from([0.05, 0.05, 1.5, 9.0]), st.sampled_from([3.0, 30.0, 90.0]))
CANCELLING = st.sampled_from([How.ACCEPT, How.REJECT, How.IGNORED, How.PLACED_UNKNOWN, How.LOST_UNKNOWN, How.BUG])
ENDS = st.sampled_from([BrokerState.CANCELLED, BrokerState.REJECTED, BrokerState.EXPIRED])
POINTS_WITHIN = [point for point in POINTS if point not in ("accept.replied", "squareoff.planned")]
POINTS_AT_START = ["claim.before_commit", "claim.committed", "takeover.before_commit", "takeover.committed"]
TROUBLES = ("login", "empty book", "book", "lag", "database", "commit unheard", "kill switch")
HEALED_AFTER_S = 700.0


class Lifecycle(RuleBasedStateMachine):
    """Ann, her alerts, a broker that does what brokers do, and a process that may die anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lifecycle-"))
        self.loop = asyncio.new_event_loop()
        self.arrivals: list[Arrival] = []
        self.keys = 0
        self.alive = True

    @initialize(echo=st.sampled_from([True, True, False]), resend=st.booleans(), at_once=st.booleans())
    def open(self, echo: bool, resend: bool, at_once: bool) -> None:
        limits = AccountSettings(orders_per_second=3, in_flight_max=2, resend_exits_after_proof=resend)
        capabilities = replace(EVERYTHING, ref_echo=echo)
        self.house = self.loop.run_until_complete(
            House.open(self.folder, account=limits, capabilities=capabilities, exit_max_age_s=120, dedupe_window_s=5)
        )
        self.house.broker.fills_at = Decimal(100) if at_once else None
        self.oracle = Oracle(self.house)

    def do(self, work: Coroutine[Any, Any, T], then_s: float = 0.0) -> None:
        """Let it happen and some time pass; bury the process if it dies of it."""

        async def happen() -> None:
            with suppress(Killed, StorageUnavailable):  # whoever asked got no answer, or a 503
                await work
            await self.house.run(then_s)

        self.loop.run_until_complete(happen())
        self._bury()

    def _bury(self) -> None:
        if self.alive and not self.house.process.life.alive:
            self.alive = False
            self.oracle.disturbed()
            self.loop.run_until_complete(self.house.crash())

    # -- senders ------------------------------------------------------------------------------------------------------

    def _alert(self, *wishes: OrderIntent, keyed: bool, then_s: float = 0.0, **more: Any) -> None:
        self.keys += keyed
        arrival = self.house.arrival(*wishes, key=f"key-{self.keys}" if keyed else None, **more)
        self.arrivals.append(arrival)
        self.do(self.house.send(arrival), then_s)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, size=SIZES, side=SIDES, limit=st.booleans(), keyed=st.booleans(), act=ACTS, then_s=PAUSES)
    def entry(self, symbol: str, size: int, side: Intent, limit: bool, keyed: bool, act: Act, then_s: float) -> None:
        more: dict[str, Any] = {"order_type": OrderType.LIMIT, "price": Decimal(100)} if limit else {}
        self.house.broker.script.append(act)
        self._alert(wish(side, symbol, size, **more), keyed=keyed, then_s=then_s)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, keyed=st.booleans(), act=ACTS, then_s=PAUSES)
    def way_out(self, symbol: str, keyed: bool, act: Act, then_s: float) -> None:
        self.house.broker.script.append(act)
        self._alert(wish(Intent.EXIT, symbol), keyed=keyed, then_s=then_s)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, size=SIZES, acts=st.lists(ACTS, max_size=2), then_s=PAUSES)
    def basket(self, symbol: str, size: int, acts: list[Act], then_s: float) -> None:
        self.house.broker.script.extend(acts)
        self._alert(wish(Intent.BUY, symbol, size), wish(Intent.SELL, "SBIN", size), keyed=True, then_s=then_s)

    @precondition(lambda self: self.alive and self.arrivals)
    @rule(data=st.data(), other_body=st.booleans(), then_s=PAUSES)
    def repeat(self, data: st.DataObject, other_body: bool, then_s: float) -> None:
        arrival = self.arrivals[-data.draw(st.integers(1, min(4, len(self.arrivals))))]
        again = replace(arrival, received_at=self.house.clock.now(), started=self.house.clock.monotonic())
        if other_body and arrival.idempotency_key:
            again = replace(again, body=arrival.body + " ")
        self.do(self.house.send(again), then_s)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, age_s=st.sampled_from([50, 59.9, 61, 3600]), then_s=PAUSES)
    def late_alert(self, symbol: str, age_s: float, then_s: float) -> None:
        said = (self.house.clock.now() - timedelta(seconds=age_s)).isoformat()
        self._alert(wish(Intent.BUY, symbol, 5), keyed=False, timestamp=said, then_s=then_s)

    # -- the broker -----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), portion=st.sampled_from([1, 2, None]), end=st.none() | ENDS, then_s=PAUSES)
    def broker_moves(self, data: st.DataObject, portion: int | None, end: BrokerState | None, then_s: float) -> None:
        broker = self.house.broker
        if working := broker.working():
            number = working[data.draw(st.integers(0, len(working) - 1))].row.broker_order_id
            if end:
                broker.end(number, end, "by the exchange")
            else:
                broker.fill(number, portion)
        self.do(self.house.run(then_s))

    # -- trouble, and time ------------------------------------------------------------------------------------------------

    @rule(seconds=SPANS)
    def time_passes(self, seconds: float) -> None:
        self.do(self.house.run(seconds))

    @precondition(lambda self: self.alive)
    @rule(kind=st.sampled_from(TROUBLES), lasts=st.booleans(), works=st.sampled_from([1, 2, 5]), then_s=PAUSES)
    def trouble(self, kind: str, lasts: bool, works: int, then_s: float) -> None:
        broker, writer = self.house.broker, self.house.process.writer
        self.oracle.disturbed()
        if kind in ("login", "empty book"):
            broker.login_over, broker.empty_when_over = True, kind == "empty book"
        elif kind == "book":
            broker.book_problem = OutcomeUnknown("502 Bad Gateway")
        elif kind == "lag":
            broker.lag_s = 30.0 if lasts else 55.0
        elif kind == "kill switch":
            self.house.stop_trading()
        else:
            writer.fails, writer.forgets = (works, 0) if kind == "database" else (0, works)
        self.do(self.house.run(then_s))
        if not lasts:
            self.recovery()

    @precondition(lambda self: self.alive)
    @rule()
    def recovery(self) -> None:
        broker = self.house.broker
        broker.login_over, broker.book_problem, broker.lag_s = False, None, 0.0
        if self.alive:
            self.house.stop_trading(stopped=False)
        self.oracle.disturbed()

    @precondition(lambda self: self.alive)
    @rule(point=st.sampled_from(POINTS_WITHIN), passage=st.sampled_from([1, 1, 2]))
    def will_die_at(self, point: str, passage: int) -> None:
        self.house.process.life.dies_at(point, passage)

    @precondition(lambda self: self.alive)
    @rule()
    def dies(self) -> None:
        self.house.process.life.alive = False
        self._bury()

    @precondition(lambda self: not self.alive)
    @rule(dies_at=st.none() | st.sampled_from(POINTS_AT_START), then_s=PAUSES)
    def starts_again(self, dies_at: str | None, then_s: float) -> None:
        self.alive = True
        self.oracle.disturbed()
        self.do(self.house.start(dies_at), then_s)

    # -- people -----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.alive and self.house.orders())
    @rule(data=st.data(), how=CANCELLING, then_s=PAUSES)
    def cancel(self, data: st.DataObject, how: How, then_s: float) -> None:
        orders = self.house.orders()
        order = orders[data.draw(st.integers(0, len(orders) - 1))].id
        self.house.broker.cancels.append(Act(how))
        self.do(self.house.ask(self.house.process.control.cancel(order, ANN)), then_s)

    @precondition(lambda self: self.alive and self._uncertain())
    @rule(data=st.data(), then_s=PAUSES)
    def decide(self, data: st.DataObject, then_s: float) -> None:
        uncertain = self._uncertain()
        ref, order_id = uncertain[data.draw(st.integers(0, len(uncertain) - 1))]
        known = self.house.broker.of(ref)
        number = known[0].row.broker_order_id if known else None
        self.do(self.house.ask(self.house.process.control.decide(order_id, ANN, number)), then_s)

    def _uncertain(self) -> list[tuple[str, str]]:
        return [(order.ref, order.id) for order in self.house.orders() if order.state in UNCERTAIN]

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, size=SIZES, side=st.sampled_from(SIDES_AND_OUT), act=ACTS, then_s=PAUSES)
    def alert_that_asks(self, symbol: str, size: int, side: Intent, act: Act, then_s: float) -> None:
        self.house.broker.script.append(act)
        sized = {} if side is Intent.EXIT else {"quantity": size}
        self._alert(wish(side, symbol, **sized), keyed=True, needs_approval=True, then_s=then_s)

    @precondition(lambda self: self.alive and self._waiting())
    @rule(data=st.data(), yes=st.sampled_from([True, True, False]), then_s=PAUSES)
    def says_yes_or_no(self, data: st.DataObject, yes: bool, then_s: float) -> None:
        waiting, approvals = self._waiting(), self.house.process.approvals
        chosen = waiting[data.draw(st.integers(0, len(waiting) - 1))]
        self.do(self.house.ask(approvals.approve(chosen, ANN) if yes else approvals.refuse(chosen, ANN)), then_s)

    def _waiting(self) -> list[str]:
        return [row["id"] for row in self.house.intents() if row["state"] == "AWAITING_CONFIRM"]

    # -- the judge --------------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        _nothing(self.oracle.judge())

    def teardown(self) -> None:
        """Everything heals, and the story must come to a good end."""
        try:
            self._heal()
            self.do(self.house.run(HEALED_AFTER_S))
            found = self.oracle.at_rest()
        finally:
            self.oracle.close()
            self.loop.run_until_complete(self.house.close())
            self.loop.close()
            shutil.rmtree(self.folder)
        _nothing(found)

    def _heal(self) -> None:
        self.house.broker.script.clear()
        self.house.broker.cancels.clear()
        if not self.alive:
            self.alive = True
            self.loop.run_until_complete(self.house.start())
        self.house.process.life.lives_on()
        self.house.process.writer.fails = self.house.process.writer.forgets = 0
        self.recovery()


def _nothing(found: list[str]) -> None:
    if found:
        raise AssertionError("\n".join(found))


@pytest.mark.usefixtures("quiet_logs")
def test_no_story_breaks_an_invariant(reliability: str) -> None:
    run_state_machine_as_test(Lifecycle, settings=settings.get_profile(f"reliability-{reliability}"))
