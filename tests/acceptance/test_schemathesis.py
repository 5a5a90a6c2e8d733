"""C2: every operation of the OpenAPI description, asked by a machine that reads it, keeps what the description promises."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.accounts.model import AccountSettings, KeySettings, Role
from bridge.api.keys import SCOPES
from bridge.app import Bridge
from bridge.kit.settings import Settings
from tests.acceptance.sizes import Size
from tests.journeys.installation import PASSWORD, Installation

CHECKS = Path(__file__).with_name("schemathesis.toml")
UNHURRIED = str(CHECKS.with_name("unhurried.py"))
ANONYMOUS = "anonymous"
CALLERS = (ANONYMOUS, *Role)
MAY_TRADE = (Role.OWNER, Role.TRADER)
KNOWN = {"symbol": ["SBIN"], "exchange": ["NSE"], "quantity": ["1"]}
RUN_WITHIN_S = 3_600
# Our own resources take the key in a header only.
IN_HEADER = """
[[operations]]
include-tag = "api"
headers = {{ Authorization = "Bearer {}" }}
"""


async def furnish(house: Bridge) -> dict[str, str]:
    """A person of each role with a paper account, whose key has every scope: what a role may not do, its key may not either."""
    keys: dict[str, str] = {}
    free = AccountSettings(orders_per_second=None, orders_per_minute=None, orders_per_day=None)
    fast = KeySettings(orders_per_second=1000, requests_per_second=1000)
    for role in Role:
        user_id = await house.accounts.add_user(role, PASSWORD, role)
        await house.accounts.add_account(user_id, "Practice", "paper", settings=free)
        keys[role] = await house.accounts.add_key(user_id, "machine", SCOPES, settings=fast)
    return keys


@pytest.fixture(scope="module")
def keys_and_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Installation]]:
    folder = tmp_path_factory.mktemp("schemathesis")
    with Installation(folder / "home", f"sqlite:///{folder / 'bridge.db'}") as made:
        settings = Settings(data_dir=made.folder, database_url=made.settings["BRIDGE_DATABASE_URL"])
        house = Bridge(settings)
        keys = asyncio.run(furnish(house))
        house.writer.close()
        house.engine.dispose()
        made.start("up", program=(sys.executable, UNHURRIED))
        yield keys, made


def described(house: Installation, key: str | None) -> dict[str, Any]:
    """The description as its reader has it: that reader knows its own key and name, and what can be traded here."""
    schema: dict[str, Any] = house.http.get("/openapi.json").json()
    return schema if key is None else knowing(schema, key)


def knowing(part: Any, key: str) -> Any:
    """The same with that key wherever one is asked for, and with what can be traded here as examples."""
    if isinstance(part, list):
        return [knowing(each, key) for each in part]
    if not isinstance(part, dict):
        return part
    if part.get("in") == "query" and part.get("name") == "apikey":
        return part | {"required": True, "schema": {"enum": [key]}}
    found = {name: knowing(each, key) for name, each in part.items()}
    if isinstance(members := found.get("properties"), dict):
        for name in KNOWN.keys() & members.keys():
            members[name] = members[name] | {"examples": KNOWN[name]}
        if "apikey" in members:
            members["apikey"] = {"enum": [key]}
    return found


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_is_one_that_the_description_promises(
    keys_and_house: tuple[dict[str, str], Installation],
    caller: str,
    size: Size,
    seed: int,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    keys, house = keys_and_house
    key = keys.get(caller)
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(described(house, key)))
    rules = tmp_path / "schemathesis.toml"
    rules.write_text(CHECKS.read_text() + (IN_HEADER.format(key) if key else ""))
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(rules),
        "--no-color",
        "run",
        str(description),
    ]
    command += ["--url", house.url, "--checks", "all", "--seed", str(seed), "--max-examples", str(size.examples)]
    command += ["--continue-on-failure", "--generation-database", "none"]

    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False)

    tell(f"C2 {caller}: {run.stdout[run.stdout.rfind('Test cases:') :]}")
    assert run.returncode == 0, run.stdout + run.stderr
    assert house.complaints() == []
    traded = {row["name"] for row in house.rows("SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id")}
    assert (caller in traded) == (caller in MAY_TRADE)
