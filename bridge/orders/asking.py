"""Intents that wait until a person says yes: how they begin to wait, and what the person is told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bridge.domain.intent import QuantityType, Side
from bridge.domain.lifecycle import IntentState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit.database import Transaction
from bridge.orders import journal
from bridge.orders.checks import APPROVAL_WANTED
from bridge.orders.journal import Notice
from bridge.orders.records import IntentRecord

_PLAIN = (QuantityType.UNITS, QuantityType.SETTING, QuantityType.DEFAULT)
EXPIRED = Refusal("approval_expired", "Nobody approved it in time. Nothing was sent.")


def waiting(
    intent: IntentRecord, why: str, now: int, *, price: Decimal | None, side: Side | None, quantity: Decimal | None
) -> IntentRecord:
    """The intent as it waits from `now` (microseconds) on, with what a person is shown: the last price, side and units."""
    return replace(
        intent,
        state=IntentState.AWAITING_CONFIRM,
        code=APPROVAL_WANTED,
        message=why,
        deadline=now + int(intent.settings.approval_expires_s * 1_000_000),
        approval=replace(intent.approval, price=price, side=side, quantity=quantity),
    )


def describe_wish(intent: IntentRecord) -> str:
    """`BUY 10 INFY`; what its position decides is said in the message's own verb."""
    asked = intent.approval
    verb = asked.side.upper() if asked.side else intent.wish.intent.value.replace("_", " ").upper()
    return " ".join(filter(None, (verb, _size(intent), intent.symbol or "everything the strategy holds")))


def _size(intent: IntentRecord) -> str:
    """Units; where they are not known yet, the message's own number and what it counts."""
    wish, units = intent.wish, intent.approval.quantity
    if units is not None or wish.quantity is None:
        return f"{units.normalize():f}" if units is not None else ""
    counts = "" if wish.quantity_type in _PLAIN else f" {wish.quantity_type.value.replace('_', ' ')} of"
    return f"{wish.quantity.normalize():f}{counts}"


def tell(tx: Transaction, intent: IntentRecord, at: int) -> None:
    """The intent's row was stored waiting: its event, and the notice to its owner."""
    asked = intent.approval
    shown = {"side": asked.side, "quantity": asked.quantity, "price": asked.price, "deadline": intent.deadline}
    journal.event(
        tx,
        "intent.awaiting_confirm",
        Provenance.POLICY,
        at,
        intent.user_id,
        {"title": "Waits for your yes", "code": intent.code, "message": intent.message, **shown},
        account_id=intent.account_id,
        alert_id=intent.alert_id,
        intent_id=intent.id,
    )
    minutes = f"{intent.settings.approval_expires_s / 60:.3g}"
    text = f"{describe_wish(intent)}: {intent.message} Approve or refuse it within {minutes} min, or it expires."
    journal.tell(tx, Notice("approval_wanted", "warning", text), at, intent.user_id, intent.alert_id)


def end_expired(tx: Transaction, now: int) -> None:
    """Whatever waited for longer than it may ends here, and its owner is told."""
    sql = "SELECT * FROM intents WHERE state = 'AWAITING_CONFIRM' AND deadline <= :now LIMIT 200"
    for row in tx.rows(sql, {"now": now}):
        text = f"{row['symbol'] or 'Everything the strategy holds'}: {EXPIRED.message}"
        notice = Notice(EXPIRED.code, "warning", text)
        journal.end_intent(tx, row, IntentState.EXPIRED, now, EXPIRED.code, EXPIRED.message, notice)
