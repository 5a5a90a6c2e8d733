"""OpenAlgo's client as published, in an environment of its own, at a demo in a process of its own; and its scoreboard.

Bridge does not depend on the client: the environment is made once for each machine, under the user's cache directory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.cli.bench import free_port
from tests.journeys.installation import Service
from tests.journeys.sdk_judges import JUDGES, Line, Story
from tests.journeys.waiting import until

PACKAGE = "openalgo==1.0.47"
DRIVER = Path(__file__).with_name("sdk_driver.py")
BEGIN, END = "<!-- scoreboard: uv run scripts/sdk_scoreboard.py --write -->", "<!-- end of the scoreboard -->"
INSTALLED_WITHIN_S, TOLD_WITHIN_S = 300, 180
# What is another on every day: order ids, dates, contracts, prices that follow the market.
_CHANGING = re.compile(r"or_\w+|\d{4}-\d{2}-\d{2}|\d{2}[A-Z]{3}\d{2}|.*\d{2}[A-Z]{3}\d{2}\d+[CP]E")


class NoClient(Exception):
    """The client could not be installed; the message says how to get it."""


def environment() -> Path:
    """The interpreter that has the client, installed at the first call. Raises `NoClient`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bridge-tests"
    version = "{}.{}".format(*sys.version_info)
    folder = cache / f"{PACKAGE.replace('==', '-')}-python-{version}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = Path(scratch) / "made"
            _uv("venv", "--python", version, str(made))
            _uv("pip", "install", "--python", str(made / "bin" / "python"), PACKAGE)
            try:
                made.rename(folder)  # whole or not at all
            except OSError:
                if not folder.is_dir():  # else another run was quicker
                    raise
    return folder / "bin" / "python"


def _uv(*words: str) -> None:
    how = f"To get it, be online once and run: uv run pytest {Path('tests/journeys/test_sdk.py')}"
    try:
        done = subprocess.run(
            ["uv", *words, "--quiet"], capture_output=True, text=True, timeout=INSTALLED_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NoClient(f"uv {words[0]} {PACKAGE}: {problem}. {how}") from problem
    if done.returncode:
        raise NoClient(f"uv {words[0]} {PACKAGE}: {done.stderr.strip()}. {how}")


def play(folder: Path, python: Path) -> tuple[Story, list[str]]:
    """The driver's day at a new demo, and the methods that the client has, those of its WebSocket excepted."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    service = Service(("demo", "--json", "--port", str(free_port())), folder, inherited, "demo")
    try:
        facts: dict[str, Any] = json.loads(until(service.output.read_text, "the demo's line"))
        told = {"BRIDGE_URL": facts["base_url"], "BRIDGE_KEY": facts["api_key"], "BRIDGE_USER": facts["username"]}
        done = subprocess.run(
            [python, "-W", "ignore::DeprecationWarning", DRIVER],
            env=inherited | told, capture_output=True, text=True, timeout=TOLD_WITHIN_S, check=False,
        )  # fmt: skip
    finally:
        service.stop()
    assert done.returncode == 0, done.stderr
    first, *rest = (json.loads(line) for line in done.stdout.splitlines())
    return Story(Line(**line) for line in rest), first["methods"]


def verdict(story: Story, call: str) -> tuple[str, str]:
    """What a call was answered, in a few words, and whether that is what a strategy needs."""
    try:
        return JUDGES[call](story), "works"
    except (AssertionError, LookupError, TypeError, ValueError, AttributeError):
        return "something else", "fails"


def scoreboard(story: Story) -> str:
    """The table of every call."""
    rows = ["| method | asked | answered | verdict |", "|---|---|---|---|"]
    for call, line in story.lines.items():
        answered, word = verdict(story, call)
        rows.append(f"| `{line.method}` | {call}: `{asked(line.asked)}` | {answered} | {word} |")
    return "\n".join(rows)


def asked(members: Mapping[str, Any]) -> str:
    """The arguments as a strategy writes them, without what changes from day to day."""
    of_lots = ("quantity", "splitsize") if "underlying" in members else ()  # lots are changed now and then
    said = {name: "…" if name in of_lots else _steady(name, value) for name, value in members.items()}
    return ", ".join(f"{name}={value}" for name, value in said.items()) or "nothing"


def _steady(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"[{len(value)} of them]"
    if isinstance(value, str) and _CHANGING.fullmatch(value):
        return "…"
    if name in ("price", "trigger_price") and float(value):
        return "…"
    return json.dumps(value, ensure_ascii=False)


def with_scoreboard(page: str, table: str) -> str:
    """The page with that table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
