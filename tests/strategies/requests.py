"""The request that each sample of the API sends: by running it where this machine can, else out of its source."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.strategies.platforms import SAMPLES, c_string, filled, found, only_what_is_replaced
from tests.strategies.recorder import Recorded, recording

KEY = "brk_1_secret"
JSON = {"content-type": "application/json"}
COMMANDS = {
    "python": [sys.executable, str(SAMPLES / "python" / "trade.py")],
    "node": ["node", str(SAMPLES / "node" / "trade.mjs")],
}
STAGE = Path(__file__).with_name("apps_script.mjs")


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """The end of a program. Skips where there is no Node, which CI must have."""
    if command[0] == "node" and shutil.which("node") is None:
        assert not os.environ.get("CI"), "node is not installed here; CI must have it"
        pytest.skip("node is not installed here")
    variables = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30, check=False)


def ran(
    sample: str, words: Sequence[str], status: int = 200
) -> tuple[list[Recorded], subprocess.CompletedProcess[str]]:
    """What a sample sent when it was run with those words, and how it ended."""
    with recording(status) as bridge:
        base = bridge.address.partition("/hook/")[0]
        done = run([*COMMANDS[sample], *words], BRIDGE_URL=base, BRIDGE_KEY=KEY)
    return bridge.requests, done


def google_sheets(asked: Mapping[str, Any]) -> Recorded:
    """The script itself, with Google's services played."""
    done = run(["node", str(STAGE), str(SAMPLES / "google-sheets" / "api.gs"), *asked["run"]])
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    path = sent["url"].removeprefix("http://bridge.test")
    return Recorded(path, {"content-type": sent["contentType"]}, sent["payload"], sent["method"].upper())


def excel_vba(asked: Mapping[str, Any]) -> Recorded:
    """A VBA literal, `Replace`, and the address in the procedure that uses it."""
    source, template = (SAMPLES / "excel-vba" / "BridgeApi.bas").read_text(), asked["template"]
    only_what_is_replaced(source, r'Replace\(\w+, "<(\w+)>"', asked["values"])
    literal = found(rf'^Private Const {template} As String = "(.*)"$', source).replace('""', '"')
    (procedure,) = (part for part in re.split(r"^End (?:Sub|Function)$", source, flags=re.M) if f"({template}," in part)
    header = found(r'setRequestHeader "(Content-Type)", "application/json"', source)
    return Recorded(
        found(r'"(/api/v1/\w+)"', procedure),
        {header.lower(): "application/json"},
        filled(literal, "<%s>", asked["values"]),
    )


def amibroker(asked: Mapping[str, Any]) -> Recorded:
    """AFL literals and `StrReplace`: a template to post, or only an address to open."""
    source, values = (SAMPLES / "amibroker" / "api.afl").read_text(), asked["values"]
    only_what_is_replaced(source, r'"<(\w+)>", ', values)
    path = filled(c_string(found(rf'^{asked["template"]}Path = (".*");$', source)), "<%s>", values)
    if asked["template"] == "Bars":
        assert 'InternetSetHeaders("X-API-KEY: " + Key + "\\r\\n")' in source
        return Recorded(path, {"x-api-key": KEY}, "", "GET")
    assert 'InternetSetHeaders("Content-Type: application/json\\r\\n")' in source
    literal = c_string(found(rf'^{asked["template"]}Template = (".*");$', source))
    return Recorded(path, JSON, filled(literal, "<%s>", values))


def program(sample: str) -> Callable[[Mapping[str, Any]], Recorded]:
    """A sample that is run."""

    def sent(asked: Mapping[str, Any]) -> Recorded:
        requests, done = ran(sample, asked["run"])
        assert done.returncode == 0, done.stderr
        (only,) = requests
        return only

    return sent


REQUESTS: dict[str, Callable[[Mapping[str, Any]], Recorded]] = {
    "python": program("python"),
    "node": program("node"),
    "google-sheets": google_sheets,
    "excel-vba": excel_vba,
    "amibroker": amibroker,
}
