"""The tree says the sentence that the design says, and the imports obey it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    *("accounts", "admin", "api", "bots", "brokers", "cli", "dialects", "domain"),
    *("hosting", "kit", "market", "orders", "streaming", "webhooks"),
)
NOT_BROKERS = {"families"}


def folders(package: str) -> list[Path]:
    return sorted(folder for folder in (ROOT / "bridge" / package).iterdir() if (folder / "__init__.py").exists())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_the_layout_exists_and_says_what_it_is_for(package: str) -> None:
    first_line = (ROOT / "bridge" / package / "__init__.py").read_text(encoding="utf-8").splitlines()[0]

    assert re.match(r'"""[A-Z].+', first_line)


def test_no_package_is_there_that_the_layout_does_not_know() -> None:
    there = {file.parent.name for file in (ROOT / "bridge").glob("*/__init__.py")}

    assert there - {"migrations"} == set(PACKAGES)


@pytest.mark.parametrize(
    "folder",
    [folder for folder in folders("brokers") if folder.name not in NOT_BROKERS],
    ids=lambda folder: folder.name,
)
def test_a_broker_says_what_differs_from_the_others(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")

    assert readme.startswith("# ")
    assert len(readme.split()) > 30


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "fakebroker").glob("*.py")), ids=lambda file: file.stem)
def test_the_fake_broker_shares_no_code_with_bridge(file: Path) -> None:
    assert not re.search(r"^\s*(?:from|import)\s+bridge\b", file.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_imports_point_down() -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout
