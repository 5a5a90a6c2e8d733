"""Sends one order to Bridge, with nothing but Python's own library.

    BRIDGE_WEBHOOK=https://… python3 send.py buy INFY 10 [--id ID]

With BRIDGE_SIGNING_SECRET ("whsec_…") the request is signed after Standard Webhooks. Without --id one is made and
printed; after a broken connection, send the same order with that id: it cannot act twice.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def message(action: str, symbol: str, quantity: str, identity: str) -> bytes:
    """The body of the request."""
    order = {"action": action, "symbol": symbol, "quantity": quantity, "signalId": identity}
    return json.dumps(order, separators=(",", ":")).encode()


def signature(secret: str, identity: str, timestamp: int, body: bytes) -> str:
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, under the secret's base64 part."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(address: str, body: bytes, identity: str, secret: str | None) -> tuple[int, str]:
    """Status and text of the answer. OSError when there was none."""
    headers = {"Content-Type": "application/json"}
    if secret:
        now = int(time.time())
        headers |= {"webhook-id": identity, "webhook-timestamp": str(now)}
        headers["webhook-signature"] = signature(secret, identity, now, body)
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def main() -> int:
    """0 when the alert was accepted, 1 when it was not, 2 when nobody answered."""
    arguments = argparse.ArgumentParser(description="Send one order to Bridge.")
    arguments.add_argument("action", choices=["buy", "sell", "close"])
    arguments.add_argument("symbol")
    arguments.add_argument("quantity")
    arguments.add_argument("--id", default=uuid.uuid4().hex, help="the order's own id; a new one when left out")
    order = arguments.parse_args()
    print(f"id: {order.id}", file=sys.stderr)
    body = message(order.action, order.symbol, order.quantity, order.id)
    try:
        status, text = send(os.environ["BRIDGE_WEBHOOK"], body, order.id, os.environ.get("BRIDGE_SIGNING_SECRET"))
    except OSError as problem:
        print(f"No answer ({problem}). Send it again with --id {order.id}; it cannot act twice.", file=sys.stderr)
        return 2
    print(text)
    return 0 if status == 202 else 1


if __name__ == "__main__":
    sys.exit(main())
