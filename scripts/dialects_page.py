"""Writes docs/dialects.md, every way to write an alert with an example of each, from the dialects themselves.

uv run scripts/dialects_page.py             prints the page
uv run scripts/dialects_page.py --write     writes it
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bridge.dialects import discover
from bridge.dialects.base import Dialect

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dialects.md"
EXAMPLE_CHARACTERS = 700
OPENING = Path(__file__).with_name("dialects_opening.md")


def folders() -> dict[str, Path]:
    """Where each dialect lives: a name that starts with a digit has it spelled out."""
    package = ROOT / "bridge" / "dialects"
    found = [folder for folder in package.iterdir() if (folder / "examples").is_dir()]
    return {import_module(f"bridge.dialects.{folder.name}").DIALECT.name: folder for folder in found}


def example_of(folder: Path) -> dict[str, Any] | None:
    """The first of a dialect's examples, by file name, that asks for something."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((folder / "examples").glob("*.json"))]
    orders = [found for found in records if found["reading"].get("kind") in ("order", "scan", "flatten")]
    return next(iter(orders or records), None)


def section(dialect: Dialect, folder: Path) -> str:
    """One dialect: its name, and a message with what it becomes."""
    example = example_of(folder)
    if example is None:
        return f"## {dialect.name}\n\n{dialect.title}.\n"
    said = json.dumps(example["reading"].get("orders", []), ensure_ascii=False)
    body = str(example["body"]).strip()
    cut = body if len(body) <= EXAMPLE_CHARACTERS else f"{body[:EXAMPLE_CHARACTERS]}…"
    return f"## {dialect.name}\n\n{dialect.title}.\n\n```text\n{cut}\n```\n\nbecomes `{example['reading']['kind']}`: `{said}`\n"


def page() -> str:
    """The whole page."""
    homes = folders()
    sections = [section(dialect, homes[dialect.name]) for dialect in discover()]
    return "\n".join([OPENING.read_text(encoding="utf-8"), *sections])


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
