"""Whatever is placed, changed, cancelled, filled, settled and reopened: the books add up, to the last digit."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.brokers.base import BrokerOrder, OrderRequest, Rejected
from bridge.brokers.paper.records import WORKING, PaperHolding, PaperOrder, PaperPosition, PaperTrade, Pocket, from_row
from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderType, Product, TimeInForce
from bridge.kit.database import Reader, connect
from tests.brokers.paper_bench import CALL, COIN, FUTURE, SBIN, Bench, depth, order

T = TypeVar("T")
TRADED = (SBIN, FUTURE, CALL, COIN)
CAPITAL = {"INR": Decimal(1_000_000), "USDT": Decimal(1_000)}
ticks = st.integers(min_value=1900, max_value=2100)  # around 100, in ticks of 0.05
sizes = st.sampled_from(["1", "2", "3", "7", "65", "130", "1000"])


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    """Mostly sensible orders; what is not, the broker refuses."""
    instrument = draw(st.sampled_from(TRADED))
    order_type = draw(st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]))
    quantity = Decimal(draw(sizes)) * (Decimal("0.0037") if instrument is COIN else 1)
    return order(
        draw(st.sampled_from(["buy", "sell"])),
        quantity,
        instrument,
        order_type=order_type,
        product=draw(st.sampled_from(Product)),
        price=price(draw(ticks)) if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        trigger_price=price(draw(ticks)) if order_type in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        time_in_force=draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])),
    )


def price(count: int) -> Decimal:
    """That many ticks."""
    return count * Decimal("0.05")


class PaperMachine(RuleBasedStateMachine):
    """One account under a trader who does anything."""

    @initialize(partial=st.booleans(), costs=st.sampled_from(["none", "india"]))
    def start(self, partial: bool, costs: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        chosen = {"capital": CAPITAL["INR"], "other_capital": CAPITAL["USDT"], "partial_fills": partial, "costs": costs}
        self.bench = Bench(Path(self.folder.name), settings={"match_every_s": 0, **chosen})
        self.engine = connect(self.bench.url)
        self.reader = Reader(self.engine)
        self.over: dict[str, BrokerOrder] = {}
        self.filled: dict[str, Decimal] = defaultdict(Decimal)
        for instrument in TRADED:
            self.move(instrument, 2000, 1, 9)

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(what)

    @rule(request=requests())
    def place(self, request: OrderRequest) -> None:
        self.run(self.attempt(self.bench.broker.place(request)))

    @rule(pick=st.integers(0, 20), request=requests())
    def modify(self, pick: int, request: OrderRequest) -> None:
        if target := self.working(pick):
            ours = {"instrument": instrument_of(target), "side": target.side, "product": target.product}
            changed = order(**{**_figures(request), **ours})
            self.run(self.attempt(self.bench.broker.modify(target.broker_order_id, changed)))

    @rule(pick=st.integers(0, 20))
    def cancel(self, pick: int) -> None:
        if target := self.working(pick):
            self.run(self.bench.broker.cancel(target.broker_order_id))

    @rule(instrument=st.sampled_from(TRADED), last=ticks, spread=st.integers(0, 4), units=st.integers(1, 90))
    def move(self, instrument: Instrument, last: int, spread: int, units: int) -> None:
        bids = {price(last - spread - n): units for n in range(2)}
        asks = {price(last + spread + n): units for n in range(2)}
        self.bench.price(instrument, price(last), depth=depth(bids, asks))

    @rule()
    def match(self) -> None:
        self.run(self.bench.broker.match_now())

    @rule()
    def reopen(self) -> None:
        """As after a kill: nothing is handed over but the file."""
        before = self.run(self.books())
        self.run(self.bench.close())
        self.bench.broker = self.bench.open()
        assert self.run(self.books()) == before

    @rule()
    def next_day(self) -> None:
        self.bench.clock.advance(86_400)
        self.over.clear()
        self.filled.clear()
        self.run(self.bench.broker.warm())

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def positions_are_the_sum_of_trades(self) -> None:
        net: dict[tuple[str, Product], Decimal] = defaultdict(Decimal)
        for trade in self.rows("paper_trades", PaperTrade):
            net[trade.symbol, trade.product] += trade.side.sign * trade.quantity
        for position in self.rows("paper_positions", PaperPosition):
            net[position.symbol, position.product] -= position.quantity
        for holding in self.rows("paper_holdings", PaperHolding):
            net[holding.symbol, Product.CNC] -= holding.quantity
            assert holding.quantity >= 0
        assert not any(net.values())

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def money_is_what_came_in_and_what_went_out(self) -> None:
        expected = dict(CAPITAL)
        for trade in self.rows("paper_trades", PaperTrade):
            expected[trade.currency] -= trade.side.sign * trade.quantity * trade.price + trade.costs
        for position in self.rows("paper_positions", PaperPosition):
            expected[position.currency] += position.cost if position.quantity > 0 else -position.cost
        for holding in self.rows("paper_holdings", PaperHolding):
            expected[holding.currency] += holding.cost
        for pocket in self.rows("paper_pockets", Pocket):
            assert pocket.capital + pocket.realised - pocket.costs == expected[pocket.currency]

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def sums_are_sums(self) -> None:
        margin: dict[str, Decimal] = defaultdict(Decimal)
        blocked: dict[str, Decimal] = defaultdict(Decimal)
        for position in self.rows("paper_positions", PaperPosition):
            margin[position.currency] += position.margin
            blocked[position.currency] += position.blocked
            assert position.quantity or position.margin == position.cost == 0
        for holding in self.rows("paper_holdings", PaperHolding):
            margin[holding.currency] += holding.cost
        for pocket in self.rows("paper_pockets", Pocket):
            assert (pocket.margin, pocket.blocked) == (margin[pocket.currency], blocked[pocket.currency])

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def nothing_is_blocked_for_nobody(self) -> None:
        working = {(each.symbol, each.product) for each in self.working_rows()}
        for position in self.rows("paper_positions", PaperPosition):
            assert position.blocked >= 0
            assert position.blocked == 0 or (position.symbol, position.product) in working

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def orders_fill_forward_and_end_once(self) -> None:
        traded: dict[str, Decimal] = defaultdict(Decimal)
        for trade in self.rows("paper_trades", PaperTrade):
            traded[trade.order_id] += trade.quantity
        for each in self.run(self.bench.broker.order_book()):
            assert self.filled[each.broker_order_id] <= each.filled <= each.quantity
            assert each.filled == traded[each.broker_order_id]
            self.filled[each.broker_order_id] = each.filled
            if each.state not in WORKING:
                assert self.over.setdefault(each.broker_order_id, each) == each

    async def attempt(self, act: Coroutine[Any, Any, object]) -> None:
        """Do something that may be refused; a refusal changes no money and no working order."""
        before = self.rows("paper_pockets", Pocket), self.working_rows()
        try:
            await act
        except Rejected:
            assert (self.rows("paper_pockets", Pocket), self.working_rows()) == before

    def working_rows(self) -> list[PaperOrder]:
        return [each for each in self.rows("paper_orders", PaperOrder) if each.working]

    async def books(self) -> tuple[Any, ...]:
        broker = self.bench.broker
        shown = (await broker.order_book(), await broker.trades(), await broker.positions(), await broker.holdings())
        return (*shown, await broker.funds())

    def working(self, pick: int) -> BrokerOrder | None:
        found = [each for each in self.run(self.bench.broker.order_book()) if each.state in WORKING]
        return found[pick % len(found)] if found else None

    def rows(self, table: str, kind: type[Any]) -> list[Any]:
        return [from_row(kind, row) for row in self.reader.read(f"SELECT * FROM {table}")]

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.run(self.bench.close())
            self.engine.dispose()
            self.runner.close()
            self.folder.cleanup()


def instrument_of(row: BrokerOrder) -> Instrument:
    """The instrument of a row."""
    return next(each for each in TRADED if each.symbol == row.symbol)


def _figures(request: OrderRequest) -> dict[str, Any]:
    names = ("quantity", "order_type", "price", "trigger_price", "time_in_force")
    return {name: getattr(request, name) for name in names}


PaperMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_the_books_add_up_whatever_happens = PaperMachine.TestCase
