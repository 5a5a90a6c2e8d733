"""Runs the curl line of a demo's output as a person would paste it, and waits for its order to be filled.

    python3 scripts/paste_demo_curl.py demo.log

The order is looked up through the API, with the key that the demo printed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_S = 20
FILLED = "FILLED"


def pasted(log: str) -> str:
    """The curl line, with the lines it is continued on."""
    match = re.search(r"^ *(curl (?:.*\\\n)*.*)$", log, flags=re.MULTILINE)
    if match is None:
        raise SystemExit("The demo printed no curl line.")
    return match.group(1)


def fetch(address: str, api_key: str) -> dict[str, Any]:
    """JSON, asked for with the key."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {api_key}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        reply: dict[str, Any] = json.load(answer)
    return reply


def accepted(command: str) -> str:
    """The id of the order that the pasted line made. Ends the program when the answer was not 202."""
    shown = f"{command} --silent --show-error --write-out '\\n%{{http_code}}'"
    run = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=False)
    body, _, status = run.stdout.strip().rpartition("\n")
    print(status, body, run.stderr)
    if status != "202":
        raise SystemExit("The pasted line was not accepted.")
    order_id: str = json.loads(body)["orders"][0]["order_id"]
    return order_id


def wait_until_filled(base_url: str, api_key: str, order_id: str) -> None:
    """Ask until the order is filled. Ends the program when patience does."""
    deadline, state = time.monotonic() + PATIENCE_S, ""
    while state != FILLED:
        if time.monotonic() > deadline:
            raise SystemExit(f"{order_id}: still {state} after {PATIENCE_S} s.")
        time.sleep(0.25)
        state = fetch(f"{base_url}/api/v1/orders/{order_id}", api_key)["state"]
    print(f"{order_id}: filled")


def main(log_file: str) -> None:
    """Paste, then wait."""
    log = Path(log_file).read_text(encoding="utf-8")
    command = pasted(log)
    base_url = re.search(r"https?://127\.0\.0\.1:\d+", command)
    api_key = re.search(r"(?im)^.*api key\W+(\S+)", log)
    if base_url is None or api_key is None:
        raise SystemExit("The demo printed no local address or no API key.")
    wait_until_filled(base_url.group(), api_key.group(1), accepted(command))


if __name__ == "__main__":
    main(sys.argv[1])
