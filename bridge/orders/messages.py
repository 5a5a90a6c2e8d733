"""What must be true of a message, whatever account it is for: `MESSAGE_CHECKS`, in order; the first refusal ends the journey."""

from __future__ import annotations

from collections.abc import Callable

from bridge.domain.intent import Kind, Reading
from bridge.domain.refusal import Refusal
from bridge.kit.vault import Vault
from bridge.orders.case import Case
from bridge.orders.situation import EXIT_INTENTS

NEVER_TRADES = frozenset({Kind.NOTIFY, Kind.QUERY, Kind.VARIABLE})
# Anyone may stop: a message with one of these switches its strategy off. Only a person switches it on again.
STOPPING = ("stop", "pause", "disable", "kill", "stopbuy", "stopentry")
SQUARE_OFF = "square_off"  # the dialect of the house's own alerts that end the day

MessageCheck = Callable[[Case, Vault], Refusal | None]


def secret_is_right(case: Case, vault: Vault) -> Refusal | None:
    """Where the source asks for a secret in the message, it is there."""
    wanted = case.arrival.source.settings.body_secret_hash
    if not wanted or vault.matches(case.reading.secret or "", wanted):
        return None
    return Refusal("bad_body_secret", "The secret in the message is missing or wrong.")


def message_is_understood(case: Case, _: Vault) -> Refusal | None:
    """Its dialect could read it."""
    return case.reading.refusal


def order_is_due(case: Case, _: Vault) -> Refusal | None:
    """Nobody here would watch for the moment that a conditional order waits for; a broker may be asked to."""
    if case.reading.kind is not Kind.CONDITIONAL or case.arrival.conditional:
        return None
    return Refusal("conditional_unsupported", "Conditional orders are not kept here; send the order when it is due.")


def control_only_stops(case: Case, _: Vault) -> Refusal | None:
    """A message may stop its strategy, close what it holds, or wait; nothing else."""
    reading = case.reading
    if reading.kind is not Kind.CONTROL:
        return None
    closes = all(order.intent in EXIT_INTENTS for order in reading.orders)
    if closes and reading.control in (*STOPPING, "wait", None):
        return None
    message = f"“{reading.control}” is for a person to do: on the page, or with bridge strategy enable."
    return Refusal("control_unsupported", message)


def accounts_are_left_to_the_strategy(case: Case, _: Vault) -> Refusal | None:
    """Who trades, and how much each, stands in the settings."""
    if not case.reading.accounts:
        return None
    message = "The message names accounts with sizes of their own; the strategy's settings decide both."
    return Refusal("accounts_unsupported", message)


def one_bot_is_meant(case: Case, _: Vault) -> Refusal | None:
    """What a bot holds is one strategy's position."""
    if len({str(order.extras["bot"]) for order in case.reading.orders if "bot" in order.extras}) <= 1:
        return None
    return Refusal("several_bots", "The message is for several bots; give each a strategy and an address of its own.")


MESSAGE_CHECKS: tuple[MessageCheck, ...] = (
    secret_is_right,  # first: a stranger learns nothing else
    message_is_understood,
    order_is_due,
    control_only_stops,
    accounts_are_left_to_the_strategy,
    one_bot_is_meant,
)


def first_refusal(case: Case, vault: Vault) -> Refusal | None:
    """The first "no", or None."""
    return next((no for check in MESSAGE_CHECKS if (no := check(case, vault))), None)


def asks_for_orders(reading: Reading) -> bool:
    """Whether something is to be traded, closed or cancelled."""
    return reading.kind not in NEVER_TRADES and not reading.dry_run and bool(reading.orders)


def stops_its_strategy(reading: Reading) -> bool:
    """Whether the strategy is to be switched off."""
    return reading.control in STOPPING


def asks_nobody(reading: Reading) -> bool:
    """Whether what it closes is closed without a person's yes: it stops its strategy, or ends the day."""
    return stops_its_strategy(reading) or reading.dialect == SQUARE_OFF


def licence(reading: Reading) -> str | None:
    """Some dialects' first item is the sender's licence: as good as a password."""
    return reading.account if reading.dialect in ("pineconnector", "tradesgnl") else None
