"""`kill -9` while alerts come in: nothing is lost, nothing is traded twice, and both books stay equal."""

from __future__ import annotations

import json
import random
import signal

import psutil

from bridge.domain.instrument import InstrumentKind
from bridge.market.listings import listings
from tests.journeys.books import SYMBOLS, Books, assert_agree, holdings, positions, until_filled
from tests.journeys.installation import Installation, Service
from tests.journeys.sender import Sender, burst
from tests.journeys.waiting import until

ALERTS = 60
KILLS = 3
IN_FLIGHT = 4


def test_a_dispatcher_killed_in_a_burst_is_followed_by_another_and_every_alert_ends_once(house: Installation) -> None:
    alerts = burst(seed=1, count=ALERTS, symbols=SYMBOLS)
    with Sender(house.furnish(orders_per_second=30, in_flight_max=1)) as sender:
        web, first = house.start("web"), house.start("dispatch")
        answers = sender.send_all(alerts)
        until_filled(house, 10)
        _kill_with_its_order_at_the_broker(house, first)
        left = ALERTS - len(Books.of(house).done)
        second = house.start("dispatch")
        assert {answer.result().status for answer in answers} == {202}

    until_filled(house, ALERTS)
    assert_agree(house, alerts)
    assert positions(house, "positions") == holdings((alert.symbol, alert.signed) for alert in alerts)
    assert left > 10, "the burst was over before the kill"
    assert _workers(house) == {first.pid, second.pid}
    assert web.is_alive()
    assert house.complaints() == []


def _kill_with_its_order_at_the_broker(house: Installation, dispatcher: Service) -> None:
    """Kill it in a moment in which what it has out has arrived, so that its fate is in the book and nobody must wait a
    minute for the proof that it is not."""

    def killed() -> bool:
        dispatcher.tell(signal.SIGSTOP)
        until(lambda: psutil.Process(dispatcher.pid).status() == psutil.STATUS_STOPPED, "the dispatcher to stand still")
        orders = Books.of(house).rows
        if any(row["state"] == "SENDING" and row["paper_state"] is None for row in orders):
            dispatcher.tell(signal.SIGCONT)
            return False
        dispatcher.kill()
        return True

    until(killed, "a moment in which the dispatcher's order had arrived")


def _workers(house: Installation) -> set[int]:
    """The processes that sent orders."""
    return {json.loads(row["worker"])[1] for row in house.rows("SELECT worker FROM attempts")}


def test_everything_killed_again_and_again_loses_and_doubles_nothing_that_is_sent_under_its_id(
    house: Installation,
) -> None:
    dice = random.Random(4)
    alerts = burst(seed=4, count=ALERTS, symbols=_many_symbols())
    with Sender(house.furnish(orders_per_second=None, in_flight_max=IN_FLIGHT)) as sender:
        services = [house.start("up")]
        answers = sender.insist_on_all(alerts)
        for _ in range(KILLS):
            sender.wait_until_taken(sender.taken + dice.randint(3, 12))
            services[-1].kill()
            services.append(house.start("up"))
        statuses = [[answer.status for answer in tries.result()] for tries in answers]

    until(lambda: Books.of(house).are_at_rest(), "the orders to come to rest", now=lambda: Books.of(house))

    books = assert_agree(house, alerts)
    assert any(0 in tries for tries in statuses), "nobody noticed the kills"
    assert len(books.never_arrived) <= IN_FLIGHT * KILLS
    assert len(books.done) >= ALERTS - 2 * IN_FLIGHT * KILLS
    assert house.complaints() == []


def _many_symbols() -> list[str]:
    """So many that an order whose fate must be proved first holds up no more than one other."""
    stocks = [
        each.symbol for each in listings().values() if (each.exchange, each.kind) == ("NSE", InstrumentKind.EQUITY)
    ]
    return stocks[: ALERTS // 2]
