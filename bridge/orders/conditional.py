"""Orders that a broker places later, when a price is reached (GTT): what is kept of one, and what must be true of it.

It passes the checks of an order at each of its prices. What can only be judged when it fires is left out or asked more
strictly: nobody here looks at the position, and nobody can be asked, when a broker acts on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.brokers.base import TriggerKind, TriggerLeg, TriggerRequest
from bridge.domain.instrument import Instrument
from bridge.domain.intent import Intent, OrderIntent, OrderType, Product, QuantityType, Side
from bridge.domain.refusal import Refusal
from bridge.orders.checks import (
    CHECKS,
    Check,
    approval_is_given,
    intraday_is_still_possible,
    market_is_open,
    size_can_be_sliced,
)
from bridge.orders.records import IntentRecord
from bridge.orders.situation import Candidate, Situation, Standing

TERMS = "trigger"  # the member of an intent's extras that holds them


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a standing instruction waits for, and until when. `changes` names the trigger at the broker that it replaces."""

    legs: tuple[TriggerLeg, ...]
    expires_at: datetime | None = None
    changes: str | None = None

    @property
    def kind(self) -> TriggerKind:
        """Single, or one cancels the other."""
        return TriggerKind.SINGLE if len(self.legs) == 1 else TriggerKind.OCO

    def to_json(self) -> dict[str, Any]:
        """As an intent carries them: figures as text."""
        return {
            "legs": [
                {
                    "trigger_price": f"{leg.trigger_price:f}",
                    "order_type": leg.order_type.value,
                    "price": None if leg.price is None else f"{leg.price:f}",
                }
                for leg in self.legs
            ],
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "changes": self.changes,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Terms:
        """The terms that `to_json` wrote."""
        return cls(
            legs=tuple(
                TriggerLeg(
                    trigger_price=Decimal(leg["trigger_price"]),
                    order_type=OrderType(leg["order_type"]),
                    price=None if leg["price"] is None else Decimal(leg["price"]),
                )
                for leg in kept["legs"]
            ),
            expires_at=datetime.fromisoformat(kept["expires_at"]) if kept["expires_at"] else None,
            changes=kept["changes"],
        )


def wish_of(
    *, symbol: str, exchange: str, side: Side, quantity: Decimal, product: Product, terms: Terms
) -> OrderIntent:
    """A standing instruction as an intent. Its verb says that it opens: that it closes has to be seen."""
    return OrderIntent(
        intent=Intent.ENTER_LONG if side is Side.BUY else Intent.ENTER_SHORT,
        symbol=symbol,
        exchange=exchange,
        side=side,
        quantity=quantity,
        quantity_type=QuantityType.UNITS,
        order_type=terms.legs[0].order_type,
        price=terms.legs[0].price,
        product=product,
        extras={TERMS: terms.to_json()},
    )


def terms_of(intent: OrderIntent) -> Terms | None:
    """What an intent waits for, if it is a standing instruction."""
    kept = intent.extras.get(TERMS)
    return Terms.of(kept) if kept else None


def request_of(intent: IntentRecord, instrument: Instrument, ref: str) -> TriggerRequest:
    """The instruction of a decided intent in the words of the broker port."""
    wish, terms = intent.wish, terms_of(intent.wish)
    if terms is None or wish.side is None or wish.quantity is None or intent.product is None:
        raise ValueError(f"intent {intent.id} is no standing instruction")
    return TriggerRequest(
        ref=ref,
        instrument=instrument,
        side=wish.side,
        quantity=wish.quantity,
        product=intent.product,
        legs=terms.legs,
        expires_at=terms.expires_at,
    )


def as_way_out(sized: Candidate, standing: Standing | None) -> Candidate:
    """The candidate as one that only closes, where the strategy holds now all that it would close."""
    if standing is None or sized.side is None or sized.quantity is None:
        return sized
    closes = standing.held * sized.side.sign < 0 and sized.quantity <= abs(standing.held)
    return replace(sized, reduces=closes)


def at_each_price(sized: Candidate, terms: Terms) -> Iterator[Candidate]:
    """The orders that could come of it: at each trigger, and at the limit that is placed then."""
    for leg in terms.legs:
        market = replace(sized, order_type=OrderType.MARKET, price=None)
        yield replace(market, trigger_price=leg.trigger_price)
        if leg.price is not None:
            yield replace(sized, order_type=leg.order_type, price=leg.price)


def broker_keeps_triggers(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The account's broker watches for prices."""
    can, account = situation.capabilities, situation.account
    if can is None or account is None or can.gtt:
        return None
    return Refusal(
        "unsupported_by_broker", f"{account.name} keeps no standing instructions ({candidate.instrument.symbol})."
    )


def product_can_wait(candidate: Candidate, _: Situation) -> Refusal | None:
    """What is closed at the end of the day cannot be opened on another."""
    if candidate.product is not Product.MIS:
        return None
    return Refusal("product_not_allowed", "MIS is not allowed for a GTT order; use CNC or NRML.")


def size_is_one_order(candidate: Candidate, situation: Situation) -> Refusal | None:
    """A broker places one order when the price is reached; nobody cuts it into slices then."""
    freeze, quantity = situation.freeze, candidate.quantity
    if freeze is None or freeze.quantity is None or quantity is None or quantity <= freeze.quantity:
        return None
    sentence = f"{quantity:f} units are more than the exchange takes in one order, {freeze.quantity:f}."
    return Refusal("quantity_above_freeze", sentence, {"quantity": quantity, "freeze": freeze.quantity})


def nobody_is_asked_first(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Where a person wants to be asked, nothing may act that cannot ask."""
    if approval_is_given(candidate, situation) is None:
        return None
    said = "A person is to be asked first, and a GTT order acts when nobody can be asked. Nothing was placed."
    return Refusal("approval_not_possible", said)


_WHEN_IT_FIRES = (market_is_open, intraday_is_still_possible)
_STRICTER: dict[Check, tuple[Check, ...]] = {
    size_can_be_sliced: (size_is_one_order,),
    approval_is_given: (product_can_wait, broker_keeps_triggers, nobody_is_asked_first),
}


def _conditional() -> Iterator[Callable[[Candidate, Situation], Refusal | None]]:
    for check in CHECKS:
        if check not in _WHEN_IT_FIRES:
            yield from _STRICTER.get(check, (check,))


CONDITIONAL_CHECKS: tuple[Check, ...] = tuple(_conditional())
