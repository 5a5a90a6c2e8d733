"""Orders, targets and prices through Bridge's API, with nothing but Python's own library.

    export BRIDGE_URL=http://127.0.0.1:8000 BRIDGE_KEY=brk_…
    python3 trade.py order BUY INFY 10 [--id ID]    buy or sell at the market
    python3 trade.py target INFY -5                 hold that many from now on, whatever is held
    python3 trade.py quote INFY
    python3 trade.py bars INFY 2026-11-01 2026-11-20 [--interval 5m]

Without --id one is made and printed; after a broken connection, send the same order with that id: it cannot act twice.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

STRATEGY = "Python sample"
EXCHANGE = "NSE"


def order(asked: argparse.Namespace) -> dict[str, str]:
    """The members of a placeorder request."""
    return {
        "strategy": STRATEGY,
        "symbol": asked.symbol,
        "exchange": EXCHANGE,
        "action": asked.action,
        "quantity": asked.quantity,
        "pricetype": "MARKET",
        "product": "MIS",
        "client_order_id": asked.id,
    }


def target(asked: argparse.Namespace) -> dict[str, str]:
    """The members of a placesmartorder request. Action and quantity are part of the protocol; the target decides."""
    action = "SELL" if asked.position.startswith("-") else "BUY"
    return {
        "strategy": STRATEGY,
        "symbol": asked.symbol,
        "exchange": EXCHANGE,
        "action": action,
        "quantity": "0",
        "pricetype": "MARKET",
        "product": "MIS",
        "position_size": asked.position,
    }


def request(asked: argparse.Namespace) -> urllib.request.Request:
    """What is sent. The key stands in a header or a body, never in the address: addresses are written to logs."""
    base, key = os.environ["BRIDGE_URL"].rstrip("/"), os.environ["BRIDGE_KEY"]
    if asked.what == "bars":
        query = urllib.parse.urlencode(
            {"interval": asked.interval, "from": asked.first, "to": asked.last, "format": "txt"}
        )
        return urllib.request.Request(
            f"{base}/api/v1/ticker/{EXCHANGE}:{urllib.parse.quote(asked.symbol)}?{query}", headers={"X-API-KEY": key}
        )
    endpoint, members = "quotes", {"symbol": asked.symbol, "exchange": EXCHANGE}
    if asked.what == "order":
        endpoint, members = "placeorder", order(asked)
    elif asked.what == "target":
        endpoint, members = "placesmartorder", target(asked)
    body = json.dumps({"apikey": key, **members}, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json"}
    return urllib.request.Request(f"{base}/api/v1/{endpoint}", data=body, headers=headers, method="POST")


def main() -> int:
    """0 when it was done, 1 when it was refused, 2 when nobody answered."""
    parser = argparse.ArgumentParser(description="Trade through Bridge's API.")
    words = parser.add_subparsers(dest="what", required=True)
    ordering = words.add_parser("order")
    ordering.add_argument("action", choices=["BUY", "SELL"])
    ordering.add_argument("symbol")
    ordering.add_argument("quantity")
    ordering.add_argument("--id", default=uuid.uuid4().hex, help="the order's own id; a new one when left out")
    holding = words.add_parser("target")
    holding.add_argument("symbol")
    holding.add_argument("position")
    words.add_parser("quote").add_argument("symbol")
    charting = words.add_parser("bars")
    charting.add_argument("symbol")
    charting.add_argument("first")
    charting.add_argument("last")
    charting.add_argument("--interval", default="D")
    asked = parser.parse_args()
    if asked.what == "order":
        print(f"id: {asked.id}", file=sys.stderr)
    try:
        with urllib.request.urlopen(request(asked), timeout=30) as answer:
            print(answer.read().decode())
            return 0
    except urllib.error.HTTPError as refusal:
        with refusal:
            print(refusal.read().decode())
            return 1
    except OSError as problem:
        print(f"No answer ({problem}). An order may be sent again with its id; it cannot act twice.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
