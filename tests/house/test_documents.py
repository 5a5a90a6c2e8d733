"""What the documents say is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.accounts.model import StrategySettings
from scripts import dialects_page
from scripts.leaks import findings, tracked_files
from scripts.readme_command import command
from scripts.settings_table import BEGIN, END, table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = [file for file in tracked_files() if file.suffix == ".md"]
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives"]
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

# Words that praise instead of saying what happens.
PRAISE = re.compile(
    r"(?i)\b(?:blazing|cutting.edge|effortless\w*|enterprise.grade|lightning|next.generation|powerful|revolutionary|robust"
    r"|seamless\w*|state.of.the.art|supercharge\w*|world.class|oops|simply)\b"
)


def prose(text: str) -> str:
    """A document without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_readme_says_in_three_sentences_what_this_is_before_anything_else() -> None:
    opening = README.split("\n\n")[1]

    assert len(re.findall(r"\.(?=\s|$)", opening)) == 3


def test_readmes_two_commands_come_first_and_need_no_other() -> None:
    first, second = re.findall(r"^```sh\n(.*?)\n```", README, flags=re.MULTILINE | re.DOTALL)[:2]

    assert first == command("demo", README) == "python3 -m pip install uv && python3 -m uv run bridge demo"
    assert second == command("test", README) == "python3 -m pip install uv && python3 -m uv run pytest -n 2"
    assert README.index(first) < README.index("\n## ")


def test_readmes_settings_are_those_of_the_program() -> None:
    shown = README.split(BEGIN)[1].split(END)[0].strip()

    assert shown == table().strip(), "run: uv run scripts/settings_table.py --write"


def test_nothing_says_where_it_was_written() -> None:
    assert findings(tracked_files()) == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=relative)
def test_a_document_says_what_happens_and_does_not_praise(file: Path) -> None:
    said = prose(file.read_text(encoding="utf-8"))

    assert PRAISE.findall(said) == []
    assert not re.search(r"\w!(?=\s|$)", said), "no exclamation marks"


@pytest.mark.parametrize("file", DOCUMENTS, ids=relative)
def test_a_documents_links_lead_somewhere(file: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", prose(file.read_text(encoding="utf-8")))
    local = [target for target in targets if "://" not in target]

    assert [target for target in local if not (file.parent / target).exists()] == []


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_a_decision_has_its_four_parts_and_fits_a_page(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == HEADINGS
    assert text.startswith(f"# {int(file.stem[:4])}. ")
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))
    assert len(text.split()) < 600


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(file.stem[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)

    assert text.startswith("# Changelog\n")
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version) for version in versions[1:])
    assert set(re.findall(r"^### (.+)$", text, flags=re.MULTILINE)) <= CHANGES


def test_the_licence_is_the_whole_apache_licence() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert (ROOT / "NOTICE").read_text(encoding="utf-8").startswith("Bridge\nCopyright")


def test_the_page_of_dialects_is_made_of_the_dialects() -> None:
    page = (ROOT / "docs" / "dialects.md").read_text(encoding="utf-8")

    assert page == dialects_page.page(), "run: uv run scripts/dialects_page.py --write"


def test_the_settings_of_approvals_are_written_down_with_their_defaults() -> None:
    page = (ROOT / "docs" / "decisions" / "0011-a-missing-yes-is-a-check-that-says-no.md").read_text(encoding="utf-8")
    fields = {name: field for name, field in StrategySettings.model_fields.items() if name.startswith("approval")}

    defaults = {name: "not set" if field.default is None else f"`{field.default}`" for name, field in fields.items()}
    assert [name for name, default in defaults.items() if f"| `{name}` | {default} |" not in page] == []
