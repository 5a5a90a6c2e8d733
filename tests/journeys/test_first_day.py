"""From nothing to a filled order of every kind of sender, with nothing but the commands and the webhook."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.lifecycle import TERMINAL
from tests.journeys.books import holdings, positions
from tests.journeys.browser import Browser
from tests.journeys.installation import PASSWORD, Installation
from tests.journeys.sender import Sender
from tests.journeys.waiting import until
from tests.strategies.platforms import BUILDERS, SAMPLES

CHARTINK = (
    Path(__file__).resolve().parents[2] / "bridge" / "dialects" / "chartink" / "examples" / "scan_hit_reliance.json"
)
OPENALGO = {
    "apikey": "not-a-real-key", "strategy": "AFL", "symbol": "SBIN", "action": "BUY", "exchange": "NSE",
    "pricetype": "MARKET", "product": "MIS", "quantity": "7",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Post:
    """A message, the dialect it is to be read in, and the orders it is to lead to."""

    sender: str
    content_type: str
    body: str
    dialect: str
    orders: tuple[tuple[str, str, int], ...]


def sample(sender: str, folder: str, name: str, **fresh: str) -> Post:
    """A message of `strategies/`, built by its platform from today's values."""
    message = json.loads((SAMPLES / folder / "messages" / f"{name}.json").read_text())
    body = BUILDERS[folder](message["template"], message["values"] | fresh)
    wanted = tuple((o["symbol"], o["side"], int(o["quantity"])) for o in message["expect"]["orders"])
    return Post(sender, message["content_type"], body, message["expect"]["dialect"], wanted)


def posts() -> list[Post]:
    """What the four kinds of senders send on their first day."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    scan = json.loads(CHARTINK.read_text())
    hits = tuple((order["symbol"], "buy", 3) for order in scan["reading"]["orders"])
    return [
        # First, because a scan that names what is held already buys no more of it.
        Post("Chartink", scan["content_type"], scan["body"], "chartink", hits),
        sample("TradingView", "tradingview", "traderspost_entry", timenow=now),
        sample("TradingView", "tradingview", "indicator_entry", time=now),
        sample("AmiBroker", "amibroker", "buy"),
        Post("AmiBroker", "application/json", json.dumps(OPENALGO), "openalgo", (("SBIN", "buy", 7),)),
        sample("Spreadsheet", "google-sheets", "buy"),
        sample("Spreadsheet", "excel-vba", "buy"),
    ]


@pytest.fixture
def addresses(house: Installation) -> dict[str, str]:
    """A house set up by commands and started: the webhook's address by sender, and the API's key as `key`."""
    house.make("user", "add", "asha", "--password-file", "-", said=f"{PASSWORD}\n")
    account = house.make("account", "add", "Practice", "--broker", "paper")["id"]
    (house.folder / "scans.json").write_text('{"scan_side": "buy", "quantity": "3"}')
    rules = ("--account", account, "--any-symbol", "--settings", "scans.json")
    strategy = house.make("strategy", "add", "Trend", *rules)["id"]
    presets = {
        "TradingView": ("--preset", "tradingview", "--allow", "127.0.0.1"),
        "Chartink": ("--preset", "chartink", "--allow", "127.0.0.1"),
        "AmiBroker": (),
        "Spreadsheet": (),
    }
    made = {name: house.make("source", "add", name, "--strategy", strategy, *more) for name, more in presets.items()}
    key = house.make("key", "create", "Look")["key"]
    house.start("up")
    return {"key": key} | {name: source["webhook_url"] for name, source in made.items()}


def test_what_every_sender_sends_is_followed_from_its_answer_to_its_fill(
    house: Installation, addresses: dict[str, str]
) -> None:
    wanted = posts()

    for post in wanted:
        story = _followed(house, addresses, post)
        assert story["dialect"] == post.dialect
        assert sorted(map(_ending, story["orders"])) == sorted((*order, "FILLED") for order in post.orders)

    bought = holdings((symbol, Decimal(quantity)) for post in wanted for symbol, _, quantity in post.orders)
    assert positions(house, "positions") == positions(house, "paper_positions") == bought
    with Browser(house.url, "asha", PASSWORD) as browser:
        page = browser.read("/positions")
    assert all(f"{symbol} NSE MIS Trend +{quantity} " in page for symbol, quantity in bought.items())
    assert house.complaints() == []


def _followed(house: Installation, addresses: dict[str, str], post: Post) -> dict[str, Any]:
    """Send it, and look at it through the API until all of its orders are over."""
    with Sender(addresses[post.sender]) as sender:
        answer = sender.post(post.body, post.content_type)
    assert (answer.status, answer.content["status"]) == (202, "accepted"), answer
    page = f"/api/v1/alerts/{answer.content['alert_id']}"
    key = {"Authorization": f"Bearer {addresses['key']}"}
    return until(lambda: _over(house.http.get(page, headers=key).json()), f"{post.body} to be over")


def _over(story: dict[str, Any]) -> dict[str, Any]:
    over = all(order["state"] in TERMINAL for order in story["orders"])
    return story if story["orders"] and over else {}


def _ending(order: dict[str, Any]) -> tuple[str, str, int, str]:
    return order["symbol"], order["side"], int(order["quantity"]), order["state"]
