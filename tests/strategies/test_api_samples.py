"""Each sample of the API sends exactly the requests beside it, and Bridge does what they ask."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.openalgo.conftest import Trader, asha, client, house
from tests.strategies.platforms import SAMPLES
from tests.strategies.requests import COMMANDS, KEY, REQUESTS, ran

__all__ = ["asha", "client", "house"]

FILES = sorted(SAMPLES.glob("*/requests/*.json"))
MARK = re.compile(r"<\w+>")


def name_of(file: Path) -> str:
    return f"{file.parent.parent.name}-{file.stem}"


def load(file: Path) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return asked


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_sample_sends_the_request_beside_it(file: Path) -> None:
    asked = load(file)

    sent = REQUESTS[file.parent.parent.name](asked)

    assert (sent.method, sent.path, sent.body) == (asked["method"], asked["path"], asked["body"])
    assert asked["headers"].items() <= sent.headers.items()
    assert not MARK.search(sent.path + sent.body)
    assert KEY not in sent.path


@pytest.mark.parametrize("file", FILES, ids=name_of)
async def test_bridge_does_what_a_samples_request_asks(file: Path, asha: Trader) -> None:
    asked = load(file)
    headers = {name: value.replace(KEY, asha.key) for name, value in asked["headers"].items()}

    answer = await asha.client.request(
        asked["method"], asked["path"], headers=headers, content=asked["body"].replace(KEY, asha.key)
    )

    assert answer.status_code == 200, answer.text
    if asked["method"] == "GET":
        assert all(line.startswith(asked["answer"]) for line in answer.text.splitlines())
        assert answer.text
    else:
        assert asked["answer"] in answer.json()
        assert "warnings" not in answer.json()


@pytest.mark.parametrize("sample", COMMANDS)
def test_a_sample_makes_a_new_id_for_each_order_and_tells_it(sample: str) -> None:
    orders = [ran(sample, ["order", "BUY", "INFY", "10"]) for _ in range(2)]

    ids = [json.loads(requests[0].body)["client_order_id"] for requests, _ in orders]
    assert ids[0] != ids[1]
    assert all(own in done.stderr for own, (_, done) in zip(ids, orders, strict=True))


@pytest.mark.parametrize("sample", COMMANDS)
def test_a_refusal_is_printed_and_makes_the_sample_fail(sample: str) -> None:
    requests, done = ran(sample, ["order", "BUY", "INFY", "10"], status=400)

    assert len(requests) == 1
    assert done.returncode == 1
    assert '"accepted"' in done.stdout


@pytest.mark.parametrize("folder", sorted({file.parent.parent.name for file in FILES}))
def test_every_sample_of_the_api_is_in_the_readme(folder: str) -> None:
    section = (SAMPLES / "README.md").read_text(encoding="utf-8").partition(f"\n## {folder}\n")[2].partition("\n## ")[0]

    assert "/api/v1" in section
