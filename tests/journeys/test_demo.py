"""The first minute: `bridge demo`, one alert, and what the pages say about it."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bridge.cli.bench import free_port
from bridge.orders.checks import CHECKS
from tests.journeys.browser import Browser
from tests.journeys.installation import Installation, Service
from tests.journeys.waiting import until

MEMBERS = [
    "base_url", "ws_url", "webhook_url", "api_key", "username", "password", "account_id", "strategy_id", "pid",
]  # fmt: skip
MILLISECONDS = r" \+[\d.]+ m?s "


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo and the line it printed."""

    service: Service
    facts: dict[str, Any]

    def order(self, alert_id: str) -> dict[str, Any]:
        """The one order of an alert, through the API."""
        wanted = {"alert_id": alert_id}
        key = {"Authorization": f"Bearer {self.facts['api_key']}"}
        answer = httpx.get(f"{self.facts['base_url']}/api/v1/orders", params=wanted, headers=key)
        (order,) = answer.json()["items"]
        return dict(order)


@pytest.fixture
def demo(small_house: Installation) -> Demo:
    service = Service(
        ("demo", "--json", "--port", str(free_port())), small_house.folder, small_house.environment, "demo"
    )
    small_house.services.append(service)
    line = until(service.output.read_text, "the demo's line")
    return Demo(service, json.loads(line))


def test_an_alert_to_the_demo_is_filled_and_its_page_tells_the_whole_story(demo: Demo) -> None:
    facts = demo.facts
    message = {"ticker": "INFY", "action": "buy", "quantity": 10}

    answer = httpx.post(facts["webhook_url"], json=message)
    alert = answer.json()
    order = until(lambda: _filled(demo.order(alert["alert_id"])), "the order to be filled")

    assert (answer.status_code, alert["status"]) == (202, "accepted")
    assert (order["account_id"], order["strategy_id"]) == (facts["account_id"], facts["strategy_id"])
    with Browser(facts["base_url"], facts["username"], facts["password"]) as browser:
        _assert_whole_story(browser.read(alert["trace"]), order)
        assert re.search(r"BUY INFY NSE 10 / 10 .* Filled .* Practice PAPER", browser.read("/orders"))
        assert re.search(r"Practice PAPER INFY NSE MIS Demo strategy \+10 ", browser.read("/positions"))
        assert all("SIMULATED" in browser.read(page) for page in (alert["trace"], "/orders", "/positions"))


def _filled(order: dict[str, Any]) -> dict[str, Any]:
    return order if order["state"] == "FILLED" else {}


def _assert_whole_story(page: str, order: dict[str, Any]) -> None:
    """Received, dialect and why, each check, sent, the broker's words and the fill, in this order and with their times."""
    price = rf"{float(order['average_price']):,.2f}"
    steps = [
        rf"Received{MILLISECONDS}from 127\.0\.0\.1",
        rf"Read as traderspost{MILLISECONDS}read as traderspost because it has ticker and action",
        rf"INFY is NSE:INFY{MILLISECONDS}",
        rf"Sized{MILLISECONDS}10 units",
        rf"Every check passed{MILLISECONDS}",
        *(rf"passed {check.__name__.replace('_', ' ').capitalize()}" for check in CHECKS),
        rf"Planned BUY 10 INFY{MILLISECONDS}",
        rf"Sent to Paper{MILLISECONDS}Our reference {order['ref']}",
        rf"Paper took it{MILLISECONDS}Order {order['broker_order_id']}\. From the broker’s reply",
        rf"Filled 10 at {re.escape(price)}{MILLISECONDS}",
    ]
    place = 0
    for step in steps:
        found = re.compile(step, re.IGNORECASE).search(page, place)
        assert found, f"{step!r} is missing after {page[max(place - 60, 0) : place]!r} in {page!r}"
        place = found.end()


def test_the_demo_prints_one_line_and_leaves_nothing_behind(demo: Demo) -> None:
    opened = [Path(file.path) for file in psutil.Process(demo.service.pid).open_files()]
    scratch = {file.parent for file in opened if file.name == "bridge.db"}

    demo.service.stop(signal.SIGINT)

    (line,) = demo.service.output.read_text().splitlines()
    assert list(json.loads(line)) == MEMBERS
    assert demo.facts["pid"] == demo.service.pid
    assert len(scratch) == 1
    assert not any(folder.exists() for folder in scratch)
