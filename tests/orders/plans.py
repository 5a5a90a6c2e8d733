"""Plans made for the tests of planning and sizing, in one call each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bridge.accounts.model import Feed, StrategySettings
from bridge.brokers.base import Funds
from bridge.domain.instrument import Instrument
from bridge.domain.intent import OrderIntent
from bridge.domain.refusal import Refusal
from bridge.market.hand import HandMarket
from bridge.orders.planning import Step, against_position, candidate
from bridge.orders.situation import Candidate
from bridge.orders.sizing import Mapped, Money
from tests.support.house import COIN, INFY, LISTED

D = Decimal
DOLLAR_COIN = replace(COIN, currency="USDT")
FUNDS = Funds(available=D(8000), used_margin=D(1500), realised=D(0), unrealised=D(500))  # equity 10,000


def money(price: int | None = 100, funds: Funds | None = FUNDS, instrument: Instrument = INFY) -> Money:
    market = HandMarket(instruments=LISTED)
    return Money(market.set_price(instrument.key, price) if price else None, funds)


def plan(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> Candidate | Refusal:
    known = money(more.pop("price", 100), more.pop("funds", FUNDS), instrument)
    mapped = Mapped(instrument, quantity=more.pop("mapped", None), product=more.pop("mapped_product", None))
    feed = Feed(account_id="ac", multiplier=D(more.pop("multiplier", 1)))
    return candidate(intent, mapped, StrategySettings(**more), feed, known)


def planned(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> Candidate:
    made = plan(intent, instrument, **more)
    assert isinstance(made, Candidate), made
    return made


def refused(intent: OrderIntent, instrument: Instrument = INFY, **more: Any) -> str:
    made = plan(intent, instrument, **more)
    assert isinstance(made, Refusal), made
    return made.code


def against(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> Step | Refusal | None:
    known = money(100, more.pop("funds", FUNDS), instrument)
    feed = Feed(account_id="ac", multiplier=D(more.pop("multiplier", 1)))
    settings, mapped = StrategySettings(**more), Mapped(instrument)
    made = candidate(intent, mapped, settings, feed, known)
    assert isinstance(made, Candidate), made
    return against_position(made, D(held), settings, feed, known, mapped)


def step_of(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> Step:
    found = against(intent, held, instrument, **more)
    assert isinstance(found, Step), found
    return found


def refusal_of(intent: OrderIntent, held: Any, instrument: Instrument = INFY, **more: Any) -> str:
    found = against(intent, held, instrument, **more)
    assert isinstance(found, Refusal), found
    return found.code
