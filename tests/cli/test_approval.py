"""Saying yes or no at the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.terminal import Terminal
from tests.cli.test_alert import ALERT, strategy

__all__ = ["strategy"]


@pytest.fixture
def waiting(strategy: Terminal) -> Terminal:
    """The commands, with a buy of ten INFY that waits."""
    ((text,),) = strategy.rows("SELECT settings FROM strategies")
    settings = json.loads(text) | {"approval": "all", "approval_price_move_max_percent": "50"}
    strategy.rows("UPDATE strategies SET settings = ?", json.dumps(settings))
    strategy("alert", "replay", ALERT, "--yes")
    return strategy


def intent(terminal: Terminal) -> tuple[str, str, str | None]:
    ((found),) = terminal.rows("SELECT id, state, code FROM intents")
    return found


def test_where_nothing_waits_the_list_says_so(strategy: Terminal) -> None:
    assert strategy("approval", "list") == "Nothing waits.\n"
    assert strategy.json("approval", "list") == []


def test_what_waits_is_listed_with_its_prices(waiting: Terminal) -> None:
    (found,) = waiting.json("approval", "list")

    assert found["what"] == "BUY 10 INFY"
    assert float(found["price_then"]) > 0
    assert float(found["price_now"]) > 0
    assert found["id"] in waiting("approval", "list")


def test_a_yes_hands_the_intent_to_the_server(waiting: Terminal) -> None:
    shown = waiting("approval", "approve", intent(waiting)[0])

    assert shown.startswith("Approved: BUY 10 INFY.")
    assert intent(waiting)[1:] == ("RECEIVED", None)


def test_a_no_ends_it_with_the_reason(waiting: Terminal) -> None:
    shown = waiting("approval", "refuse", intent(waiting)[0], "--reason", "holiday")

    assert shown == "Refused by asha: holiday. Nothing was sent.\n"
    assert intent(waiting)[1:] == ("REFUSED", "approval_refused")


@pytest.mark.parametrize("act", ["approve", "refuse"])
def test_what_is_anothers_is_not_there(waiting: Terminal, act: str) -> None:
    waiting("user", "add", "ravi", "--password-file", "-", said="correct horse battery staple\n")
    intent_id = intent(waiting)[0]

    assert f"no intent {intent_id}" in waiting("approval", act, intent_id, "--user", "ravi", fails=1)
    assert intent(waiting)[1] == "AWAITING_CONFIRM"


def test_a_strategy_that_asks_first_is_made_of_options(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha", "--approval", "entries", "--approval-above", "50000")

    settings = asha.json("strategy", "show", strategy_id)["settings"]
    assert (settings["approval"], settings["approval_above"]) == ("entries", "50000")
    assert (settings["approval_expires_s"], settings["approval_price_move_max_percent"]) == (300, "1")
