"""Candidates and the situations around them, as checks see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.accounts.model import (
    Account,
    AccountSettings,
    Strategy,
    StrategySettings,
)
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, OrderType, Product, Side, TimeInForce
from bridge.market.hand import HandMarket
from bridge.market.rules import FreezeLimit
from bridge.orders import checks
from bridge.orders.situation import Candidate, Session, Situation
from tests.support.brokers import EVERYTHING
from tests.support.house import ANN, INFY, LISTED, wish

D = Decimal
HALF_PAST_NINE = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)


def candidate(instrument: Instrument = INFY, quantity: Any = 10, **more: Any) -> Candidate:
    made = Candidate(
        intent=wish(Intent.BUY, instrument.symbol),
        instrument=instrument,
        side=Side.BUY,
        quantity=None if quantity is None else D(quantity),
        order_type=OrderType.MARKET,
        product=Product.MIS,
        time_in_force=TimeInForce.DAY,
    )
    return replace(made, **more)


def situation(limits: AccountSettings | None = None, **more: Any) -> Situation:
    names = StrategySettings.model_fields
    settings = StrategySettings(**({"any_symbol": True} | {k: v for k, v in more.items() if k in names}))
    usual: dict[str, Any] = {
        "now": HALF_PAST_NINE,
        "user": ANN,
        "account": Account(id="ac", user_id=ANN.id, name="Main", broker="x", settings=limits or AccountSettings()),
        "strategy": Strategy(id="st", user_id=ANN.id, name="Breakout", enabled=True, settings=settings),
        "source": None,
        "stop": None,
        "capabilities": EVERYTHING,
        "session": Session(True, ""),
        "quote": HandMarket(instruments=LISTED).set_price("NSE:INFY", 100),
    }
    return Situation(**(usual | {k: v for k, v in more.items() if k not in names}))


def no(check: checks.Check, made: Candidate, around: Situation) -> str | None:
    refusal = check(made, around)
    assert refusal is None or refusal.message.endswith((".", "!."))  # a sentence
    return refusal.code if refusal else None


EXIT = candidate(reduces=True)


def freeze(quantity: int | None, *, may_slice: bool = True) -> Situation:
    limit = None if quantity is None else D(quantity)
    return situation(freeze=FreezeLimit(limit, may_slice, "rule", "The figure of the day is not known."))
