"""Writes the exact closure of the dependencies: versions into pyproject.toml, hashes into requirements.lock.

    uv run scripts/lock.py              after `uv add` or an edited range: resolve, keep every version already chosen
    uv run scripts/lock.py --upgrade    the newest versions that the ranges allow
    uv run scripts/lock.py --check      for CI: fails when the files do not say what resolving gives

`uv.lock` stays out of git because it repeats the address of whichever index it was made with
(docs/decisions/0001-constraints-instead-of-uv-lock.md).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
HASHED = ROOT / "requirements.lock"

CONSTRAINTS = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)
UV_TABLE = "[tool.uv]\n"
# A host in a lock file can only be an index, a mirror or a path of somebody's machine.
ADDRESS = re.compile(r"[a-z]+://\S+|--(?:extra-)?index-ur[l]|--find-link[s]|^\s*(?:-e )?[./~]\S*/", re.MULTILINE)


def resolve(project_text: str, *, upgrade: bool = False) -> tuple[str, str]:
    """The project's closure as (constraints block, hashed requirements), resolved away from the working tree."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pyproject.toml").write_text(project_text)
        _uv(folder, "lock", *(["--upgrade"] if upgrade else []))
        pins = _export(folder, "--no-hashes", "--no-annotate")
        return constraints_block(pins), _export(folder)


def constraints_block(pins: str) -> str:
    """`name==version` lines as the TOML array that uv reads; the marker stays only where one name has two versions."""
    lines = [line for line in pins.splitlines() if line.strip()]
    names = [line.split("==")[0] for line in lines]
    kept = [line if names.count(name) > 1 else line.split(" ;")[0] for name, line in zip(names, lines, strict=True)]
    return "constraint-dependencies = [\n" + "".join(f'    "{line}",\n' for line in kept) + "]\n"


def with_constraints(project_text: str, block: str) -> str:
    """The project file with that block in place of the old one, or at the head of [tool.uv]."""
    if CONSTRAINTS.search(project_text):
        return CONSTRAINTS.sub(lambda _: block, project_text)
    return project_text.replace(UV_TABLE, UV_TABLE + block)


def without_constraints(project_text: str) -> str:
    """The project file as people wrote it: ranges only."""
    return CONSTRAINTS.sub("", project_text)


def hashes(requirements: str) -> dict[str, set[str]]:
    """Every pinned requirement with the hashes it may have."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", requirements, flags=re.MULTILINE).strip())
    return {entry.split(" \\")[0].strip(): set(re.findall(r"sha256:\w+", entry)) for entry in entries}


def problems(project_text: str, hashed: str) -> list[str]:
    """What is wrong with the two files, in sentences; nothing when they stand."""
    block, fresh = resolve(project_text)
    stated = CONSTRAINTS.search(project_text)
    found = []
    if stated is None or stated.group() != block:
        found.append("pyproject.toml: constraint-dependencies are not the closure of the dependencies.")
    ours, theirs = hashes(hashed), hashes(fresh)
    if ours.keys() != theirs.keys():
        found.append(f"requirements.lock: differs in {', '.join(sorted(ours.keys() ^ theirs.keys()))}.")
    # A release may gain a wheel later; a hash of ours that the index no longer has is another matter.
    gone = [name for name in ours.keys() & theirs.keys() if not ours[name] or not ours[name] <= theirs[name]]
    found += [f"requirements.lock: {name} has hashes that its release does not have." for name in sorted(gone)]
    uv_table = project_text[project_text.find(UV_TABLE) :].split("\n[")[0]
    index_tables = re.findall(r"^\[\[tool\.uv\.index", project_text, flags=re.MULTILINE)
    addresses = ADDRESS.findall(hashed) + ADDRESS.findall(uv_table) + index_tables
    found += [f"An address stands in the lock: {address.strip()}" for address in addresses]
    return found


def main() -> int:
    """Write or check; 1 when a check fails."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="change nothing, fail on drift or an address")
    arguments.add_argument("--upgrade", action="store_true", help="take the newest versions the ranges allow")
    chosen = arguments.parse_args()
    text = PROJECT.read_text()
    if chosen.check:
        found = problems(text, HASHED.read_text() if HASHED.exists() else "")
        print("\n".join([*found, "Run: uv run scripts/lock.py"]) if found else "The lock stands.")
        return 1 if found else 0
    block, hashed = resolve(without_constraints(text) if chosen.upgrade else text, upgrade=chosen.upgrade)
    PROJECT.write_text(with_constraints(PROJECT.read_text(), block))  # read again: resolving took a while
    HASHED.write_text(hashed)
    return 0


def _export(folder: Path, *options: str) -> str:
    return _uv(
        folder, "export", "--frozen", "--no-emit-project", "--no-header", "--format", "requirements-txt", *options
    )


def _uv(folder: Path, *arguments: str) -> str:
    run = subprocess.run(["uv", *arguments, "--project", str(folder)], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"uv {' '.join(arguments)} failed:\n{run.stderr}")
    return run.stdout


if __name__ == "__main__":
    sys.exit(main())
