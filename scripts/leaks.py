"""Says where a tracked file tells where it was written: paths of a machine, package indexes, unfinished business.

    uv run scripts/leaks.py     prints file:line: what; exit 1 when there is any

The hosts come from the package clients' own settings besides the two public indexes, so a private mirror is found
on the machine that uses it. Patterns are spelled so that this file does not match itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PATTERNS = {
    "a path of a machine": re.compile(r"(?<![\w./~-])/(?:home|root|Users|work|workspace|builds)/[\w.-]+"),
    "a package index": re.compile(
        r"py[p]i\.(?:org|python\.org)|pythonhoste[d]\.org|registry\.npmj[s]\.|registry\.yarnpk[g]"
    ),
    "an index option": re.compile(r"--(?:extra-)?index-ur[l]|--default-inde[x]|--find-link[s]|^\[\[tool\.uv\.inde[x]"),
    "unfinished business": re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b"),
    "the tools of the writer": re.compile(r"(?i)language mode[l]|co-authored-b[y]|\bAI[- ](?:generate[d]|assistan[t])"),
}
PUBLIC_NAMES = {"localhost", "127.0.0.1", "github.com"}
HOST_SETTINGS = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
)


def findings(files: Iterable[Path], root: Path = ROOT) -> list[str]:
    """`file:line: what: the text` for everything found; files that are not text are passed over."""
    patterns = PATTERNS | machine_patterns(root)
    return [found for file in files for found in _in_file(file, root, patterns)]


def machine_patterns(root: Path) -> dict[str, re.Pattern[str]]:
    """What only this machine can know: its folders and the hosts of its package clients."""
    # A folder at the top of the tree belongs to every machine: it tells nothing (a clone may lie in any of them).
    folders = [str(folder) for folder in (root, root.parent, Path.home()) if len(folder.parts) > 2]
    spoken = " ".join(os.environ.get(name, "") for name in HOST_SETTINGS)
    spoken += _said(["python3", "-m", "pip", "config", "list"]) + _said(["npm", "config", "get", "registry"])
    hosts = set(re.findall(r"https?://(?:[^@/\s']*@)?([\w.-]+\.\w+)", spoken)) - PUBLIC_NAMES
    patterns = {}
    if folders:
        patterns["a folder of this machine"] = re.compile("|".join(rf"(?<!\w){re.escape(f)}/" for f in folders))
    if hosts:
        patterns["a package index in use here"] = re.compile("|".join(map(re.escape, sorted(hosts))))
    return patterns


def tracked_files(root: Path = ROOT) -> list[Path]:
    """Every file that git has or would take."""
    names = _said(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"])
    return [file for name in sorted(set(names.split("\0"))) if name and (file := root / name).is_file()]


def main() -> int:
    """1 when something leaks."""
    found = findings(tracked_files())
    print("\n".join(found) or "Nothing says where it was written.")
    return 1 if found else 0


def _in_file(file: Path, root: Path, patterns: dict[str, re.Pattern[str]]) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in patterns.items():
            if match := pattern.search(line):
                yield f"{file.relative_to(root)}:{number}: {what}: {match.group()}"


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout
    except FileNotFoundError:  # no npm here: then it has no registry either
        return ""


if __name__ == "__main__":
    sys.exit(main())
