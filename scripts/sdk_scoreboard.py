"""Writes the scoreboard of OpenAlgo's client into docs/compatibility.md, from a day of its calls at a demo.

uv run scripts/sdk_scoreboard.py             prints the table
uv run scripts/sdk_scoreboard.py --write     writes it
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compatibility.md"


def main(write: bool) -> None:
    """Play the day, and print its table or write it."""
    sys.path.insert(0, str(ROOT))  # the day is a test's
    from tests.journeys.sdk import environment, play, scoreboard, with_scoreboard

    with tempfile.TemporaryDirectory() as folder:
        story, _ = play(Path(folder), environment())
    if write:
        PAGE.write_text(with_scoreboard(PAGE.read_text(encoding="utf-8"), scoreboard(story)), encoding="utf-8")
    else:
        print(scoreboard(story))


if __name__ == "__main__":
    main("--write" in sys.argv)
