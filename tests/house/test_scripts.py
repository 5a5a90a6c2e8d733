"""The scripts that keep the house would notice."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from scripts.branch_coverage import verdict
from scripts.leaks import findings, machine_patterns
from scripts.lock import ADDRESS, constraints_block, hashes, with_constraints, without_constraints
from scripts.paste_demo_curl import pasted
from scripts.readme_command import command

ROOT = Path(__file__).resolve().parents[2]
SHELL = [ROOT / ".ci" / "run", *sorted(ROOT.glob("*/*.sh")), *sorted((ROOT / "strategies").glob("*/*.sh"))]
PROJECT = '[project]\nname = "x"\n\n[tool.uv]\ncompile-bytecode = true\n'


def test_a_marker_stays_only_where_a_name_has_two_versions() -> None:
    pins = "a==1 ; sys_platform == 'win32'\nb==1 ; python_version < '3.12'\nb==2 ; python_version >= '3.12'\n"

    block = constraints_block(pins)

    assert '"a==1",' in block
    assert "\"b==1 ; python_version < '3.12'\"," in block


def test_writing_the_constraints_twice_is_writing_them_once() -> None:
    block = constraints_block("a==1\n")

    once = with_constraints(PROJECT, block)

    assert with_constraints(once, block) == once
    assert without_constraints(once) == PROJECT


def test_the_hashes_of_a_requirement_are_told_from_its_comments() -> None:
    text = "a==1 ; x \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via c\nb==2 \\\n    --hash=sha256:cc\n"

    assert hashes(text) == {"a==1 ; x": {"sha256:aa", "sha256:bb"}, "b==2": {"sha256:cc"}}


@pytest.mark.parametrize(
    "line", ["--index-" + "url x", "a @ file:///tmp/a.whl", "https" + "://mirror.example/simple", "-e ../a"]
)
def test_an_address_in_a_lock_is_found(line: str) -> None:
    assert ADDRESS.search(f"a==1\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "see /home" + "/somebody/bridge",
        "https://py" + "pi.org/project/x",
        "pip install --extra-index-" + "url x",
        "TO" + "DO: later",
        "Co-authored-" + "by: somebody",
    ],
)
def test_a_leak_is_found_with_its_place(tmp_path: Path, line: str) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"fine\n{line}\n")

    (found,) = findings([file], tmp_path)

    assert found.startswith("notes.md:2: ")


def test_a_path_of_this_machine_is_found(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"built in {tmp_path}/dist\n")

    assert findings([file], tmp_path)


def test_too_few_branches_fail_and_a_package_nobody_measured_does_too() -> None:
    report = {"files": {"bridge/orders/a.py": {"summary": {"covered_branches": 94, "num_branches": 100}}}}

    assert verdict(report, "bridge/orders") == (False, "bridge/orders: 94 of 100 branches taken, 94.0 % (floor 95 %)")
    assert verdict(report, "bridge/domain")[0] is False


def test_the_pasted_line_is_the_whole_command_and_nothing_behind_it() -> None:
    log = "Ready.\n  curl -X POST \\\n    -d '{}' \\\n    http://127.0.0.1:1/hook\nAPI key brk_x\n"

    assert pasted(log) == "curl -X POST \\\n    -d '{}' \\\n    http://127.0.0.1:1/hook"


def test_two_different_commands_in_readme_are_refused() -> None:
    readme = "```sh\na pytest -n 2\n```\n```sh\nb pytest -n 2\n```\n"

    with pytest.raises(ValueError, match="2 different commands"):
        command("test", readme)


@pytest.mark.parametrize("file", SHELL, ids=lambda file: file.name)
def test_a_shell_script_can_be_run_and_parsed(file: Path) -> None:
    assert os.access(file, os.X_OK)
    assert subprocess.run(["bash", "-n", str(file)], check=False).returncode == 0


def test_secrets_are_made_once_and_kept_from_git(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "make-secrets.sh"
    script.write_bytes((ROOT / "deploy" / "make-secrets.sh").read_bytes())

    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    password = (tmp_path / "secrets" / "postgres_password").read_text()
    subprocess.run(["sh", str(script)], check=True, capture_output=True)

    assert len(password) == 64
    assert (tmp_path / "secrets" / "postgres_password").read_text() == password
    assert f":{password}@postgres:" in (tmp_path / "secrets" / "database_url").read_text()
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert (tmp_path / "secrets" / ".gitignore").read_text() == "*\n"


def test_a_clone_in_a_folder_that_every_machine_has_is_no_leak() -> None:
    patterns = machine_patterns(Path("/tmp") / "clone")

    assert not any(pattern.search("file:///tmp/a.whl") for pattern in patterns.values())
