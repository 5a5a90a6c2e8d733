"""What a check that passed had before it, for the alert's page. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable

from bridge.orders import checks
from bridge.orders.checks import Check
from bridge.orders.situation import Candidate, Situation


def _age(_: Candidate, situation: Situation) -> str:
    limits = situation.strategy.settings
    age = situation.alert_age_s
    span = f"limits {limits.entry_max_age_s:g} s for entries, {limits.exit_max_age_s:g} s for exits"
    return f"{span}; the message carries no time" if age is None else f"{age:.1f} s old; {span}"


def _size(candidate: Candidate, situation: Situation) -> str:
    if candidate.quantity is None:
        return "decided by what the strategy holds"
    limit = situation.strategy.settings.quantity_max
    return f"{candidate.quantity.normalize():f} units; {f'limit {limit.normalize():f}' if limit else 'no limit set'}"


def _value(candidate: Candidate, situation: Situation) -> str:
    last = situation.quote.last if situation.quote else None
    if candidate.quantity is None or last is None:
        return "not known before the position is"
    limit = situation.strategy.settings.value_max
    return f"about {candidate.quantity * last:,.2f}; {f'limit {limit:,.2f}' if limit else 'no limit set'}"


def _rate(_: Candidate, situation: Situation) -> str:
    mine, ours = situation.strategy_use, situation.account_use
    return (
        f"this minute {mine.last_minute} by the strategy, {ours.last_minute} on the account;"
        f" today {mine.today} and {ours.today}"
    )


def _loss(_: Candidate, situation: Situation) -> str:
    return f"lost today: {situation.strategy_loss:,.2f} by the strategy, {situation.account_loss:,.2f} on the account"


FIGURES: dict[Check, Callable[[Candidate, Situation], str]] = {
    checks.alert_is_fresh: _age,
    checks.quantity_within_limit: _size,
    checks.value_within_limit: _value,
    checks.orders_within_rate: _rate,
    checks.daily_loss_not_reached: _loss,
    checks.quantity_is_tradable: lambda candidate, _: f"lot {candidate.instrument.lot_size.normalize():f}",
    checks.prices_are_sound: lambda candidate, _: f"tick {candidate.instrument.tick_size.normalize():f}",
    checks.direction_is_allowed: lambda _, situation: f"trades {situation.strategy.settings.direction}",
    checks.size_can_be_sliced: lambda _, situation: (
        situation.freeze.sentence if situation.freeze else "no freeze quantity here"
    ),
}
