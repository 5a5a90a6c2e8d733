"""Fails when too few branches of the packages that move money were taken.

uv run pytest -n 2 --cov=bridge/orders --cov=bridge/domain --cov-branch --cov-report=json:coverage.json
uv run --no-project scripts/branch_coverage.py coverage.json bridge/orders bridge/domain
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FLOOR_PERCENT = 95


def taken(report: dict[str, Any], package: str) -> tuple[int, int]:
    """Branches taken and branches there, over all files of the package."""
    summaries = [file["summary"] for path, file in report["files"].items() if path.startswith(f"{package}/")]
    return sum(s["covered_branches"] for s in summaries), sum(s["num_branches"] for s in summaries)


def verdict(report: dict[str, Any], package: str) -> tuple[bool, str]:
    """Whether the package passes, and the sentence that says so. A package nobody measured does not pass."""
    covered, total = taken(report, package)
    if not total:
        return False, f"{package}: no branch was measured."
    percent = 100 * covered / total
    return (
        percent >= FLOOR_PERCENT,
        f"{package}: {covered} of {total} branches taken, {percent:.1f} % (floor {FLOOR_PERCENT} %)",
    )


def main(report_file: str, *packages: str) -> int:
    """1 when a package is below the floor."""
    report = json.loads(Path(report_file).read_text(encoding="utf-8"))
    verdicts = [verdict(report, package) for package in packages]
    print("\n".join(sentence for _, sentence in verdicts))
    return 0 if all(passed for passed, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
