"""Plays every example of every dialect folder: what was sent, and the members of the reading that must come of it."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

import bridge.dialects
from bridge.dialects import discover, read
from bridge.dialects.base import Context
from bridge.domain.intent import Reading

PACKAGES = [path.parent for path in Path(bridge.dialects.__file__).parent.glob("*/__init__.py")]
FOLDERS = sorted(folder for folder in PACKAGES if folder.name != "families")  # which holds what several share
EXAMPLES = [example for folder in FOLDERS for example in sorted(folder.glob("examples/*.json"))]
COUNTED = {"units", "base", "contracts"}  # the same number; which word fits depends on the instrument
FOLDER_NAMES = {"threecommas_signal": "3commas_signal", "threecommas_dca": "3commas_dca"}


def named(example: Path) -> str:
    return f"{example.parent.parent.name}-{example.stem}"


def played(example: Path, pinned: str | None = None) -> tuple[dict[str, Any], Reading]:
    sent = json.loads(example.read_text(encoding="utf-8"))
    context = sent.get("context") or {}
    known = {"trading_mode": context.get("trading_mode"), "endpoint": context.get("endpoint")}
    reading = read(sent["content_type"], sent["body"], context=Context(**known, settings=context), pinned=pinned)
    return sent["reading"], reading


def plain(value: Any) -> Any:
    """The value in a form in which equal meanings are equal: decimals, and words without case."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return Decimal(str(value)).normalize()
    if isinstance(value, str):
        try:
            return Decimal(value).normalize()
        except InvalidOperation:
            return value.strip().casefold()
    if isinstance(value, list):
        return [plain(part) for part in value]
    return {name: plain(part) for name, part in value.items() if part is not None}


def covers(wanted: Any, given: Any, name: str = "") -> bool:
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(covers(part, given.get(key), key) for key, part in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(given, list)
            and len(wanted) == len(given)
            and all(map(covers, wanted, given, [name] * len(given)))
        )
    if name in ("quantity_type", "order_type") and wanted == "default" and given is None:
        return True
    return bool(wanted == given) or (name == "quantity_type" and wanted in COUNTED and given in COUNTED)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_is_read_as_its_documentation_says(example: Path) -> None:
    wanted, reading = played(example)

    given = reading.to_json()

    assert covers(plain(wanted), plain(given)), f"wanted {wanted}, read {given}"


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_is_recognised_as_its_own_dialect(example: Path) -> None:
    folder = example.parent.parent.name

    _, reading = played(example)

    assert reading.dialect in (FOLDER_NAMES.get(folder, folder), "unknown")  # unknown: refused before any dialect


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_pinning_the_dialect_of_an_example_changes_nothing(example: Path) -> None:
    _, detected = played(example)

    _, pinned = played(example, pinned=detected.dialect if detected.dialect != "unknown" else None)

    assert pinned.orders == detected.orders
    assert pinned.kind is detected.kind


@pytest.mark.parametrize("example", [each for each in EXAMPLES if played(each)[1].secret], ids=named)
def test_the_secret_of_a_body_is_never_shown(example: Path) -> None:
    _, reading = played(example)

    assert reading.secret
    assert reading.secret not in json.dumps(reading.to_json())
    assert reading.secret not in repr(reading)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if played(each)[1].refusal], ids=named)
def test_a_refusal_has_a_stable_code_and_a_sentence_and_no_order(example: Path) -> None:
    _, reading = played(example)

    assert reading.refusal
    assert reading.refusal.code.isidentifier()
    assert reading.refusal.code == reading.refusal.code.lower()
    assert len(reading.refusal.message) > len(reading.refusal.code)
    assert not reading.orders


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_dialect_has_examples_and_is_found_by_its_folder(folder: Path) -> None:
    assert list(folder.glob("examples/*.json")), "a dialect without examples proves nothing"
    assert FOLDER_NAMES.get(folder.name, folder.name) in {dialect.name for dialect in discover()}
