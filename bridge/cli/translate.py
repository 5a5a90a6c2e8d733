"""`bridge translate`: what alerts would become, without doing any of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from bridge.dialects import read
from bridge.dialects.base import Context
from bridge.domain.intent import Reading

MODES = ("LONG", "SHORT", "BOTH")


@click.command("translate")
@click.option(
    "--jsonl", "lines", type=click.File("r", encoding="utf-8"), help="Read many alerts, one JSON object a line."
)
@click.option("--content-type", default="text/plain", show_default=True, help="The content type the sender gives.")
@click.option("--dialect", help="Read in this dialect instead of detecting it.")
@click.option("--mode", type=click.Choice(MODES, case_sensitive=False), help="The strategy's direction.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def command(lines: TextIO | None, content_type: str, dialect: str | None, mode: str | None, as_json: bool) -> None:
    """Show what an alert (on standard input) would become. Nothing is stored or sent."""
    if lines is not None:
        try:
            for answer in _answers(lines, dialect, mode):
                click.echo(json.dumps(answer))
        except UnicodeDecodeError as problem:
            raise click.ClickException(f"{lines.name} is no UTF-8 text: {problem}") from problem
        return
    reading = read(content_type, sys.stdin.buffer.read(), context=Context(trading_mode=mode), pinned=dialect)
    click.echo(json.dumps(reading.to_json()) if as_json else "\n".join(_sentences(reading)))
    if reading.refusal:
        sys.exit(1)


def _answers(lines: TextIO, dialect: str | None, mode: str | None) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        alert = _alert(line, number)
        reading = read(
            str(alert.get("content_type") or ""), alert["body"], context=_context(alert, mode), pinned=dialect
        )
        yield ({"id": alert["id"]} if "id" in alert else {}) | reading.to_json()


def _alert(line: str, number: int) -> dict[str, Any]:
    try:
        alert = json.loads(line)
    except ValueError as fault:
        raise click.ClickException(f"line {number}: expected a JSON object, {fault}") from None
    if not isinstance(alert, dict) or not isinstance(alert.get("body"), str):
        raise click.ClickException(f"line {number}: expected an object with content_type and body")
    return alert


def _context(alert: dict[str, Any], mode: str | None) -> Context:
    """The receiver's settings: of the line, or of a corpus record's meaning. The rest of a meaning is never looked at."""
    meaning = alert.get("meaning")
    given = alert.get("context") or (meaning.get("context") if isinstance(meaning, dict) else None)
    settings = given if isinstance(given, dict) else {}
    return Context(
        trading_mode=settings.get("trading_mode") or mode, endpoint=settings.get("endpoint"), settings=settings
    )


def _sentences(reading: Reading) -> Iterator[str]:
    yield from (f"· {reason}" for reason in reading.because)
    if reading.refusal:
        yield f"refused ({reading.refusal.code}): {reading.refusal.message}"
        return
    yield f"a message of the kind {reading.kind.value}" + ("" if reading.orders else ", nothing to trade")
    for number, order in enumerate(reading.orders, 1):
        said = order.to_json()
        named = ", ".join(f"{name} {_short(value)}" for name, value in said.items() if name != "intent")
        yield f"{number}. {said['intent']}: {named}"


def _short(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
