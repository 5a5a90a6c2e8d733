"""Looking at alerts, and sending one through again."""

from __future__ import annotations

import json

import pytest

from bridge.kit.database import Writer, connect
from bridge.orders import tables
from tests.api.world import alert
from tests.cli.terminal import Terminal

ALERT = "al_1"
MEMBERS = ("alerts", "intents", "orders", "events")


@pytest.fixture
def strategy(asha: Terminal) -> Terminal:
    """The commands, with a strategy on paper and one alert that it was sent."""
    account_id = asha.id("account", "add", "practice", "--broker", "paper")
    strategy_id = asha.id("strategy", "add", "alpha", "--account", account_id, "--any-symbol", "--exchange", "NSE")
    source_id = asha.id("source", "add", "tv", "--strategy", strategy_id)
    ((user_id,),) = asha.rows("SELECT id FROM users")
    row = alert(ALERT, user_id, 1_767_585_600_000_000) | {"source_id": source_id, "strategy_id": strategy_id}
    row["body"] = json.dumps({"ticker": "INFY", "action": "buy", "quantity": 10})
    engine = connect(f"sqlite:///{asha.database}")
    writer = Writer(engine)
    writer.submit(lambda tx: tx.insert(tables.alerts, row)).result()
    writer.close()
    engine.dispose()
    return asha


def counted(terminal: Terminal) -> list[int]:
    return [terminal.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in MEMBERS]


def test_alerts_are_listed_by_what_became_of_them(strategy: Terminal) -> None:
    assert [each["id"] for each in strategy.json("alert", "list")] == [ALERT]
    assert strategy.json("alert", "list", "--status", "refused") == []
    assert ALERT in strategy("alert", "list")


def test_an_alert_tells_its_story(strategy: Terminal) -> None:
    shown = strategy("alert", "show", ALERT)

    assert "received 2026-01-05 04:00:00 UTC from 192.0.2.7, read as traderspost" in shown
    assert "Read as TradersPost" in shown
    assert strategy.json("alert", "show", ALERT)["body"].startswith('{"ticker"')


@pytest.mark.parametrize("words", [("list",), ("show", ALERT), ("list", "--json"), ("show", ALERT, "--json")])
def test_what_strangers_wrote_does_not_steer_the_terminal(strategy: Terminal, words: tuple[str, ...]) -> None:
    steering = "\x1b[2J\x9b2J\u202e"
    strategy.rows("UPDATE alerts SET body = ?, message = ?, code = 'x'", steering, steering)

    shown = strategy("alert", *words)

    assert not any(sign in shown for sign in steering if not sign.isprintable())


@pytest.mark.parametrize("words", [("show",), ("replay", "--dry-run")])
def test_anothers_alert_is_not_there(strategy: Terminal, words: tuple[str, ...]) -> None:
    strategy("user", "add", "ravi", "--password-file", "-", said="correct horse battery staple\n")

    assert f"no alert {ALERT}" in strategy("alert", words[0], ALERT, *words[1:], "--user", "ravi", fails=1)


def test_a_dry_replay_shows_the_order_and_keeps_nothing(strategy: Terminal) -> None:
    before = counted(strategy)

    answer = strategy.json("alert", "replay", ALERT, "--dry-run")

    (order,) = answer["orders"]
    assert (order["symbol"], order["side"], order["quantity"]) == ("INFY", "buy", 10)
    assert counted(strategy) == before


def test_a_dry_replay_shows_every_check(strategy: Terminal) -> None:
    shown = strategy("alert", "replay", ALERT, "--dry-run")

    assert shown.startswith("accepted\n")
    assert "passed  market is open" in shown


def test_a_dry_replay_of_what_would_be_refused_fails_and_says_why(strategy: Terminal) -> None:
    strategy("panic", "--reason", "holiday")

    assert "holiday" in strategy("alert", "replay", ALERT, "--dry-run", fails=1)


def test_a_real_replay_asks_first(strategy: Terminal) -> None:
    before = counted(strategy)

    strategy("alert", "replay", ALERT, said="n\n", fails=1)

    assert counted(strategy) == before


def test_a_real_replay_is_a_new_alert_with_orders_for_the_server_to_send(strategy: Terminal) -> None:
    answer = strategy.json("alert", "replay", ALERT, said="y\n")

    assert answer["status"] == "accepted"
    assert answer["alert_id"] != ALERT
    # "buy" closes a short first: only the dispatcher that knows the position makes the order.
    assert strategy.rows("SELECT alert_id, state FROM intents") == [(answer["alert_id"], "RECEIVED")]
