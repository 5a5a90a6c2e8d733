"""The judge itself: its ledger comes first, its knobs do what they say, its accounts stay apart."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.brokers.base import Broker, BrokerError, BrokerState
from tests.brokers.orders import order
from tests.brokers.rehearsal import connected, eventually, listens, word_for
from tests.fakebroker.client import ROOT, FakeBrokerProcess
from tests.fakebroker.ledger import Ledger, read


async def test_an_order_is_in_the_ledger_before_it_is_answered_even_if_killed(fakebroker: FakeBrokerProcess) -> None:
    adapter = connected(fakebroker.url, "T")
    placed: list[str] = []

    async def place_on() -> None:
        while True:
            try:
                placed.append((await adapter.place(order())).broker_order_id)
            except BrokerError:
                return

    lanes = [asyncio.create_task(place_on()) for _ in range(8)]
    assert await eventually(lambda: len(placed) > 100)
    fakebroker.kill()
    await asyncio.gather(*lanes)
    await adapter.close()
    accepted = {row["order_id"] for row in fakebroker.ledger("accepted")}
    assert set(placed) <= accepted
    assert len(fakebroker.sent()) >= len(accepted)


async def test_a_restart_keeps_book_and_port(fakebroker: FakeBrokerProcess) -> None:
    adapter = connected(fakebroker.url, "T")
    fakebroker.set(fill={"mode": "partial", "fraction": 0.5})
    placed = await adapter.place(order())
    before = [await adapter.order_book(), await adapter.trades(), await adapter.positions()]
    url = fakebroker.url
    fakebroker.restart()
    assert fakebroker.url == url
    await word_for(adapter, order())  # finds the old connections dead
    rows = [row for row in await adapter.order_book() if row.broker_order_id == placed.broker_order_id]
    assert rows == list(before[0])
    assert (await adapter.trades())[0] == before[1][0]
    await adapter.close()


_STARTER = """
import sys
from pathlib import Path
from tests.fakebroker.client import FakeBrokerProcess

print(FakeBrokerProcess(Path(sys.argv[1])).start().url, flush=True)
sys.stdin.read()
"""


def orphaned(ledger: Path) -> FakeBrokerProcess:
    """A broker whose starter was killed as soon as it listened."""
    command = [sys.executable, "-c", _STARTER, str(ledger)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        broker = FakeBrokerProcess(ledger)
        broker.url = starter.stdout.readline().strip()
        assert listens(broker)
        starter.kill()
    return broker


async def test_a_broker_does_not_outlive_a_test_that_was_killed(tmp_path: Path) -> None:
    broker = orphaned(tmp_path / "ledger.jsonl")

    assert await eventually(lambda: not listens(broker))


def test_a_line_torn_by_a_crash_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"event":"request"}\n{"event":"acc')
    ledger = Ledger(path)
    ledger.append({"event": "fill"})
    ledger.close()
    assert [row["event"] for row in read(path)] == ["request", "fill"]


async def test_the_ledger_has_every_field_as_sent(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    wanted = order()
    await adapter.place(wanted)
    (sent,) = vendor.sent(wanted.ref)
    assert sent["body"] == {
        "tag": wanted.ref,
        "symbol": "SBIN",
        "exchange": "NSE",
        "side": "BUY",
        "quantity": "10",
        "order_type": "LIMIT",
        "product": "MIS",
        "price": "99.95",
        "trigger_price": None,
        "validity": "DAY",
    }
    assert sent["at"] > 1_700_000_000


async def test_every_step_of_an_order_is_a_line_in_the_ledger(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    already = len(vendor.ledger())
    await adapter.place(order())
    vendor.set(fill="never")
    placed = await adapter.place(order())
    await adapter.modify(placed.broker_order_id, order(quantity=Decimal(5)))
    await adapter.cancel(placed.broker_order_id)
    vendor.set(faults={"refuse_margin": 1})
    await word_for(adapter, order())
    assert [row["event"] for row in vendor.ledger()[already:]] == [
        *("request", "accepted", "fill"),
        *("request", "accepted"),
        *("request", "modified"),
        *("request", "cancelled"),
        *("request", "fault", "refused"),
    ]


async def test_accounts_do_not_see_each_other(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    other = connected(vendor.url, "somebody-else")
    placed = await adapter.place(order())
    assert await other.order_book() == []
    assert await other.positions() == []
    with pytest.raises(BrokerError, match="No such order"):
        await other.cancel(placed.broker_order_id)
    await other.close()


@pytest.mark.parametrize("request_line", [("GET", "/orders"), ("GET", "/session"), ("POST", "/orders")])
async def test_a_stranger_without_a_token_gets_nothing(
    vendor: FakeBrokerProcess, request_line: tuple[str, str]
) -> None:
    accepted = len(vendor.ledger("accepted"))
    line = http.client.HTTPConnection(vendor.url.removeprefix("http://"))
    line.request(*request_line)
    answer = line.getresponse()
    assert (answer.status, json.loads(answer.read())["error_type"]) == (403, "TokenException")
    assert len(vendor.ledger("accepted")) == accepted
    line.close()


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"latency": 1}, "latency"),
        ({"faults": {"no_such_fault": 1}}, "no_such_fault"),
        ({"faults": [{"do": "drop", "when": "never"}]}, "when"),
        ({"fill": {"SBIN": "sometimes"}}, "sometimes"),
        ({"fill": {"mode": "partial", "share": 1}}, "share"),
    ],
)
def test_a_knob_that_does_not_exist_is_an_error(vendor: FakeBrokerProcess, knobs: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        vendor.set(**knobs)


async def test_a_fault_can_be_scripted_by_order_number_tag_or_symbol(
    vendor: FakeBrokerProcess, adapter: Broker
) -> None:
    sent = len(vendor.sent())
    marked = order()
    rules = [{"do": "drop", "nth": [sent + 2]}, {"do": "refuse_margin", "tag": marked.ref}]
    vendor.set(faults=[*rules, {"do": "refuse_input", "symbol": "SBIN", "times": 1}])
    words = [await word_for(adapter, each) for each in (order(), order(), marked, order())]
    assert words == ["Rejected", "OutcomeUnknown", "Rejected", "placed"]


async def test_a_probability_strikes_about_that_often(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(faults={"refuse_margin": 0.3})
    words = [await word_for(adapter, order()) for _ in range(300)]
    assert 50 < words.count("Rejected") < 130
    assert set(words) == {"Rejected", "placed"}


async def test_an_order_of_a_stranger_is_in_the_book(vendor: FakeBrokerProcess, adapter: Broker, token: str) -> None:
    outside = {"symbol": "SBIN", "exchange": "NSE", "side": "SELL", "quantity": "5", "order_type": "MARKET"}
    order_id = vendor.act("place", account=token, order=outside | {"product": "MIS"})
    (seen,) = await adapter.order_book()
    assert (seen.broker_order_id, seen.ref) == (order_id, None)
    assert [row for row in vendor.sent() if row["account"] == token] == []


async def test_the_market_can_act_on_a_resting_order(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    vendor.set(fill="never")
    wanted = order()
    await adapter.place(wanted)
    vendor.act("fill", tag=wanted.ref, quantity=4, price=99)
    vendor.act("expire", tag=wanted.ref)
    (seen,) = await adapter.order_book()
    assert (seen.state, seen.filled) == (BrokerState.EXPIRED, Decimal(4))


async def test_the_rest_of_a_partial_fill_comes_in_steps(
    vendor: FakeBrokerProcess, adapter: Broker, token: str
) -> None:
    vendor.set(fill={"mode": "partial", "fraction": 0.4, "steps": 3, "every_s": 1})
    await adapter.place(order())
    assert await eventually(lambda: vendor.book(token)[0]["status"] == "COMPLETE")
    assert [str(each.quantity) for each in await adapter.trades()] == ["4", "2", "2", "2"]


def test_the_clock_can_be_set_and_runs_at_its_speed(vendor: FakeBrokerProcess) -> None:
    assert vendor.set(now=1_800_000_000)["clock"].startswith("2027-01-15T08:00:0")
    line = http.client.HTTPConnection(vendor.url.removeprefix("http://"))
    line.request("GET", "/session", headers={"Authorization": "token T"})
    answer = line.getresponse()
    answer.read()
    assert answer.headers["Date"].startswith("Fri, 15 Jan 2027 08:00:")
    line.close()


# ---- postbacks


@contextmanager
def listener() -> Iterator[tuple[str, list[Any]]]:
    """A place for postbacks: its address and what came."""
    heard: list[Any] = []

    class Hear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["X-Signature"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hear)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/postback", heard
    server.shutdown()
    thread.join()
    server.server_close()


def states(heard: list[Any]) -> list[str]:
    return [json.loads(body)["status"] for _, body in heard]


def tags(heard: list[Any]) -> list[str]:
    return [json.loads(body)["tag"] for _, body in heard]


async def test_each_change_of_an_order_is_pushed_and_signed(vendor: FakeBrokerProcess, adapter: Broker) -> None:
    with listener() as (url, heard):
        vendor.set(postbacks={"url": url, "key": "K"})
        await adapter.place(order())
        assert await eventually(lambda: len(heard) == 2)
        assert sorted(states(heard)) == ["COMPLETE", "OPEN"]
        signature, body = heard[0]
        assert signature == hmac.new(b"K", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [({"missing": 1}, 0), ({"doubled": 1}, 4), ({"late_s": [1, 2]}, 2), ({"reordered": 0.5}, 2)],
)
async def test_pushes_go_missing_come_twice_or_late(
    trouble: dict[str, Any], expected: int, vendor: FakeBrokerProcess, adapter: Broker
) -> None:
    with listener() as (url, heard):
        vendor.set(postbacks={"url": url, **trouble})
        await adapter.place(order())
        # One that is held back comes within three seconds, so the second order's are the last.
        vendor.set(postbacks={"url": url, "late_s": 4})
        last = order()
        await adapter.place(last)
        assert await eventually(lambda: tags(heard).count(last.ref) == 2 and len(heard) >= expected + 2)
        assert len(heard) == expected + 2
