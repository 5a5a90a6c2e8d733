"""The checks, asked once more where an order is decided for an intent that was accepted a while ago."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.domain.refusal import Refusal
from bridge.kit.clock import micros
from bridge.orders.checks import (
    CHECKS,
    Check,
    alert_is_fresh,
    alert_is_in_order,
    first_refusal,
    orders_within_rate,
    owner_may_trade,
    strategy_is_on,
)
from bridge.orders.records import IntentRecord
from bridge.orders.situation import Candidate

if TYPE_CHECKING:
    from bridge.orders.desk import Services

# Age and order of alerts were judged when the alert came; here its deadline decides.
# A strategy that was switched off meanwhile still finishes what it was asked for.
CHECKS_OF_ORDERS = tuple(check for check in CHECKS if check not in (alert_is_fresh, alert_is_in_order, strategy_is_on))
# A changed order was counted when it was placed.
CHECKS_OF_CHANGES = tuple(check for check in CHECKS_OF_ORDERS if check is not orders_within_rate)


def recheck(
    intent: IntentRecord, decided: Candidate, shared: Services, checks: tuple[Check, ...] = CHECKS_OF_ORDERS
) -> Refusal | None:
    """The first "no" to what was decided for an intent, under the settings it was made under.

    An owner who was switched off meanwhile opens nothing more; what was asked to close still goes out.
    """
    if decided.is_entry and micros(shared.clock.now()) >= intent.opens_until:
        return Refusal("alert_too_old", "The alert is too old to open a position on.")
    strategy = shared.directory.snapshot.strategies.get(intent.strategy_id)
    if strategy is None:
        return Refusal("strategy_gone", "The strategy was removed before its intent could be planned.")
    made_under = replace(strategy, settings=intent.settings)
    situation = shared.survey.situation(decided, made_under, intent.account_id, None, approval=intent.approval)
    if not decided.is_entry:
        checks = tuple(check for check in checks if check is not owner_may_trade)
    return first_refusal(decided, situation, checks)
