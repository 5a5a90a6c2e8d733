"""The `translate` command: alerts in, meanings out, nothing touched."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.translate import command

Lines = Callable[..., str]
BUY = '{"ticker": "AAPL", "action": "buy"}'


def translate(*arguments: str, sent: str = "") -> Result:
    return CliRunner().invoke(command, arguments, input=sent)


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    def write(*alerts: Any) -> str:
        path = tmp_path / "alerts.jsonl"
        path.write_text("\n".join(alert if isinstance(alert, str) else json.dumps(alert) for alert in alerts))
        return str(path)

    return write


def test_one_alert_is_explained_in_sentences() -> None:
    result = translate(sent=BUY)

    assert result.exit_code == 0
    assert "read as traderspost" in result.output
    assert "1. buy: symbol AAPL" in result.output


def test_one_alert_as_json() -> None:
    said = json.loads(translate("--json", sent=BUY).output)

    assert said["orders"][0]["symbol"] == "AAPL"


def test_a_refused_alert_says_why_and_exits_non_zero() -> None:
    result = translate(sent='{"ticker": "AAPL", "action": "bu"}')

    assert result.exit_code == 1
    assert "refused (invalid_action)" in result.output


def test_the_mode_of_the_strategy_changes_the_meaning() -> None:
    sent = '{"symbol": "SBIN", "action": "SELL"}'

    assert "exit_long" in translate("--mode", "LONG", sent=sent).output
    assert "enter_short" in translate("--mode", "short", sent=sent).output


def test_a_dialect_can_be_given() -> None:
    assert json.loads(translate("--dialect", "trade_relay", "--json", sent=BUY).output)["dialect"] == "trade_relay"


def test_many_alerts_give_one_line_each_in_order(lines: Lines) -> None:
    path = lines({"id": "a", "content_type": "text/plain", "body": BUY}, {"id": "b", "content_type": "", "body": ""})

    answers = [json.loads(line) for line in translate("--jsonl", path).output.splitlines()]

    assert [(answer["id"], answer["kind"]) for answer in answers] == [("a", "order"), ("b", "invalid")]


def test_a_line_may_carry_the_receivers_settings_and_its_meaning_is_not_looked_at(lines: Lines) -> None:
    alert = {"content_type": "application/json", "body": '{"symbol": "SBIN", "action": "BUY"}'}
    meaning = {"kind": "notify", "orders": [], "context": {"trading_mode": "SHORT"}}
    path = lines(alert | {"context": {"trading_mode": "LONG"}}, alert | {"meaning": meaning})

    answers = [json.loads(line) for line in translate("--jsonl", path).output.splitlines()]

    assert [answer["orders"][0]["intent"] for answer in answers] == ["enter_long", "exit_short"]


@pytest.mark.parametrize("line", ["no json", "[]", '{"content_type": "text/plain"}'])
def test_a_line_that_is_no_alert_is_named(lines: Lines, line: str) -> None:
    result = translate("--jsonl", lines({"content_type": "", "body": BUY}, line))

    assert result.exit_code != 0
    assert "line 2" in result.output
