"""Each sample sends exactly the messages beside it, and Bridge reads them as they say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.dialects import read
from bridge.webhooks.signature import Verifier
from tests.strategies.platforms import BUILDERS, SAMPLES
from tests.strategies.recorder import recording
from tests.strategies.requests import REQUESTS

FOLDERS = sorted(folder.name for folder in SAMPLES.iterdir() if folder.is_dir())
MESSAGES = sorted(SAMPLES.glob("*/messages/*.json"))
RUN = {
    "curl": ["sh", str(SAMPLES / "curl" / "send.sh")],
    "python": [sys.executable, str(SAMPLES / "python" / "send.py")],
}
PLACEHOLDER = re.compile(r"<\w+>|\{\{.*?\}\}")


def name_of(file: Path) -> str:
    return f"{file.parent.parent.name}-{file.stem}"


def load(file: Path) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return message


def holds(expected: Any, actual: Any) -> bool:
    """Whether everything expected is there; the reading may say more."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(holds(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(holds, expected, actual))
    return bool(expected == actual)


def run_sample(sample: str, address: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if sample == "curl" and shutil.which("curl") is None:
        assert not os.environ.get("CI"), "curl is not installed here; CI must have it"
        pytest.skip("curl is not installed here")
    variables = {"PATH": os.environ["PATH"], "BRIDGE_WEBHOOK": address, **environment}
    return subprocess.run(
        [*RUN[sample], *arguments], env=variables, capture_output=True, text=True, timeout=30, check=False
    )


def in_sequence(sample: str, values: dict[str, str]) -> list[str]:
    named = ["--id", values["id"]] if sample == "python" else [values["id"]]
    return [values["action"], values["symbol"], values["quantity"], *named]


@pytest.mark.parametrize("file", MESSAGES, ids=name_of)
def test_bridge_reads_a_samples_message_as_the_sample_means_it(file: Path) -> None:
    message = load(file)

    reading = read(message["content_type"], message["body"]).to_json()

    assert holds(message["expect"], reading), json.dumps(reading, indent=2)
    assert reading["refusal"] is None
    assert not reading["repaired"]


@pytest.mark.parametrize("file", [file for file in MESSAGES if file.parent.parent.name in BUILDERS], ids=name_of)
def test_a_samples_source_builds_the_message_beside_it(file: Path) -> None:
    message = load(file)

    built = BUILDERS[file.parent.parent.name](message["template"], message["values"])

    assert built == message["body"]
    assert not PLACEHOLDER.search(built)


@pytest.mark.parametrize("file", [file for file in MESSAGES if file.parent.parent.name in RUN], ids=name_of)
def test_a_sample_that_can_run_sends_the_message_beside_it(file: Path) -> None:
    sample, message = file.parent.parent.name, load(file)

    with recording() as bridge:
        run = run_sample(sample, bridge.address, *in_sequence(sample, message["values"]))

    assert run.returncode == 0, run.stderr
    assert [request.body for request in bridge.requests] == [message["body"]]
    assert bridge.requests[0].headers["content-type"] == message["content_type"]
    assert message["values"]["id"] in run.stderr
    assert '"accepted"' in run.stdout


@pytest.mark.parametrize("sample", RUN)
def test_a_sample_makes_a_new_id_for_each_order_it_is_not_given_one_for(sample: str) -> None:
    with recording() as bridge:
        for _ in range(2):
            run_sample(sample, bridge.address, "buy", "INFY", "10")

    ids = {json.loads(request.body)["signalId"] for request in bridge.requests}
    assert len(ids) == 2


@pytest.mark.parametrize("sample", RUN)
def test_a_refusal_is_printed_and_makes_the_sample_fail(sample: str) -> None:
    with recording(status=422) as bridge:
        run = run_sample(sample, bridge.address, "buy", "INFY", "10")

    assert run.returncode != 0
    assert bridge.answer in run.stdout


def test_the_shell_sample_refuses_words_that_would_break_out_of_its_message() -> None:
    with recording() as bridge:
        run = run_sample("curl", bridge.address, "buy", 'INFY","quantity":"9000', "10")

    assert run.returncode == 2
    assert not bridge.requests


def test_the_python_sample_signs_after_standard_webhooks() -> None:
    key = bytes(range(32))
    secret = "whsec_" + base64.b64encode(key).decode()

    with recording() as bridge:
        run_sample("python", bridge.address, "buy", "INFY", "10", "--id", "row-1", BRIDGE_SIGNING_SECRET=secret)

    (request,) = bridge.requests
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.{request.body}"
    digest = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{digest}"
    assert request.headers["webhook-id"] == "row-1"
    stamp, given = request.headers["webhook-timestamp"], request.headers["webhook-signature"]
    flaw = Verifier(secret).flaw(b"row-1", stamp.encode(), given.encode(), request.body.encode(), time.time())
    assert flaw is None


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sample_says_what_it_sends_and_has_a_paragraph(folder: str) -> None:
    messages, requests = (list((SAMPLES / folder / kind).glob("*.json")) for kind in ("messages", "requests"))
    assert messages or requests
    assert f"\n## {folder}\n" in (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert not messages or folder in BUILDERS | RUN
    assert not requests or folder in REQUESTS


@pytest.mark.parametrize("file", sorted(SAMPLES.rglob("*.py")), ids=lambda file: file.name)
def test_a_sample_imports_nothing_of_bridge(file: Path) -> None:
    assert not re.search(r"^\s*(?:from|import)\s+bridge\b", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
