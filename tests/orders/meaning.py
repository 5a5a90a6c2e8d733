"""Messages as they come over the wire, put to a house; shared by the tests of what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge.accounts.model import Feed, StrategySettings
from bridge.orders.arrival import Answer
from bridge.orders.sizing import Money
from tests.orders.conftest import OpenHouse
from tests.support.house import ACCOUNT, House, buy, sell

KEY = "3f8c1e0d7b5a49d6a2c4f1e8b7d60935"
OPENALGO = {"apikey": KEY, "strategy": "x", "exchange": "NSE", "symbol": "INFY", "action": "BUY", "quantity": "10"}
OPENALGO |= {"product": "MIS", "pricetype": "MARKET"}
FUNDS_NOT_KNOWN = Money(None, None)
SETTINGS = StrategySettings(any_symbol=True)
FEED = Feed(account_id=ACCOUNT)


async def trading(open_house: OpenHouse, **settings: Any) -> House:
    """A house whose market orders fill at 100, and that trades without the stops a message brings along."""
    house = await open_house(**{"attached_exits": "note", **settings})
    house.broker.fills_at = Decimal(100)
    return house


async def tell(house: House, body: Mapping[str, Any] | list[Any] | str, seconds: float = 3) -> Answer:
    """A message as it came over the wire, and what was answered; then time passes."""
    answer = await house.alert(body=body if isinstance(body, str) else json.dumps(body), read=False)
    await house.run(seconds)
    return answer


async def own(house: House, quantity: int, symbol: str = "INFY", **more: Any) -> None:
    """Hold that many, however the strategy would get there."""
    if quantity:
        verb = buy if quantity > 0 else sell
        await house.alert(verb(symbol, abs(quantity), **({"exchange": None} | more)))
        await house.run(3)


def at(house: House, seconds: float) -> str:
    """A time relative to now, as TradingView writes it."""
    return (house.clock.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def outcome(house: House) -> tuple[str, str]:
    """How the last intent ended: its code and the sentence that people read."""
    last = house.intents()[-1]
    return last["code"] or "", last["message"] or ""
