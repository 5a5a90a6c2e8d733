"""Prints a command exactly as README.md gives it, so that what CI runs is what a reader pastes.

uv run --no-project scripts/readme_command.py demo
uv run --no-project scripts/readme_command.py test
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
ENDINGS = {"demo": "bridge demo", "test": "pytest -n 2"}


def command(name: str, readme: str) -> str:
    """The one line of README's shell blocks that ends like that command. ValueError when there is none, or several."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    lines: set[str] = {line for block in blocks for line in block.splitlines() if line.endswith(ENDINGS[name])}
    if len(lines) != 1:
        raise ValueError(f"README.md has {len(lines)} different commands that end in “{ENDINGS[name]}”, expected 1.")
    return lines.pop()


if __name__ == "__main__":
    print(command(sys.argv[1], README.read_text(encoding="utf-8")))
