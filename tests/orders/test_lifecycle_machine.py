"""Acceptance A3: the lifecycle under everything that may happen at once, judged after every step.

`uv run pytest tests/orders/test_lifecycle_machine.py --reliability=pr` runs 200 stories of 50 steps. A story that fails is printed
as the steps to it, with the blob that repeats it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
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
from bridge.kit.database import StorageUnavailable
from bridge.kit.failpoints import POINTS
from bridge.orders.arrival import Arrival
from tests.support.brokers import EVERYTHING, Act, How, Resting
from tests.support.house import ANN, House, wish
from tests.support.life import Killed
from tests.support.oracle import Oracle

T = TypeVar("T")

SYMBOLS = st.sampled_from(["INFY", "SBIN"])
SIZES = st.sampled_from([5, 10])
PLACING = st.sampled_from([how for how in How if how is not How.IGNORED])
OPERATING = st.sampled_from([How.REJECT, How.IGNORED, How.PLACED_UNKNOWN, How.LOST_UNKNOWN, How.BUG, How.UNAVAILABLE])
ANSWERS_AFTER = st.sampled_from([0.05, 1.5, 9.0])
SPANS = st.sampled_from([0.2, 1.0, 4.0, 12.0, 40.0, 70.0, 200.0, 650.0])
ENDS = st.sampled_from([BrokerState.CANCELLED, BrokerState.REJECTED, BrokerState.EXPIRED])
INNER_POINTS = [point for point in POINTS if point not in ("accept.replied", "squareoff.planned")]
HEALED_AFTER_S = 700.0


class Lifecycle(RuleBasedStateMachine):
    """Ann, her alerts, a broker that does what brokers do, and a process that may die anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lifecycle-"))
        self.loop = asyncio.new_event_loop()
        self.arrivals: list[Arrival] = []
        self.keys = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let it happen, and bury the process if it died of it."""
        try:
            return self.loop.run_until_complete(work)
        finally:
            self._bury()

    def _bury(self) -> None:
        if not self.house.process.life.alive and not self.buried:
            self.buried = True
            self.oracle.disturbed()
            self.loop.run_until_complete(self.house.crash())

    @property
    def alive(self) -> bool:
        """Whether somebody is at work."""
        return not self.buried

    @initialize(echo=st.booleans(), resend=st.booleans(), at_once=st.booleans())
    def open(self, echo: bool, resend: bool, at_once: bool) -> None:
        self.buried = False
        limits = AccountSettings(orders_per_second=3, in_flight_max=2, resend_exits_after_proof=resend)
        capabilities = replace(EVERYTHING, ref_echo=echo)
        self.house = self.loop.run_until_complete(
            House.open(self.folder, account=limits, capabilities=capabilities, exit_max_age_s=120, dedupe_window_s=5)
        )
        self.house.broker.fills_at = Decimal(100) if at_once else None
        self.oracle = Oracle(self.house)

    # -- senders ------------------------------------------------------------------------------------------------------

    def _send(self, arrival: Arrival) -> None:
        async def send() -> None:
            try:
                await self.house.send(arrival)
            except (Killed, StorageUnavailable):
                return  # no answer, or 503: the sender knows nothing
            await self.house.clock.settle()

        self.do(send())

    def _alert(self, *wishes: OrderIntent, with_key: bool, **more: Any) -> None:
        self.keys += with_key
        arrival = self.house.arrival(*wishes, key=f"key-{self.keys}" if with_key else None, **more)
        self.arrivals.append(arrival)
        self._send(arrival)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, size=SIZES, side=st.sampled_from([Intent.BUY, Intent.SELL]), limit=st.booleans(), key=st.booleans())
    def entry(self, symbol: str, size: int, side: Intent, limit: bool, key: bool) -> None:
        more = {"order_type": OrderType.LIMIT, "price": Decimal(100)} if limit else {}
        self._alert(wish(side, symbol, size, **more), with_key=key)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, key=st.booleans())
    def way_out(self, symbol: str, key: bool) -> None:
        self._alert(wish(Intent.EXIT, symbol), with_key=key)

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, size=SIZES)
    def basket(self, symbol: str, size: int) -> None:
        self._alert(wish(Intent.BUY, symbol, size), wish(Intent.SELL, "SBIN", size), with_key=True)

    @precondition(lambda self: self.alive and self.arrivals)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        arrival = data.draw(st.sampled_from(self.arrivals[-4:]))
        self._send(replace(arrival, received_at=self.house.clock.now(), started=self.house.clock.monotonic()))

    @precondition(lambda self: self.alive and self.keys)
    @rule(symbol=SYMBOLS)
    def same_id_other_body(self, symbol: str) -> None:
        self._send(self.house.arrival(wish(Intent.BUY, symbol, 5), key=f"key-{self.keys}"))

    @precondition(lambda self: self.alive)
    @rule(symbol=SYMBOLS, age_s=st.sampled_from([50, 59.9, 61, 3600]))
    def late_alert(self, symbol: str, age_s: float) -> None:
        said = (self.house.clock.now() - timedelta(seconds=age_s)).isoformat()
        self._alert(wish(Intent.BUY, symbol, 5), with_key=False, timestamp=said)

    # -- the broker -----------------------------------------------------------------------------------------------------

    @rule(how=PLACING, after_s=ANSWERS_AFTER, late_s=st.sampled_from([3.0, 30.0, 90.0]))
    def next_answer(self, how: How, after_s: float, late_s: float) -> None:
        self.house.broker.script.append(Act(how, after_s=after_s, late_s=late_s))

    @rule(how=OPERATING, after_s=ANSWERS_AFTER)
    def next_cancel(self, how: How, after_s: float) -> None:
        self.house.broker.cancels.append(Act(how, after_s=after_s))

    @rule(lag_s=st.sampled_from([0.0, 3.0, 30.0, 55.0]))
    def lag(self, lag_s: float) -> None:
        self.house.broker.lag_s = lag_s

    def _working(self, data: st.DataObject) -> Resting | None:
        working = self.house.broker.working()
        return data.draw(st.sampled_from(working)) if working else None

    @rule(data=st.data(), portion=st.sampled_from([1, 2, None]))
    def fill(self, data: st.DataObject, portion: int | None) -> None:
        if resting := self._working(data):
            self.house.broker.fill(resting.row.broker_order_id, portion)

    @rule(data=st.data(), state=ENDS)
    def end_at_broker(self, data: st.DataObject, state: BrokerState) -> None:
        if resting := self._working(data):
            self.house.broker.end(resting.row.broker_order_id, state, "by the exchange")

    @rule(over=st.booleans(), empty=st.booleans())
    def login(self, over: bool, empty: bool) -> None:
        self.house.broker.login_over, self.house.broker.empty_when_over = over, empty
        self.oracle.disturbed()

    @rule(broken=st.booleans())
    def book(self, broken: bool) -> None:
        self.house.broker.book_problem = OutcomeUnknown("502 Bad Gateway") if broken else None
        self.oracle.disturbed()

    # -- this side --------------------------------------------------------------------------------------------------------

    @rule(seconds=SPANS)
    def time_passes(self, seconds: float) -> None:
        self.do(self.house.run(seconds))

    @precondition(lambda self: self.alive)
    @rule(point=st.sampled_from(INNER_POINTS), passage=st.sampled_from([1, 1, 2]))
    def dies_at(self, point: str, passage: int) -> None:
        self.house.process.life.dies_at(point, passage)

    @precondition(lambda self: self.alive)
    @rule()
    def dies(self) -> None:
        self.house.process.life.alive = False
        self._bury()

    @precondition(lambda self: not self.alive)
    @rule()
    def starts_again(self) -> None:
        self.buried = False
        self.oracle.disturbed()
        self.do(self.house.start())

    @precondition(lambda self: self.alive)
    @rule(works=st.sampled_from([1, 2, 5]), forgets=st.booleans())
    def database_fails(self, works: int, forgets: bool) -> None:
        self.oracle.disturbed()
        if forgets:
            self.house.process.writer.forgets = works
        else:
            self.house.process.writer.fails = works

    @precondition(lambda self: self.alive)
    @rule(stopped=st.booleans())
    def kill_switch(self, stopped: bool) -> None:
        self.house.stop_trading(stopped=stopped)

    # -- people -----------------------------------------------------------------------------------------------------------

    def _ask(self, work: Coroutine[Any, Any, str]) -> None:
        async def ask() -> None:
            try:
                await work
            except (Killed, StorageUnavailable):
                return
            await self.house.clock.settle()

        self.do(ask())

    @precondition(lambda self: self.alive and self.house.orders())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.house.orders()))
        self._ask(self.house.process.control.cancel(order.id, ANN))

    @precondition(lambda self: self.alive and self.house.orders())
    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.house.orders()))
        known = self.house.broker.of(order.ref)
        number = known[0].row.broker_order_id if known else None
        self._ask(self.house.process.control.decide(order.id, ANN, number))

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
        broker = self.house.broker
        broker.login_over, broker.book_problem, broker.lag_s = False, None, 0.0
        broker.script.clear()
        broker.cancels.clear()
        if self.alive:
            self.house.process.life.lives_on()
            self.house.process.writer.fails = self.house.process.writer.forgets = 0
        else:
            self.starts_again()
        self.oracle.disturbed()


def _nothing(found: list[str]) -> None:
    if found:
        raise AssertionError("\n".join(found))


@pytest.mark.usefixtures("quiet_logs")
def test_no_story_breaks_an_invariant(reliability: str) -> None:
    run_state_machine_as_test(Lifecycle, settings=settings.get_profile(f"reliability-{reliability}"))
