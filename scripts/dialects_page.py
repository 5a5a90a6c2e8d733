"""Writes docs/dialects.md, every way to write an alert with an example of each, from the dialects themselves.

uv run scripts/dialects_page.py             prints the page
uv run scripts/dialects_page.py --write     writes it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bridge.dialects import discover
from bridge.dialects.base import Dialect

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dialects.md"
EXAMPLE_CHARACTERS = 700
OPENING = """# Dialects: how an alert may be written

Post any of these to a webhook address. Bridge finds out by itself which one it is and says why on the alert's page
("read as pineconnector because …"); the content type is only a hint. A source or strategy may pin its dialect.
`bridge translate` shows what a message would become without doing it.

The dialects are asked in this order, the most particular first. A message that is in a dialect but breaks its grammar is
refused by name; it never falls through to a dialect that would guess. Placeholders that arrived unfilled, broken
numbers and ambiguous sides are refused. Obvious damage to JSON (a trailing comma, curly quotes) is repaired, and the
alert says so.

## The words of an intent

Every dialect says what a message asks for in the same words (`bridge/domain/intent.py`):

| member | words |
|---|---|
| `kind` | order, cancel, modify, flatten, scan; and those that never trade: control (but for closing), variable, notify, query, conditional, invalid |
| `intent` | buy, sell, enter_long, enter_short, exit, exit_long, exit_short, reverse, add, flatten, target_position, cancel_orders, modify_order, scan_hit, start_deal |
| `quantity_type` | units, base, quote, contracts, lots, cash, risk_cash, risk_percent, percent_equity, percent_available, percent_margin, percent_position, full_position, setting (a number whose unit the strategy decides), default (the strategy's size) |
| `order_type` | market, limit, stop, stop_limit, trailing_stop, default |
| distances | price (absolute), percent, offset (from the entry, always positive), pips, points, trail_percent, trail_offset, setting |
"""


def example_of(dialect: Dialect) -> dict[str, Any] | None:
    """The first of the dialect's examples, by file name, that is an order."""
    folder = Path(str(sys.modules[dialect.read.__module__].__file__)).parent
    records = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((folder / "examples").glob("*.json"))]
    orders = [found for found in records if found["reading"].get("kind") in ("order", "scan", "flatten")]
    return next(iter(orders or records), None)


def section(dialect: Dialect) -> str:
    """One dialect: its name, and a message with what it becomes."""
    example = example_of(dialect)
    if example is None:
        return f"## {dialect.name}\n\n{dialect.title}.\n"
    said = json.dumps(example["reading"].get("orders", []), ensure_ascii=False)
    body = str(example["body"]).strip()
    cut = body if len(body) <= EXAMPLE_CHARACTERS else f"{body[:EXAMPLE_CHARACTERS]}…"
    return f"## {dialect.name}\n\n{dialect.title}.\n\n```text\n{cut}\n```\n\nbecomes `{example['reading']['kind']}`: `{said}`\n"


def page() -> str:
    """The whole page."""
    return "\n".join([OPENING, *(section(dialect) for dialect in discover())])


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
