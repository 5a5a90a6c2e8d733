"""A13: what the broker reports comes never, twice or in any order, and the end is the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridge.brokers.base import BrokerOrder, BrokerState
from bridge.domain.intent import OrderType, Product, Side, TimeInForce
from bridge.domain.lifecycle import OrderState, Provenance, Standing, after_broker
from bridge.kit import schema
from bridge.kit.database import Reader, Row, Writer, connect
from bridge.orders import journal
from bridge.orders.holdings import Ledger
from bridge.orders.records import OrderRecord
from bridge.orders.updates import SEEN, Updates
from tests.reliability.ledgers import payload
from tests.reliability.replaying import replay
from tests.reliability.rig import Rig
from tests.reliability.sender import mixed
from tests.support.clock import FakeClock

QUANTITY = Decimal(20)
RIGHT_WITHIN_S = 10.0
ENDS = (BrokerState.FILLED, BrokerState.CANCELLED, BrokerState.REJECTED, BrokerState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Report:
    """One state of an order as its broker showed it."""

    state: BrokerState
    filled: Decimal


def history(dice: random.Random) -> list[Report]:
    """What a broker says about one order, in order: it works, fills in steps, and comes to one end."""
    end = dice.choice(ENDS)
    steps = sorted(dice.sample(range(1, int(QUANTITY)), dice.randint(0, 4))) if end is not BrokerState.REJECTED else []
    said = [Report(BrokerState.OPEN, Decimal(0))]
    said += [Report(BrokerState.PARTIALLY_FILLED, Decimal(step)) for step in steps]
    filled = QUANTITY if end is BrokerState.FILLED else said[-1].filled
    return [*said, Report(end, filled)]


def disturbed(reports: Sequence[Report], dice: random.Random) -> list[Report]:
    """The same, some of it twice, in any order; nothing is missing."""
    again = [*reports, *(each for each in reports if dice.random() < 0.5)]
    dice.shuffle(again)
    return again


def test_shuffled_and_doubled_reports_lead_to_the_same_state_as_orderly_ones(
    sized: Callable[[Any, Any, Any], Any],
) -> None:
    for seed in range(sized(300, 2000, 10_000)):
        dice = random.Random(seed)
        orderly = history(dice)
        assert _fold(disturbed(orderly, dice)) == _fold(orderly), f"seed {seed}: {orderly}"


def _fold(reports: Sequence[Report]) -> tuple[OrderState, Decimal]:
    state, filled = OrderState.WORKING, Decimal(0)
    for report in reports:
        change = after_broker(
            Standing(state, QUANTITY, filled, known_at_broker=True), SEEN[report.state], report.filled
        )
        state, filled = change.state, change.filled
    return state, filled


async def test_shuffled_and_doubled_reports_leave_the_same_rows_in_the_journal(
    tmp_path: Path, sized: Callable[[Any, Any, Any], Any]
) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'bridge.db'}")
    schema.upgrade(engine)
    writer = Writer(engine)
    ledger = Ledger()
    updates = Updates(writer, ledger, FakeClock())
    seeds = range(sized(40, 500, 10_000))
    histories = {seed: history(random.Random(seed)) for seed in seeds}
    for seed, orderly in histories.items():
        dice = random.Random(f"again {seed}")
        for twin, reports in (("a", orderly), ("b", disturbed(orderly, dice))):
            order = _order(seed, twin)
            await writer.run(lambda tx, order=order: journal.plan_orders(tx, [order], ""))  # type: ignore[misc]  # bound on purpose
            ledger.put(order)
            for report in reports:
                await updates.apply([_row(order, report)], dice.choice((Provenance.BOOK, Provenance.STREAM)))
    rows = {row["id"]: row for row in Reader(engine).read("SELECT * FROM orders")}
    events = Reader(engine).read("SELECT * FROM events ORDER BY seq")
    fills = Reader(engine).read("SELECT order_id, quantity FROM fills")
    writer.close()
    engine.dispose()
    for seed, orderly in histories.items():
        first, second = (rows[f"or_{seed}{twin}"] for twin in "ab")
        assert _end(first) == _end(second), f"seed {seed}: {orderly}"
        assert _filled(fills, first) == _filled(fills, second) == Decimal(first["filled"]), f"seed {seed}"
    flaws = [flaw for row in rows.values() for flaw in replay(row, [e for e in events if e["order_id"] == row["id"]])]
    assert not flaws
    assert all(payload(event) for event in events)


def _end(row: Row) -> tuple[str, str]:
    return row["state"], row["filled"]


def _filled(fills: Sequence[Row], row: Row) -> Decimal:
    return sum((Decimal(fill["quantity"]) for fill in fills if fill["order_id"] == row["id"]), Decimal(0))


def _order(seed: int, twin: str) -> OrderRecord:
    return OrderRecord(
        id=f"or_{seed}{twin}",
        ref=f"r{seed}{twin}",
        trading_date="2026-01-05",
        user_id="us",
        account_id="ac",
        strategy_id=f"st_{seed}{twin}",
        intent_id=f"in_{seed}{twin}",
        alert_id="al",
        leg=1,
        exchange="NSE",
        symbol="SBIN",
        product=Product.MIS,
        side=Side.BUY,
        quantity=QUANTITY,
        order_type=OrderType.MARKET,
        price=None,
        trigger_price=None,
        time_in_force=TimeInForce.DAY,
        protection=None,
        reduces=False,
        basket=None,
        state=OrderState.WORKING,
        code=None,
        message=None,
        fence=1,
        sends=1,
        deadline=0,
        filled=Decimal(0),
        average_price=None,
        pending_op=None,
        broker_order_id=f"b{seed}{twin}",
        queued_at=0,
        sent_at=0,
        updated_at=0,
        closed_at=None,
    )


def _row(order: OrderRecord, report: Report) -> BrokerOrder:
    return BrokerOrder(
        broker_order_id=str(order.broker_order_id),
        ref=order.ref,
        symbol=order.symbol,
        exchange=order.exchange,
        side=order.side,
        quantity=order.quantity,
        filled=report.filled,
        state=report.state,
        order_type=order.order_type,
        product=order.product,
        price=None,
        trigger_price=None,
        average_price=Decimal(100) if report.filled else None,
        placed_at=datetime(2026, 1, 5, 4, 0, tzinfo=UTC),
        message="",
    )


async def test_without_any_update_stream_every_fill_is_known_within_ten_seconds(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any]
) -> None:
    """The simulated broker sends no postbacks here: the book is all there is."""
    fill = {"mode": "partial", "fraction": 0.3, "steps": 3, "every_s": 4, "after_s": 1}
    rehearsal = rig(131, speed=10.0, fill=fill)
    await rehearsal.start()
    alerts = mixed(random.Random(131), sized(30, 200, 2000))
    await rehearsal.sender().send_all(alerts, gap_real_s=0.05)
    ledgers = await rehearsal.conclude()
    slowest = max(_times_to_know(ledgers.journal.fills, ledgers.journal.orders, ledgers.broker))
    assert slowest <= RIGHT_WITHIN_S, f"seed 131: a fill was known only after {slowest:.1f} s"


def _times_to_know(fills: Sequence[Row], orders: Sequence[Row], broker: Sequence[Row]) -> list[float]:
    """From the moment an order had that much filled at its broker to the moment we had it."""
    linked = {row["id"]: row["broker_order_id"] for row in orders}
    ours: dict[str, list[tuple[float, Decimal]]] = {}
    for fill in fills:
        known = ours.setdefault(linked[fill["order_id"]], [])
        known.append((fill["at"] / 1e6, (known[-1][1] if known else Decimal(0)) + Decimal(fill["quantity"])))
    theirs: dict[str, Decimal] = {}
    times = []
    for row in broker:
        if row["event"] == "fill":
            total = theirs[row["order_id"]] = theirs.get(row["order_id"], Decimal(0)) + Decimal(row["quantity"])
            times += [next(at for at, have in ours[row["order_id"]] if have >= total) - row["clock"]]
    return times
